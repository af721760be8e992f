package console

import (
	"fmt"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// chart is outcomes and latency over time, as parts.html draws them: bars that are
// stacked, two lines below them, and the same numbers in a table.
type chart struct {
	Buckets []bucket
	// Bars are drawn in a box of Width times Height, Half and Nearly, the points of
	// two lines of latency, in one of Width times Low.
	Bars               []bar
	Half, Nearly       string
	Width, Height, Low int
	// Most is the highest bar, Slowest the highest point of the lines.
	Most    int
	Slowest time.Duration
	// Note says what it is made of.
	Note string
	// Partial says that the time before the oldest of it was not read, which is
	// shaded.
	Partial bool
}

// bucket is a part of the time.
type bucket struct {
	From                           time.Time
	Delivered, Retrying, Exhausted int
	P50, P99                       time.Duration
}

func (b bucket) count() int { return b.Delivered + b.Retrying + b.Exhausted }

// bar is a rectangle of one colour.
type bar struct {
	Kind       string
	X, Y, W, H string
}

const (
	chartWidth  = 720
	chartHeight = 120
	chartLow    = 56
	barGap      = 4
)

// chartOf spreads deliveries over equal parts of a time, by their acceptance.
func chartOf(rows []notification.Delivery, from, to time.Time, parts int, note string) chart {
	c := chart{Buckets: make([]bucket, parts), Width: chartWidth, Height: chartHeight, Low: chartLow, Note: note}
	step := to.Sub(from) / time.Duration(parts)
	took := make([][]time.Duration, parts)
	for i := range c.Buckets {
		c.Buckets[i].From = from.Add(time.Duration(i) * step)
	}
	for _, d := range rows {
		i := int(d.AcceptedAt.Sub(from) / step)
		if i < 0 || i > parts {
			continue
		}
		i = min(i, parts-1)
		b := &c.Buckets[i]
		switch d.Status {
		case notification.Delivered:
			b.Delivered++
		case notification.Retrying:
			b.Retrying++
		default:
			b.Exhausted++
		}
		if n := len(d.Attempts); n > 0 {
			took[i] = append(took[i], d.Attempts[n-1].Duration)
		}
	}
	for i := range c.Buckets {
		b := &c.Buckets[i]
		b.P50, b.P99 = percentile(took[i], 50), percentile(took[i], 99)
		c.Most, c.Slowest = max(c.Most, b.count()), max(c.Slowest, b.P99)
	}
	c.draw()
	return c
}

func (c *chart) draw() {
	wide := float64(chartWidth) / float64(len(c.Buckets))
	for i, b := range c.Buckets {
		x, y := float64(i)*wide+barGap/2, float64(chartHeight)
		for _, part := range []struct {
			kind  string
			count int
		}{{"good", b.Delivered}, {"warn", b.Retrying}, {"bad", b.Exhausted}} {
			if part.count == 0 {
				continue
			}
			high := max(2, float64(part.count)/float64(c.Most)*(chartHeight-8))
			y -= high
			c.Bars = append(c.Bars, bar{part.kind, places(x), places(y), places(wide - barGap), places(high)})
		}
		if b.count() > 0 && c.Slowest > 0 {
			middle := places(x + (wide-barGap)/2)
			c.Half += middle + "," + c.level(b.P50) + " "
			c.Nearly += middle + "," + c.level(b.P99) + " "
		}
	}
}

// level is the height of a latency.
func (c *chart) level(d time.Duration) string {
	return places(chartLow - 4 - float64(d)/float64(c.Slowest)*(chartLow-8))
}

// of shades the time before the oldest delivery of a page, where older ones were
// left unread: an empty part would say that nothing had happened.
func (c chart) of(page notification.LogPage) chart {
	if page.Next == "" || len(page.Rows) == 0 {
		return c
	}
	oldest := page.Rows[len(page.Rows)-1].AcceptedAt
	unread := 0
	for unread+1 < len(c.Buckets) && !c.Buckets[unread+1].From.After(oldest) {
		unread++
	}
	if unread > 0 {
		wide := float64(unread) * float64(chartWidth) / float64(len(c.Buckets))
		c.Bars = append([]bar{{"unread", "0", "0", places(wide), places(chartHeight)}}, c.Bars...)
		c.Partial = true
	}
	return c
}

// Used are the parts in which anything came, for the table.
func (c chart) Used() []bucket {
	var used []bucket
	for _, b := range c.Buckets {
		if b.count() > 0 {
			used = append(used, b)
		}
	}
	return used
}

func places(x float64) string { return fmt.Sprintf("%.1f", x) }

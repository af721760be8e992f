package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// What is examined for one page at most: rows that a filter drops cost as much as
// those that it lets pass.
const (
	maxExamined = 10_000
	maxQueries  = 500
)

// Log reads a page of an environment's log. Failed deliveries come from the index
// that has them alone, all others from the hours that have rows, so that a page
// costs the same wherever it is; a filter that few rows pass can leave a page
// short, with more to come.
func (t *Table) Log(ctx context.Context, q notification.LogQuery) (notification.LogPage, error) {
	page, err := t.log(ctx, q)
	if err != nil {
		return notification.LogPage{}, fmt.Errorf("read log of %s: %w", q.CloudName, err)
	}
	return page, nil
}

func (t *Table) log(ctx context.Context, q notification.LogQuery) (notification.LogPage, error) {
	r := logReader{table: t, query: q, budget: &budget{rows: cmp.Or(q.Examine, maxExamined), queries: maxQueries}}
	r.first, r.last = lowest(q.From), highest(q.To)
	if q.Before != "" && q.Before <= r.last {
		r.last, r.exclusive = q.Before, true
	}
	if q.Status == notification.Exhausted && !q.Events {
		return r.failed(ctx)
	}
	to := q.To
	if id, err := ulid.ParseStrict(q.Before); err == nil && ulid.Time(id.Time()).Before(to) {
		to = ulid.Time(id.Time())
	}
	hours, err := t.markedHours(ctx, q.CloudName, q.From, to)
	if err != nil {
		return notification.LogPage{}, err
	}
	var page notification.LogPage
	for _, h := range hours {
		m := merge{reader: &r}
		for _, partition := range h.partitions {
			m.sources = append(m.sources, &source{partition: partition, readTo: min(r.last, highest(h.end))})
		}
		done, err := m.fill(ctx, &page)
		if err != nil || done {
			return page, err
		}
	}
	return page, nil
}

// failed reads the index of what is exhausted, which holds keys: the records are
// read beside it, and the filter is ours.
func (r *logReader) failed(ctx context.Context) (notification.LogPage, error) {
	r.index = true
	var page notification.LogPage
	m := merge{reader: r}
	for shard := range shards {
		m.sources = append(m.sources, &source{partition: failedPartition(r.query.CloudName, shard), readTo: r.last})
	}
	_, err := m.fill(ctx, &page)
	return page, err
}

// lowest and highest are the bounds of the ids of a time.
func lowest(t time.Time) string {
	var id ulid.ULID
	_ = id.SetTime(milliseconds(t)) // within what a ULID holds: see milliseconds
	return id.String()
}

func highest(t time.Time) string {
	var id ulid.ULID
	_ = id.SetTime(milliseconds(t)) // as above
	_ = id.SetEntropy(slices.Repeat([]byte{0xff}, 10))
	return id.String()
}

// milliseconds is a time as a ULID has it, or the nearest that one can have.
func milliseconds(t time.Time) uint64 {
	return uint64(min(max(t.UnixMilli(), 0), int64(ulid.MaxTime()))) //nolint:gosec // not negative
}

// budget is what may still be examined for a page.
type budget struct{ rows, queries int }

func (b *budget) spent() bool { return b.rows <= 0 || b.queries <= 0 }

// source is a partition that is read backwards, a few rows at a time.
type source struct {
	partition string
	// rows are those that were read and not taken yet; all others above readTo
	// were dropped by the filter or taken.
	rows   []notification.Delivery
	readTo string
	// started says that readTo was examined, ended that nothing is left below it.
	started, ended bool
}

// merge takes the rows of several partitions in the order of their ids, the
// latest first.
type merge struct {
	reader  *logReader
	sources []*source
}

// errSpent says that a page ends because enough was examined for it.
var errSpent = errors.New("enough was examined")

// fill adds rows to a page. It reports whether the page is over: it then says
// where the next one goes on.
func (m merge) fill(ctx context.Context, page *notification.LogPage) (done bool, err error) {
	for {
		next, err := m.next(ctx)
		switch {
		case errors.Is(err, errSpent):
			page.Next = m.position()
			return true, nil
		case err != nil || next == nil:
			return false, err
		case len(page.Rows) == m.reader.query.Limit:
			page.Next = page.Rows[len(page.Rows)-1].DeliveryID
			return true, nil
		}
		page.Rows = append(page.Rows, next.rows[0])
		next.rows = next.rows[1:]
	}
}

// next returns the source whose first row comes next, nil at the end. A row comes
// next when every source was read down to it.
func (m merge) next(ctx context.Context) (*source, error) {
	for {
		var best *source
		for _, s := range m.sources {
			if len(s.rows) > 0 && (best == nil || s.rows[0].DeliveryID > best.rows[0].DeliveryID) {
				best = s
			}
		}
		var behind []*source
		for _, s := range m.sources {
			if len(s.rows) == 0 && !s.ended && (best == nil || s.readTo >= best.rows[0].DeliveryID) {
				behind = append(behind, s)
			}
		}
		if len(behind) == 0 {
			return best, nil
		}
		if m.reader.budget.spent() {
			return nil, errSpent
		}
		if err := m.reader.readOn(ctx, behind, len(m.sources)); err != nil {
			return nil, err
		}
	}
}

// position is the row that all are read down to: the next page begins after it.
func (m merge) position() string {
	position := ""
	for _, s := range m.sources {
		// What has rows was read further than others, and is read again.
		if len(s.rows) == 0 && !s.ended {
			position = max(position, s.readTo)
		}
	}
	return position
}

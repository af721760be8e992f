package main

import (
	"slices"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// figures is what is seen of a run.
type figures struct {
	// from is when the disturbance begins, until how long the quiet environment is
	// watched, and watch from when on.
	from, until, watch time.Duration
	// took is what the quiet environment's events took, from accepted to received.
	took []time.Duration
	// late is how long after they were due the retries of failing endpoints were
	// received.
	late []time.Duration
	// peakFirst and peakSlow are the most places in use since the disturbance.
	peakFirst, peakSlow int
	// posts to the noisy endpoints, and by second.
	posts    int
	bySecond map[int]int
	// passedOn to the slow lane, and putBack on the first.
	passedOn, putBack int
	// tried and done are how long after the disturbance began the last noisy
	// delivery was attempted for the first time, and ended.
	tried, done time.Duration
	// recovered is when a noisy endpoint answers again, 0 for never; from then on,
	// proven is when that was first written down, firstAgain when the first lane
	// next POSTed to it, and slowAgain how often it was marked as slow.
	recovered, proven, firstAgain time.Duration
	slowAgain                     int

	ends int
	// longest is the longest invocation.
	longest time.Duration
	faults  []string
}

func (f *figures) peak(lane notification.Lane, busy int, now time.Duration) {
	switch {
	case now < f.from:
	case lane == notification.First:
		f.peakFirst = max(f.peakFirst, busy)
	default:
		f.peakSlow = max(f.peakSlow, busy)
	}
}

// posted is called when a POST is made that will be received at a time.
func (f *figures) posted(t *task, lane notification.Lane, received time.Duration) {
	switch to := t.to; {
	case to.quiet && t.Attempt == 1:
		accepted := t.AcceptedAt.Sub(epoch)
		if accepted >= f.watch && accepted < f.until {
			f.took = append(f.took, received-accepted)
		}
	case to.failing && t.Attempt > 1:
		f.late = append(f.late, received-t.DueAt.Sub(epoch))
	case to.noisy && received >= f.from:
		f.posts++
		if f.bySecond == nil {
			f.bySecond = make(map[int]int)
		}
		f.bySecond[int(received/time.Second)]++
		if lane == notification.First && f.proven > 0 && f.firstAgain == 0 {
			f.firstAgain = received
		}
	}
}

// passed is called for a message that was passed on, to a lane.
func (f *figures) passed(to notification.Lane) {
	if to == notification.Slow {
		f.passedOn++
		return
	}
	f.putBack++
}

func (f *figures) attempted(t *task, now time.Duration) {
	if t.to.noisy && t.Attempt == 1 && now >= f.from {
		f.tried = now - f.from
	}
}

func (f *figures) ended(of *endpoint, now time.Duration) {
	f.ends++
	if of.noisy && now >= f.from {
		f.done = now - f.from
	}
}

// learned is called when the health of an endpoint was written.
func (f *figures) learned(of *endpoint, health notification.Health, now time.Duration) {
	switch {
	case !of.noisy || f.recovered == 0 || now < f.recovered:
	case !health.SlowSince.IsZero():
		f.slowAgain++
	case f.proven == 0:
		f.proven = now
	}
}

// busiest is the most POSTs that the recovered endpoint got in a second.
func (f *figures) busiest() (posts int) {
	for second, n := range f.bySecond {
		if second >= int(f.recovered/time.Second) {
			posts = max(posts, n)
		}
	}
	return posts
}

// merge adds those of another run of the same setup: samples and counts together,
// and of all that has a worst the worst.
func (f *figures) merge(other figures) {
	f.took = append(f.took, other.took...)
	f.late = append(f.late, other.late...)
	f.peakFirst, f.peakSlow = max(f.peakFirst, other.peakFirst), max(f.peakSlow, other.peakSlow)
	f.posts += other.posts
	f.passedOn += other.passedOn
	f.putBack += other.putBack
	f.tried, f.done = max(f.tried, other.tried), max(f.done, other.done)
	f.recovered = other.recovered
	f.proven, f.firstAgain = max(f.proven, other.proven), max(f.firstAgain, other.firstAgain)
	f.slowAgain += other.slowAgain
	for second, n := range other.bySecond {
		if f.bySecond == nil {
			f.bySecond = make(map[int]int)
		}
		f.bySecond[second] = max(f.bySecond[second], n)
	}
}

// percentile sorts what it is given.
func percentile(took []time.Duration, p int) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[min(len(took)-1, len(took)*p/100)]
}

package notificationtest

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Holds is the hold queue in memory, on a virtual clock: a hold comes back when
// its time is over, or before, after the 15 minutes that a queue can make it
// wait.
type Holds struct {
	Faults
	now     func() time.Time
	mu      sync.Mutex
	waiting []waiting
}

// waiting is a hold in the queue, as JSON: what comes back has been encoded and
// decoded, as it is with the real one.
type waiting struct {
	body      []byte
	visibleAt time.Time
}

// NewHolds returns an empty hold queue on the given clock.
func NewHolds(now func() time.Time) *Holds { return &Holds{now: now} }

// StartHolds puts holds on the queue. See intake.Clock.
func (q *Holds) StartHolds(ctx context.Context, holds []notification.Hold) (failed map[int]error) {
	q.called("StartHolds")
	for i, hold := range holds {
		call := Call{Op: "StartHolds", Index: i, Key: hold.EventID}
		if err := q.effect(ctx, call, func() error { return q.start(hold) }); err != nil {
			failed = fail(failed, i, err)
		}
	}
	return failed
}

func (q *Holds) start(hold notification.Hold) error {
	body, err := json.Marshal(hold)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	q.waiting = append(q.waiting, waiting{body, now.Add(delayOf(hold.Until.Sub(now)))})
	return nil
}

// Due takes the holds that can be received by now, those due longest first.
func (q *Holds) Due() []notification.Hold {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	i := slices.IndexFunc(q.sorted(), func(w waiting) bool { return w.visibleAt.After(now) })
	if i < 0 {
		i = len(q.waiting)
	}
	due := holdsOf(q.waiting[:i])
	q.waiting = slices.Clone(q.waiting[i:])
	return due
}

// Waiting returns the holds on the queue, in the order in which they can be
// received.
func (q *Holds) Waiting() []notification.Hold {
	q.mu.Lock()
	defer q.mu.Unlock()
	return holdsOf(q.sorted())
}

// NextAt returns when the next hold can be received, which may be in the past.
// It reports false for an empty queue.
func (q *Holds) NextAt() (time.Time, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return time.Time{}, false
	}
	return q.sorted()[0].visibleAt, true
}

// sorted returns what waits, the next one first.
func (q *Holds) sorted() []waiting {
	slices.SortStableFunc(q.waiting, func(a, b waiting) int { return a.visibleAt.Compare(b.visibleAt) })
	return q.waiting
}

func holdsOf(list []waiting) []notification.Hold {
	var holds []notification.Hold
	for _, w := range list {
		var hold notification.Hold
		if err := json.Unmarshal(w.body, &hold); err != nil {
			panic(err) // start made it
		}
		holds = append(holds, hold)
	}
	return holds
}

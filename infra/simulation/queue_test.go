package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// The endpoints of these tests: two of a loud environment, two of others.
var (
	loud   = &endpoint{index: 0, environment: 0}
	second = &endpoint{index: 1, environment: 0}
	calm   = &endpoint{index: 2, environment: 1}
	other  = &endpoint{index: 3, environment: 2}
)

func newQueue(by grouping) (*queue, *clock) {
	c := &clock{}
	return &queue{clock: c, draws: rand.New(rand.NewPCG(1, 1)), grouping: by, arrived: func() {}}, c
}

func put(q *queue, to *endpoint, n int) {
	for range n {
		q.send(&message{to: to, Message: notification.Message{DueAt: q.time()}})
	}
}

// received counts the messages of a batch by endpoint.
func received(q *queue, n int) (counts map[*endpoint]int, receipts []receipt) {
	batch, receipts := q.receive(n)
	counts = make(map[*endpoint]int)
	for _, m := range batch {
		counts[m.to]++
	}
	return counts, receipts
}

func TestDelayIsRoundedUp(t *testing.T) {
	for _, test := range []struct{ due, want time.Duration }{
		{-time.Second, 0}, {0, 0}, {time.Millisecond, time.Second}, {2 * time.Second, 2 * time.Second}, {2001 * time.Millisecond, 3 * time.Second},
	} {
		q, c := newQueue(noGroups)
		shown := time.Duration(-1)
		q.arrived = func() { shown = c.now }
		q.send(&message{to: loud, Message: notification.Message{DueAt: q.time().Add(test.due)}})
		c.run()
		if shown != test.want {
			t.Errorf("due in %s: visible after %s, want %s", test.due, shown, test.want)
		}
	}
}

func TestUnfairQueueIsRoughlyFirstInFirstOut(t *testing.T) {
	q, _ := newQueue(noGroups)
	put(q, loud, 1000)
	put(q, calm, 1)
	for taken := 0; ; taken += batchSize {
		if counts, _ := received(q, batchSize); counts[calm] == 1 {
			if taken < 1000-sampled {
				t.Errorf("received after %d of 1000 that were there before", taken)
			}
			return
		}
	}
}

func TestFairQueueServesTheQuietFirst(t *testing.T) {
	q, _ := newQueue(byEnvironment)
	put(q, loud, 1000)
	for range 3 {
		received(q, batchSize)
	}
	put(q, calm, 4)
	counts, _ := received(q, batchSize)
	if counts[calm] != 4 || counts[loud] != 6 {
		t.Errorf("received %d quiet and %d noisy messages, want 4 and 6", counts[calm], counts[loud])
	}
}

func TestGroupIsNotNoisyBelowItsShare(t *testing.T) {
	q, _ := newQueue(byEnvironment)
	put(q, loud, 1000)
	for range 2 {
		received(q, batchSize) // 20 in flight
	}
	put(q, calm, 4)
	if counts, _ := received(q, batchSize); counts[calm] != 0 {
		t.Errorf("received %d messages of a later group, and the first is not noisy yet", counts[calm])
	}
}

func TestSlowGroupIsNoisyByItsTime(t *testing.T) {
	q, c := newQueue(byEnvironment)
	put(q, loud, 20)
	_, receipts := received(q, 1)
	c.after(20*time.Second, func() {
		q.remove(receipts)
		put(q, calm, 1)
		if counts, _ := received(q, 1); counts[calm] != 1 {
			t.Error("the group that took all the time is served first")
		}
	})
	c.run()
}

func TestOfNoisyGroupsTheOneWithFewestInFlightIsServed(t *testing.T) {
	q, _ := newQueue(byEnvironment)
	put(q, loud, 200)
	put(q, calm, 200)
	for range 14 {
		received(q, batchSize)
	}
	mine, theirs := q.groups[loud.environment], q.groups[calm.environment]
	if !mine.noisy || !theirs.noisy {
		t.Fatal("both should be noisy")
	}
	if mine.inFlight+theirs.inFlight != 140 || max(mine.inFlight, theirs.inFlight) > 71 {
		t.Errorf("in flight %d and %d, want them even", mine.inFlight, theirs.inFlight)
	}
}

func TestGroupIsQuietWhenItsBacklogIsGone(t *testing.T) {
	q, _ := newQueue(byEnvironment)
	put(q, loud, 40)
	for range 4 {
		received(q, batchSize)
	}
	put(q, other, 1)
	received(q, batchSize)
	if q.groups[loud.environment].noisy {
		t.Error("noisy without a backlog")
	}
}

func TestNoisyGroupsAreFoundAfterAWhile(t *testing.T) {
	q, c := newQueue(byEnvironment)
	q.detect = 5 * time.Second
	put(q, loud, 1000)
	for range 5 {
		received(q, batchSize)
	}
	for _, test := range []struct {
		at    time.Duration
		noisy bool
	}{{4 * time.Second, false}, {5 * time.Second, true}} {
		c.after(test.at, func() {
			received(q, batchSize)
			if got := q.groups[loud.environment].noisy; got != test.noisy {
				t.Errorf("after %s noisy is %t", test.at, got)
			}
		})
	}
	c.run()
}

// By origin, an environment can hide behind many of them.
func TestGroupings(t *testing.T) {
	for _, test := range []struct {
		by   grouping
		want int
	}{{noGroups, 1}, {byOrigin, 3}, {byEnvironment, 2}} {
		q, _ := newQueue(test.by)
		for _, e := range []*endpoint{loud, second, calm} {
			put(q, e, 1)
		}
		groups := 0
		for _, g := range q.groups {
			if g.waiting() > 0 {
				groups++
			}
		}
		if groups != test.want {
			t.Errorf("by %s: %d groups, want %d", test.by, groups, test.want)
		}
	}
}

func TestQueueLosesNothing(t *testing.T) {
	for _, by := range []grouping{noGroups, byOrigin, byEnvironment} {
		q, _ := newQueue(by)
		put(q, loud, 300)
		put(q, second, 200)
		put(q, calm, 100)
		seen := make(map[*message]bool)
		for q.visible > 0 {
			batch, receipts := q.receive(7)
			for _, m := range batch {
				if seen[m] {
					t.Fatalf("by %s: a message was received twice", by)
				}
				seen[m] = true
			}
			q.remove(receipts)
		}
		if len(seen) != 600 || q.inFlight != 0 {
			t.Errorf("by %s: %d of 600 received, %d in flight", by, len(seen), q.inFlight)
		}
	}
}

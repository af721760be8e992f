package history_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// sweepTest is a sweep over fakes, on a clock that the test moves.
type sweepTest struct {
	history.Sweep
	clock *notificationtest.Clock
	store *notificationtest.Store
	queue *notificationtest.Queue
}

func newSweepTest() *sweepTest {
	clock := notificationtest.NewClock(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
	store, queue := notificationtest.NewStore(clock.Now), notificationtest.NewQueue(clock.Now)
	return &sweepTest{history.Sweep{Overdue: store, Queue: queue, Now: clock.Now}, clock, store, queue}
}

// retrying records a delivery after a failed attempt, whose next one is due then.
func (s *sweepTest) retrying(t *testing.T, attempts int, due time.Time) notification.Delivery {
	t.Helper()
	d := notification.Delivery{
		DeliveryKey: notification.DeliveryKey{CloudName: "demo", DeliveryID: ulid.Make().String()},
		EventID:     "event", NotificationType: "upload", URL: "https://example.com/hook?token=1",
		Status: notification.Retrying, AcceptedAt: s.clock.Now(), NextAt: due, NextLane: notification.Slow,
	}
	for n := range attempts {
		d.Attempted(notification.Attempt{Number: n + 1, StartedAt: s.clock.Now(), Reason: notification.ReasonStatus})
		if failed := s.store.RecordAttempts(t.Context(), []notification.Delivery{d}); len(failed) > 0 {
			t.Fatal(failed)
		}
	}
	return d
}

func (s *sweepTest) run(t *testing.T, want history.Swept) []notification.Message {
	t.Helper()
	got, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("swept (-want +got):\n%s", diff)
	}
	var messages []notification.Message
	for _, received := range s.queue.Receive(notification.Slow, 10) {
		s.queue.Delete(received)
		messages = append(messages, received.Message)
	}
	return messages
}

func TestSweepQueuesWhatIsLate(t *testing.T) {
	s := newSweepTest()
	start := s.clock.Now()
	s.retrying(t, 1, start.Add(time.Second))
	lost := s.retrying(t, 3, start)
	if got := s.run(t, history.Swept{}); len(got) != 0 {
		t.Fatalf("queued %v", got)
	}
	s.clock.Advance(15*time.Minute - time.Nanosecond)
	s.run(t, history.Swept{})
	s.clock.Advance(time.Nanosecond)
	got := s.run(t, history.Swept{Found: 1, Queued: 1, Oldest: 15 * time.Minute})
	want := []notification.Message{{
		CloudName: "demo", EventID: "event", DeliveryID: lost.DeliveryID, Attempt: 4, Lane: notification.Slow,
		DueAt: s.clock.Now(), Origin: "https://example.com", Received: 1,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("queued (-want +got):\n%s", diff)
	}
}

// A queue that is hours behind must not fill with copies.
func TestSweepCopiesFewerAndFewer(t *testing.T) {
	s := newSweepTest()
	s.retrying(t, 1, s.clock.Now())
	var at []int
	for minute := range 300 {
		got, err := s.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.Queued > 0 {
			at = append(at, minute)
		}
		s.clock.Advance(time.Minute)
	}
	if diff := cmp.Diff([]int{15, 30, 60, 120, 240}, at); diff != "" {
		t.Errorf("minutes of copies (-want +got):\n%s", diff)
	}
}

// What could not be sent is found by the next sweep, and keeps nothing else.
func TestSweepFault(t *testing.T) {
	s := newSweepTest()
	s.retrying(t, 1, s.clock.Now())
	s.retrying(t, 1, s.clock.Now())
	s.clock.Advance(time.Hour)
	fault := errors.New("no queue today")
	s.queue.OnCall(func(c notificationtest.Call) error {
		if c.Index == 0 {
			return fault
		}
		return nil
	})
	got, err := s.Run(t.Context())
	if !errors.Is(err, fault) || got.Found != 2 || got.Queued != 1 || got.Failed != 1 {
		t.Fatalf("got %+v, %v, want one of two queued", got, err)
	}
	s.queue.OnCall(nil)
	for _, received := range s.queue.Receive(notification.Slow, 10) {
		s.queue.Delete(received)
	}
	if got := s.run(t, history.Swept{Found: 1, Queued: 1, Oldest: time.Hour}); len(got) != 1 {
		t.Errorf("queued %v, want the one that failed", got)
	}
}

// A sweep that runs out of time stops between pages.
func TestSweepStops(t *testing.T) {
	s := newSweepTest()
	for range 150 {
		s.retrying(t, 1, s.clock.Now())
	}
	s.clock.Advance(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	s.queue.OnCall(func(notificationtest.Call) error {
		cancel()
		return nil
	})
	got, err := s.Run(ctx)
	if !errors.Is(err, context.Canceled) || got.Found != 100 {
		t.Errorf("got %+v, %v, want a page of 100 and the context's end", got, err)
	}
}

package notificationtest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

func TestStore(t *testing.T) {
	notificationtest.ExerciseStore(t, func(_ *testing.T, now func() time.Time) notificationtest.StoreContract {
		return notificationtest.NewStore(now)
	})
}

// takingQueue takes messages off the fake, on its standing clock.
type takingQueue struct{ *notificationtest.Queue }

func (q takingQueue) Take(_ *testing.T, lane notification.Lane, _ int) []notification.Message {
	var taken []notification.Message
	for _, r := range q.Receive(lane, 1000) {
		q.Delete(r)
		r.Received = 0 // the body does not say it
		taken = append(taken, r.Message)
	}
	return taken
}

func TestQueue(t *testing.T) {
	notificationtest.ExerciseQueue(t, func(*testing.T) (notificationtest.QueueContract, func() time.Time) {
		clock := notificationtest.NewClock(time.Now())
		return takingQueue{notificationtest.NewQueue(clock.Now)}, clock.Now
	})
}

func TestVault(t *testing.T) {
	notificationtest.ExerciseVault(t, notificationtest.NewVault())
}

// takingHolds takes holds off the fake, on its standing clock.
type takingHolds struct {
	*notificationtest.Holds
	clock *notificationtest.Clock
}

func (q takingHolds) Take(*testing.T, int) []notification.Hold { return q.Due() }

func (q takingHolds) Pass(d time.Duration) { q.clock.Advance(d) }

func TestHolds(t *testing.T) {
	notificationtest.ExerciseHolds(t, func(*testing.T) (notificationtest.HoldsContract, func() time.Time) {
		clock := notificationtest.NewClock(time.Now())
		return takingHolds{notificationtest.NewHolds(clock.Now), clock}, clock.Now
	})
}

// A hold comes back after 15 minutes, over or not, and those due longest first.
func TestHoldsHop(t *testing.T) {
	clock := notificationtest.NewClock(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC))
	began := clock.Now()
	q := notificationtest.NewHolds(clock.Now)
	if at, ok := q.NextAt(); ok {
		t.Errorf("an empty queue: next at %s", at)
	}
	for i, after := range []time.Duration{24 * time.Hour, 10*time.Minute + 1, -time.Hour} {
		hold := notification.Hold{EventID: string(rune('a' + i)), Until: began.Add(after)}
		if failed := q.StartHolds(t.Context(), []notification.Hold{hold}); len(failed) > 0 {
			t.Fatal(failed)
		}
	}
	for _, step := range []struct {
		next    time.Duration
		waiting string
		due     string
	}{{0, "cba", "c"}, {10*time.Minute + time.Second, "ba", "b"}, {15 * time.Minute, "a", "a"}} {
		next, ok := q.NextAt()
		if !ok || !next.Equal(began.Add(step.next)) || eventIDs(q.Waiting()) != step.waiting {
			t.Errorf("%s wait, the next until %s, want %s until %s", eventIDs(q.Waiting()), next.Sub(began), step.waiting, step.next)
		}
		clock.AdvanceTo(next.Add(-1))
		if step.next > 0 && eventIDs(q.Due()) != "" {
			t.Errorf("due before %s", step.next)
		}
		clock.AdvanceTo(next)
		if due := eventIDs(q.Due()); due != step.due {
			t.Errorf("%s are due after %s, want %s", due, step.next, step.due)
		}
	}
	if len(q.Waiting()) > 0 {
		t.Errorf("left: %v", q.Waiting())
	}
}

func eventIDs(holds []notification.Hold) string {
	var ids strings.Builder
	for _, hold := range holds {
		ids.WriteString(hold.EventID)
	}
	return ids.String()
}

// Each new method asks its hook under its own name, before and after it took
// effect: an error before prevents it, one after hides it.
func TestFaultsOfBatches(t *testing.T) {
	event := notification.Event{CloudName: "demo", ID: "e", BatchID: "b", NotificationType: "upload", Revision: 1}
	lost := errors.New("lost")
	for _, test := range []struct {
		op, key string
		call    func(*notificationtest.Store, *notificationtest.Holds) error
	}{
		{"Events", "", func(s *notificationtest.Store, _ *notificationtest.Holds) error {
			_, err := s.Events(t.Context(), []notification.EventKey{event.Key()})
			return err
		}},
		{"ReplaceEvent", "e", func(s *notificationtest.Store, _ *notificationtest.Holds) error {
			return s.ReplaceEvent(t.Context(), event)
		}},
		{"JoinBatch", "e", func(s *notificationtest.Store, _ *notificationtest.Holds) error {
			_, err := s.JoinBatch(t.Context(), event)
			return err
		}},
		{"TimeOutBatch", "b", func(s *notificationtest.Store, _ *notificationtest.Holds) error {
			_, _, err := s.TimeOutBatch(t.Context(), "demo", "b", time.Now())
			return err
		}},
		{"StartHolds", "e", func(_ *notificationtest.Store, q *notificationtest.Holds) error {
			return q.StartHolds(t.Context(), []notification.Hold{{EventID: "e"}})[0]
		}},
	} {
		t.Run(test.op, func(t *testing.T) {
			for _, after := range []bool{false, true} {
				s, q := notificationtest.NewStore(time.Now), notificationtest.NewHolds(time.Now)
				before := event
				before.Revision = 0
				if _, failed := s.InsertEvents(t.Context(), []notification.Event{before}); len(failed) > 0 {
					t.Fatal(failed)
				}
				hook := func(call notificationtest.Call) error {
					if call.Op != test.op || call.Key != test.key {
						t.Errorf("asked about %+v", call)
					}
					if call.After == after {
						return lost
					}
					return nil
				}
				s.OnCall(hook)
				q.OnCall(hook)
				if err := test.call(s, q); !errors.Is(err, lost) {
					t.Errorf("error = %v", err)
				}
				if n := s.Count(test.op) + q.Count(test.op); n != 1 {
					t.Errorf("%d calls were counted", n)
				}
				wrote := len(s.AllBatches()) + len(q.Waiting()) + int(s.AllEvents()[0].Revision)
				writes := test.op != "Events" && test.op != "TimeOutBatch"
				if (wrote > 0) != (writes && after) {
					t.Errorf("error after the effect: %t, effects: %d", after, wrote)
				}
			}
		})
	}
}

package history_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// unmatched stores events of which some matched nothing, and makes triggers since.
func (r *recoverTest) unmatched(t *testing.T) {
	t.Helper()
	for _, id := range []string{"u1", "u2", "u3"} {
		r.event(t, id, "upload")
	}
	r.event(t, "d1", "delete")
	r.event(t, "r1", "rename")
	r.delivery(t, "https://told.example", notification.Exhausted)
	held := r.event(t, "held", "upload")
	held.Status, held.Revision = notification.EventHeld, held.Revision+1
	eager := r.event(t, "eager", "eager") // of a call that was not eager_async
	eager.Eager, eager.Revision = &notification.Eager{}, eager.Revision+1
	for _, event := range []notification.Event{held, eager} {
		if err := r.store.ReplaceEvent(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	r.hooks = notification.Hooks{Triggers: []notification.Trigger{
		{ID: "t1", URI: "https://a.example", EventType: "upload"},
		{ID: "t2", URI: "https://b.example", EventType: "upload"},
		{ID: "t3", URI: noURL, EventType: "delete"},
	}}
}

func (r *recoverTest) askedUnmatched(triggerID string) notification.Recovery {
	asked := r.asked(2)
	asked.Unmatched, asked.Filter = true, notification.LogFilter{TriggerID: triggerID}
	return asked
}

func TestRecoverUnmatched(t *testing.T) {
	r := newRecoverTest()
	r.unmatched(t)
	asked := r.askedUnmatched("")
	skipped := map[notification.SkipReason]int{notification.SkipURLNotAllowed: 1, notification.SkipNoTrigger: 1}
	count, err := r.Count(t.Context(), asked)
	if diff := cmp.Diff(history.RecoveryCount{Deliveries: 6, Skipped: skipped, URLs: 2, Takes: 3 * time.Second}, count); err != nil || diff != "" {
		t.Errorf("count: %v (-want +got):\n%s", err, diff)
	}
	k := r.start(t, asked)
	r.run(t, k, 1)
	r.wantProgress(t, k, notification.RecoveryDone, 5, 6, skipped)
	if results := r.progress(t, k).Results; results[notification.Pending] != 6 {
		t.Errorf("results %v", results)
	}
	told := make(map[string][]string)
	for _, m := range r.take() {
		told[m.EventID] = append(told[m.EventID], m.URL+" "+m.TriggerID)
		if m.Attempt != 1 || m.Lane != notification.Slow || m.Lead || m.IsReference() {
			t.Errorf("sent %+v", m)
		}
	}
	both := []string{"https://a.example t1", "https://b.example t2"}
	if diff := cmp.Diff(map[string][]string{"u1": both, "u2": both, "u3": both}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	event, err := r.Event(t.Context(), "demo", "u1")
	if err != nil {
		t.Fatal(err)
	}
	if last := event.LogID[25:]; event.Targets[0].DeliveryID[25:] != last {
		t.Errorf("its delivery %s is of another partition than its row %s", event.Targets[0].DeliveryID, event.LogID)
	}
	said := history.Explain(event.Event)
	want := "When the event was accepted, no trigger was for upload or for all. A recovery has told those that were made since."
	if len(said) != 1 || said[0] != want {
		t.Errorf("said %q, want %q", said, want)
	}
	// They matched something now.
	again := r.start(t, r.askedUnmatched(""))
	r.run(t, again, 1)
	r.wantProgress(t, again, notification.RecoveryDone, 2, 0, skipped)
}

// A recovery to one trigger tells no other.
func TestRecoverUnmatchedToOne(t *testing.T) {
	r := newRecoverTest()
	r.unmatched(t)
	k := r.start(t, r.askedUnmatched("t2"))
	r.run(t, k, 1)
	r.wantProgress(t, k, notification.RecoveryDone, 5, 3, map[notification.SkipReason]int{notification.SkipNoTrigger: 2})
	for _, m := range r.take() {
		if m.TriggerID != "t2" {
			t.Errorf("told %s", m.URL)
		}
	}
}

// Whatever call fails, before or after it took effect, each event is told, each
// URL by one delivery.
func TestRecoverUnmatchedFaults(t *testing.T) {
	for nth := range 30 {
		for _, after := range []bool{false, true} {
			r := newRecoverTest()
			r.unmatched(t)
			k := r.start(t, r.askedUnmatched(""))
			calls := 0
			fault := func(c notificationtest.Call) error {
				if c.After == after {
					if calls++; calls == nth+1 {
						return errors.New("fault")
					}
				}
				return nil
			}
			r.store.OnCall(fault)
			r.queue.OnCall(fault)
			r.run(t, k, 1)
			r.store.OnCall(nil)
			r.queue.OnCall(nil)
			if got := r.take(); len(got) != 6 {
				t.Fatalf("fault at call %d, after %v: %d of 6 sent", nth, after, len(got))
			}
		}
	}
}

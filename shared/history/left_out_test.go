package history_test

import (
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// What only its message carries is left to that message, until no queue can have
// it any more; the next attempt then ends the delivery.
func TestSweepLeavesWhatIsCarried(t *testing.T) {
	s := newSweepTest()
	start := s.clock.Now()
	kept := s.retrying(t, 1, start)
	carried := kept
	carried.DeliveryID, carried.LeftOut = ulid.Make().String(), true
	if failed := s.store.RecordAttempts(t.Context(), []notification.Delivery{carried}); len(failed) > 0 {
		t.Fatal(failed)
	}
	s.clock.Advance(15 * time.Minute)
	queued := s.run(t, history.Swept{Found: 2, Queued: 1, Left: 1, Oldest: 15 * time.Minute})
	if len(queued) != 1 || queued[0].DeliveryID != kept.DeliveryID {
		t.Errorf("queued %+v, want the one that can be made from its record", queued)
	}
	count := 0
	for s.clock.Now().Before(start.Add(14 * 24 * time.Hour)) {
		s.clock.Advance(6 * time.Hour)
		swept, err := s.Run(t.Context())
		if err != nil || swept.Left > 0 {
			t.Fatalf("%+v, %v", swept, err)
		}
		for _, r := range s.queue.Receive(notification.Slow, 10) {
			s.queue.Delete(r)
			if r.DeliveryID == carried.DeliveryID {
				count++
				if late := s.clock.Now().Sub(start); late < 14*24*time.Hour || !r.LeftOut || r.Attempt != 2 {
					t.Errorf("queued after %s: %+v", late, r.Message)
				}
			}
		}
	}
	if count != 1 {
		t.Errorf("queued %d times in two weeks, want once at their end", count)
	}
}

func TestResendOfWhatWasNotKept(t *testing.T) {
	s := newSweepTest()
	d := s.retrying(t, 1, s.clock.Now())
	d.DeliveryID, d.LeftOut, d.Status = ulid.Make().String(), true, notification.Exhausted
	if failed := s.store.RecordAttempts(t.Context(), []notification.Delivery{d}); len(failed) > 0 {
		t.Fatal(failed)
	}
	service := history.Service{Records: s.store, Queue: s.queue, Now: s.clock.Now}
	_, err := service.Resend(t.Context(), d.DeliveryKey)
	if notification.CodeOf(err) != notification.Conflict || !strings.Contains(err.Error(), "it was not kept: keep_payloads was false") {
		t.Errorf("resend: %v", err)
	}
	if waiting := s.queue.Waiting(); len(waiting) > 0 {
		t.Errorf("queued %+v", waiting)
	}
}

func TestExplainLeftOut(t *testing.T) {
	event := notification.Event{NotificationType: "upload", LeftOut: true, Status: notification.EventHeld}
	if said := strings.Join(history.Explain(event), " "); !strings.Contains(said, "on record only while the event is held") {
		t.Errorf("while held: %s", said)
	}
	event.Status = notification.EventAccepted
	if said := strings.Join(history.Explain(event), " "); !strings.Contains(said, "it was never kept") {
		t.Errorf("accepted: %s", said)
	}
	d := history.Delivery{Delivery: notification.Delivery{LeftOut: true}}
	if said := history.ExplainDelivery(d); !strings.Contains(said, "it was never kept") {
		t.Errorf("delivery: %s", said)
	}
}

// A recovery counts what was not kept, and leaves it as it is.
func TestRecoverSkipsWhatWasNotKept(t *testing.T) {
	r := newRecoverTest()
	r.unmatched(t)
	untold := r.event(t, "not-kept", "upload")
	untold.LeftOut, untold.Body, untold.Revision = true, nil, 1
	if err := r.store.ReplaceEvent(t.Context(), untold); err != nil {
		t.Fatal(err)
	}
	d := r.delivery(t, "https://a.example", notification.Exhausted)
	d.DeliveryID, d.LeftOut = rowID(r.clock.Now()), true
	d.Attempts, d.AttemptCount = nil, 0
	r.attempt(t, &d, notification.Attempt{Number: 1, Reason: notification.ReasonStatus})
	for name, asked := range map[string]notification.Recovery{"deliveries": r.asked(10), "events": r.askedUnmatched("")} {
		count, err := r.Count(t.Context(), asked)
		if err != nil || count.Skipped[notification.SkipNotKept] != 1 {
			t.Errorf("%s: count %+v, %v", name, count, err)
		}
		k := r.start(t, asked)
		r.run(t, k, 1)
		if got := r.progress(t, k); got.Skipped[notification.SkipNotKept] != 1 {
			t.Errorf("%s: %+v", name, got)
		}
		for _, m := range r.take() {
			if m.LeftOut || m.EventID == untold.ID || m.DeliveryID == d.DeliveryID {
				t.Errorf("%s: queued %+v", name, m)
			}
		}
	}
}

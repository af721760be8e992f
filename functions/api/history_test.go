package main

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// The ids of the records that the files in events speak of, and when they were
// accepted, which is within the ids.
const (
	deliveredID = "01KGGVH71G3T9W6QH0ZC5V8N20"
	exhaustedID = "01KGGVH71G3T9W6QH0ZC5V8N30"
	pendingID   = "01KGGVH71G3T9W6QH0ZC5V8N40"
	rowID       = "01KGGVH71G3T9W6QH0ZC5V8N50"
	acceptedAt  = "2026-02-03T04:17:52.688Z"
)

// keepHistory stores an event with three deliveries and one that nobody was told
// of.
func (s *server) keepHistory(t *testing.T) {
	t.Helper()
	accepted := ulid.Time(ulid.MustParse(deliveredID).Time()).UTC()
	if got := moment(accepted); got != acceptedAt {
		t.Fatalf("the ids are of %s", got)
	}
	expires := time.Date(2126, 2, 3, 0, 0, 0, 0, time.UTC)
	event := notification.Event{
		CloudName: "demo", ID: "order/17", NotificationType: "upload", Status: notification.EventAccepted,
		Body: []byte(`{"notification_type":"upload","public_id":"dog"`), PublicIDs: []string{"dog"}, AcceptedAt: accepted, ExpiresAt: expires,
		Targets: []notification.Target{
			{DeliveryID: deliveredID, URL: "https://shop.example/hooks/first", Why: notification.ByTrigger, TriggerID: triggerID,
				Also: []notification.Naming{{Why: notification.ByCall}}},
			{DeliveryID: exhaustedID, URL: "https://shop.example/hooks/slow", Why: notification.ByCall},
			{DeliveryID: pendingID, URL: "https://shop.example/hooks/waiting", Why: notification.ByPreset},
		},
	}
	nobody := notification.Event{
		CloudName: "demo", ID: "nobody", NotificationType: "delete", Status: notification.EventAccepted, LogID: rowID,
		Body: []byte(`{"notification_type":"delete"`), PublicIDs: []string{"cat"}, AcceptedAt: accepted, ExpiresAt: expires,
	}
	if _, failed := s.store.InsertEvents(t.Context(), []notification.Event{event, nobody}); len(failed) > 0 {
		t.Fatal(failed)
	}
	if failed := s.store.LogEvents(t.Context(), []notification.Event{nobody}); len(failed) > 0 {
		t.Fatal(failed)
	}
	record := func(id string, status notification.Status, a notification.Attempt) {
		target, _ := event.Target(id)
		d := notification.Delivery{
			DeliveryKey: notification.DeliveryKey{CloudName: "demo", DeliveryID: id}, EventID: event.ID, NotificationType: "upload",
			URL: target.URL, Why: target.Why, TriggerID: target.TriggerID, Lead: id == deliveredID, PublicIDs: event.PublicIDs,
			Status: status, AcceptedAt: accepted, ExpiresAt: expires,
		}
		a.Number, a.StartedAt, a.Lane = 1, accepted, notification.First
		d.Attempted(a)
		if failed := s.store.RecordAttempts(t.Context(), []notification.Delivery{d}); len(failed) > 0 {
			t.Fatal(failed)
		}
	}
	record(deliveredID, notification.Delivered, notification.Attempt{
		StatusCode: 200, Response: []byte("ok"), SigningKey: "111111111111111", Timestamp: 1770091506, Signature: "5f0e",
	})
	record(exhaustedID, notification.Exhausted, notification.Attempt{
		Reason: notification.ReasonTimeout, Detail: "no answer within 20 s", SigningKey: "111111111111111", Timestamp: 1770091506, Signature: "5f0e",
	})
	s.keepRecovery(t, accepted, expires)
}

// A resend is queued as the next attempt, on record as due, and refused while an
// attempt is under way.
func TestResend(t *testing.T) {
	s := newServer(t)
	if answer := s.serve(t, "resend.json"); answer.StatusCode != 202 {
		t.Fatalf("%d %s", answer.StatusCode, answer.Body)
	}
	waiting := s.queue.Waiting()
	if len(waiting) != 1 || waiting[0].DeliveryID != exhaustedID || waiting[0].Attempt != 2 || waiting[0].Lane != notification.First ||
		!waiting[0].IsReference() || waiting[0].Origin != "https://shop.example" {
		t.Errorf("queued %+v", waiting)
	}
	key := notification.DeliveryKey{CloudName: "demo", DeliveryID: exhaustedID}
	now := time.Now()
	d, claimed, err := s.store.Claim(t.Context(), key, 2, now, now.Add(time.Minute))
	if err != nil || !claimed || d.Status != notification.Retrying || d.ScheduleFrom != 1 {
		t.Errorf("got %+v, %v, %v, want it to be retrying, by a schedule from attempt 1", d, claimed, err)
	}
	if answer := s.serve(t, "resend.json"); answer.StatusCode != 409 {
		t.Errorf("while it is under way: %d %s", answer.StatusCode, answer.Body)
	}
}

const recoveryID = "01KGGVH71G3T9W6QH0ZC5V8N60"

// keepRecovery stores a recovery that has queued the exhausted delivery.
func (s *server) keepRecovery(t *testing.T, started, expires time.Time) {
	t.Helper()
	r := notification.Recovery{
		RecoveryKey: notification.RecoveryKey{CloudName: "demo", ID: recoveryID}, Status: notification.RecoveryRunning,
		Filter: notification.LogFilter{Status: notification.Exhausted}, From: started, To: started, MaxPerSecond: 20, By: "111111111111111",
		Part: 1, Pages: 1, Cursor: exhaustedID, Examined: 1, Queued: 1, StartedAt: started, ExpiresAt: expires, Revision: 1,
	}
	if err := s.store.InsertRecovery(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	page := notification.RecoveryPage{
		RecoveryKey: r.RecoveryKey, Number: 1, ExpiresAt: expires, Steps: []notification.RecoveryStep{{DeliveryID: exhaustedID}},
	}
	if _, _, err := s.store.PlanRecoveryPage(t.Context(), page); err != nil {
		t.Fatal(err)
	}
}

// StartRecovery is the workflow's part.
func (s *server) StartRecovery(_ context.Context, _ notification.RecoveryKey, part int) error {
	s.started = append(s.started, part)
	return nil
}

// Each part of a recovery is started in the workflow.
func TestRecovery(t *testing.T) {
	s := newServer(t)
	for _, file := range []string{"create-recovery.json", "stop-recovery.json", "resume-recovery.json"} {
		if answer := s.serve(t, file); answer.StatusCode >= 300 {
			t.Fatalf("%s: %d %s", file, answer.StatusCode, answer.Body)
		}
	}
	if diff := cmp.Diff([]int{1, 2}, s.started); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

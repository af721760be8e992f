package delivery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/retry"
)

// carried is a message whose notification is nowhere on record.
func carried(n int) notification.Message {
	m := message(n)
	m.LeftOut = true
	return m
}

// A notification that is not on record waits on the queue alone, however long, in
// hops, and its attempts are made at the same instants as any other's. What its
// receiver answers is not kept either.
func TestLeftOutWaitsInHops(t *testing.T) {
	b := setup(t)
	b.Schedule = retry.Schedule{3 * time.Minute, 15*time.Minute + time.Second, 40 * time.Hour}
	var starts []time.Duration
	b.sender.answer = func(n int, req notification.Request) notification.Answer {
		starts = append(starts, b.clock.Now().Sub(epoch))
		b.clock.Advance(1500 * time.Millisecond)
		return notification.Answer{StatusCode: map[bool]int{true: 200, false: 500}[n == 4], Response: req.Body}
	}
	b.send(t, carried(1))
	b.run(t)
	const took = 1500 * time.Millisecond
	second := took + 3*time.Minute
	third := second + took + 15*time.Minute + time.Second
	want := []time.Duration{0, second, third, third + took + 40*time.Hour}
	for i := range want { // a queue keeps back whole seconds
		if late := starts[i] - want[i]; late < 0 || late > 2*time.Second {
			t.Errorf("attempt %d was made after %s, want %s", i+1, starts[i], want[i])
		}
	}
	if n := len(b.workflow.Started()); n > 0 {
		t.Errorf("%d workflows were started", n)
	}
	record := b.record(t, 1)
	if record.Status != notification.Delivered || record.AttemptCount != 4 || !record.LeftOut {
		t.Errorf("record = %+v", record)
	}
	for _, a := range record.Attempts {
		if len(a.Response) > 0 || a.Repeated {
			t.Errorf("attempt %d is recorded as %+v", a.Number, a)
		}
	}
	for _, req := range b.sender.sent() {
		if string(req.Body) != string(b.sender.sent()[0].Body) {
			t.Errorf("attempts differ: %s", req.Body)
		}
	}
}

// The process dies at any step, and no notification is lost: its message has it.
func TestLeftOutCrashes(t *testing.T) {
	crashes(t, time.Minute, carried)
	crashes(t, 40*time.Minute, carried)
}

// A message without the notification ends its delivery, and says why; one that
// comes beside the message that has it does not get in its way.
func TestLeftOutAndLost(t *testing.T) {
	b := setup(t)
	b.sender.answer = status(500)
	b.send(t, carried(1))
	b.deliver(t)
	reference := carried(1).Reference()
	m := carried(1)
	b.store.InsertEvents(t.Context(), []notification.Event{{
		CloudName: "demo", ID: "e1", NotificationType: m.NotificationType, LeftOut: true, AcceptedAt: epoch, ExpiresAt: epoch.Add(24 * time.Hour),
		Targets: []notification.Target{{DeliveryID: m.DeliveryID, URL: m.URL, Why: m.Why, TriggerID: m.TriggerID}},
	}})
	if failed := b.Deliver(t.Context(), []notification.Message{reference}); len(failed) > 0 {
		t.Fatal(failed)
	}
	waiting := b.queue.Waiting()
	if len(waiting) != 1 || len(waiting[0].Body) == 0 {
		t.Fatalf("waiting: %+v, want the retry alone that has its notification", waiting)
	}
	reference.Attempt = 2
	if failed := b.Deliver(t.Context(), []notification.Message{reference}); len(failed) > 0 {
		t.Fatal(failed)
	}
	record := b.record(t, 1)
	if posts := len(b.sender.sent()); posts != 1 || record.Status != notification.Exhausted || record.AttemptCount != 2 {
		t.Errorf("%d POSTs, %s after %d attempts", posts, record.Status, record.AttemptCount)
	}
	last := record.Attempts[1]
	got := []string{string(last.Reason), last.SigningKey, last.Signature, last.Detail}
	want := []string{"invalid_payload", "", "", "nothing was sent: the environment keeps no payloads, and the message that carried this notification is lost"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("last attempt (-want +got):\n%s", diff)
	}
	if strings.Contains(b.log.String(), "unreadable") {
		t.Error("the log takes it for a fault of ours")
	}
}

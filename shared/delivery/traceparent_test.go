package delivery_test

import (
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/retry"
)

// Every attempt of a delivery belongs to the trace of its event: the first, the
// next, and one whose message was a reference for the length of its wait.
func TestTraceparent(t *testing.T) {
	const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	b := setup(t)
	b.Schedule = retry.Schedule{time.Minute, time.Hour}
	b.sender.answer = status(500)
	event := notification.Event{
		CloudName: "demo", ID: "e1", NotificationType: "upload", Status: notification.EventAccepted, AcceptedAt: epoch, ExpiresAt: epoch.Add(24 * time.Hour),
		Body:    payload.Pack([]byte(`{"notification_type":"upload","public_id":"a"`)),
		Targets: []notification.Target{{DeliveryID: deliveryID(1), URL: "https://a.example/hook"}}, Traceparent: traceparent,
	}
	if _, failed := b.store.InsertEvents(t.Context(), []notification.Event{event}); len(failed) > 0 {
		t.Fatal(failed)
	}
	b.send(t, event.Message(event.Targets[0], 1, notification.First, epoch))
	b.run(t)
	sent := b.sender.sent()
	if len(sent) != 3 {
		t.Fatalf("%d attempts, want 3", len(sent))
	}
	for i, req := range sent {
		if got := req.Header[notification.TraceparentHeader]; got != traceparent {
			t.Errorf("attempt %d has %q", i+1, got)
		}
	}
}

func TestNoTraceparent(t *testing.T) {
	b := setup(t)
	b.send(t, message(1))
	b.run(t)
	if _, has := b.sender.sent()[0].Header[notification.TraceparentHeader]; has {
		t.Error("a notification has the header that nobody asked for")
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/mediahooks/mediahooks/infra/watch/recorded"
	"github.com/mediahooks/mediahooks/shared/delivery"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/retry"
	"github.com/mediahooks/mediahooks/shared/signature"
	"github.com/mediahooks/mediahooks/shared/telemetry"
)

var source = telemetry.Source{Namespace: "Mediahooks", Service: "mediahooks-delivery", Stack: "mediahooks-dev", Function: "dev-delivery"}

// bench is the function over fakes, on a virtual clock, in an environment that signs
// by SHA-256.
type bench struct {
	clock  *notificationtest.Clock
	store  *notificationtest.Store
	queue  *notificationtest.Queue
	handle func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)
	answer notification.Answer
	took   time.Duration
	err    error // of the environment's key
	log    bytes.Buffer
}

func (b *bench) Post(context.Context, notification.Request) notification.Answer {
	b.clock.Advance(b.took)
	return b.answer
}

func (b *bench) SigningKey(context.Context, string) (notification.SigningKey, error) {
	return notification.SigningKey{APIKey: "111111111111111", Secret: "not-a-secret", Algorithm: signature.SHA256}, b.err
}

func (b *bench) Settings(context.Context, string) (notification.Settings, error) {
	return notification.Settings{}, nil
}

func newBench() *bench {
	b := &bench{clock: notificationtest.NewClock(time.Date(2026, 2, 3, 4, 5, 6, 789e6, time.UTC))}
	now := b.clock.Now
	b.store, b.queue = notificationtest.NewStore(now), notificationtest.NewQueue(now)
	log, metrics := telemetry.NewLogger(&b.log, slog.LevelInfo, source), telemetry.NewMetrics(&b.log, source, now)
	h := handler{metrics: metrics, service: delivery.Service{
		Records: b.store, Events: b.store, Keys: b, Settings: b, Sender: b, Queue: b.queue, Workflow: notificationtest.NewWorkflow(b.queue),
		Origins: delivery.NewOrigins(b.store, now), Log: log, Schedule: retry.Cloudinary(), Retention: 48 * time.Hour, Now: now,
		After: func(time.Duration) <-chan time.Time { return nil },
	}}
	b.handle = telemetry.Measured(metrics, log, h.deliver)
	return b
}

// message asks for the first attempt of the nth delivery.
func (b *bench) message(n int, origin string) notification.Message {
	id := fmt.Sprintf("01KGGVH71G%016d", n)
	return notification.Message{
		CloudName: "demo", EventID: "upload-" + fmt.Sprint(n), DeliveryID: id, Attempt: 1, Lane: notification.First, DueAt: b.clock.Now(),
		Origin: origin, NotificationType: "upload", URL: origin + "/hooks?token=t0k3n", Why: notification.ByTrigger,
		TriggerID: "0123456789abcdef0123456789abcdef", AcceptedAt: b.clock.Now(),
		Body: payload.Pack([]byte(`{"notification_type":"upload","public_id":"catalogue/lamp"`)),
	}
}

// deliver has the function take up messages.
func (b *bench) deliver(t *testing.T, messages ...notification.Message) {
	t.Helper()
	var batch events.SQSEvent
	for i, m := range messages {
		body, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		batch.Records = append(batch.Records, events.SQSMessage{MessageId: fmt.Sprintf("159f36b4-87a3-44ab-83d2-%012d", i), Body: string(body),
			Attributes: map[string]string{"ApproximateReceiveCount": "2"}})
	}
	if _, err := b.handle(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// next has the function take up the next message of a lane, when it is due.
func (b *bench) next(t *testing.T, lane notification.Lane) {
	t.Helper()
	at, waiting := b.queue.NextAt()
	if !waiting {
		t.Fatal("nothing waits")
	}
	b.clock.AdvanceTo(at)
	received := b.queue.Receive(lane, 1)
	if len(received) != 1 {
		t.Fatalf("nothing is due on lane %s", lane)
	}
	b.deliver(t, received[0].Message)
	b.queue.Delete(received[0])
}

// TestLines records what the function writes: every line, every metric and every
// field of an attempt, each by a message that brings it about.
func TestLines(t *testing.T) {
	b := newBench()
	shop := "https://shop.example"
	first := b.message(1, shop)
	b.clock.Advance(12 * time.Millisecond)
	b.took = 56789 * time.Microsecond
	b.answer = notification.Answer{StatusCode: 200, RemoteAddr: "203.0.113.7:443", Phases: notification.Phases{
		DNS: 2500 * time.Microsecond, Connect: 10 * time.Millisecond, TLS: 20 * time.Millisecond, FirstByte: 52125 * time.Microsecond}}
	b.deliver(t, first)
	b.deliver(t, first, first) // what is on record is not sent again
	b.answer.Phases = notification.Phases{FirstByte: 52125 * time.Microsecond}
	b.deliver(t, b.message(2, shop)) // by the same connection

	// One is slow and fails until its schedule is over; another finds its origin slow.
	b.took, b.answer = 20*time.Second, notification.Answer{Reason: notification.ReasonTimeout, Detail: "no answer within 20 s"}
	slow := "https://slow.example"
	b.deliver(t, b.message(3, slow))
	b.deliver(t, b.message(4, slow))
	b.took = time.Second
	b.next(t, notification.Slow)
	b.answer = notification.Answer{StatusCode: 503, RetryAfter: "700"}
	b.next(t, notification.Slow)
	for _, b.answer = range []notification.Answer{
		{StatusCode: 302}, {StatusCode: 401, RemoteAddr: "203.0.113.8:443"}, {Reason: notification.ReasonTLS, Detail: "certificate has expired"},
		{Reason: notification.ReasonDNS, Detail: "no such host"},
	} {
		b.next(t, notification.Slow)
	}
	for n, reason := range []notification.Reason{
		notification.ReasonBlockedAddress, notification.ReasonConnect, notification.ReasonInvalidURL, notification.ReasonProtocol,
	} {
		b.took, b.answer = time.Millisecond, notification.Answer{Reason: reason, Detail: "nothing was sent"}
		b.deliver(t, b.message(10+n, shop))
	}
	for n, err := range []error{notification.ErrSigningKeyDisabled, notification.ErrNoSigningKey} {
		b.err = err
		b.deliver(t, b.message(20+n, shop))
	}
	b.err = nil
	unreadable := b.message(30, shop)
	unreadable.Body = []byte("not packed")
	b.deliver(t, unreadable)
	b.resend(t, first)

	b.took, b.answer = time.Millisecond, notification.Answer{StatusCode: 200}
	b.store.OnCall(func(call notificationtest.Call) error {
		if call.Op == "RecordAttempts" {
			return errors.New("record: ProvisionedThroughputExceededException")
		}
		return nil
	})
	b.deliver(t, b.message(40, shop), notification.Message{})
	if err := recorded.Compare(recorded.File, b.log.String()); err != nil {
		t.Error(err)
	}
}

// resend has a delivery that was decided attempted once more.
func (b *bench) resend(t *testing.T, m notification.Message) {
	t.Helper()
	key := notification.DeliveryKey{CloudName: m.CloudName, DeliveryID: m.DeliveryID}
	found, err := b.store.Deliveries(t.Context(), []notification.DeliveryKey{key})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.store.Reopen(t.Context(), found[key], b.clock.Now(), notification.First); err != nil {
		t.Fatal(err)
	}
	m.Attempt, m.DueAt = found[key].AttemptCount+1, b.clock.Now()
	b.deliver(t, m)
}

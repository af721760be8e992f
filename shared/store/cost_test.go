package store_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/delivery"
	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/retry"
	"github.com/mediahooks/mediahooks/shared/store"
)

// costs is intake, delivery and history over the real table, with fakes around it.
type costs struct {
	table    *metered
	clock    *notificationtest.Clock
	queue    *notificationtest.Queue
	env      notification.Environment
	intake   intake.Service
	delivery delivery.Service
	history  history.Service
	// answers are what the receiver answers, in turn, and then the last for ever;
	// response is the body.
	answers  []int
	response string
	settings notification.Settings
}

func newCosts() *costs {
	c := &costs{table: &metered{Client: client, counts: newMetering()}, answers: []int{200}, response: "ok"}
	// An hour that has just begun: the next would have a mark of its own.
	c.clock = notificationtest.NewClock(time.Now().Truncate(time.Hour).Add(time.Minute))
	c.env = notification.Environment{CloudName: "costs", Hooks: notification.Hooks{Triggers: []notification.Trigger{
		{ID: "0123456789abcdef0123456789abcdef", URI: "https://shop.example/webhooks/media", EventType: "upload"},
	}}}
	table := store.New(c.table, tableName, c.clock.Now)
	c.queue = notificationtest.NewQueue(c.clock.Now)
	c.intake = intake.Service{Records: table, Queue: c.queue, Guard: anyURL{}, IDs: new(intake.IDs), Now: c.clock.Now, Retention: 30 * 24 * time.Hour}
	c.delivery = delivery.Service{
		Records: table, Events: table, Keys: c, Settings: settingsOf{c}, Origins: delivery.NewOrigins(table, c.clock.Now), Sender: c,
		Queue: c.queue, Workflow: notificationtest.NewWorkflow(c.queue), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Schedule: retry.Cloudinary(), Retention: 30 * 24 * time.Hour, Now: c.clock.Now,
		After: func(time.Duration) <-chan time.Time { return nil },
	}
	c.history = history.Service{Records: table, Queue: c.queue, Guard: anyURL{}, Now: c.clock.Now}
	return c
}

// anyURL lets every URL pass.
type anyURL struct{}

func (anyURL) CheckURL(string, string) error { return nil }

// settingsOf serves settings, whose field has the name of the method.
type settingsOf struct{ *costs }

func (s settingsOf) Settings(context.Context, string) (notification.Settings, error) {
	return s.settings, nil
}

// SigningKey is delivery.Keys'.
func (c *costs) SigningKey(context.Context, string) (notification.SigningKey, error) {
	return notification.SigningKey{APIKey: "123456789012345", Secret: "not-a-secret-of-anybody", Algorithm: "sha1"}, nil
}

// Post is delivery.Sender's.
func (c *costs) Post(context.Context, notification.Request) notification.Answer {
	code := c.answers[0]
	c.answers = c.answers[min(1, len(c.answers)-1):]
	return notification.Answer{
		StatusCode: code, RemoteAddr: "192.0.2.1:443", Response: []byte(c.response),
		Phases: notification.Phases{DNS: 1234567, Connect: 12345678, TLS: 23456789, FirstByte: 34567890},
	}
}

// report accepts n events of a payload that is as long as an upload's.
func (c *costs) report(t *testing.T, n int) []intake.Result {
	t.Helper()
	c.clock.Advance(2 * time.Second) // ids of one second are few enough for one partition
	var events []string
	for range n {
		events = append(events, fmt.Sprintf(`{"event_id":%q,"notification_type":"upload","payload":{"public_id":"catalogue/lamp","note":%q}}`,
			ulid.Make(), strings.Repeat("x", 400)))
	}
	body := events[0]
	if n > 1 {
		body = `{"events":[` + strings.Join(events, ",") + `]}`
	}
	call, err := intake.ReadCall(intake.Origin{CloudName: c.env.CloudName}, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	results, err := c.intake.Accept(t.Context(), c.env, intake.Caller{Source: "api", ID: "123456789012345"}, call.Reports)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// attempt takes up the next batch that is due.
func (c *costs) attempt(t *testing.T) {
	t.Helper()
	at, waiting := c.queue.NextAt()
	if !waiting {
		t.Fatal("nothing is to be attempted")
	}
	c.clock.AdvanceTo(at)
	received := c.queue.Receive(notification.First, 10)
	messages := make([]notification.Message, len(received))
	for i, r := range received {
		messages[i] = r.Message
	}
	if failed := c.delivery.Deliver(t.Context(), messages); len(failed) > 0 {
		t.Fatal(failed)
	}
	for _, r := range received {
		c.queue.Delete(r)
	}
}

// What a delivery costs in DynamoDB: a call or a unit more is a cost to justify.
// Units are of events (EVT), deliveries (LOG), origins (ORG) and the index open. The
// figures are in docs/architecture.md.
func TestCostOfADelivery(t *testing.T) {
	c := newCosts()
	want := func(what, want string) {
		t.Helper()
		got := c.table.take().String()
		t.Logf("%-30s %s", what, got)
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", what, got, want)
		}
	}
	c.report(t, 1)
	c.attempt(t)
	c.table.take() // the hour's mark, and what is to be known of the origin

	c.report(t, 1)
	want("accept an event", "1 PutItem; written 1 EVT; read nothing")
	c.attempt(t)
	want("first attempt, a success", "1 BatchExecuteStatement, 2 BatchGetItem; written 1 LOG; read 1 LOG, 1 ORG")
	c.report(t, 10)
	want("accept ten", "1 BatchExecuteStatement; written 10 EVT; read nothing")
	c.attempt(t)
	want("ten first attempts, successes", "1 BatchExecuteStatement, 2 BatchGetItem; written 10 LOG; read 10 LOG, 1 ORG")

	c.answers = []int{500, 200}
	c.report(t, 1)
	c.table.take()
	c.attempt(t)
	want("first attempt, a failure", "1 BatchExecuteStatement, 2 BatchGetItem; written 1 LOG, 1 index; read 1 LOG, 1 ORG")
	c.attempt(t)
	want("its retry, a success", "1 BatchExecuteStatement, 1 BatchGetItem, 1 UpdateItem; written 2 LOG, 1 index; read 1 ORG")

	c.answers = []int{500}
	failing := c.report(t, 1)
	c.table.take()
	// An origin that is still quick is on record as that anew every some minutes.
	for n, cost := range []string{
		"1 BatchExecuteStatement, 2 BatchGetItem; written 1 LOG, 1 index; read 1 LOG, 1 ORG",
		"1 BatchExecuteStatement, 1 BatchGetItem, 2 UpdateItem; written 2 LOG, 1 ORG, 2 index; read 1 ORG",
		"1 BatchExecuteStatement, 1 BatchGetItem, 2 UpdateItem; written 3 LOG, 1 ORG, 2 index; read 1 ORG",
		"1 BatchExecuteStatement, 1 BatchGetItem, 2 UpdateItem; written 4 LOG, 1 ORG, 2 index; read 1 ORG",
	} {
		c.attempt(t)
		want(fmt.Sprintf("attempt %d, a failure", n+1), cost)
	}
	c.resendOften(t, notification.DeliveryKey{CloudName: c.env.CloudName, DeliveryID: failing[0].Targets[0].DeliveryID})
}

// resendOften resends a delivery, each time for one more attempt, whose answer is as
// long as any that is kept. What that costs grows until as many attempts are on
// record as are kept, and no further.
func (c *costs) resendOften(t *testing.T, key notification.DeliveryKey) {
	t.Helper()
	c.settings.RetrySchedule = []time.Duration{}
	c.response = strings.Repeat("Internal error. ", notification.LastResponseKept/16)
	var units []float64
	for n := 5; n <= notification.KeptAttempts+8; n++ {
		if _, err := c.history.Resend(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		resent := c.table.take()
		c.attempt(t)
		made := c.table.take()
		t.Logf("%-30s %s", fmt.Sprintf("resend for attempt %d", n), resent)
		t.Logf("%-30s %s", fmt.Sprintf("attempt %d", n), made)
		units = append(units, resent.writes["LOG"]+made.writes["LOG"])
	}
	full := units[len(units)-4:] // the response of the last that was not resent is gone too
	for _, n := range full {
		if n != full[0] || n > 40 {
			t.Errorf("resending once more costs %v write units, want it the same however often it was, and at most 40", full)
			break
		}
	}
}

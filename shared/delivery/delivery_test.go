package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/delivery"
	"github.com/mediahooks/mediahooks/shared/lane"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/retry"
	"github.com/mediahooks/mediahooks/shared/signature"
)

// sender answers as it is told, on the virtual clock.
type sender struct {
	mu       sync.Mutex
	requests []notification.Request
	answer   func(n int, req notification.Request) notification.Answer
}

func (s *sender) Post(_ context.Context, req notification.Request) notification.Answer {
	s.mu.Lock()
	s.requests = append(s.requests, req)
	n, answer := len(s.requests), s.answer
	s.mu.Unlock()
	return answer(n, req)
}

func (s *sender) sent() []notification.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

func status(code int) func(int, notification.Request) notification.Answer {
	return func(int, notification.Request) notification.Answer { return notification.Answer{StatusCode: code} }
}

// keys signs with one key, or fails with err.
type keys struct{ err error }

const secret = "not-a-secret-of-anybody"

func (k *keys) SigningKey(context.Context, string) (notification.SigningKey, error) {
	return notification.SigningKey{APIKey: "123", Secret: secret, Algorithm: signature.SHA1}, k.err
}

// settings are an environment's, or fail with err.
type settings struct {
	notification.Settings
	err error
}

// settingsOf serves settings, whose field has the name of the method.
type settingsOf struct{ of *settings }

func (s settingsOf) Settings(context.Context, string) (notification.Settings, error) {
	return s.of.Settings, s.of.err
}

var epoch = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// bundle is a service over fakes, and the lanes that it is fed from.
type bundle struct {
	delivery.Service
	clock    *notificationtest.Clock
	store    *notificationtest.Store
	queue    *notificationtest.Queue
	workflow *notificationtest.Workflow
	sender   *sender
	keys     *keys
	settings *settings
	log      strings.Builder
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{clock: notificationtest.NewClock(epoch), sender: &sender{answer: status(200)}, keys: &keys{}, settings: &settings{}}
	b.store = notificationtest.NewStore(b.clock.Now)
	b.queue = notificationtest.NewQueue(b.clock.Now)
	b.workflow = notificationtest.NewWorkflow(b.queue)
	b.Service = delivery.Service{
		Records: b.store, Events: b.store, Keys: b.keys, Settings: settingsOf{b.settings}, Origins: delivery.NewOrigins(b.store, b.clock.Now), Sender: b.sender, Queue: b.queue, Workflow: b.workflow,
		Log:      slog.New(slog.NewJSONHandler(&b.log, nil)),
		Schedule: retry.Cloudinary(), Retention: 24 * time.Hour, Now: b.clock.Now,
		After: func(time.Duration) <-chan time.Time { return nil },
	}
	return b
}

// ids are ULIDs of the epoch.
func deliveryID(n int) string { return fmt.Sprintf("01KGGVH71G%016d", n) }

func message(n int) notification.Message {
	body := []byte(`{"notification_type":"upload","public_id":"a"`)
	return notification.Message{
		CloudName: "demo", EventID: "e" + strconv.Itoa(n), DeliveryID: deliveryID(n), Attempt: 1, Lane: notification.First, DueAt: epoch,
		Origin: "https://a.example", NotificationType: "upload", URL: "https://a.example/hook?token=t0k3n", Why: notification.ByTrigger, TriggerID: "t",
		AcceptedAt: epoch, Body: payload.Pack(body),
	}
}

// deliver takes up everything that is due on both lanes, once.
func (b *bundle) deliver(t *testing.T) {
	t.Helper()
	b.deliverLane(t, notification.First)
	b.deliverLane(t, notification.Slow)
}

// deliverLane takes up what is due on one lane, at most ten.
func (b *bundle) deliverLane(t *testing.T, which notification.Lane) {
	t.Helper()
	received := b.queue.Receive(which, 10)
	var messages []notification.Message
	for _, r := range received {
		messages = append(messages, r.Message)
	}
	failed := b.Deliver(t.Context(), messages)
	for i, r := range received {
		if failed[i] == nil {
			b.queue.Delete(r)
		}
	}
}

// run lets time pass from one due message to the next until none is left.
func (b *bundle) run(t *testing.T) {
	t.Helper()
	for {
		at, waiting := b.queue.NextAt()
		if !waiting {
			return
		}
		b.clock.AdvanceTo(at)
		b.deliver(t)
	}
}

func (b *bundle) send(t *testing.T, messages ...notification.Message) {
	t.Helper()
	if failed := b.queue.Send(t.Context(), messages); len(failed) > 0 {
		t.Fatal(failed)
	}
}

func (b *bundle) record(t *testing.T, n int) notification.Delivery {
	t.Helper()
	key := notification.DeliveryKey{CloudName: "demo", DeliveryID: deliveryID(n)}
	records, err := b.store.Deliveries(t.Context(), []notification.DeliveryKey{key})
	if err != nil {
		t.Fatal(err)
	}
	return records[key]
}

func TestFirstAttemptSucceeds(t *testing.T) {
	b := setup(t)
	b.sender.answer = func(int, notification.Request) notification.Answer {
		b.clock.Advance(40 * time.Millisecond)
		return notification.Answer{StatusCode: 200, Response: []byte("ok"), RemoteAddr: "192.0.2.1:443"}
	}
	b.send(t, message(1))
	b.deliver(t)

	req := b.sender.sent()[0]
	if want := `{"notification_type":"upload","public_id":"a","signature_key":"123"}`; string(req.Body) != want {
		t.Errorf("body = %s, want %s", req.Body, want)
	}
	if !signature.Verify(signature.SHA1, req.Body, epoch.Unix(), req.Header[notification.SignatureHeader], secret) {
		t.Error("the signature does not verify")
	}
	digest := req.Header[notification.SignatureHeader]
	delete(req.Header, notification.SignatureHeader)
	wantHeader := map[string]string{
		"Content-Type": "application/json", "X-Cld-Timestamp": strconv.FormatInt(epoch.Unix(), 10),
		"X-Mediahooks-Delivery": deliveryID(1), "X-Mediahooks-Attempt": "1",
	}
	if diff := cmp.Diff(wantHeader, req.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	want := notification.Delivery{
		DeliveryKey: notification.DeliveryKey{CloudName: "demo", DeliveryID: deliveryID(1)},
		EventID:     "e1", NotificationType: "upload", URL: message(1).URL, Why: notification.ByTrigger, TriggerID: "t",
		Status: notification.Delivered, AcceptedAt: epoch, AttemptCount: 1, ExpiresAt: epoch.Add(24 * time.Hour),
		Attempts: []notification.Attempt{{
			Number: 1, StartedAt: epoch, Duration: 40 * time.Millisecond, StatusCode: 200, Response: []byte("ok"),
			RemoteAddr: "192.0.2.1:443", SigningKey: "123", Timestamp: epoch.Unix(), Signature: digest, Lane: notification.First,
		}},
	}
	if diff := cmp.Diff(want, b.record(t, 1)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if left := b.queue.Waiting(); len(left) > 0 {
		t.Errorf("left on the lanes: %v", left)
	}
	if reads, writes := b.store.Count("Deliveries"), b.store.Count("RecordAttempts"); reads != 2 || writes != 1 {
		t.Errorf("%d reads (one is the test's) and %d writes", reads, writes)
	}
}

// The schedule's instants are exact: each wait begins at the end of the attempt
// before, and nothing follows the last.
func TestSchedule(t *testing.T) {
	for _, test := range []struct {
		name     string
		schedule string
		took     time.Duration
		answers  []int
		want     []time.Duration // starts of the attempts, after the first
		status   notification.Status
		lane     notification.Lane
		waits    int
	}{
		{"the document's", "3m,6m,9m", 0, []int{500}, []time.Duration{3 * time.Minute, 9 * time.Minute, 18 * time.Minute}, notification.Exhausted, notification.First, 0},
		{"fails twice", "3m,6m,9m", 500 * time.Millisecond, []int{500, 503, 200}, []time.Duration{180500 * time.Millisecond, 541 * time.Second}, notification.Delivered, notification.First, 0},
		{"slow failures take the slow lane", "3m", 20 * time.Second, []int{500}, []time.Duration{200 * time.Second}, notification.Exhausted, notification.Slow, 0},
		{"no retries", "", 0, []int{500}, nil, notification.Exhausted, notification.First, 0},
		{"a queue's longest wait", "15m", 0, []int{500}, []time.Duration{15 * time.Minute}, notification.Exhausted, notification.First, 0},
		{"longer ones are a workflow's", "15m1s,1h", 0, []int{500}, []time.Duration{901 * time.Second, 4501 * time.Second}, notification.Exhausted, notification.First, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := setup(t)
			schedule, err := retry.ParseSchedule(test.schedule)
			if err != nil {
				t.Fatal(err)
			}
			b.Schedule = schedule
			var starts []time.Duration
			b.sender.answer = func(n int, _ notification.Request) notification.Answer {
				if n > 1 {
					starts = append(starts, b.clock.Now().Sub(epoch))
				}
				b.clock.Advance(test.took)
				return notification.Answer{StatusCode: test.answers[min(n, len(test.answers))-1]}
			}
			// A reference to a wait needs the event to be on record.
			m := message(1)
			b.store.InsertEvents(t.Context(), []notification.Event{{
				CloudName: "demo", ID: "e1", NotificationType: m.NotificationType, Body: m.Body, AcceptedAt: epoch, ExpiresAt: epoch.Add(24 * time.Hour),
				Targets: []notification.Target{{DeliveryID: m.DeliveryID, URL: m.URL, Why: m.Why, TriggerID: m.TriggerID}},
			}})
			b.send(t, m)
			b.run(t)
			if diff := cmp.Diff(test.want, starts); diff != "" {
				t.Errorf("attempts after the first started (-want +got):\n%s", diff)
			}
			record := b.record(t, 1)
			if record.Status != test.status || record.AttemptCount != len(test.want)+1 || !record.NextAt.IsZero() {
				t.Errorf("record: %s after %d attempts, next at %s", record.Status, record.AttemptCount, record.NextAt)
			}
			if last := record.Attempts[len(record.Attempts)-1]; last.Lane != test.lane {
				t.Errorf("the last attempt was on the %s lane, want %s", last.Lane, test.lane)
			}
			if started := b.workflow.Started(); len(started) != test.waits {
				t.Errorf("%d waits were started, want %d", len(started), test.waits)
			}
			for _, m := range b.workflow.Started() {
				if !m.IsReference() || m.Body != nil {
					t.Errorf("a workflow was given more than a reference: %+v", m)
				}
			}
			for i, req := range b.sender.sent()[1:] {
				if string(req.Body) != string(b.sender.sent()[0].Body) || req.Header[notification.AttemptHeader] != strconv.Itoa(i+2) {
					t.Errorf("attempt %d differs from the first: %s %v", i+2, req.Body, req.Header)
				}
			}
		})
	}
}

func TestClassification(t *testing.T) {
	for _, test := range []struct {
		name       string
		answer     notification.Answer
		any2xx     bool
		wantReason notification.Reason
		wantDetail string
	}{
		{"200", notification.Answer{StatusCode: 200}, false, "", ""},
		{"201 is no success", notification.Answer{StatusCode: 201}, false, notification.ReasonStatus, "answered 201 Created"},
		{"204 where 2xx is", notification.Answer{StatusCode: 204}, true, "", ""},
		{"302", notification.Answer{StatusCode: 302}, true, notification.ReasonRedirect, "answered 302, and redirects are not followed: register the final URL"},
		{"304", notification.Answer{StatusCode: 304}, false, notification.ReasonRedirect, "answered 304, and redirects are not followed: register the final URL"},
		{"404", notification.Answer{StatusCode: 404}, true, notification.ReasonStatus, "answered 404 Not Found"},
		{"no answer", notification.Answer{Reason: notification.ReasonTimeout, Detail: "no answer within 20 s"}, false, notification.ReasonTimeout, "no answer within 20 s"},
		{"fault after a 200", notification.Answer{StatusCode: 200, Reason: notification.ReasonProtocol, Detail: "x"}, false, notification.ReasonProtocol, "x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := setup(t)
			b.AnySuccess = test.any2xx
			b.sender.answer = func(int, notification.Request) notification.Answer { return test.answer }
			b.send(t, message(1))
			b.deliver(t)
			record := b.record(t, 1)
			a := record.Attempts[0]
			if a.Reason != test.wantReason || a.Detail != test.wantDetail || a.StatusCode != test.answer.StatusCode {
				t.Errorf("attempt: %q %q %d", a.Reason, a.Detail, a.StatusCode)
			}
			wantStatus := notification.Retrying
			if test.wantReason == "" {
				wantStatus = notification.Delivered
			}
			if record.Status != wantStatus {
				t.Errorf("status = %s, want %s", record.Status, wantStatus)
			}
		})
	}
}

// What an environment has decided goes before what the stack has.
func TestSettingsOfTheEnvironment(t *testing.T) {
	for _, test := range []struct {
		name     string
		settings notification.Settings
		stack2xx bool
		code     int
		want     []time.Duration // of the attempts, from the first on
		status   notification.Status
	}{
		{"2xx", notification.Settings{Success: notification.Any2xx}, false, 204, []time.Duration{0}, notification.Delivered},
		{"200 alone", notification.Settings{Success: notification.Only200, RetrySchedule: []time.Duration{}}, true, 204, []time.Duration{0}, notification.Exhausted},
		{"the stack's rule", notification.Settings{}, true, 204, []time.Duration{0}, notification.Delivered},
		{"own schedule", notification.Settings{RetrySchedule: []time.Duration{time.Minute, 10 * time.Minute}}, false, 500,
			[]time.Duration{0, time.Minute, 11 * time.Minute}, notification.Exhausted},
		{"no retries", notification.Settings{RetrySchedule: []time.Duration{}}, false, 500, []time.Duration{0}, notification.Exhausted},
		{"the stack's schedule", notification.Settings{}, false, 500,
			[]time.Duration{0, 3 * time.Minute, 9 * time.Minute, 18 * time.Minute}, notification.Exhausted},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := setup(t)
			b.settings.Settings, b.AnySuccess = test.settings, test.stack2xx
			b.sender.answer = status(test.code)
			b.send(t, message(1))
			b.run(t)
			record := b.record(t, 1)
			var at []time.Duration
			for _, a := range record.Attempts {
				at = append(at, a.StartedAt.Sub(epoch))
			}
			if !slices.Equal(at, test.want) || record.Status != test.status {
				t.Errorf("%s after attempts at %v, want %s after %v", record.Status, at, test.status, test.want)
			}
		})
	}
}

// Settings that cannot be read are a fault of ours: nothing is sent, and the
// message stays.
func TestSettingsUnreadable(t *testing.T) {
	b := setup(t)
	b.settings.err = errors.New("throttled")
	b.send(t, message(1))
	b.deliver(t)
	if len(b.sender.sent()) > 0 || len(b.queue.Waiting()) != 1 {
		t.Errorf("%d sent, %d messages left", len(b.sender.sent()), len(b.queue.Waiting()))
	}
}

func TestRetryAfterLengthensTheWait(t *testing.T) {
	b := setup(t)
	b.sender.answer = func(int, notification.Request) notification.Answer {
		return notification.Answer{StatusCode: 429, RetryAfter: "600"}
	}
	b.send(t, message(1))
	b.deliver(t)
	record := b.record(t, 1)
	if want := epoch.Add(10 * time.Minute); !record.NextAt.Equal(want) || record.Attempts[0].RetryAfter != 10*time.Minute {
		t.Errorf("next at %s, want %s; asked for %s", record.NextAt, want, record.Attempts[0].RetryAfter)
	}
}

func TestNoUsableKey(t *testing.T) {
	for _, test := range []struct {
		err  error
		want notification.Reason
	}{
		{notification.ErrSigningKeyDisabled, notification.ReasonSigningKeyDisabled},
		{notification.ErrNoSigningKey, notification.ReasonNoSigningKey},
	} {
		t.Run(string(test.want), func(t *testing.T) {
			b := setup(t)
			b.keys.err = test.err
			b.send(t, message(1))
			b.deliver(t)
			record := b.record(t, 1)
			if len(b.sender.sent()) != 0 || record.Attempts[0].Reason != test.want || record.Status != notification.Retrying {
				t.Fatalf("%d requests, record %+v", len(b.sender.sent()), record)
			}
			b.keys.err = nil
			b.run(t)
			if got := b.record(t, 1); got.Status != notification.Delivered || got.AttemptCount != 2 {
				t.Errorf("after the key came back: %s after %d attempts", got.Status, got.AttemptCount)
			}
		})
	}
}

func TestFaultsOfOursLeaveTheMessage(t *testing.T) {
	ours := errors.New("throttled")
	failing := func(op string, after bool) func(notificationtest.Call) error {
		return func(call notificationtest.Call) error {
			if call.Op == op && call.After == after {
				return ours
			}
			return nil
		}
	}
	for _, test := range []struct {
		name  string
		fault func(b *bundle)
		posts int // in all, once the fault is over
	}{
		{"key cannot be read", func(b *bundle) { b.keys.err = ours }, 2},
		{"record cannot be read", func(b *bundle) { b.store.OnCall(failing("Deliveries", false)) }, 2},
		{"attempt cannot be recorded", func(b *bundle) { b.store.OnCall(failing("RecordAttempts", false)) }, 3},
		{"recording's answer is lost", func(b *bundle) { b.store.OnCall(failing("RecordAttempts", true)) }, 2},
		{"retry cannot be sent", func(b *bundle) { b.queue.OnCall(failing("Send", false)) }, 2},
		{"sending's answer is lost", func(b *bundle) { b.queue.OnCall(failing("Send", true)) }, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := setup(t)
			b.sender.answer = func(n int, _ notification.Request) notification.Answer {
				return notification.Answer{StatusCode: map[bool]int{true: 500, false: 200}[n < test.posts]}
			}
			b.send(t, message(1))
			test.fault(b)
			b.deliver(t)
			if left := b.queue.Waiting(); len(left) == 0 || left[0].Attempt != 1 {
				t.Fatalf("the message is gone: %v", left)
			}
			b.keys.err = nil
			b.store.OnCall(nil)
			b.queue.OnCall(nil)
			b.run(t)
			record := b.record(t, 1)
			if record.Status != notification.Delivered || len(b.sender.sent()) != test.posts {
				t.Errorf("%s after %d POSTs, want %d", record.Status, len(b.sender.sent()), test.posts)
			}
		})
	}
}

// What became of an attempt is lost with the write of its record. The next try is
// on record, and says so; those that nothing was lost of say nothing.
func TestLostRecord(t *testing.T) {
	for lost := 1; lost <= 3; lost++ {
		b := setup(t)
		b.sender.answer = status(500)
		posts := 0
		b.store.OnCall(func(call notificationtest.Call) error {
			if call.Op == "RecordAttempts" && !call.After {
				if posts++; posts == lost {
					return errors.New("throttled")
				}
			}
			return nil
		})
		b.send(t, message(1))
		b.run(t)
		record := b.record(t, 1)
		if len(b.sender.sent()) != 5 || record.Status != notification.Exhausted || len(record.Attempts) != 4 {
			t.Errorf("record %d lost: %d POSTs, %s with %d attempts", lost, len(b.sender.sent()), record.Status, len(record.Attempts))
		}
		for _, a := range record.Attempts {
			if a.Repeated != (a.Number == lost) {
				t.Errorf("record %d lost: attempt %d is repeated: %t", lost, a.Number, a.Repeated)
			}
		}
	}
}

// A message that was received before is not POSTed again, and its retry is sent
// again with what is left of its wait.
func TestRedelivery(t *testing.T) {
	b := setup(t)
	b.sender.answer = status(500)
	b.send(t, message(1))
	received := b.queue.Receive(notification.First, 1)[0]
	for range 3 {
		if failed := b.Deliver(t.Context(), []notification.Message{received.Message}); len(failed) > 0 {
			t.Fatal(failed)
		}
		b.clock.Advance(time.Minute)
	}
	b.queue.Delete(received)
	if posts := len(b.sender.sent()); posts != 1 {
		t.Errorf("%d POSTs, want 1", posts)
	}
	at, _ := b.queue.NextAt()
	if waiting := b.queue.Waiting(); len(waiting) != 3 || !at.Equal(epoch.Add(3*time.Minute)) {
		t.Errorf("%d retries wait, the next until %s", len(waiting), at)
	}
	// The three copies of the retry are one attempt.
	b.run(t)
	if record := b.record(t, 1); record.AttemptCount != 4 || len(b.sender.sent()) != 4 {
		t.Errorf("%d attempts on record, %d POSTs, want 4", record.AttemptCount, len(b.sender.sent()))
	}
}

func TestTwiceInOneBatch(t *testing.T) {
	b := setup(t)
	failed := b.Deliver(t.Context(), []notification.Message{message(1), message(2), message(1)})
	if len(failed) > 0 || len(b.sender.sent()) != 2 {
		t.Errorf("%d POSTs, failed %v", len(b.sender.sent()), failed)
	}
	b.keys.err = errors.New("throttled")
	failed = b.Deliver(t.Context(), []notification.Message{message(3), message(1), message(3)})
	if len(failed) != 2 || failed[0] == nil || failed[2] == nil {
		t.Errorf("failed = %v, want both copies of the one that was not made", failed)
	}
}

// Two processes get a copy of one retry at the same instant: one makes it, and the
// other keeps its message until that is on record.
func TestTwoProcessesOneRetry(t *testing.T) {
	b := setup(t)
	b.sender.answer = status(500)
	b.send(t, message(1))
	b.deliver(t)
	b.clock.Advance(3 * time.Minute)
	again := b.queue.Waiting()[0]

	inside, done := make(chan struct{}), make(chan struct{})
	b.sender.answer = func(int, notification.Request) notification.Answer {
		close(inside)
		<-done
		return notification.Answer{StatusCode: 200}
	}
	var first sync.WaitGroup
	first.Go(func() { b.Deliver(context.Background(), []notification.Message{again}) })
	<-inside
	if failed := b.Deliver(t.Context(), []notification.Message{again}); len(failed) != 1 {
		t.Error("the second process is done with the message while the first may still die")
	}
	close(done)
	first.Wait()
	if failed := b.Deliver(t.Context(), []notification.Message{again}); len(failed) > 0 {
		t.Errorf("the attempt is on record, and its message stays: %v", failed)
	}
	if posts := len(b.sender.sent()); posts != 2 || b.record(t, 1).Status != notification.Delivered {
		t.Errorf("%d POSTs, %s", posts, b.record(t, 1).Status)
	}
}

// Two processes make one first attempt at the same instant, and the one whose
// record counts dies before it has sent the retry. The other's message sends it.
func TestTwoProcessesOneFirstAttempt(t *testing.T) {
	b := setup(t)
	b.Deliver(t.Context(), []notification.Message{message(2)}) // of an unknown origin, one would wait
	received := []notification.Message{message(1)}
	inside, done := make(chan struct{}), make(chan struct{})
	b.sender.answer = func(n int, _ notification.Request) notification.Answer {
		if n == 2 {
			close(inside)
			<-done
		}
		return notification.Answer{StatusCode: 500}
	}
	var failed map[int]error
	var second sync.WaitGroup
	second.Go(func() { failed = b.Deliver(context.Background(), received) })
	<-inside
	b.clock.Advance(time.Second)
	b.queue.OnCall(func(notificationtest.Call) error { return errors.New("the process died") })
	b.Deliver(t.Context(), received)
	b.queue.OnCall(nil)
	close(done)
	second.Wait()
	if waiting := b.queue.Waiting(); len(failed) > 0 || len(waiting) != 1 || waiting[0].Attempt != 2 {
		t.Errorf("the second process ends in %v, with %+v waiting, want it to send the retry", failed, waiting)
	}
	if record := b.record(t, 1); len(record.Attempts) != 1 || !record.Attempts[0].Repeated {
		t.Errorf("record = %+v, want one attempt that says that it was made twice", record)
	}
}

// A process that claimed a retry and died does not keep it for ever.
func TestLeaseRunsOut(t *testing.T) {
	b := setup(t)
	b.sender.answer = status(500)
	b.send(t, message(1))
	b.deliver(t)
	b.clock.Advance(3 * time.Minute)
	key := notification.DeliveryKey{CloudName: "demo", DeliveryID: deliveryID(1)}
	if _, claimed, err := b.store.Claim(t.Context(), key, 2, b.clock.Now(), b.clock.Now().Add(time.Minute)); !claimed || err != nil {
		t.Fatal(claimed, err)
	}
	received := b.queue.Receive(notification.First, 1)[0]
	b.clock.Advance(b.queue.Visibility)
	if b.Deliver(t.Context(), []notification.Message{received.Message}); len(b.sender.sent()) != 2 {
		t.Errorf("%d POSTs, want 2", len(b.sender.sent()))
	}
}

// Nine quick attempts are on record while the tenth still waits.
func TestQuickOnesDoNotWaitForASlowOne(t *testing.T) {
	b := setup(t)
	tick, done := make(chan time.Time), make(chan struct{})
	b.After = func(d time.Duration) <-chan time.Time {
		if d == lane.SlowAfter { // that it is slow is not what this test is about
			return nil
		}
		return tick
	}
	b.sender.answer = func(_ int, req notification.Request) notification.Answer {
		if req.Header[notification.DeliveryHeader] == deliveryID(10) {
			<-done
		}
		return notification.Answer{StatusCode: 500}
	}
	var messages []notification.Message
	for n := 1; n <= 10; n++ {
		messages = append(messages, message(n))
	}
	var call sync.WaitGroup
	call.Go(func() { b.Deliver(context.Background(), messages) })
	deadline := time.Now().Add(10 * time.Second)
	for len(b.queue.Waiting()) < 9 {
		if time.Now().After(deadline) {
			t.Fatal("nine retries did not come")
		}
		tick <- b.clock.Now()
	}
	if _, recorded := b.record(t, 9), b.record(t, 10); recorded.AttemptCount != 0 {
		t.Error("the slow one is on record")
	}
	close(done)
	call.Wait()
	if got := b.record(t, 10).AttemptCount; got != 1 || len(b.queue.Waiting()) != 10 {
		t.Errorf("the slow one has %d attempts on record; %d retries wait", got, len(b.queue.Waiting()))
	}
}

func TestMessagesThatAreNotOurs(t *testing.T) {
	b := setup(t)
	b.sender.answer = status(500)
	b.send(t, message(1))
	b.deliver(t)
	other := func(edit func(*notification.Message)) notification.Message {
		m := message(1)
		m.Attempt = 2
		edit(&m)
		return m
	}
	for _, test := range []struct {
		name    string
		message notification.Message
		want    string
	}{
		{"empty", notification.Message{}, "not one of ours"},
		{"attempt 0", other(func(m *notification.Message) { m.Attempt = 0 }), "not one of ours"},
		{"another event", other(func(m *notification.Message) { m.EventID = "e2" }), "contradicts its record"},
		{"another URL", other(func(m *notification.Message) { m.URL = "https://b.example" }), "contradicts its record"},
		{"another event, first attempt", other(func(m *notification.Message) { m.EventID, m.Attempt = "e2", 1 }), "contradicts its record"},
		{"another environment", other(func(m *notification.Message) { m.CloudName = "other" }), "claim attempt 2"},
		{"attempt out of turn", other(func(m *notification.Message) { m.Attempt = 3 }), "asks for attempt 3 after 1"},
		{"reference to no event", message(7).Reference(), "has no delivery"},
	} {
		t.Run(test.name, func(t *testing.T) {
			failed := b.Deliver(t.Context(), []notification.Message{test.message})
			if len(failed) != 1 || !strings.Contains(failed[0].Error(), test.want) {
				t.Errorf("failed = %v, want %q", failed, test.want)
			}
		})
	}
	if posts := len(b.sender.sent()); posts != 1 {
		t.Errorf("%d POSTs, want only the first", posts)
	}
}

func TestUnreadableBody(t *testing.T) {
	b := setup(t)
	m := message(1)
	m.Body = []byte{0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3}
	b.send(t, m)
	b.deliver(t)
	if record := b.record(t, 1); record.Attempts[0].Reason != notification.ReasonInvalidPayload {
		t.Errorf("record = %+v", record)
	}
}

func TestLogLine(t *testing.T) {
	b := setup(t)
	b.sender.answer = status(500)
	b.send(t, message(1))
	b.deliver(t)
	line := b.log.String()
	for _, want := range []string{
		`"msg":"delivery attempted"`, `"level":"WARN"`, `"delivery_id":"` + deliveryID(1), `"attempt":1`, `"attempts_max":4`,
		`"outcome":"retrying"`, `"reason":"status"`, `"url_origin":"https://a.example"`, `"next_attempt_at":"2026-02-03T04:08:06Z"`,
	} {
		if !strings.Contains(line, want) {
			t.Errorf("the line lacks %s: %s", want, line)
		}
	}
	for _, never := range []string{"t0k3n", secret, "public_id"} {
		if strings.Contains(line, never) {
			t.Errorf("the line holds %s: %s", never, line)
		}
	}
}

// A hundred runs in which the process dies at a random step: no delivery is
// lost, and none is POSTed twice but where it died between POST and record.
func TestCrashes(t *testing.T) {
	crashes(t, time.Minute, message)
}

func crashes(t *testing.T, wait time.Duration, message func(n int) notification.Message) {
	t.Helper()
	for seed := range 100 {
		b := setup(t)
		b.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
		b.Schedule = retry.Schedule{wait, wait}
		var steps atomic.Int64
		var dead atomic.Bool
		var mu sync.Mutex
		posts := make(map[string]int)
		b.sender.answer = func(n int, req notification.Request) notification.Answer {
			if dead.Load() {
				return notification.Answer{} // a dead process sends nothing
			}
			mu.Lock()
			defer mu.Unlock()
			posts[req.Header[notification.DeliveryHeader]+req.Header[notification.AttemptHeader]]++
			return notification.Answer{StatusCode: []int{500, 200}[(n+seed)%2]}
		}
		var diedAt atomic.Value
		crash := func(call notificationtest.Call) error {
			if steps.Add(1) == int64(seed%23+1) {
				dead.Store(true)
				diedAt.Store(call.Op)
			}
			if dead.Load() {
				return errors.New("process died")
			}
			return nil
		}
		for n := 1; n <= 3; n++ {
			b.send(t, message(n))
		}
		b.store.OnCall(crash)
		b.queue.OnCall(crash)
		for at, waiting := b.queue.NextAt(); waiting; at, waiting = b.queue.NextAt() {
			b.clock.AdvanceTo(at)
			b.deliver(t)
			dead.Store(false) // the next invocation is another process
		}
		b.store.OnCall(nil)
		for n := 1; n <= 3; n++ {
			if got := b.record(t, n).Status; got != notification.Delivered && got != notification.Exhausted {
				t.Errorf("seed %d: delivery %d ended as %q", seed, n, got)
			}
		}
		for attempt, n := range posts {
			if n > 1 && diedAt.Load() != "RecordAttempts" {
				t.Errorf("seed %d: died at %v, attempt %s was POSTed %d times", seed, diedAt.Load(), attempt, n)
			}
		}
	}
}

package intake_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/payload"
)

// anyURL is a guard that refuses what contains "bad".
type anyURL struct{}

func (anyURL) CheckURL(field, url string) error {
	if strings.Contains(url, "bad") {
		return notification.Errorf(notification.Invalid, "%s: is bad", field)
	}
	return nil
}

var epoch = time.Date(2026, 2, 3, 4, 5, 6, 789_012_000, time.UTC)

// bundle is a service over fakes, with an environment that has three triggers.
type bundle struct {
	intake.Service
	clock *notificationtest.Clock
	store *notificationtest.Store
	queue *notificationtest.Queue
	env   notification.Environment
}

func setup() *bundle {
	b := &bundle{clock: notificationtest.NewClock(epoch)}
	b.store = notificationtest.NewStore(b.clock.Now)
	b.queue = notificationtest.NewQueue(b.clock.Now)
	b.Service = intake.Service{Records: b.store, Queue: b.queue, Guard: anyURL{}, Now: b.clock.Now, Retention: 24 * time.Hour}
	b.env = notification.Environment{CloudName: "demo", Hooks: notification.Hooks{Triggers: []notification.Trigger{
		{ID: "t1", URI: "https://a.example/1", EventType: "upload"},
		{ID: "t2", URI: "https://a.example/all", EventType: "all"},
		{ID: "t3", URI: "https://a.example/1", EventType: "delete"},
		{ID: "t4", URI: "https://a.example/all", EventType: "upload"},
	}}}
	return b
}

// demo is where calls over HTTP come from.
var demo = intake.Origin{CloudName: "demo"}

var caller = intake.Caller{Source: "api", ID: "123"}

// accept reads a call and accepts what it reports.
func (b *bundle) accept(t *testing.T, body string) ([]intake.Result, error) {
	t.Helper()
	call, err := intake.ReadCall(demo, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return b.Accept(t.Context(), b.env, caller, call.Reports)
}

func statuses(results []intake.Result) []intake.Status {
	var all []intake.Status
	for _, r := range results {
		all = append(all, r.Status)
	}
	return all
}

func unpack(t *testing.T, body []byte) string {
	t.Helper()
	plain, err := payload.Unpack(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

func TestAccept(t *testing.T) {
	b := setup()
	results, err := b.accept(t, `{"event_id":"e1","notification_type":"upload","payload":{"public_id":"a", "width": 1.0},
		"notification_url":"https://c.example/mine"}`)
	if err != nil {
		t.Fatal(err)
	}
	if results[0].EventID != "e1" || results[0].Status != intake.Accepted {
		t.Errorf("result = %+v", results[0])
	}
	got := results[0].Targets
	for i := range got {
		if len(got[i].DeliveryID) != 26 {
			t.Errorf("delivery_id %q is no ULID", got[i].DeliveryID)
		}
		got[i].DeliveryID = ""
	}
	want := []notification.Target{
		{URL: "https://a.example/1", Why: notification.ByTrigger, TriggerID: "t1"},
		{URL: "https://a.example/all", Why: notification.ByTrigger, TriggerID: "t2",
			Also: []notification.Naming{{Why: notification.ByTrigger, TriggerID: "t4"}}},
		{URL: "https://c.example/mine", Why: notification.ByCall},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	messages := b.queue.Waiting()
	if len(messages) != 3 {
		t.Fatalf("%d messages, want 3", len(messages))
	}
	wantBody := `{"notification_type":"upload","public_id":"a","width":1,` +
		`"notification_context":{"triggered_at":"2026-02-03T04:05:06.789012Z","triggered_by":{"source":"api","id":"123"}}`
	m := messages[0]
	if body := unpack(t, m.Body); body != wantBody {
		t.Errorf("body = %s\nwant   %s", body, wantBody)
	}
	if m.Attempt != 1 || m.Lane != notification.First || m.EventID != "e1" || m.URL == "" || m.AcceptedAt.IsZero() {
		t.Errorf("message = %+v", m)
	}
	stored := b.store.AllEvents()
	if len(stored) != 1 || len(stored[0].Targets) != 3 || !stored[0].ExpiresAt.Equal(epoch.Truncate(time.Second).Add(24*time.Hour)) {
		t.Errorf("stored = %+v", stored)
	}
}

func TestMatching(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"type and all", `{"notification_type":"upload","payload":{}}`, []string{"https://a.example/1", "https://a.example/all"}},
		{"another type and all", `{"notification_type":"delete","payload":{}}`, []string{"https://a.example/all", "https://a.example/1"}},
		{"all alone", `{"notification_type":"rename","payload":{}}`, []string{"https://a.example/all"}},
		{"a URL that a trigger names too, once", `{"notification_type":"upload","payload":{},"notification_url":"https://a.example/1"}`,
			[]string{"https://a.example/1", "https://a.example/all"}},
		{"exact strings", `{"notification_type":"upload","payload":{},"notification_url":"https://a.example/1/"}`,
			[]string{"https://a.example/1", "https://a.example/all", "https://a.example/1/"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			results, err := setup().accept(t, test.body)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, target := range results[0].Targets {
				got = append(got, target.URL)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("URLs (-want +got):\n%s", diff)
			}
			if results[0].EventID == "" {
				t.Error("no event_id was made")
			}
		})
	}
}

func TestNobodyToTell(t *testing.T) {
	b := setup()
	b.env.Hooks.Triggers = nil
	results, err := b.accept(t, `{"event_id":"e1","notification_type":"upload","payload":{}}`)
	if err != nil || results[0].Status != intake.Accepted || len(results[0].Targets) != 0 {
		t.Errorf("results %+v, %v", results, err)
	}
	if len(b.store.AllEvents()) != 1 || b.queue.Count("Send") != 0 {
		t.Error("the event must be on record, and nothing sent")
	}
}

func TestRepeat(t *testing.T) {
	b := setup()
	const body = `{"event_id":"e1","notification_type":"delete","payload":{"a":1,"b":[2]}}`
	first, err := b.accept(t, body)
	if err != nil {
		t.Fatal(err)
	}
	// One of the two deliveries has been attempted by the time of the repeat.
	target := first[0].Targets[0]
	b.store.RecordAttempts(t.Context(), []notification.Delivery{{
		DeliveryKey: notification.DeliveryKey{CloudName: "demo", DeliveryID: target.DeliveryID}, EventID: "e1", AttemptCount: 1,
		Status: notification.Delivered, AcceptedAt: epoch, ExpiresAt: epoch.Add(time.Hour),
	}})
	b.clock.Advance(5 * time.Second)
	again, err := b.accept(t, ` { "event_id":"e1", "payload":{"a":1.0,"b":[ 2 ]}, "notification_type":"delete" } `)
	if err != nil || again[0].Status != intake.Duplicate {
		t.Fatalf("repeat: %+v, %v", again, err)
	}
	if diff := cmp.Diff(first[0].Targets, again[0].Targets); diff != "" {
		t.Errorf("targets (-first +repeat):\n%s", diff)
	}
	waiting := b.queue.Waiting()
	if len(waiting) != 3 {
		t.Fatalf("%d messages, want the first two and one repeated", len(waiting))
	}
	last := waiting[2]
	if last.DeliveryID != first[0].Targets[1].DeliveryID || !last.DueAt.Equal(first0(b).AcceptedAt.Add(30*time.Second)) {
		t.Errorf("repeated message = %+v", last)
	}
}

func first0(b *bundle) notification.Event { return b.store.AllEvents()[0] }

func TestSameIDAnotherContent(t *testing.T) {
	b := setup()
	if _, err := b.accept(t, `{"event_id":"e1","notification_type":"upload","payload":{"a":1}}`); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		`{"event_id":"e1","notification_type":"upload","payload":{"a":2}}`,
		`{"event_id":"e1","notification_type":"delete","payload":{"a":1}}`,
		`{"event_id":"e1","notification_type":"upload","payload":{"a":1},"notification_url":"https://c.example"}`,
		`{"event_id":"e1","notification_type":"upload","payload":{"a":1},"triggered_at":"2026-01-01T00:00:00Z"}`,
	} {
		results, err := b.accept(t, body)
		if notification.CodeOf(err) != notification.Conflict || results[0].Status != intake.Conflict {
			t.Errorf("%s: %+v, %v", body, results, err)
		}
	}
	if sent := len(b.queue.Waiting()); sent != 2 {
		t.Errorf("%d messages, want those of the first event", sent)
	}
}

func TestList(t *testing.T) {
	b := setup()
	if _, err := b.accept(t, `{"event_id":"old","notification_type":"rename","payload":{}}`); err != nil {
		t.Fatal(err)
	}
	results, err := b.accept(t, `{"events":[
		{"event_id":"new","notification_type":"rename","payload":{}},
		{"event_id":"old","notification_type":"rename","payload":{}},
		{"event_id":"new","notification_type":"rename","payload":{},"batch_id":null},
		{"notification_type":"upload","payload":{},"batch_id":"b1"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	want := []intake.Status{intake.Accepted, intake.Duplicate, intake.Duplicate, intake.Accepted}
	if diff := cmp.Diff(want, statuses(results)); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if results[2].EventID != "new" || results[3].EventID == "" || results[3].BatchID != "b1" {
		t.Errorf("results = %+v", results)
	}
	results, err = b.accept(t, `{"events":[
		{"event_id":"new","notification_type":"rename","payload":{"x":1}},
		{"event_id":"fresh","notification_type":"rename","payload":{}}]}`)
	if notification.CodeOf(err) != notification.Conflict {
		t.Errorf("error = %v", err)
	}
	if diff := cmp.Diff([]intake.Status{intake.Conflict, intake.Accepted}, statuses(results)); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

func TestReadCall(t *testing.T) {
	event := func(fields string) string { return `{"notification_type":"upload","payload":{}` + fields + `}` }
	many := `{"events":[` + strings.Repeat(event("")+",", 100) + event("") + `]}`
	for _, test := range []struct {
		name, body, key string
		code            notification.Code
		want            string
	}{
		{"empty", ``, "", notification.Invalid, "body: invalid JSON"},
		{"not JSON", `{"payload":`, "", notification.Invalid, "payload: invalid JSON at byte 11"},
		{"an array", `[]`, "", notification.Invalid, "body: invalid JSON at byte 0: must be an object"},
		{"duplicate key", `{"payload":{},"payload":{}}`, "", notification.Invalid, "duplicate key"},
		{"no type", `{"payload":{}}`, "", notification.Invalid, "notification_type: is required"},
		{"type of a trigger", `{"notification_type":"all","payload":{}}`, "", notification.Invalid, "notification_type: Invalid value all"},
		{"unknown type", `{"notification_type":"x","payload":{}}`, "", notification.Invalid, "notification_type: Invalid value x"},
		{"type that is no string", `{"notification_type":1,"payload":{}}`, "", notification.Invalid, "notification_type: must be a string"},
		{"no payload", `{"notification_type":"upload"}`, "", notification.Invalid, "payload: is required"},
		{"null payload", `{"notification_type":"upload","payload":null}`, "", notification.Invalid, "payload: is required"},
		{"unknown field", event(`,"notificaton_url":"https://a.example"`), "", notification.Invalid, "notificaton_url: is not a field that is known here"},
		{"event_id with a #", event(`,"event_id":"a#b"`), "", notification.Invalid, "event_id: must be 1 to 128 printable ASCII"},
		{"empty event_id", event(`,"event_id":""`), "", notification.Invalid, "event_id: must not be empty"},
		{"long event_id", event(`,"event_id":"` + strings.Repeat("a", 129) + `"`), "", notification.Invalid, "event_id: must be 1 to 128"},
		{"another environment", event(`,"cloud_name":"other"`), "", notification.Invalid, "cloud_name: is not the environment"},
		{"no time", event(`,"triggered_at":"yesterday"`), "", notification.Invalid, "triggered_at: must be a time"},
		{"half a source", event(`,"triggered_by":{"source":"ui"}`), "", notification.Invalid, "triggered_by.source: must be given with id"},
		{"source of another type", event(`,"triggered_by":"me"`), "", notification.Invalid, "triggered_by: invalid JSON"},
		{"long method", event(`,"method":"` + strings.Repeat("a", 257) + `"`), "", notification.Invalid, "method: must be at most 256 bytes"},
		{"URL where no method takes one", `{"notification_type":"delete","payload":{},"notification_url":"https://a.example"}`, "",
			notification.Invalid, "notification_url: is not a parameter of the method behind delete"},
		{"URL of a method that takes none", event(`,"method":"rename","notification_url":"https://a.example"`), "",
			notification.Invalid, "notification_url: is not a parameter of the method behind rename"},
		{"malformed Idempotency-Key", event(""), "a b", notification.Invalid, "Idempotency-Key: must be"},
		{"two ids", event(`,"event_id":"a"`), "b", notification.Invalid, "event_id: is not the one that the Idempotency-Key header names"},
		{"empty list", `{"events":[]}`, "", notification.Invalid, "events: must hold 1 to 100 events, not 0"},
		{"too many", many, "", notification.Invalid, "events: must hold 1 to 100 events, not 101"},
		{"no list", `{"events":{}}`, "", notification.Invalid, "events: invalid JSON at byte 0: must be an array"},
		{"list and more", `{"events":[],"payload":{}}`, "", notification.Invalid, "payload: is not a field that is known here"},
		{"fault in a list", `{"events":[` + event("") + `,` + event(`,"method":1`) + `]}`, "", notification.Invalid, "events[1].method: must be a string"},
		{"large event", event(`,"method":"` + strings.Repeat("a", intake.MaxEvent) + `"`), "", notification.TooLarge, "body: must be at most 262144 bytes"},
		{"large event in a list", `{"events":[` + event(`,"method":"`+strings.Repeat("a", intake.MaxEvent)+`"`) + `]}`, "",
			notification.TooLarge, "events[0]: must be at most 262144 bytes"},
		{"large call", `{"events":"` + strings.Repeat("a", intake.MaxCall) + `"}`, "", notification.TooLarge, "body: must be at most 2097152 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := intake.ReadCall(intake.Origin{CloudName: "demo", IdempotencyKey: test.key}, []byte(test.body))
			if err == nil || notification.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v (%s), want %s with %q", err, notification.CodeOf(err), test.code, test.want)
			}
		})
	}
}

func TestIdempotencyKeyNamesEvents(t *testing.T) {
	single, err := intake.ReadCall(intake.Origin{CloudName: "demo", IdempotencyKey: "key"}, []byte(`{"notification_type":"upload","payload":{}}`))
	if err != nil || single.Reports[0].EventID != "key" {
		t.Errorf("single: %+v, %v", single, err)
	}
	list, err := intake.ReadCall(intake.Origin{CloudName: "demo", IdempotencyKey: "key"}, []byte(`{"events":[{"notification_type":"upload","payload":{}},{"event_id":"own","notification_type":"upload","payload":{}}]}`))
	if err != nil || list.Reports[0].EventID != "key-0" || list.Reports[1].EventID != "own" {
		t.Errorf("list: %+v, %v", list, err)
	}
}

func TestGivenContext(t *testing.T) {
	b := setup()
	_, err := b.accept(t, `{"notification_type":"rename","payload":{},"triggered_at":"2026-01-31T13:00:00.5+01:00","triggered_by":{"source":"ui","id":"a@b.example"}}`)
	if err != nil {
		t.Fatal(err)
	}
	body := unpack(t, b.queue.Waiting()[0].Body)
	want := `"notification_context":{"triggered_at":"2026-01-31T12:00:00.500000Z","triggered_by":{"source":"ui","id":"a@b.example"}}`
	if !strings.HasSuffix(body, want) {
		t.Errorf("body = %s, want it to end with %s", body, want)
	}
}

// What is refused leaves nothing behind.
func TestRefusedWhole(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"payload that is no object", `{"notification_type":"upload","payload":[1]}`, "payload: invalid JSON at byte 0: must be an object"},
		{"number out of range", `{"events":[{"notification_type":"upload","payload":{}},{"notification_type":"upload","payload":{"a":[1e999]}}]}`,
			"events[1].payload.a[0]"},
		{"bad URL", `{"events":[{"notification_type":"upload","payload":{}},{"notification_type":"upload","payload":{},"notification_url":"bad"}]}`,
			"events[1].notification_url: is bad"},
		{"one id for two events", `{"events":[{"event_id":"a","notification_type":"upload","payload":{}},{"event_id":"a","notification_type":"upload","payload":{"x":1}}]}`,
			"events[1].event_id: stands for another event"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := setup()
			call, err := intake.ReadCall(demo, []byte(test.body))
			if err == nil {
				_, err = b.Accept(t.Context(), b.env, caller, call.Reports)
			}
			if notification.CodeOf(err) != notification.Invalid || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want %q", err, test.want)
			}
			if len(b.store.AllEvents()) > 0 || len(b.queue.Waiting()) > 0 {
				t.Error("something was stored or sent")
			}
		})
	}
}

// Fifty calls with one event_id: one event, each target's message sent by the
// call that stored it, the others' only as late repeats.
func TestFiftyCallsAtOnce(t *testing.T) {
	b := setup()
	results := make([]intake.Result, 50)
	var calls sync.WaitGroup
	for i := range results {
		calls.Go(func() {
			got, err := b.accept(t, `{"event_id":"e1","notification_type":"upload","payload":{"a":1}}`)
			if err != nil {
				t.Error(err)
				return
			}
			results[i] = got[0]
		})
	}
	calls.Wait()
	accepted := 0
	for _, r := range results {
		if r.Status == intake.Accepted {
			accepted++
		}
		if diff := cmp.Diff(results[0].Targets, r.Targets); diff != "" {
			t.Errorf("targets differ between calls:\n%s", diff)
		}
	}
	if accepted != 1 || len(b.store.AllEvents()) != 1 {
		t.Errorf("%d calls were accepted, %d events are stored", accepted, len(b.store.AllEvents()))
	}
	if due := b.queue.Receive(notification.First, 1000); len(due) != 2 {
		t.Errorf("%d messages are due at once, want 2", len(due))
	}
}

// A crash at each step, and then a repeat by the producer: nothing is lost, and
// each delivery keeps its id.
func TestCrashAndRepeat(t *testing.T) {
	const body = `{"events":[{"event_id":"e1","notification_type":"upload","payload":{"a":1}},{"event_id":"e2","notification_type":"rename","payload":{}}]}`
	for _, op := range []string{"InsertEvents", "Send"} {
		for index := range 2 {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %d after %t", op, index, after), func(t *testing.T) {
					b := setup()
					crash := func(call notificationtest.Call) error {
						if call.Op == op && call.Index == index && call.After == after {
							return errors.New("process died")
						}
						return nil
					}
					b.store.OnCall(crash)
					b.queue.OnCall(crash)
					results, err := b.accept(t, body)
					if notification.CodeOf(err) != notification.Unavailable {
						t.Fatalf("error = %v", err)
					}
					failed := 0
					for i, r := range results {
						if r.EventID != fmt.Sprintf("e%d", i+1) {
							t.Errorf("result %d names event %q", i, r.EventID)
						}
						if r.Status == intake.Failed {
							failed++
						}
					}
					if failed != 1 {
						t.Errorf("%d events failed, want 1", failed)
					}
					b.store.OnCall(nil)
					b.queue.OnCall(nil)
					results, err = b.accept(t, body)
					if err != nil {
						t.Fatal(err)
					}
					sent := make(map[string]bool)
					for _, m := range b.queue.Waiting() {
						sent[m.DeliveryID] = true
					}
					promised := 0
					for _, r := range results {
						for _, target := range r.Targets {
							promised++
							if !sent[target.DeliveryID] {
								t.Errorf("delivery %s of %s was promised and not sent", target.DeliveryID, r.EventID)
							}
						}
					}
					if promised != 3 || len(sent) != 3 {
						t.Errorf("%d deliveries promised, %d sent, want 3", promised, len(sent))
					}
				})
			}
		}
	}
}

func TestRepeatThatCannotBeJudged(t *testing.T) {
	b := setup()
	const body = `{"event_id":"e1","notification_type":"upload","payload":{}}`
	if _, err := b.accept(t, body); err != nil {
		t.Fatal(err)
	}
	b.store.OnCall(func(call notificationtest.Call) error {
		if call.Op == "Deliveries" {
			return errors.New("throttled")
		}
		return nil
	})
	results, err := b.accept(t, body)
	if notification.CodeOf(err) != notification.Unavailable || results[0].Status != intake.Failed || results[0].EventID != "e1" {
		t.Errorf("%+v, %v", results, err)
	}
}

func FuzzReadCall(f *testing.F) {
	f.Add([]byte(`{"event_id":"e1","notification_type":"upload","payload":{"a":[1,"x"]},"triggered_by":{"source":"ui","id":"x"}}`))
	f.Add([]byte(`{"events":[{"notification_type":"delete","payload":{}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		call, err := intake.ReadCall(demo, body)
		if err != nil {
			if code := notification.CodeOf(err); code != notification.Invalid && code != notification.TooLarge {
				t.Errorf("error of code %s: %v", code, err)
			}
			return
		}
		b := setup()
		if _, err := b.Accept(t.Context(), b.env, caller, call.Reports); err != nil && notification.CodeOf(err) != notification.Invalid {
			t.Errorf("accept: %v", err)
		}
	})
}

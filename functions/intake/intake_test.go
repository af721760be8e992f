package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/outbound"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/telemetry"
	"github.com/mediahooks/mediahooks/shared/web"
)

// server is the function over fakes, with the environment of the files in events,
// one trigger for all events, and an upload preset.
type server struct {
	clock *notificationtest.Clock
	store *notificationtest.Store
	queue *notificationtest.Queue
	holds *notificationtest.Holds
	entry func(context.Context, json.RawMessage) (any, error)
	log   strings.Builder
}

var source = telemetry.Source{Namespace: "Mediahooks", Service: "mediahooks-intake", Stack: "mediahooks-dev", Function: "dev-intake"}

// startTime is the time of the files in events.
var startTime = time.Date(2026, 2, 3, 4, 5, 6, 789e6, time.UTC)

const triggerID = "0123456789abcdef0123456789abcdef"

// requestID is what Lambda calls each direct invocation.
const requestID = "6f0f6bd0-0a38-4ea7-9d52-d5e56c2b1f11"

func newServer(t *testing.T, clouds ...string) *server {
	t.Helper()
	s := &server{clock: notificationtest.NewClock(startTime)}
	now := s.clock.Now
	s.store, s.queue, s.holds = notificationtest.NewStore(now), notificationtest.NewQueue(now), notificationtest.NewHolds(now)
	s.provision(t)
	log, metrics := telemetry.NewLogger(&s.log, slog.LevelInfo, source), telemetry.NewMetrics(&s.log, source, now)
	directory := registry.NewDirectory(s.store, now)
	h := handler{
		directory: directory,
		service: intake.Service{
			Environments: directory, Presets: directory, Records: s.store, Queue: counting{s.queue, metrics}, Clock: s.holds, Guard: outbound.Guard{},
			Now: now, HoldTimeout: time.Hour, Retention: 48 * time.Hour,
		},
		clouds:  clouds,
		logins:  &web.Logins{Count: func() { metrics.Count(telemetry.LoginsFailed, 1) }, Now: now},
		metrics: metrics,
		log:     log,
	}
	s.entry = telemetry.Measured(metrics, log, h.entry())
	return s
}

func (s *server) provision(t *testing.T) {
	t.Helper()
	err := errors.Join(
		s.store.CreateEnvironment(t.Context(), notification.Environment{
			CloudName: "demo", ID: strings.Repeat("7f", 17),
			Keys: []notification.AccessKey{{APIKey: "111111111111111", SecretHash: registry.HashSecret("a-secret-for-sample-events"), Enabled: true}},
		}),
		s.store.ReplaceSettings(t.Context(), "demo", notification.Settings{Version: 1, IncludeClientIP: true}),
		s.store.ReplaceHooks(t.Context(), "demo", notification.Hooks{Version: 1, Triggers: []notification.Trigger{
			{ID: triggerID, URI: "https://shop.example/hooks/first?token=t0k3n", EventType: "all"},
		}}),
		s.store.PutUploadPreset(t.Context(), notification.UploadPreset{
			CloudName: "demo", Name: "shop-photos", NotificationURL: "https://shop.example/hooks/photos", Version: 1,
		}))
	if err != nil {
		t.Fatal(err)
	}
}

// outcome is what an invocation came to. The status is that of HTTP, and 0 for
// the other ways.
type outcome struct {
	status int
	body   string
}

// invoke hands the function what AWS would.
func (s *server) invoke(t *testing.T, raw []byte) (outcome, error) {
	t.Helper()
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: requestID})
	answer, err := s.entry(ctx, raw)
	if err != nil {
		return outcome{}, err
	}
	if http, ok := answer.(events.APIGatewayV2HTTPResponse); ok {
		return outcome{http.StatusCode, http.Body}, nil
	}
	body, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return outcome{0, string(body)}, nil
}

// serve answers the event of a file in events/intake.
func (s *server) serve(t *testing.T, file string) outcome {
	t.Helper()
	got, err := s.invoke(t, read(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../events/intake", file))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// lines returns the lines of the log with the given message.
func (s *server) lines(message string) []string {
	var found []string
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, `"message":"`+message+`"`) {
			found = append(found, line)
		}
	}
	return found
}

// wantFor holds the status of each file in events/intake, a part of its answer,
// how many messages it puts on the lanes and how many clocks it starts, and how
// many events it leaves behind.
var wantFor = map[string]struct {
	status                  int
	body                    string
	messages, holds, events int
}{
	"event.json":                       {202, `{"event_id":"upload-4711","status":"accepted","deliveries":[{"delivery_id":"`, 1, 0, 1},
	"example.json":                     {202, `{"event_id":"example-`, 1, 0, 1},
	"example-of-a-type.json":           {202, `"uri":"https://shop.example/hooks/first?token=t0k3n","why":"trigger","trigger_id":"` + triggerID + `"}]}`, 1, 0, 1},
	"example-unknown-type.json":        {400, `{"error":{"message":"event_type: Invalid value all"}}`, 0, 0, 0},
	"example-unknown-trigger.json":     {404, `{"error":{"message":"record_not_found"}}`, 0, 0, 0},
	"event-with-notification-url.json": {202, `"uri":"https://shop.example/hooks/this-call","why":"per_call"}]}`, 2, 0, 1},
	"event-traced.json":                {202, `{"event_id":"upload-4720","status":"accepted"`, 1, 0, 1},
	"event-with-idempotency-key.json":  {202, `{"event_id":"order-81-photo-2","status":"accepted"`, 1, 0, 1},
	"list.json":                        {202, `{"events":[{"event_id":"rename-1","status":"accepted"`, 2, 0, 2},
	"upload-preset.json":               {202, `"uri":"https://shop.example/hooks/photos","why":"preset"}]}`, 2, 0, 1},
	"client-ip.json":                   {202, `{"event_id":"upload-4717","status":"accepted"`, 1, 0, 1},
	"misfit.json":                      {202, `"status":"accepted","payload_warning":"width: `, 1, 0, 1},
	"delete-folder.json":               {202, `"derived":[{"event_id":"folder-1.delete.`, 3, 0, 3},
	"delete-empty-folder.json":         {202, `{"event_id":"folder-2","status":"suppressed","deliveries":[]}`, 0, 0, 1},
	"eager-upload.json":                {202, `"held_until":"2026-02-03T05:05:06.789Z","deliveries":[{`, 0, 1, 1},
	"eager-result.json":                {202, `{"event_id":"eager-4715","status":"held","batch_id":"95c91d34ee4bc36e`, 0, 1, 1},
	"eager-async.json":                 {202, `"derived":[{"event_id":"upload-4716.eager.`, 3, 0, 2},

	"malformed.json":         {400, `duplicate key`, 0, 0, 0},
	"unknown-type.json":      {400, `{"error":{"message":"notification_type: Invalid value uploaded"}}`, 0, 0, 0},
	"list-with-a-fault.json": {400, `{"error":{"message":"events[1].payload: invalid JSON at byte 0: must be an object"}}`, 0, 0, 0},
	"private-url.json":       {400, `{"error":{"message":"notification_url: `, 0, 0, 0},
	"wrong-secret.json":      {401, `{"error":{"message":"Invalid credentials"}}`, 0, 0, 0},

	"eventbridge.json":         {0, `null`, 1, 0, 1},
	"eventbridge-list.json":    {0, `null`, 2, 0, 2},
	"eventbridge-invalid.json": {0, `null`, 0, 0, 0},
	"direct.json":              {0, `{"event_id":"upload-4713","status":"accepted","deliveries":[{"delivery_id":"`, 1, 0, 1},
	"direct-list.json":         {0, `{"events":[{"event_id":"` + requestID + `-0","status":"accepted"`, 2, 0, 2},
	"direct-invalid.json":      {0, `{"error":{"message":"unknown cloud_name \"nowhere\""}}`, 0, 0, 0},
	"hold.json":                {0, `{"batchItemFailures":[]}`, 0, 1, 0}, // early, so it goes on
	"hold-malformed.json": {
		0, `{"batchItemFailures":[{"itemIdentifier":"159f36b4-87a3-44ab-83d2-661975470000"},` +
			`{"itemIdentifier":"159f36b4-87a3-44ab-83d2-661975470002"}]}`, 0, 1, 0,
	},
}

func TestEvents(t *testing.T) {
	files, err := os.ReadDir("../../events/intake")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(wantFor) {
		t.Errorf("%d files in events/intake, %d expectations", len(files), len(wantFor))
	}
	for _, file := range files {
		t.Run(file.Name(), func(t *testing.T) {
			want, known := wantFor[file.Name()]
			if !known {
				t.Fatal("no expectation for this file")
			}
			s := newServer(t)
			answer := s.serve(t, file.Name())
			if answer.status != want.status || !strings.Contains(answer.body, want.body) {
				t.Errorf("answer = %d %s\nwant     %d %s", answer.status, answer.body, want.status, want.body)
			}
			if got := len(s.queue.Waiting()); got != want.messages {
				t.Errorf("%d messages on the lanes, want %d", got, want.messages)
			}
			if got := len(s.holds.Waiting()); got != want.holds {
				t.Errorf("%d clocks started, want %d", got, want.holds)
			}
			if got := len(s.store.AllEvents()); got != want.events {
				t.Errorf("%d events on record, want %d", got, want.events)
			}
			reported := len(s.lines("event reported")) + len(s.lines("event derived"))
			if reported != want.events {
				t.Errorf("%d lines of events, want %d: %s", reported, want.events, s.log.String())
			}
			for _, never := range []string{
				"a-secret-for-sample-events", "t0k3n", "catalogue/lamp", "this-call", "old/lamp", "198.51.100.23", "hooks/photos", "media.example/",
			} {
				if strings.Contains(s.log.String(), never) {
					t.Errorf("the log holds %s: %s", never, s.log.String())
				}
			}
		})
	}
}

// Every line of an event says which way it came.
func TestWayIsLogged(t *testing.T) {
	for file, want := range map[string]string{
		"event.json":       `"way":"http","request_id":"JKJaXmPLvHcESHA=","cloud_name":"demo","event_id":"upload-4711","notification_type":"upload","status":"accepted","deliveries":1`,
		"eventbridge.json": `"way":"eventbridge","request_id":"17793124-05d4-b198-2fde-7ededc63b103","cloud_name":"demo","event_id":"17793124-05d4-b198-2fde-7ededc63b103"`,
		"direct.json":      `"way":"direct","request_id":"` + requestID + `","cloud_name":"demo","event_id":"upload-4713"`,
	} {
		s := newServer(t)
		s.serve(t, file)
		if lines := s.lines("event reported"); len(lines) != 1 || !strings.Contains(lines[0], want) {
			t.Errorf("%s: lines %q, want one with %s", file, lines, want)
		}
	}
}

// The context of a notification says which way it came, and when.
func TestContextByWay(t *testing.T) {
	for file, want := range map[string]string{
		"event.json":       `{"triggered_at":"2026-02-03T04:05:06.789000Z","triggered_by":{"source":"api","id":"111111111111111"}}`,
		"eventbridge.json": `{"triggered_at":"2026-02-03T04:05:05.000000Z","triggered_by":{"source":"eventbridge","id":"example.media.uploads"}}`,
		"direct.json":      `{"triggered_at":"2026-02-03T04:05:06.789000Z","triggered_by":{"source":"lambda","id":"` + requestID + `"}}`,
	} {
		s := newServer(t)
		s.serve(t, file)
		body, err := payload.Unpack(s.store.AllEvents()[0].Body)
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s, %v, want %s", file, body, err, want)
		}
	}
}

func TestTraceparent(t *testing.T) {
	s := newServer(t)
	settings := notification.Settings{Version: 2, ForwardTraceparent: true}
	if err := s.store.ReplaceSettings(t.Context(), "demo", settings); err != nil {
		t.Fatal(err)
	}
	s.serve(t, "event-traced.json")
	const want = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	if all, waiting := s.store.AllEvents(), s.queue.Waiting(); all[0].Traceparent != want || waiting[0].Traceparent != want {
		t.Errorf("the event has %q and its message %q", all[0].Traceparent, waiting[0].Traceparent)
	}
}

func TestClientIP(t *testing.T) {
	s := newServer(t)
	s.serve(t, "client-ip.json")
	body, err := payload.Unpack(s.store.AllEvents()[0].Body)
	if err != nil || !strings.Contains(string(body), `"requester_ip":"198.51.100.23"`) {
		t.Errorf("body = %s, %v", body, err)
	}
}

// An upload is held until its result comes; whichever half comes twice finds the
// same.
func TestPair(t *testing.T) {
	s := newServer(t)
	if first := s.serve(t, "eager-upload.json"); !strings.Contains(first.body, `"status":"held"`) {
		t.Fatalf("upload: %+v", first)
	}
	again := s.serve(t, "eager-upload.json")
	if !strings.Contains(again.body, `"status":"duplicate"`) || !strings.Contains(again.body, `"held_until":"2026-02-03T05:05:06.789Z"`) {
		t.Errorf("upload again: %+v", again)
	}
	result := s.serve(t, "eager-result.json")
	if !strings.Contains(result.body, `"status":"accepted"`) || !strings.Contains(result.body, `"release":"both"`) ||
		strings.Contains(result.body, "held_until") {
		t.Errorf("result: %+v", result)
	}
	if n := len(s.queue.Waiting()); n != 2 {
		t.Errorf("%d messages, want one for each target of the upload", n)
	}
}

// A half that stays alone is told when its time is over.
func TestHoldEnds(t *testing.T) {
	s := newServer(t)
	s.serve(t, "eager-upload.json")
	s.clock.Advance(time.Hour)
	if got := s.serve(t, "hold.json"); got.body != `{"batchItemFailures":[]}` {
		t.Errorf("answer = %+v", got)
	}
	if n := len(s.queue.Waiting()); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
	if late := s.serve(t, "eager-result.json"); !strings.Contains(late.body, `"release":"late","deliveries":[]`) {
		t.Errorf("late result: %+v", late)
	}
}

// A hold that cannot be taken up stays on the queue, alone.
func TestHoldFails(t *testing.T) {
	s := newServer(t)
	s.holds.OnCall(func(notificationtest.Call) error { return errors.New("queue is throttled") })
	got := s.serve(t, "hold.json")
	const want = `{"batchItemFailures":[{"itemIdentifier":"159f36b4-87a3-44ab-83d2-661975470000"}]}`
	if got.body != want {
		t.Errorf("answer = %s, want %s", got.body, want)
	}
	if lines := s.lines("hold left on queue"); len(lines) != 1 || !strings.Contains(lines[0], "queue is throttled") {
		t.Errorf("log: %s", s.log.String())
	}
}

// The same event by another way is the same event.
func TestSameEventByAllWays(t *testing.T) {
	s := newServer(t)
	const event = `{"event_id":"e1","cloud_name":"demo","notification_type":"rename","payload":{"from_public_id":"a","to_public_id":"b"}}`
	for _, raw := range []string{event, `{"detail-type":"Mediahooks Event","id":"x","detail":` + event + `}`, httpCall(t, event)} {
		if got, err := s.invoke(t, []byte(raw)); err != nil {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if all := s.store.AllEvents(); len(all) != 1 {
		t.Errorf("%d events, want 1", len(all))
	}
	if lines := s.lines("event reported"); strings.Count(strings.Join(lines, ""), `"status":"duplicate"`) != 2 {
		t.Errorf("lines %q, want two of duplicates", lines)
	}
}

// An environment that may not be named is one that does not exist.
func TestEventClouds(t *testing.T) {
	for _, test := range []struct {
		clouds []string
		want   string
	}{
		{nil, `"status":"accepted"`},
		{[]string{"other", "demo"}, `"status":"accepted"`},
		{[]string{"other"}, `{"error":{"message":"unknown cloud_name \"demo\""}}`},
	} {
		s := newServer(t, test.clouds...)
		if got := s.serve(t, "direct.json"); !strings.Contains(got.body, test.want) {
			t.Errorf("clouds %v: %s, want %s", test.clouds, got.body, test.want)
		}
		s.serve(t, "eventbridge.json")
		if got := s.serve(t, "event.json"); got.status != 202 {
			t.Errorf("clouds %v: HTTP answers %+v", test.clouds, got)
		}
		want := 3
		if strings.Contains(test.want, "error") {
			want = 1
		}
		if n := len(s.store.AllEvents()); n != want {
			t.Errorf("clouds %v: %d events, want %d", test.clouds, n, want)
		}
	}
}

// What its producer has to mend is one line in the log, and no error.
func TestRefused(t *testing.T) {
	const upload = `"notification_type":"upload","payload":{"public_id":"catalogue/lamp"}`
	for _, test := range []struct{ name, event, code, fault string }{
		{"invalid", `{"event_id":"e1","cloud_name":"demo","notification_type":"uploaded","payload":{}}`, "invalid", "notification_type: Invalid value uploaded"},
		{"no cloud", `{` + upload + `}`, "invalid", "cloud_name: is required"},
		{"unknown cloud", `{"cloud_name":"nowhere",` + upload + `}`, "not_found", `unknown cloud_name \"nowhere\"`},
		{"endless cloud", `{"cloud_name":"` + strings.Repeat("a", 4096) + `",` + upload + `}`, "not_found", `unknown cloud_name \"aaa`},
		{"too large", `{"cloud_name":"demo","notification_type":"upload","payload":{"a":"` + strings.Repeat("a", 256<<10) + `"}}`, "too_large", "body: must be at most"},
		{"conflict", `{"event_id":"taken","cloud_name":"demo",` + upload + `}`, "conflict", "event_id: taken stands for"},
		{"conflict in a list", `{"cloud_name":"demo","events":[{"event_id":"e1",` + upload + `},{"event_id":"taken",` + upload + `}]}`, "conflict", "event_id: taken stands for"},
		{"no object", `[1]`, "invalid", ""},
		{"a string", `"lamp"`, "invalid", ""},
		{"nothing", `null`, "invalid", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for way, raw := range map[string]string{
				"direct":      test.event,
				"eventbridge": `{"detail-type":"Mediahooks Event","id":"` + requestID + `","source":"s","detail":` + test.event + `}`,
			} {
				if way == "eventbridge" && !strings.HasPrefix(test.event, "{") {
					continue // a detail is an object
				}
				s := newServer(t)
				if _, err := s.invoke(t, []byte(`{"event_id":"taken","cloud_name":"demo","notification_type":"delete","payload":{}}`)); err != nil {
					t.Fatal(err)
				}
				got, err := s.invoke(t, []byte(raw))
				if err != nil {
					t.Fatalf("%s: raised %v", way, err)
				}
				if way == "direct" && !strings.HasPrefix(got.body, `{"error":{"message":"`+test.fault) {
					t.Errorf("answer = %.200s", got.body)
				}
				lines := s.lines("event refused")
				want := []string{`"way":"` + way + `"`, `"request_id":"` + requestID + `"`, `"code":"` + test.code + `"`, `"fault":"` + test.fault, `"level":"WARN"`}
				for _, part := range want {
					if len(lines) != 1 || !strings.Contains(lines[0], part) || len(lines[0]) > 1000 {
						t.Errorf("%s: lines %.500q, want one with %s", way, lines, part)
					}
				}
				if strings.Contains(s.log.String(), "catalogue/lamp") {
					t.Errorf("%s: the log holds the payload", way)
				}
			}
		})
	}
}

// A fault of ours is raised, so that Lambda tries again; its text names what a
// caller has to repeat, and not the cause.
func TestFaultOfOursIsRaised(t *testing.T) {
	for _, file := range []string{"direct-list.json", "eventbridge-list.json"} {
		s := newServer(t)
		s.queue.OnCall(func(call notificationtest.Call) error {
			if call.Index == 1 {
				return errors.New("queue is throttled")
			}
			return nil
		})
		_, err := s.invoke(t, read(t, file))
		if err == nil || strings.Contains(err.Error(), "throttled") || !strings.Contains(err.Error(), "-0 accepted; ") || !strings.Contains(err.Error(), " failed") {
			t.Errorf("%s: error = %v", file, err)
		}
		if !strings.Contains(s.log.String(), "queue is throttled") {
			t.Errorf("%s: the log lacks the cause: %s", file, s.log.String())
		}
		s.queue.OnCall(nil)
		if got, err := s.invoke(t, read(t, file)); err != nil || len(s.store.AllEvents()) != 2 {
			t.Errorf("%s: again: %+v, %v, %d events", file, got, err, len(s.store.AllEvents()))
		}
	}
}

// The store's faults are ours too, even before anything is accepted.
func TestUnreadableEnvironmentIsRaised(t *testing.T) {
	s := newServer(t)
	s.store.OnCall(func(notificationtest.Call) error { return errors.New("table is throttled") })
	for _, file := range []string{"direct.json", "eventbridge.json"} {
		if _, err := s.invoke(t, read(t, file)); err == nil || strings.Contains(err.Error(), "throttled") {
			t.Errorf("%s: error = %v", file, err)
		}
	}
}

func TestRepeatAndConflict(t *testing.T) {
	s := newServer(t)
	first := s.serve(t, "event.json")
	again := s.serve(t, "event.json")
	want := strings.Replace(first.body, `"status":"accepted"`, `"status":"duplicate"`, 1)
	if again.status != 202 || again.body != want {
		t.Errorf("repeat = %d %s, want %s", again.status, again.body, want)
	}
	conflict, err := s.invoke(t, []byte(httpCall(t, `{"event_id":"upload-4711","notification_type":"upload","payload":{}}`)))
	if err != nil {
		t.Fatal(err)
	}
	const wantConflict = `{"error":{"message":"event_id: upload-4711 stands for an event with another content"},` +
		`"event_id":"upload-4711","status":"conflict","deliveries":[]}` + "\n"
	if conflict.status != 409 || conflict.body != wantConflict {
		t.Errorf("conflict = %d %s, want %s", conflict.status, conflict.body, wantConflict)
	}
}

// A fault of ours is a 503 that names every event, so that the producer can
// repeat them.
func TestFaultOfOursNamesTheEvents(t *testing.T) {
	s := newServer(t)
	s.queue.OnCall(func(call notificationtest.Call) error {
		if call.Index == 1 {
			return errors.New("queue is throttled")
		}
		return nil
	})
	answer := s.serve(t, "list.json")
	var body struct {
		Error  struct{ Message string }
		Events []struct {
			EventID string `json:"event_id"`
			Status  string
		}
	}
	if err := json.Unmarshal([]byte(answer.body), &body); err != nil {
		t.Fatal(err)
	}
	if answer.status != 503 || len(body.Events) != 2 || body.Events[0].Status != "accepted" ||
		body.Events[1].Status != "failed" || body.Events[1].EventID != "delete-1" || strings.Contains(answer.body, "throttled") {
		t.Errorf("answer = %d %s", answer.status, answer.body)
	}
	if !strings.Contains(s.log.String(), "queue is throttled") {
		t.Errorf("the log lacks the cause: %s", s.log.String())
	}
	s.queue.OnCall(nil)
	if again := s.serve(t, "list.json"); again.status != 202 || strings.Count(again.body, `"duplicate"`) != 2 {
		t.Errorf("repeat = %d %s", again.status, again.body)
	}
}

func TestTooLarge(t *testing.T) {
	s := newServer(t)
	answer, err := s.invoke(t, []byte(httpCall(t, `{"notification_type":"upload","payload":{"a":"`+strings.Repeat("a", 256<<10)+`"}}`)))
	if err != nil || answer.status != 413 {
		t.Errorf("answer = %d %s, %v", answer.status, answer.body, err)
	}
}

// Ways are told apart by their shape, whatever else is in it.
func TestWayOf(t *testing.T) {
	for raw, want := range map[string]way{
		`{"requestContext":{"http":{"method":"POST"}}}`:                 byHTTP,
		`{"requestContext":{"requestId":"r"},"body":"{}"}`:              byInvoke,
		`{"requestContext":"http"}`:                                     byInvoke,
		`{"detail-type":"Mediahooks Event","detail":{}}`:                byBus,
		`{"detail-type":"Mediahooks Event"}`:                            byInvoke,
		`{"Records":[{"eventSource":"aws:sqs"}]}`:                       byHold,
		`{"Records":[{"eventSource":"aws:s3"}]}`:                        byInvoke,
		`{"Records":[]}`:                                                byInvoke,
		`{"Records":"aws:sqs","detail-type":"x","detail":{}}`:           byBus,
		`{"notification_type":"upload","payload":{"Records":[{}]}}`:     byInvoke,
		`{"notification_type":"upload","payload":{"detail-type":"x"}}`:  byInvoke,
		`[{"eventSource":"aws:sqs"}]`:                                   byInvoke,
		`null`:                                                          byInvoke,
		`{"events":[{"notification_type":"upload"}],"cloud_name":"x"} `: byInvoke,
	} {
		if got := wayOf([]byte(raw)); got != want {
			t.Errorf("%s came by %s, want %s", raw, got, want)
		}
	}
}

// httpCall is the HTTP API's event of an authorised call with the given body.
func httpCall(t *testing.T, body string) string {
	t.Helper()
	const basic = "Basic MTExMTExMTExMTExMTExOmEtc2VjcmV0LWZvci1zYW1wbGUtZXZlbnRz"
	event := events.APIGatewayV2HTTPRequest{RawPath: "/v1_1/demo/events", Body: body,
		Headers: map[string]string{"authorization": basic, "content-type": "application/json"}}
	event.RequestContext.HTTP.Method = "POST"
	raw, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

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

	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/outbound"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/web"
)

// server is the function over fakes, with the environment of the files in events
// and one trigger for all events.
type server struct {
	store  *notificationtest.Store
	queue  *notificationtest.Queue
	handle func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)
	log    strings.Builder
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{store: notificationtest.NewStore(time.Now), queue: notificationtest.NewQueue(time.Now)}
	err := s.store.CreateEnvironment(t.Context(), notification.Environment{
		CloudName: "demo", ID: strings.Repeat("7f", 17),
		Keys: []notification.AccessKey{{APIKey: "111111111111111", SecretHash: registry.HashSecret("a-secret-for-sample-events"), Enabled: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.store.ReplaceHooks(t.Context(), "demo", notification.Hooks{Version: 1, Triggers: []notification.Trigger{
		{ID: "t1", URI: "https://shop.example/hooks/first?token=t0k3n", EventType: "all"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(&s.log, nil))
	h := handler{
		directory: registry.NewDirectory(s.store, time.Now),
		service:   intake.Service{Records: s.store, Queue: s.queue, Guard: outbound.Guard{}, Now: time.Now, Retention: time.Hour},
		log:       log,
	}
	s.handle = web.Lambda(h.routes(), log)
	return s
}

// serve answers the event of a file in events/intake.
func (s *server) serve(t *testing.T, file string) events.APIGatewayV2HTTPResponse {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../events/intake", file))
	if err != nil {
		t.Fatal(err)
	}
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(raw, &event); err != nil {
		t.Fatal(err)
	}
	answer, err := s.handle(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// wantFor holds the status of each file in events/intake, a part of its answer,
// and how many messages it puts on the lanes.
var wantFor = map[string]struct {
	status   int
	body     string
	messages int
}{
	"event.json":                       {202, `{"event_id":"upload-4711","status":"accepted","deliveries":[{"delivery_id":"`, 1},
	"event-with-notification-url.json": {202, `"uri":"https://shop.example/hooks/this-call","why":"per_call"}]}`, 2},
	"event-with-idempotency-key.json":  {202, `{"event_id":"order-81-photo-2","status":"accepted"`, 1},
	"list.json":                        {202, `{"events":[{"event_id":"rename-1","status":"accepted"`, 2},
	"malformed.json":                   {400, `duplicate key`, 0},
	"unknown-type.json":                {400, `{"error":{"message":"notification_type: Invalid value uploaded"}}`, 0},
	"list-with-a-fault.json":           {400, `{"error":{"message":"events[1].payload: invalid JSON at byte 0: must be an object"}}`, 0},
	"private-url.json":                 {400, `{"error":{"message":"notification_url: `, 0},
	"wrong-secret.json":                {401, `{"error":{"message":"Invalid credentials"}}`, 0},
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
			if answer.StatusCode != want.status || !strings.Contains(answer.Body, want.body) {
				t.Errorf("answer = %d %s\nwant     %d %s", answer.StatusCode, answer.Body, want.status, want.body)
			}
			if got := len(s.queue.Waiting()); got != want.messages {
				t.Errorf("%d messages on the lanes, want %d", got, want.messages)
			}
			if want.messages == 0 && len(s.store.AllEvents()) > 0 {
				t.Error("a refused call left an event behind")
			}
			for _, never := range []string{"a-secret-for-sample-events", "t0k3n", "catalogue/lamp", "this-call"} {
				if strings.Contains(s.log.String(), never) {
					t.Errorf("the log holds %s: %s", never, s.log.String())
				}
			}
		})
	}
}

func TestRepeatAndConflict(t *testing.T) {
	s := newServer(t)
	first := s.serve(t, "event.json")
	again := s.serve(t, "event.json")
	want := strings.Replace(first.Body, `"status":"accepted"`, `"status":"duplicate"`, 1)
	if again.StatusCode != 202 || again.Body != want {
		t.Errorf("repeat = %d %s, want %s", again.StatusCode, again.Body, want)
	}
	event := events.APIGatewayV2HTTPRequest{RawPath: "/v1_1/demo/events", Headers: authorized(),
		Body: `{"event_id":"upload-4711","notification_type":"upload","payload":{}}`}
	event.RequestContext.HTTP.Method = "POST"
	conflict, err := s.handle(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	const wantConflict = `{"error":{"message":"event_id: upload-4711 stands for an event with another content"},` +
		`"event_id":"upload-4711","status":"conflict","deliveries":[]}` + "\n"
	if conflict.StatusCode != 409 || conflict.Body != wantConflict {
		t.Errorf("conflict = %d %s, want %s", conflict.StatusCode, conflict.Body, wantConflict)
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
	if err := json.Unmarshal([]byte(answer.Body), &body); err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != 503 || len(body.Events) != 2 || body.Events[0].Status != "accepted" ||
		body.Events[1].Status != "failed" || body.Events[1].EventID != "delete-1" || strings.Contains(answer.Body, "throttled") {
		t.Errorf("answer = %d %s", answer.StatusCode, answer.Body)
	}
	if !strings.Contains(s.log.String(), "queue is throttled") {
		t.Errorf("the log lacks the cause: %s", s.log.String())
	}
	s.queue.OnCall(nil)
	if again := s.serve(t, "list.json"); again.StatusCode != 202 || strings.Count(again.Body, `"duplicate"`) != 2 {
		t.Errorf("repeat = %d %s", again.StatusCode, again.Body)
	}
}

func TestTooLarge(t *testing.T) {
	s := newServer(t)
	event := events.APIGatewayV2HTTPRequest{RawPath: "/v1_1/demo/events", Headers: authorized(),
		Body: `{"notification_type":"upload","payload":{"a":"` + strings.Repeat("a", 256<<10) + `"}}`}
	event.RequestContext.HTTP.Method = "POST"
	answer, err := s.handle(t.Context(), event)
	if err != nil || answer.StatusCode != 413 {
		t.Errorf("answer = %d %s, %v", answer.StatusCode, answer.Body, err)
	}
}

func authorized() map[string]string {
	const basic = "Basic MTExMTExMTExMTExMTExOmEtc2VjcmV0LWZvci1zYW1wbGUtZXZlbnRz"
	return map[string]string{"authorization": basic, "content-type": "application/json"}
}

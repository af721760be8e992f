package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/mediahooks/mediahooks/infra/watch/recorded"
	"github.com/mediahooks/mediahooks/shared/config"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/outbound"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/retry"
	"github.com/mediahooks/mediahooks/shared/telemetry"
	"github.com/mediahooks/mediahooks/shared/web"
)

// sessionKey signs the sessions of the tests.
type sessionKey struct{}

func (sessionKey) SessionKey(context.Context) ([]byte, error) {
	return []byte(strings.Repeat("s", 64)), nil
}

// noRecoveries starts none.
type noRecoveries struct{}

func (noRecoveries) StartRecovery(context.Context, notification.RecoveryKey, int) error { return nil }

// server is the function over a store that holds the environment which the files
// in events speak of.
type server struct {
	store  *notificationtest.Store
	handle func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)
	log    strings.Builder
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{store: notificationtest.NewStore(time.Now)}
	made := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	err := s.store.CreateEnvironment(t.Context(), notification.Environment{
		CloudName: "demo", ID: strings.Repeat("7f", 17), Name: "Demo", CreatedAt: made, UpdatedAt: made, Version: 1,
		Keys: []notification.AccessKey{{
			APIKey: "111111111111111", Name: "main_key", SecretHash: registry.HashSecret("a-secret-for-sample-events"),
			Enabled: true, Root: true, CreatedAt: made, UpdatedAt: made,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	source := telemetry.Source{
		Namespace: "Mediahooks", Service: "mediahooks-console", Stack: "mediahooks-test", Function: "mediahooks-test-ConsoleFunction-1",
	}
	log, metrics := telemetry.NewLogger(&s.log, slog.LevelInfo, source), telemetry.NewMetrics(&s.log, source, time.Now)
	settings := config.Console{
		Common: config.Common{Stage: "test", Stack: "mediahooks-test"}, Region: "eu-west-1", Limits: config.Limits{URLLimit: 10}, HoldTimeout: time.Hour,
		Queues:   config.Queues{RetentionDays: 30},
		Defaults: config.Defaults{RetrySchedule: config.Schedule(retry.Cloudinary()), SuccessStatus: "200"},
	}
	s.handle = telemetry.Measured(metrics, log, web.Lambda(newHandler(settings, parts{
		store: s.store, queue: notificationtest.NewQueue(time.Now), guard: outbound.Guard{}, sessions: sessionKey{}, recover: noRecoveries{},
		metrics: metrics, log: log,
		wait: func(context.Context, time.Duration) error { return nil },
	}), log))
	return s
}

func read(t *testing.T, file string) events.APIGatewayV2HTTPRequest {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../events/console", file))
	if err != nil {
		t.Fatal(err)
	}
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(raw, &event); err != nil {
		t.Fatal(err)
	}
	return event
}

// wantFor holds the status of each file in events/console, where it leads to, and a
// part of its page.
var wantFor = map[string]struct {
	status         int
	location, body string
}{
	"overview-no-session.json":       {303, "/console/sign-in", ""},
	"overview-session-over.json":     {303, "/console/sign-in?over=1", ""},
	"deliveries-no-session.json":     {303, "/console/sign-in?return=%2Fconsole%2Fdeliveries%3Fstatus%3Dexhausted", ""},
	"sign-in-page.json":              {200, "", `<input type="hidden" name="return" value="/console/urls">`},
	"sign-in.json":                   {303, "/console/urls", ""},
	"sign-in-encoded.json":           {303, "/console", ""},
	"sign-in-wrong-secret.json":      {401, "", "No enabled access key has this"},
	"sign-in-cross-site.json":        {403, "", "came from another site"},
	"sign-out.json":                  {303, "/console/sign-in", ""},
	"unknown-asset.json":             {404, "", ""},
	"path-with-a-question-mark.json": {303, "/console/sign-in?return=%2Fconsole%2Fdeliveries%253Fx", ""},
}

func TestEvents(t *testing.T) {
	files, err := os.ReadDir("../../events/console")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(wantFor) {
		t.Errorf("%d files in events/console, %d expectations", len(files), len(wantFor))
	}
	for _, file := range files {
		t.Run(file.Name(), func(t *testing.T) {
			want, known := wantFor[file.Name()]
			if !known {
				t.Fatal("no expectation for this file")
			}
			s := newServer(t)
			answer, err := s.handle(t.Context(), read(t, file.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != want.status || answer.Headers["Location"] != want.location || !strings.Contains(answer.Body, want.body) {
				t.Errorf("answer = %d %q %.300s\nwant     %d %q %s", answer.StatusCode, answer.Headers["Location"], answer.Body, want.status, want.location, want.body)
			}
			if answer.Headers["X-Request-Id"] == "" || answer.Headers["Content-Security-Policy"] == "" {
				t.Errorf("headers = %v", answer.Headers)
			}
			if strings.Contains(s.log.String(), "a-secret-") || strings.Contains(answer.Body, "a-secret-") {
				t.Errorf("a secret is in the log or the page: %s", s.log.String())
			}
		})
	}
}

// A session that API Gateway hands on as its cookies opens the pages, over TLS.
func TestSessionByCookie(t *testing.T) {
	s := newServer(t)
	answer, err := s.handle(t.Context(), read(t, "sign-in.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Cookies) != 1 || !strings.Contains(answer.Cookies[0], "; Secure") || !strings.Contains(answer.Cookies[0], "; HttpOnly") || !strings.Contains(answer.Cookies[0], "SameSite=Strict") {
		t.Fatalf("cookies %q", answer.Cookies)
	}
	cookie, _, _ := strings.Cut(answer.Cookies[0], ";")
	event := read(t, "overview-no-session.json")
	event.Cookies = []string{"other=1", cookie}
	answer, err = s.handle(t.Context(), event)
	if err != nil || answer.StatusCode != 200 || !strings.Contains(answer.Body, "Nobody is told of anything yet") {
		t.Errorf("%d %s %v", answer.StatusCode, answer.Body, err)
	}
	if !strings.Contains(answer.Body, "https://abc123defg.execute-api.eu-west-1.example/v1_1/demo/events") {
		t.Error("the first use does not name the API's address")
	}

	add := read(t, "sign-out.json")
	add.RawPath, add.Cookies, add.Body = "/console/urls", []string{cookie}, url.Values{"uri": {"https://shop.example/hook"}, "event_type": {"all"}}.Encode()
	add.Headers["content-type"] = "application/x-www-form-urlencoded"
	answer, err = s.handle(t.Context(), add)
	if err != nil || answer.StatusCode != 303 || !strings.HasSuffix(answer.Headers["Location"], "?done=added") {
		t.Errorf("add a URL: %d %v %v", answer.StatusCode, answer.Headers, err)
	}
	if strings.Contains(s.log.String(), "shop.example/hook") {
		t.Errorf("the log has a URL: %s", s.log.String())
	}
}

// Failed sign-ins are metered as failed calls of the API are.
func TestFailedSignInsAreCounted(t *testing.T) {
	s := newServer(t)
	if _, err := s.handle(t.Context(), read(t, "sign-in-wrong-secret.json")); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.log.String(), `"LoginsFailed":1`) {
		t.Errorf("log %s", s.log.String())
	}
}

// TestLines records what the function writes.
func TestLines(t *testing.T) {
	s := newServer(t)
	for _, file := range []string{"sign-in.json", "sign-in-wrong-secret.json", "overview-no-session.json", "unknown-asset.json"} {
		if _, err := s.handle(t.Context(), read(t, file)); err != nil {
			t.Fatal(err)
		}
	}
	s.store.OnCall(func(notificationtest.Call) error { return io.ErrUnexpectedEOF })
	event := read(t, "sign-in.json")
	if _, err := s.handle(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	if err := recorded.Compare(recorded.File, s.log.String()); err != nil {
		t.Error(err)
	}
}

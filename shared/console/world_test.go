package console_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/console"
	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/outbound"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/retry"
	"github.com/mediahooks/mediahooks/shared/signature"
	"github.com/mediahooks/mediahooks/shared/web"
)

// The environment of most tests, and one beside it.
const (
	cloudName = "demo"
	apiKey    = "111111111111111"
	apiSecret = "a-secret-of-the-demo-environment"
	otherKey  = "222222222222222"
	stranger  = "stranger"
)

var began = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// world is the console over fakes, on a clock that stands still.
type world struct {
	t        testing.TB
	store    *notificationtest.Store
	queue    *notificationtest.Queue
	clock    *notificationtest.Clock
	sessions *sessionKeys
	workflow *workflow
	console  *console.Console
	handler  http.Handler
	log      strings.Builder
	count    int
}

// workflow notes the recoveries that it is asked to start.
type workflow struct {
	started []string
	err     error
}

func (f *workflow) StartRecovery(_ context.Context, k notification.RecoveryKey, part int) error {
	f.started = append(f.started, fmt.Sprintf("%s-%d", k.ID, part))
	return f.err
}

// sessionKeys is a key that a test can replace.
type sessionKeys struct {
	key string
	err error
}

func (k *sessionKeys) SessionKey(context.Context) ([]byte, error) { return []byte(k.key), k.err }

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, clock: notificationtest.NewClock(began), sessions: &sessionKeys{key: strings.Repeat("k", 64)}, workflow: &workflow{}}
	w.store, w.queue = notificationtest.NewStore(w.clock.Now), notificationtest.NewQueue(w.clock.Now)
	w.environment(cloudName, "Demo", apiKey, apiSecret)
	w.environment(stranger, "Somebody else's", "999999999999999", "another-secret-entirely")
	w.start()
	return w
}

// start ties a console anew, with nothing in memory.
func (w *world) start() {
	log := slog.New(slog.NewJSONHandler(&w.log, nil))
	atOnce := func(context.Context, time.Duration) error { return nil }
	directory := registry.NewDirectory(w.store, w.clock.Now)
	guard := outbound.Guard{}
	past := history.Service{Records: w.store, Queue: w.queue, Guard: guard, Now: w.clock.Now}
	w.console = &console.Console{
		Directory: directory,
		Triggers:  registry.Triggers{Store: w.store, Guard: guard, URLLimit: 10, TriggerLimit: 200, Now: w.clock.Now, Wait: atOnce},
		Keys:      registry.Keys{Store: w.store, Now: w.clock.Now, Wait: atOnce},
		Settings:  registry.Settings{Store: w.store, Wait: atOnce},
		History:   past,
		Recover: history.Recover{
			Service: past, Environments: directory, Untold: w.store, Recoveries: w.store, Workflow: w.workflow, Retention: 30 * 24 * time.Hour,
		},
		Intake: intake.Service{
			Environments: directory, Presets: directory, Records: w.store, Queue: w.queue, Guard: guard, IDs: new(intake.IDs),
			Now: w.clock.Now, HoldTimeout: time.Hour, Retention: 30 * 24 * time.Hour,
		},
		Origins:  w.store,
		Sessions: &console.Sessions{Keys: w.sessions, Now: w.clock.Now},
		Logins:   &web.Logins{Count: func() {}, Now: w.clock.Now, Wait: atOnce},
		Stack: console.Stack{
			Name: "mediahooks-test", Region: "eu-central-1", Stage: "test", Version: "abcdef", Success: "200", Schedule: retry.Cloudinary(),
			Retention: 30 * 24 * time.Hour, HoldTimeout: time.Hour,
		},
		Now: w.clock.Now,
		Log: log,
	}
	w.handler = w.console.Handler()
}

// environment makes one with an enabled key, and a disabled one.
func (w *world) environment(cloudName, name, key, secret string) {
	w.t.Helper()
	made := began.Add(-240 * time.Hour)
	w.must(w.store.CreateEnvironment(w.t.Context(), notification.Environment{
		CloudName: cloudName, ID: fmt.Sprintf("%034x", len(cloudName)), Name: name, CreatedAt: made, UpdatedAt: made, Version: 1,
		Keys: []notification.AccessKey{
			{APIKey: key, Name: "main_key", SecretHash: registry.HashSecret(secret), Enabled: true, Root: true, CreatedAt: made, UpdatedAt: made},
			{APIKey: otherKey, Name: "spare", SecretHash: registry.HashSecret("spare-" + secret), Enabled: true, CreatedAt: made.Add(time.Hour), UpdatedAt: made},
			{APIKey: "333333333333333", Name: "retired", SecretHash: registry.HashSecret("retired-" + secret), CreatedAt: made.Add(2 * time.Hour), UpdatedAt: made},
		},
	}))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// trigger adds one and returns the id of its URL.
func (w *world) trigger(cloudName, uri string, types ...string) string {
	w.t.Helper()
	w.must(w.console.Triggers.AddURL(w.t.Context(), cloudName, uri, types))
	return registry.NotificationURL{URI: uri}.ID()
}

func (w *world) urlID(uri string) string { return registry.NotificationURL{URI: uri}.ID() }

// told is a delivery to be put on record.
type told struct {
	cloudName, url, eventType, publicID string
	status                              notification.Status
	ago                                 time.Duration
	attempts                            []notification.Attempt
	payload                             string
	leftOut                             bool
}

// tell puts an event with one delivery on record, and returns the delivery.
func (w *world) tell(what told) notification.Delivery {
	w.t.Helper()
	w.count++
	if what.cloudName == "" {
		what.cloudName = cloudName
	}
	if what.eventType == "" {
		what.eventType = "upload"
	}
	if what.payload == "" {
		what.payload = fmt.Sprintf(`{"public_id":%q,"width":1600}`, what.publicID)
	}
	accepted := w.clock.Now().Add(-what.ago).UTC().Truncate(time.Millisecond)
	var id ulid.ULID
	w.must(id.SetTime(ulid.Timestamp(accepted)))
	w.must(id.SetEntropy([]byte(fmt.Sprintf("%010d", w.count))))
	body, err := payload.Compose(what.eventType, []byte(what.payload), payload.Context{TriggeredAt: accepted, Source: "api", ID: apiKey}, payload.Form{})
	w.must(err)
	event := notification.Event{
		CloudName: what.cloudName, ID: fmt.Sprintf("event/%d?x=%d", w.count, w.count), NotificationType: what.eventType, Status: notification.EventAccepted,
		Body: payload.Pack(body), PublicIDs: []string{what.publicID}, AcceptedAt: accepted, ExpiresAt: accepted.Add(720 * time.Hour),
		Targets: []notification.Target{{DeliveryID: id.String(), URL: what.url, Why: notification.ByTrigger, TriggerID: "0123456789abcdef0123456789abcdef"}},
	}
	if event.LeftOut = what.leftOut; what.leftOut {
		event.Body = nil
	}
	if _, failed := w.store.InsertEvents(w.t.Context(), []notification.Event{event}); len(failed) > 0 {
		w.t.Fatal(failed)
	}
	d := notification.Delivery{
		DeliveryKey: notification.DeliveryKey{CloudName: what.cloudName, DeliveryID: id.String()}, EventID: event.ID, NotificationType: what.eventType,
		URL: what.url, Why: notification.ByTrigger, TriggerID: event.Targets[0].TriggerID, Lead: true, PublicIDs: event.PublicIDs,
		Status: what.status, AcceptedAt: accepted, ExpiresAt: event.ExpiresAt,
	}
	d.LeftOut = what.leftOut
	if what.status == notification.Retrying {
		d.NextAt, d.NextLane = w.clock.Now().Add(2*time.Minute), notification.Slow
	}
	for i, a := range what.attempts {
		a.Number, a.StartedAt, a.Lane = i+1, accepted.Add(time.Duration(i)*3*time.Minute), notification.First
		if a.Reason != notification.ReasonNoSigningKey {
			a.SigningKey, a.Timestamp = apiKey, accepted.Unix()
			a.Signature, err = signature.Sign(signature.SHA1, payload.WithSignatureKey(body, apiKey), a.Timestamp, apiSecret)
			w.must(err)
		}
		if a.Duration == 0 {
			a.Duration = time.Duration(20+w.count%50) * time.Millisecond
		}
		a.Phases = notification.Phases{DNS: a.Duration / 8, Connect: a.Duration / 8, TLS: a.Duration / 4, FirstByte: a.Duration / 4}
		a.RemoteAddr = "203.0.113.7:443"
		d.Attempted(a)
		if failed := w.store.RecordAttempts(w.t.Context(), []notification.Delivery{d}); len(failed) > 0 {
			w.t.Fatal(failed)
		}
	}
	return d
}

var (
	ok       = notification.Attempt{StatusCode: 200, Response: []byte("ok")}
	refused  = notification.Attempt{StatusCode: 503, Reason: notification.ReasonStatus, Detail: "answered 503 Service Unavailable", Response: []byte("<h1>busy</h1>\n")}
	timedOut = notification.Attempt{Reason: notification.ReasonTimeout, Detail: "no answer within 20 s", Duration: 20 * time.Second}
)

// busy fills a day of the environment, and returns one delivery of each status.
func (w *world) busy(rows int) (delivered, retrying, exhausted notification.Delivery) {
	w.t.Helper()
	w.trigger(cloudName, "https://shop.example/hooks/media", "upload", "rename")
	w.trigger(cloudName, "https://backup.example/all", notification.AllEvents)
	w.trigger(cloudName, "https://slow.example/hook?token=visible-to-its-owner", "delete")
	w.must(w.store.SetHealth(w.t.Context(), notification.OriginKey{CloudName: cloudName, Origin: "https://slow.example"}, notification.Health{SlowSince: began}))
	for i := range rows {
		ago := time.Duration(rows-i) * 20 * time.Hour / time.Duration(rows)
		switch {
		case i%9 == 4:
			exhausted = w.tell(told{url: "https://slow.example/hook?token=visible-to-its-owner", eventType: "delete", publicID: fmt.Sprintf("old/%d", i), status: notification.Exhausted, ago: ago, attempts: []notification.Attempt{timedOut, timedOut, timedOut, timedOut}})
		case i%9 == 7 && i > rows-20:
			retrying = w.tell(told{url: "https://shop.example/hooks/media", publicID: fmt.Sprintf("products/lamp-%d", i), status: notification.Retrying, ago: ago, attempts: []notification.Attempt{refused, refused}})
		default:
			delivered = w.tell(told{url: "https://backup.example/all", eventType: "rename", publicID: fmt.Sprintf("products/chair-%d", i), status: notification.Delivered, ago: ago, attempts: []notification.Attempt{ok}})
		}
	}
	return delivered, retrying, exhausted
}

// browser keeps cookies as a person's does.
type browser struct {
	*world
	cookie string
	header http.Header
}

func (w *world) browser() *browser { return &browser{world: w, header: http.Header{}} }

// signedIn is a browser with a session of the demo environment.
func (w *world) signedIn() *browser {
	w.t.Helper()
	b := w.browser()
	b.signIn(cloudName, apiKey, apiSecret)
	if b.cookie == "" {
		w.t.Fatal("signing in gave no session")
	}
	return b
}

func (b *browser) signIn(cloudName, apiKey, apiSecret string) *http.Response {
	b.t.Helper()
	return b.post("/console/sign-in", url.Values{"cloud_name": {cloudName}, "api_key": {apiKey}, "api_secret": {apiSecret}})
}

func (b *browser) do(r *http.Request) *http.Response {
	b.t.Helper()
	r.Host = "127.0.0.1:8080"
	for name, values := range b.header {
		r.Header[name] = values
	}
	if b.cookie != "" {
		r.AddCookie(&http.Cookie{Name: "mediahooks_session", Value: b.cookie})
	}
	recorder := httptest.NewRecorder()
	b.handler.ServeHTTP(recorder, r)
	answer := recorder.Result()
	for _, c := range answer.Cookies() {
		if c.Name == "mediahooks_session" {
			b.cookie = c.Value
		}
	}
	return answer
}

func (b *browser) get(path string) *http.Response {
	b.t.Helper()
	return b.do(httptest.NewRequest(http.MethodGet, path, nil))
}

func (b *browser) post(path string, form url.Values) *http.Response {
	b.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

// page reads a page that must be answered with a status.
func (b *browser) page(path string, status int) string {
	b.t.Helper()
	answer := b.get(path)
	body := text(b.t, answer)
	if answer.StatusCode != status {
		b.t.Fatalf("GET %s: %d, want %d\n%s", path, answer.StatusCode, status, body)
	}
	return body
}

func text(t testing.TB, answer *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

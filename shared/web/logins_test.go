package web_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/web"
)

// doorman lets in who knows the secret, for an environment and for an account.
type doorman struct{}

func (doorman) Authenticate(_ context.Context, cloudName, _, secret string) (notification.Environment, error) {
	switch secret {
	case "right":
		return notification.Environment{CloudName: cloudName}, nil
	case "broken":
		return notification.Environment{}, io.ErrUnexpectedEOF
	}
	return notification.Environment{}, notification.Errorf(notification.Unauthorized, "Invalid credentials")
}

func (d doorman) AuthenticateAccount(ctx context.Context, accountID, apiKey, secret string) error {
	_, err := d.Authenticate(ctx, accountID, apiKey, secret)
	return err
}

// gate is an API behind a doorman.
type gate struct {
	clock   *notificationtest.Clock
	waits   []time.Duration
	counted int
	log     strings.Builder
	handle  func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)
}

func newGate() *gate {
	g := &gate{clock: notificationtest.NewClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
	log := slog.New(slog.NewTextHandler(&g.log, nil))
	logins := &web.Logins{
		Count: func() { g.counted++ }, Now: g.clock.Now,
		Wait: func(_ context.Context, d time.Duration) error { g.waits = append(g.waits, d); return nil },
	}
	mux := http.NewServeMux()
	mux.Handle("GET /v1_1/{cloud_name}/ping", web.Authenticated(doorman{}, logins, log,
		func(w http.ResponseWriter, _ *http.Request, _ web.Caller) error { w.WriteHeader(200); return nil }))
	mux.Handle("GET /accounts/{account_id}", web.OfAccount(doorman{}, logins, log,
		func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(200); return nil }))
	g.handle = web.Lambda(mux, log)
	return g
}

// call returns the status of a call, how long it was delayed, and its Retry-After.
func (g *gate) call(t *testing.T, path, address, secret string) string {
	t.Helper()
	basic := http.Request{Header: http.Header{}}
	basic.SetBasicAuth("key", secret)
	event := events.APIGatewayV2HTTPRequest{RawPath: path, Headers: map[string]string{"authorization": basic.Header.Get("Authorization")}}
	event.RequestContext.RequestID = "r1"
	event.RequestContext.HTTP.Method, event.RequestContext.HTTP.SourceIP = "GET", address
	g.waits = nil
	answer, err := g.handle(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Headers["X-Request-Id"] != "r1" {
		t.Errorf("%d without X-Request-Id", answer.StatusCode)
	}
	return strings.TrimSpace(fmt.Sprintln(answer.StatusCode, g.waits, answer.Headers["Retry-After"]))
}

const (
	ping  = "/v1_1/demo/ping"
	home  = "192.0.2.1"
	other = "192.0.2.2"
)

// Five failures are free, each further one waits longer; who knows the secret
// waits for nothing, and others are not affected.
func TestFailedLoginsAreSlowed(t *testing.T) {
	g := newGate()
	for i, want := range []string{"401 []", "401 []", "401 []", "401 []", "401 []", "401 [100ms]", "401 [200ms]", "401 [300ms]"} {
		if got := g.call(t, ping, home, "wrong"); got != want {
			t.Errorf("failure %d: %s, want %s", i+1, got, want)
		}
	}
	for name, test := range map[string]struct{ path, address, secret, want string }{
		"right":               {ping, home, "right", "200 []"},
		"another address":     {ping, other, "wrong", "401 []"},
		"another environment": {"/v1_1/acme/ping", home, "wrong", "401 []"},
		"an account":          {"/accounts/demo-account", home, "wrong", "401 []"},
		"a fault of ours":     {ping, home, "broken", "500 []"},
	} {
		if got := g.call(t, test.path, test.address, test.secret); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	if g.counted != 11 {
		t.Errorf("%d failures were counted, want the 8 and 3", g.counted)
	}
	for range 6 {
		g.call(t, "/accounts/1", home, "wrong")
	}
	if got, want := g.call(t, "/accounts/1", home, "wrong"), "401 [200ms]"; got != want {
		t.Errorf("an account's seventh: %s, want %s", got, want)
	}
	g.clock.Advance(time.Minute)
	if got, want := g.call(t, ping, home, "wrong"), "401 []"; got != want {
		t.Errorf("a minute later: %s, want %s", got, want)
	}
}

// A process waits for 20 seconds of a minute at most. Beyond that failures are
// answered at once, by when to try again; those that are still free are not.
func TestFailedLoginsAreTurnedAway(t *testing.T) {
	g := newGate()
	var all time.Duration
	longest, failures, turnedAway := time.Duration(0), 0, ""
	for ; turnedAway == "" && failures < 100; failures++ {
		g.clock.Advance(100 * time.Millisecond)
		if got := g.call(t, ping, home, "wrong"); !strings.HasPrefix(got, "401 ") {
			turnedAway = got
		}
		for _, d := range g.waits {
			all, longest = all+d, max(longest, d)
		}
	}
	if want := "429 [] 59"; turnedAway != want {
		t.Errorf("turned away after %d failures: %s, want %s", failures, turnedAway, want)
	}
	if longest > 2*time.Second || all > 20*time.Second || all < 18*time.Second {
		t.Errorf("delayed for %s, the longest %s", all, longest)
	}
	if got := g.call(t, ping, home, "right"); !strings.HasPrefix(got, "200 ") {
		t.Errorf("the right secret: %s", got)
	}
	if got := g.call(t, ping, other, "wrong"); got != "401 []" {
		t.Errorf("another address: %s", got)
	}
	if g.counted != failures+1 {
		t.Errorf("%d of %d failures were counted", g.counted, failures+1)
	}
	g.clock.Advance(time.Minute)
	if got := g.call(t, ping, home, "wrong"); got != "401 []" {
		t.Errorf("a minute later: %s", got)
	}
}

// An address of IPv6 is as good as its neighbours; addresses without number do
// not fill the memory.
func TestCallers(t *testing.T) {
	g := newGate()
	for i := range 5 {
		g.call(t, ping, fmt.Sprintf("2001:db8:1:2::%x", i), "wrong")
	}
	got := []string{
		g.call(t, ping, "2001:db8:1:2:ffff::1", "wrong"),
		g.call(t, ping, "2001:db8:1:3::1", "wrong"),
	}
	for i := range 5000 {
		g.call(t, ping, fmt.Sprintf("10.0.%d.%d", i>>8, i&255), "wrong")
	}
	got = append(got, g.call(t, ping, "2001:db8:1:2::1", "wrong"), g.call(t, "/v1_1/"+strings.Repeat("a", 9000)+"/ping", home, "wrong"))
	if diff := cmp.Diff([]string{"401 [100ms]", "401 []", "401 []", "401 []"}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

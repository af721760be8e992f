package console_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
)

func TestSignInAndOut(t *testing.T) {
	b := newWorld(t).browser()
	answer := b.get("/console/deliveries?status=exhausted")
	if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || to != "/console/sign-in?return=%2Fconsole%2Fdeliveries%3Fstatus%3Dexhausted" {
		t.Fatalf("without a session: %d %s", answer.StatusCode, to)
	}
	page := b.page(answer.Header.Get("Location"), http.StatusOK)
	if !strings.Contains(page, `name="return" value="/console/deliveries?status=exhausted"`) {
		t.Errorf("the form does not know where to return:\n%s", page)
	}
	answer = b.post("/console/sign-in", url.Values{
		"cloud_name": {" demo "}, "api_key": {apiKey}, "api_secret": {apiSecret + "\n"}, "return": {"/console/deliveries?status=exhausted"},
	})
	if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || to != "/console/deliveries?status=exhausted" {
		t.Fatalf("signed in: %d %s", answer.StatusCode, to)
	}
	cookie := answer.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/console" || cookie.Secure || cookie.MaxAge != 0 {
		t.Errorf("cookie %+v", cookie)
	}
	if plain, err := base64.RawURLEncoding.DecodeString(strings.Split(cookie.Value, ".")[0]); err != nil || strings.Contains(string(plain), apiSecret) {
		t.Errorf("the cookie says %s, %v", plain, err)
	}
	b.page("/console", http.StatusOK)
	answer = b.post("/console/sign-out", nil)
	if answer.StatusCode != http.StatusSeeOther || b.cookie != "" {
		t.Errorf("signed out: %d, cookie %q", answer.StatusCode, b.cookie)
	}
	if answer := b.get("/console"); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("after that: %d", answer.StatusCode)
	}
}

// Over TLS, which is everywhere but on this machine, the cookie is for TLS alone.
func TestCookieOverTLS(t *testing.T) {
	w := newWorld(t)
	for host, secure := range map[string]bool{
		"abc.execute-api.eu-central-1.amazonaws.com": true, "console.example": true, "10.0.0.1:8080": true, "127.0.0.1.evil.example": true,
		"localhost:8080": false, "127.0.0.1": false, "[::1]:8080": false,
	} {
		r := httptest.NewRequest(http.MethodPost, "/console/sign-in", strings.NewReader(url.Values{
			"cloud_name": {cloudName}, "api_key": {apiKey}, "api_secret": {apiSecret},
		}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Host = host
		recorder := httptest.NewRecorder()
		w.handler.ServeHTTP(recorder, r)
		if cookies := recorder.Result().Cookies(); len(cookies) != 1 || cookies[0].Secure != secure {
			t.Errorf("%s: got %+v, want secure %v", host, cookies, secure)
		}
	}
}

func TestWrongCredentials(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for _, test := range []struct{ name, cloud, key, secret string }{
		{"another secret", cloudName, apiKey, "nonsense"},
		{"another environment's key", cloudName, "999999999999999", "another-secret-entirely"},
		{"another environment", stranger, apiKey, apiSecret},
		{"no such environment", "nobody", apiKey, apiSecret},
		{"a disabled key", cloudName, "333333333333333", "retired-" + apiSecret},
		{"nothing", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := b.signIn(test.cloud, test.key, test.secret)
			body := text(t, answer)
			if answer.StatusCode != http.StatusUnauthorized || b.cookie != "" || !strings.Contains(body, "No enabled access key has this") {
				t.Errorf("%d, cookie %q\n%s", answer.StatusCode, b.cookie, body)
			}
			if test.secret != "" && strings.Contains(body, test.secret) {
				t.Error("the page shows the secret")
			}
		})
	}
	if body := text(t, b.signIn("A-Secret_in-the-wrong.field", "A-Secret_in-the-wrong.field", "x")); strings.Contains(body, "A-Secret") {
		t.Error("a secret in a wrong field is shown")
	}
	for range 40 { // each beyond the first five takes longer, until the process has waited enough
		answer := b.signIn(cloudName, apiKey, "guess")
		if answer.StatusCode == http.StatusTooManyRequests {
			if answer.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			b.signIn(cloudName, apiKey, apiSecret)
			if b.cookie == "" {
				t.Error("the right secret is refused too")
			}
			return
		}
	}
	t.Error("guessing is not slowed down")
}

// A link to the sign-in leads nowhere but into the console.
func TestReturnsToTheConsoleOnly(t *testing.T) {
	w := newWorld(t)
	for to, want := range map[string]string{
		"/console/deliveries?status=retrying": "/console/deliveries?status=retrying",
		"/console":                            "/console",
		"":                                    "/console",
		"https://evil.example/console":        "/console",
		"//evil.example/console":              "/console",
		`/\evil.example`:                      "/console",
		"/console/../../evil":                 "/console",
		"/console\\..\\evil":                  "/console",
		"/consolex":                           "/console",
		"/v1_1/demo/triggers":                 "/console",
		"javascript:alert(1)":                 "/console",
		"/console/sign-out":                   "/console",
		"/console/x\r\nSet-Cookie: a=b":       "/console",
		"http:/console":                       "/console",
		"/%2f/evil.example":                   "/console",
	} {
		answer := w.browser().post("/console/sign-in", url.Values{"cloud_name": {cloudName}, "api_key": {apiKey}, "api_secret": {apiSecret}, "return": {to}})
		if got := answer.Header.Get("Location"); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		b := newWorld(t).signedIn()
		b.clock.Advance(59 * time.Minute)
		b.page("/console/event-types", http.StatusOK) // brings another cookie
		b.clock.Advance(59 * time.Minute)
		b.page("/console/event-types", http.StatusOK)
		b.clock.Advance(61 * time.Minute)
		answer := b.get("/console/event-types")
		if answer.StatusCode != http.StatusSeeOther || !strings.Contains(answer.Header.Get("Location"), "over=1") {
			t.Errorf("%d %s", answer.StatusCode, answer.Header.Get("Location"))
		}
		if page := b.page(answer.Header.Get("Location"), http.StatusOK); !strings.Contains(page, "Your session is over") {
			t.Error("the sign-in does not say why")
		}
	})
	t.Run("eight hours", func(t *testing.T) {
		b := newWorld(t).signedIn()
		for range 9 {
			b.clock.Advance(50 * time.Minute)
			b.page("/console/event-types", http.StatusOK)
		}
		b.clock.Advance(31 * time.Minute)
		if answer := b.get("/console"); answer.StatusCode != http.StatusSeeOther {
			t.Errorf("%d", answer.StatusCode)
		}
	})
	change := func(name string, edit func(*notification.Environment)) {
		t.Run(name, func(t *testing.T) {
			b := newWorld(t).signedIn()
			b.page("/console/event-types", http.StatusOK)
			before, _, err := b.store.Environment(t.Context(), cloudName)
			b.must(err)
			after := before
			edit(&after)
			after.Version++
			b.must(b.store.ReplaceEnvironment(t.Context(), before, after))
			b.clock.Advance(registry.CacheTime)
			if answer := b.get("/console"); answer.StatusCode != http.StatusSeeOther {
				t.Errorf("%d", answer.StatusCode)
			}
		})
	}
	change("its key is disabled", func(e *notification.Environment) { e.Keys[0].Enabled = false })
	change("its key is deleted", func(e *notification.Environment) { e.Keys = e.Keys[1:] })
	change("its environment is disabled", func(e *notification.Environment) { e.Disabled = true })
	t.Run("its environment is deleted", func(t *testing.T) {
		b := newWorld(t).signedIn()
		env, _, err := b.store.Environment(t.Context(), cloudName)
		b.must(err)
		b.must(b.store.DeleteEnvironment(t.Context(), env, b.clock.Now(), b.clock.Now().Add(time.Hour)))
		b.clock.Advance(registry.CacheTime)
		if answer := b.get("/console"); answer.StatusCode != http.StatusSeeOther {
			t.Errorf("%d", answer.StatusCode)
		}
	})
	t.Run("the stack has another session key", func(t *testing.T) {
		b := newWorld(t).signedIn()
		b.sessions.key = strings.Repeat("x", 64)
		b.page("/console/event-types", http.StatusOK) // remembered for some minutes
		b.clock.Advance(5 * time.Minute)
		if answer := b.get("/console"); answer.StatusCode != http.StatusSeeOther {
			t.Errorf("%d", answer.StatusCode)
		}
	})
}

func TestForgedSessions(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	text, mac, _ := strings.Cut(b.cookie, ".")
	plain, err := base64.RawURLEncoding.DecodeString(text)
	w.must(err)
	other := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(plain), cloudName, stranger, 1)))
	for name, cookie := range map[string]string{
		"another environment": other + "." + mac,
		"no signature":        text,
		"an empty signature":  text + ".",
		"nothing":             ".",
		"no text":             "." + mac,
		"another signature":   text + "." + mac[1:] + "A",
		"no base64":           text + ".%%%",
		"much":                strings.Repeat("A", 8000) + "." + mac,
	} {
		forger := w.browser()
		forger.cookie = cookie
		if answer := forger.get("/console"); answer.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
}

func TestSessionKeyOutOfReach(t *testing.T) {
	w := newWorld(t)
	w.sessions.err = errors.New("access denied to the secret")
	b := w.browser()
	b.cookie = "a.b"
	for _, answer := range []*http.Response{b.signIn(cloudName, apiKey, apiSecret), b.get("/console")} {
		body := text(t, answer)
		if answer.StatusCode != http.StatusInternalServerError || strings.Contains(body, "denied") || !strings.Contains(body, "Internal error") {
			t.Errorf("%d %s", answer.StatusCode, body)
		}
	}
}

// A session that is over while a form is filled in returns to the form.
func TestSessionOverInAForm(t *testing.T) {
	b := newWorld(t).signedIn()
	b.clock.Advance(2 * time.Hour)
	b.header.Set("Referer", "http://127.0.0.1:8080/console/urls?done=saved")
	answer := b.post("/console/urls", url.Values{"uri": {"https://a.example"}, "event_type": {"all"}})
	if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/console/sign-in?over=1&return=%2Fconsole%2Furls") {
		t.Errorf("%d %s", answer.StatusCode, to)
	}
	b.header.Set("Referer", "http://evil.example/console/urls")
	if to := b.post("/console/urls", nil).Header.Get("Location"); to != "/console/sign-in?over=1" {
		t.Errorf("from elsewhere: %s", to)
	}
}

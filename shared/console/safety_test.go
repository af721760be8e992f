package console_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

func TestHeaders(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	for _, answer := range []*http.Response{b.get("/console"), b.get("/console/nothing"), w.browser().get("/console"), w.browser().get("/console/sign-in")} {
		h := answer.Header
		policy := h.Get("Content-Security-Policy")
		for _, wanted := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "script-src 'self'", "style-src 'self'"} {
			if !strings.Contains(policy, wanted) {
				t.Errorf("policy %q lacks %s", policy, wanted)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "data:") {
			t.Errorf("policy %q", policy)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store", "X-Frame-Options": "DENY",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
}

var asset = regexp.MustCompile(`/console/assets/[a-z]+\.[0-9a-f]{8}\.(css|js|svg)`)

func TestAssets(t *testing.T) {
	b := newWorld(t).browser()
	found := asset.FindAllString(b.page("/console/sign-in", http.StatusOK), -1)
	if len(found) != 3 {
		t.Fatalf("assets %v", found)
	}
	for _, path := range found {
		answer := b.get(path)
		body := text(t, answer)
		if answer.StatusCode != http.StatusOK || answer.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d %v", path, answer.StatusCode, answer.Header)
		}
		if strings.HasSuffix(path, ".js") && len(body) > 10<<10 {
			t.Errorf("the script has %d bytes", len(body))
		}
	}
	if answer := b.get("/console/assets/style.css"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("a name without its digest: %d", answer.StatusCode)
	}
}

// What another site has a browser post changes nothing, whatever the browser says
// of it.
func TestCrossOrigin(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	form := url.Values{"uri": {"https://evil.example/hook"}, "event_type": {"all"}}.Encode()
	for _, header := range []map[string]string{
		{"Sec-Fetch-Site": "cross-site"},
		{"Sec-Fetch-Site": "same-site"},
		{"Origin": "https://evil.example"},
		{"Origin": "null"},
		{"Origin": "http://127.0.0.1:9999"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/console/urls", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for name, value := range header {
			r.Header.Set(name, value)
		}
		answer := b.do(r)
		if body := text(t, answer); answer.StatusCode != http.StatusForbidden || !strings.Contains(body, "came from another site") {
			t.Errorf("%v: %d", header, answer.StatusCode)
		}
	}
	env, _, err := w.store.Environment(t.Context(), cloudName)
	w.must(err)
	if len(env.Hooks.Triggers) > 0 {
		t.Errorf("triggers %+v", env.Hooks.Triggers)
	}
}

// attacks are texts that would do harm in a page that shows them as they are.
var attacks = []string{
	`<script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`' onmouseover='alert(1)`,
	`javascript:alert(1)`,
	`</code></pre></textarea><svg/onload=alert(1)>`,
	`<!--`, `{{.}}`, `${7*7}`,
	`&lt;b&gt;`,
	"line\nbreak\r\n\tand tab",
	"bidi \u202egnp.exe\u2066x\u2069",
	"zero\u200bwidth\u200d\ufeff",
	"controls \x00\x07\x1b[31m\u0085\u2028",
	"tags \U000e0041\U000e0042",
	"invalid \xff\xc3\x28",
}

var (
	scripts  = regexp.MustCompile(`(?i)<script[^>]*>`)
	handlers = regexp.MustCompile(`(?i)<[a-z][^>]*\son[a-z]+\s*=`)
	elements = regexp.MustCompile(`(?i)<(img|svg/|iframe|object|embed|base|meta http|style|link)[ />]`)
	schemes  = regexp.MustCompile(`(?i)(href|src|action)="?\s*(javascript|data|vbscript):`)
)

// What a person has typed stands in the field as it was typed. Values are in
// quotes, and have none in them.
var (
	values    = regexp.MustCompile(`="[^"]*"`)
	textareas = regexp.MustCompile(`(?s)(<textarea[^>]*>)[^<]*</textarea>`)
)

// harmless fails where a page has anything in it that we have not written.
func harmless(t *testing.T, path, body string) {
	t.Helper()
	if found := schemes.FindAllString(body, -1); len(found) > 0 {
		t.Errorf("%s has %q", path, found)
	}
	body = textareas.ReplaceAllString(values.ReplaceAllString(body, `=""`), "$1")
	if n := len(scripts.FindAllString(body, -1)); n != 1 {
		t.Errorf("%s: %d scripts", path, n)
	}
	if found := handlers.FindAllString(body, -1); len(found) > 0 {
		t.Errorf("%s has %q", path, found)
	}
	for _, found := range elements.FindAllString(body, -1) {
		if found != "<link " {
			t.Errorf("%s has %q", path, found)
		}
	}
	for _, r := range body {
		switch {
		case r == '\n' || r == '\t':
		case r < ' ', r >= 0x7f && r <= 0x9f, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff, r >= 0xe0000 && r <= 0xe0fff:
			t.Errorf("%s has the character %U as it is", path, r)
			return
		}
	}
}

func TestHostileTexts(t *testing.T) {
	for i, attack := range attacks {
		t.Run(fmt.Sprintf("%d", i), func(t *testing.T) {
			w := newWorld(t)
			env, _, err := w.store.Environment(t.Context(), cloudName)
			w.must(err)
			after := env
			after.Name, after.Version = attack, env.Version+1
			after.Keys[0].Name = attack
			w.must(w.store.ReplaceEnvironment(t.Context(), env, after))
			evil := "https://evil.example/" + attack
			w.must(w.store.ReplaceHooks(t.Context(), cloudName, notification.Hooks{Version: 1, Triggers: []notification.Trigger{
				{ID: strings.Repeat("a", 32), URI: evil, EventType: "upload", CreatedAt: began, UpdatedAt: began},
			}}))
			failed := notification.Attempt{
				StatusCode: 500, Reason: notification.ReasonStatus, Detail: "answered " + attack, Response: []byte(attack), Duration: time.Second,
			}
			d := w.tell(told{
				url: evil, publicID: attack, status: notification.Exhausted, attempts: []notification.Attempt{failed, failed},
				payload: fmt.Sprintf(`{"public_id":%s,"context":{"custom":{"caption":%s}}}`, quoteJSON(attack), quoteJSON(attack)),
			})
			b := w.signedIn()
			b.header.Set("Cookie", "x="+strings.Repeat("y", 10))
			list := paths(w.urlID(evil), d)
			for _, name := range []string{"uri", "public_id", "event_id", "from", "status", "next_cursor", "reason", "trigger_id"} {
				list = append(list, "/console/deliveries?"+url.Values{name: {attack}}.Encode(), "/console/events?"+url.Values{name: {attack}}.Encode(),
					"/console/recoveries/new?"+url.Values{name: {attack}}.Encode())
			}
			list = append(list, "/console/sign-in?"+url.Values{"cloud_name": {attack}, "return": {attack}, "over": {attack}}.Encode(),
				"/console/event?"+url.Values{"event_id": {attack}}.Encode(), "/console/urls?"+url.Values{"done": {attack}, "q": {attack}}.Encode(),
				"/console/event-types/"+url.PathEscape(attack))
			for _, path := range list {
				body := text(t, b.get(path))
				harmless(t, path, body)
				if strings.Contains(body, "ZgotmplZ") {
					t.Errorf("%s has a text where no text may be", path)
				}
			}
			for path, form := range map[string]url.Values{
				"/console/urls":      {"uri": {attack}, "event_type": {attack}},
				"/console/settings":  {"retry_schedule": {attack}, "success": {attack}},
				"/console/signature": {"body": {attack}, "timestamp": {attack}, "signature": {attack}, "secret": {attack}},
				"/console/sign-in":   {"cloud_name": {attack}, "api_key": {attack}, "api_secret": {"planted-" + attack}, "return": {attack}},
			} {
				body := text(t, b.post(path, form))
				harmless(t, "POST "+path, body)
				if strings.Contains(body, "planted-") {
					t.Error("a secret is shown")
				}
			}
		})
	}
}

// What cannot be seen is shown by its number.
func TestUnseenCharacters(t *testing.T) {
	w := newWorld(t)
	d := w.tell(told{
		url: "https://shop.example/hook", publicID: "lamp\u202egnp", status: notification.Exhausted,
		attempts: []notification.Attempt{{StatusCode: 500, Reason: notification.ReasonStatus, Response: []byte("a\x00b\x1b[31m\xffc\u200bd\ne")}},
	})
	body := w.signedIn().page("/console/deliveries/"+d.DeliveryID, http.StatusOK)
	for _, want := range []string{
		`lamp<span class="unseen">U+202E</span>gnp`,
		`a<span class="unseen">U+0000</span>b<span class="unseen">U+001B</span>[31m<span class="unseen">\xFF</span>c<span class="unseen">U+200B</span>d` + "\ne",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// Nothing of an environment is reached with the session of another.
func TestIsolation(t *testing.T) {
	w := newWorld(t)
	id := w.trigger(stranger, "https://secret.example/hook", "upload")
	d := w.tell(told{cloudName: stranger, url: "https://secret.example/hook", publicID: "their-asset", status: notification.Exhausted, attempts: []notification.Attempt{refused}})
	theirs := w.browser()
	theirs.signIn(stranger, "999999999999999", "another-secret-entirely")
	started := theirs.post("/console/recoveries", url.Values{"status": {"exhausted"}}).Header.Get("Location")
	if !strings.HasPrefix(started, "/console/recoveries/") {
		t.Fatalf("their recovery: %q", started)
	}
	theirs.page("/console/deliveries/"+d.DeliveryID, http.StatusOK)
	before := snapshot(t, w)

	b := w.signedIn()
	recovery, _, _ := strings.Cut(started, "?")
	for _, path := range []string{
		"/console/deliveries/" + d.DeliveryID, "/console/deliveries/" + d.DeliveryID + "/1", "/console/event?event_id=" + url.QueryEscape(d.EventID),
		"/console/urls/" + id, "/console/urls/" + id + "/edit", "/console/urls/" + id + "/remove", recovery,
	} {
		b.page(path, http.StatusNotFound)
	}
	for _, path := range []string{"/console", "/console/urls", "/console/deliveries", "/console/events", "/console/recoveries", "/console/deliveries?uri=" + url.QueryEscape(d.URL), "/console/deliveries?event_id=" + url.QueryEscape(d.EventID)} {
		body := b.page(path, http.StatusOK)
		if strings.Contains(body, "their-asset") || strings.Contains(body, d.DeliveryID) || strings.Contains(body, `<a href="/console/urls/`+id) {
			t.Errorf("%s shows what is theirs", path)
		}
	}
	for path, form := range map[string]url.Values{
		"/console/deliveries/" + d.DeliveryID + "/resend": nil,
		"/console/urls/" + id + "/edit":                   {"uri": {"https://mine.example"}, "event_type": {"all"}},
		"/console/urls/" + id + "/remove":                 nil,
		"/console/urls/" + id + "/example":                {"event_type": {"upload"}},
		recovery + "/stop":                                nil,
		recovery + "/resume":                              nil,
	} {
		if answer := b.post(path, form); answer.StatusCode != http.StatusNotFound {
			t.Errorf("POST %s: %d", path, answer.StatusCode)
		}
	}
	answer := b.post("/console/signature", url.Values{"body": {"{}"}, "timestamp": {fmt.Sprint(d.Attempts[0].Timestamp)}, "signature": {d.Attempts[0].Signature}})
	if body := text(t, answer); strings.Contains(body, d.DeliveryID) {
		t.Error("the check of a signature finds what is theirs")
	}
	if after := snapshot(t, w); after != before {
		t.Errorf("changed:\n%s\n%s", before, after)
	}
}

// snapshot is what a stranger's environment holds.
func snapshot(t *testing.T, w *world) string {
	t.Helper()
	env, _, err := w.store.Environment(t.Context(), stranger)
	w.must(err)
	recoveries, _, err := w.store.Recoveries(t.Context(), stranger, "", 10)
	w.must(err)
	return fmt.Sprintf("%+v %+v %d %v", env, recoveries, len(w.queue.Waiting()), w.store.AllEvents())
}

func quoteJSON(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text { // invalid bytes become U+FFFD, as a producer's JSON must be UTF-8
		if r < ' ' || r == '"' || r == '\\' {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String() + `"`
}

package e2e_test

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/infra/local/demo"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// person is somebody who uses the console with a browser, as far as HTTP goes:
// cookies, forms, redirects.
type person struct {
	t      *testing.T
	client http.Client
	// at is the page that is open, and page its HTML.
	at, page string
}

func newPerson(t *testing.T) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, client: http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

func (p *person) do(method, path string, form url.Values, want int) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(p.t.Context()), method, local.APIURL()+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", local.APIURL())
	}
	answer, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	p.at, p.page = answer.Request.URL.RequestURI(), string(body)
	if answer.StatusCode != want {
		p.t.Fatalf("%s %s: %d at %s\n%s", method, path, answer.StatusCode, p.at, p.page)
	}
	answers.Lock() // where planted secrets are looked for
	answers.all = append(answers.all, called{method + " " + path, p.page})
	answers.Unlock()
	described(p.t)
}

func (p *person) open(path string) { p.t.Helper(); p.do(http.MethodGet, path, nil, http.StatusOK) }

func (p *person) send(path string, form url.Values) {
	p.t.Helper()
	p.do(http.MethodPost, path, form, http.StatusOK)
}

func (p *person) sees(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.page, text) {
			p.t.Errorf("at %s there is no %q\n%s", p.at, text, p.page)
		}
	}
}

// link returns where the first link leads that a pattern matches.
func (p *person) link(pattern string) string {
	p.t.Helper()
	found := regexp.MustCompile(`href="(` + pattern + `)"`).FindStringSubmatch(p.page)
	if found == nil {
		p.t.Fatalf("at %s there is no link to %s\n%s", p.at, pattern, p.page)
	}
	return html.UnescapeString(found[1])
}

// reloadUntil opens a page until it says something.
func (p *person) reloadUntil(path, text string) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		p.open(path)
		if strings.Contains(p.page, text) {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("within a minute %s does not say %q\n%s", path, text, p.page)
		}
	}
}

func (p *person) signIn() {
	p.t.Helper()
	c := local.Credentials()
	p.send("/console/sign-in", url.Values{"cloud_name": {c.CloudName}, "api_key": {c.APIKey}, "api_secret": {c.APISecret}, "return": {"/console/urls"}})
}

// TestConsole is the round of a person: sign in, add a URL, send an example, see it
// arrive, break the receiver, see the retry, resend, recover, check a signature,
// choose a key, sign out.
func TestConsole(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	p := newPerson(t)
	p.open("/console/urls")
	p.sees("<h1>Sign in</h1>")
	p.do(http.MethodPost, "/console/sign-in", url.Values{"cloud_name": {demo.CloudName}, "api_key": {"1"}, "api_secret": {"2"}}, http.StatusUnauthorized)
	p.signIn()
	p.sees("<h1>Webhook Notifications</h1>", local.Credentials().APIKey)

	p.send("/console/urls", url.Values{"uri": {receiver.URL("/console")}, "event_type": {"upload", "rename"}})
	p.sees("Added.")
	at, _, _ := strings.Cut(p.at, "?")
	t.Cleanup(func() { // so that other tests do not tell this URL
		p.open(at + "/remove")
		p.send(at+"/remove", url.Values{"revision": {field(p, "revision")}})
		p.sees("Removed.")
	})
	var triggers struct{ Total int }
	get(t, "/triggers?event_type=rename", &triggers)
	if triggers.Total == 0 {
		t.Error("the API does not have the trigger")
	}

	p.send(at+"/example", url.Values{"event_type": {"upload"}})
	p.sees("The example is queued")
	event, _, _ := strings.Cut(p.at, "&done")
	event = strings.Replace(event, "done=sent&", "", 1)
	p.reloadUntil(event, "delivered</span>")
	p.open(p.link(`/console/deliveries/[0-9A-Z]{26}`))
	p.sees("Delivered with attempt 1: answered 200", "X-Cld-Signature")
	sent := receiver.Requests()[0]

	p.send("/console/signature", url.Values{"body": {string(sent.Body)}, "timestamp": {sent.Header.Get("X-Cld-Timestamp")}, "signature": {sent.Header.Get("X-Cld-Signature")}})
	p.sees("A receiver accepts this", "are those of attempt 1")
	p.send("/console/signature", url.Values{"body": {strings.ReplaceAll(string(sent.Body), ":", ": ")}, "timestamp": {sent.Header.Get("X-Cld-Timestamp")}, "signature": {sent.Header.Get("X-Cld-Signature")}})
	p.sees("Why a receiver refuses this")

	receiver.Answer(func(int, notificationtest.Request) notificationtest.Reply {
		return notificationtest.Reply{StatusCode: http.StatusInternalServerError, Body: []byte("<script>alert('broken')</script>\u202e")}
	})
	asset := eventID()
	r := report(t, fmt.Sprintf(`{"notification_type":"rename","payload":{"from_public_id":"a","to_public_id":%q,"public_id":%q}}`, asset, asset))
	id := ""
	for _, d := range r.Deliveries {
		if d.URI == receiver.URL("/console") {
			id = d.DeliveryID
		}
	}
	p.reloadUntil("/console/deliveries?public_id="+asset, "retrying</span>")
	p.sees(" of 4")
	p.reloadUntil("/console/deliveries/"+id, "Given up after 4 attempts")
	p.sees("&lt;script&gt;alert(&#39;broken&#39;)&lt;/script&gt;", "U+202E", "Answer 200 as soon as")
	p.open("/console")
	p.sees("Look into it")
	p.open(at)
	p.sees("Failing since")

	receiver.Answer(func(int, notificationtest.Request) notificationtest.Reply {
		return notificationtest.Reply{StatusCode: http.StatusOK}
	})
	p.send("/console/deliveries/"+id+"/resend", nil)
	p.sees("Queued for one more attempt")
	p.reloadUntil("/console/deliveries/"+id, "Delivered with attempt 5")

	receiver.AnswerInTurn(500, 500, 500, 500, 200)
	again := eventID()
	report(t, fmt.Sprintf(`{"notification_type":"rename","payload":{"from_public_id":"a","to_public_id":%q,"public_id":%q}}`, again, again))
	p.reloadUntil("/console/deliveries?status=exhausted&public_id="+again, "exhausted</span>")
	p.open(p.link(`/console/recoveries/new[^"]*`))
	p.sees("This will resend <strong>1</strong> delivery to 1 URL")
	p.send("/console/recoveries", url.Values{"status": {"exhausted"}, "public_id": {again}})
	p.sees("Begun.")
	recovery, _, _ := strings.Cut(p.at, "?")
	p.reloadUntil(recovery, "Done: 1 queued")
	p.reloadUntil("/console/deliveries?public_id="+again, "delivered</span>")
	p.open("/console/recoveries")
	p.sees(recovery)

	p.open("/console/urls")
	p.send("/console/signing-key", url.Values{"api_key": {local.Credentials().APIKey}, "seen": {""}})
	p.sees("which is dedicated to them")
	p.send("/console/signing-key", url.Values{"api_key": {""}, "seen": {local.Credentials().APIKey}})
	p.sees("the oldest one that is enabled")
	p.open("/console/settings")
	p.sees("us-east-1", "mediahooks-local")
	p.send("/console/settings", url.Values{"signature_algorithm": {"sha1"}, "folder_mode": {"dynamic"}, "success": {""}, "retry_schedule": {""}, "keep_payloads": {"1"}})
	p.sees("Saved.")
	p.open("/console/search?q=" + again)
	p.sees(again)
	p.open("/console/events?notification_type=rename")
	p.sees(again)
	p.open("/console/event-types/rename")
	p.sees("Send to this URL")
	p.do(http.MethodGet, "/console/nothing", nil, http.StatusNotFound)

	p.send("/console/sign-out", nil)
	p.sees("<h1>Sign in</h1>")
	p.open("/console")
	p.sees("<h1>Sign in</h1>")
	p.signIn() // for the removal of the URL
}

// plantInConsole types secrets into every field of the console that takes a text, the
// right one and wrong ones, and reads all pages.
func plantInConsole(t *testing.T, secrets planted, refused string) {
	t.Helper()
	const cloudName = "planted"
	env, _, err := table.Environment(t.Context(), cloudName)
	if err != nil {
		t.Fatal(err)
	}
	secret := secrets["first api_secret"]
	p := newPerson(t)
	for _, wrong := range []url.Values{
		{"cloud_name": {cloudName}, "api_key": {secret}, "api_secret": {env.Keys[0].APIKey}},
		{"cloud_name": {secret}, "api_key": {env.Keys[0].APIKey}, "api_secret": {secret}},
		{"cloud_name": {cloudName}, "api_key": {"1"}, "api_secret": {secrets["second api_secret"]}},
	} {
		p.do(http.MethodPost, "/console/sign-in", wrong, http.StatusUnauthorized)
	}
	p.send("/console/sign-in", url.Values{"cloud_name": {cloudName}, "api_key": {env.Keys[0].APIKey}, "api_secret": {secret}})
	p.sees("<h1>Overview</h1>")
	for _, path := range []string{"/console/urls", "/console/deliveries", "/console/deliveries?status=exhausted", "/console/events", "/console/settings", "/console/recoveries/new?status=exhausted"} {
		p.open(path)
	}
	p.open("/console/deliveries")
	for _, found := range regexp.MustCompile(`/console/deliveries/[0-9A-Z]{26}`).FindAllString(p.page, -1) {
		p.open(found)
		p.open("/console/search?q=" + found[len("/console/deliveries/"):])
	}
	p.do(http.MethodPost, "/console/urls", url.Values{"uri": {"ftp://shop.example/"}, "event_type": {"all", refused}}, http.StatusBadRequest)
	p.send("/console/signature", url.Values{"body": {"{}"}, "timestamp": {"1"}, "signature": {"a"}, "secret": {secret}})
	p.sees("The secret is that of key")
}

func field(p *person, name string) string {
	p.t.Helper()
	found := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(p.page)
	if found == nil {
		p.t.Fatalf("at %s there is no field %s", p.at, name)
	}
	return html.UnescapeString(found[1])
}

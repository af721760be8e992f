// Package round_test goes the whole round of a person through the console, in a
// browser and over the local stack: a URL is added, an example arrives, the
// receiver breaks and is mended, what was missed is recovered, a signature is
// checked, another key signs.
package round_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/infra/browser"
	"github.com/mediahooks/mediahooks/infra/local/demo"
	"github.com/mediahooks/mediahooks/infra/local/stack"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/signature"
)

var (
	local    *stack.Stack
	chromium *browser.Browser
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "round:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	chromium, err = browser.Start(ctx)
	if err != nil {
		return 1, err
	}
	defer chromium.Close()
	local, err = stack.Start(ctx, stack.Options{
		// Long enough to be seen waiting.
		Params: map[string]string{"RetrySchedule": "10m"}, Auth: true, Provision: demo.Provision,
	})
	if err != nil {
		return 1, err
	}
	defer func() {
		if closing := local.Close(); err == nil {
			err = closing
		}
	}()
	return m.Run(), nil
}

// person is somebody at the console.
type person struct {
	*testing.T
	*browser.Page
}

// do ends the test where a step could not be taken.
func (p person) do(steps ...error) {
	p.Helper()
	for _, err := range steps {
		if err != nil {
			text, _ := p.Text() // more to go by
			p.Fatalf("%v; the page says:\n%s", err, text)
		}
	}
}

// shows holds the page, as it is, against texts.
func (p person) shows(texts ...string) {
	p.Helper()
	shown, err := p.Text()
	p.do(err)
	if !says(shown, texts) {
		p.Fatalf("does not show %q in:\n%s", texts, shown)
	}
}

// sees reloads the page until it says all of the texts.
func (p person) sees(texts ...string) {
	p.Helper()
	shown := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(300 * time.Millisecond) {
		var err error
		if shown, err = p.Text(); err != nil {
			p.Fatal(err)
		}
		if says(shown, texts) {
			return
		}
		address, err := p.URL()
		p.do(err, p.Open(address))
	}
	p.Fatalf("does not see %q in:\n%s", texts, shown)
}

func says(shown string, texts []string) bool {
	for _, text := range texts {
		if !strings.Contains(shown, text) {
			return false
		}
	}
	return true
}

// newKey gives the environment another access key.
func newKey(t *testing.T) registry.Credentials {
	t.Helper()
	a := local.Account()
	var environments struct {
		Sub []struct {
			ID        string `json:"id"`
			CloudName string `json:"cloud_name"`
		} `json:"sub_accounts"`
	}
	provision(t, http.MethodGet, "/sub_accounts", "", &environments)
	for _, env := range environments.Sub {
		if env.CloudName != demo.CloudName {
			continue
		}
		var made struct {
			APIKey    string `json:"api_key"`
			APISecret string `json:"api_secret"`
		}
		provision(t, http.MethodPost, "/sub_accounts/"+env.ID+"/access_keys", `{}`, &made)
		return registry.Credentials{CloudName: demo.CloudName, APIKey: made.APIKey, APISecret: made.APISecret}
	}
	t.Fatalf("account %s has no environment %s", a.ID, demo.CloudName)
	return registry.Credentials{}
}

// provision makes a call of the Provisioning API.
func provision(t *testing.T, method, path, body string, into any) {
	t.Helper()
	a := local.Account()
	req, err := http.NewRequestWithContext(t.Context(), method, a.APIURL+"/v1_1/provisioning/accounts/"+a.ID+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(a.Key.APIKey, a.Key.APISecret)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s", method, path, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// verified holds a request against its signature, made with a key.
func verified(t *testing.T, r notificationtest.Request, by registry.Credentials) {
	t.Helper()
	timestamp, err := strconv.ParseInt(r.Header.Get(notification.TimestampHeader), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if !signature.Verify(signature.SHA1, r.Body, timestamp, r.Header.Get(notification.SignatureHeader), by.APISecret) {
		t.Errorf("not signed with key %s: %v %s", by.APIKey, r.Header, r.Body)
	}
}

// The whole round, with scripts and without.
func TestRound(t *testing.T) {
	second := newKey(t)
	for _, look := range []browser.Look{{Width: 1280, Height: 900}, {Width: 1280, Height: 900, NoScript: true}} {
		t.Run(look.String(), func(t *testing.T) { round(t, look, second) })
	}
}

func round(t *testing.T, look browser.Look, second registry.Credentials) {
	receiver := notificationtest.NewReceiver(t)
	tab, err := chromium.NewPage(look)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Close)
	p := person{t, tab}
	first := local.Credentials()

	// She signs in, and adds a URL for two types.
	p.do(browser.SignIn(tab, local.ConsoleURL(), first.CloudName, first.APIKey, first.APISecret))
	p.do(
		p.ClickNamed("Webhook Notifications"),
		p.FillNamed("Notification URL", receiver.URL("/hook")),
		p.ToggleNamed("Default - All notifications"), p.ToggleNamed("upload"), p.ToggleNamed("rename"),
		p.ClickNamed("Add the URL"),
	)
	p.sees("Added.", receiver.URL("/hook"), "upload", "rename")

	// She sends an example and sees it delivered, signed with her key.
	example := func() {
		t.Helper()
		p.do(p.ClickNamed("Webhook Notifications"), p.ClickNamed(receiver.URL("/hook")),
			p.FillNamed("Notification type", "rename"), p.ClickNamed("Send the example"))
	}
	example()
	p.sees("delivered")
	verified(t, receiver.Wait(t, 1)[0], first)

	// The receiver breaks: the retry is seen waiting.
	receiver.Answer(func(int, notificationtest.Request) notificationtest.Reply {
		return notificationtest.Reply{StatusCode: http.StatusServiceUnavailable, Body: []byte("out for lunch")}
	})
	example()
	p.sees("retrying", "next in 9 min")
	p.do(p.ClickNamed(receiver.URL("/hook")))
	p.sees("The last attempt failed", "1 of 2", "out for lunch", "Answer 200 as soon as")

	// It is mended, and she does not wait: she resends.
	receiver.Answer(nil)
	p.do(p.ClickNamed("Resend now"))
	p.sees("Delivered with attempt 2")
	if resent := receiver.Wait(t, 3); string(resent[1].Body) != string(resent[2].Body) {
		t.Errorf("resent %s, not %s", resent[2].Body, resent[1].Body)
	}

	// It breaks once more, while there are no retries, so that a notification is
	// given up. She recovers it.
	receiver.Answer(func(int, notificationtest.Request) notificationtest.Reply {
		return notificationtest.Reply{StatusCode: http.StatusInternalServerError}
	})
	schedule := func(waits string) {
		t.Helper()
		p.do(p.ClickNamed("Settings"), p.FillNamed("Waits before each retry", waits), p.ClickNamed("Save"))
		p.sees("Saved.")
	}
	schedule("none")
	example()
	p.sees("exhausted")
	schedule("")
	receiver.Answer(nil)
	p.do(p.ClickNamed("Recover"), p.ClickNamed("What was given up"))
	p.sees("This will resend 1 delivery to 1 URL")
	p.do(p.ClickNamed("Begin the recovery"))
	p.sees("Done: 1 queued.", "delivered")
	missed := receiver.Wait(t, 5)[3:]
	if string(missed[0].Body) != string(missed[1].Body) {
		t.Errorf("recovered %s, not %s", missed[1].Body, missed[0].Body)
	}

	// Her receiver calls a signature wrong: its framework prints the body anew. The
	// console tells her so, and what her code computes where it takes an HMAC.
	var printed bytes.Buffer
	if err := json.Indent(&printed, missed[1].Body, "", "  "); err != nil {
		t.Fatal(err)
	}
	check := func(body []byte, signed, secret string) {
		t.Helper()
		p.do(p.ClickNamed("Check a signature"), p.Submit(url.Values{
			"body": {string(body)}, "timestamp": {missed[1].Header.Get(notification.TimestampHeader)}, "signature": {signed}, "secret": {secret},
		}))
	}
	check(missed[1].Body, missed[1].Header.Get(notification.SignatureHeader), "")
	p.shows("A receiver accepts this", "are those of attempt")
	check(printed.Bytes(), missed[1].Header.Get(notification.SignatureHeader), "")
	p.shows("Why a receiver refuses this", "there is space between its values")
	mac := hmac.New(sha1.New, []byte(first.APISecret))
	mac.Write(append(slices.Clone(missed[1].Body), missed[1].Header.Get(notification.TimestampHeader)...))
	check(missed[1].Body, hex.EncodeToString(mac.Sum(nil)), first.APISecret)
	p.shows("Why a receiver refuses this", "an HMAC-SHA-1 of body and timestamp")

	// She has the other key sign, and the very next notification is.
	p.do(p.ClickNamed("Webhook Notifications"),
		p.FillNamed("API key for signing notifications", second.APIKey), p.ClickNamed("Sign with this key"))
	p.sees("Saved.", "signed with key "+second.APIKey)
	example()
	p.sees("delivered")
	last := receiver.Wait(t, 6)[5]
	verified(t, last, second)
	p.do(p.ClickNamed("Webhook Notifications"),
		p.FillNamed("API key for signing notifications", ""), p.ClickNamed("Sign with this key"))
	p.sees("Saved.", "the oldest one that is enabled")

	p.do(p.ClickNamed("Sign out"))
	p.sees("With an access key")
	for _, fault := range p.Faults() {
		t.Errorf("the browser says: %s", fault)
	}
}

package browser_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/mediahooks/mediahooks/infra/browser"
	"github.com/mediahooks/mediahooks/infra/browser/scene"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// withAndWithoutScript runs a test for people who have scripts and for those who
// have none.
func withAndWithoutScript(t *testing.T, test func(t *testing.T, look browser.Look)) {
	for name, look := range map[string]browser.Look{
		"script": wide, "no script": {Width: wide.Width, Height: wide.Height, NoScript: true},
	} {
		t.Run(name, func(t *testing.T) { test(t, look) })
	}
}

// pathOf is where a scene has a page.
func pathOf(t *testing.T, s *scene.Scene, name string) string {
	t.Helper()
	for _, shown := range s.Pages {
		if shown.Name == name {
			return shown.Path
		}
	}
	t.Fatalf("no page %s", name)
	return ""
}

// hasFocus waits until what a selector names has the focus, which a page gives a
// moment after it is there, and is in view.
func hasFocus(t *testing.T, p *browser.Page, selector string) browser.Stop {
	t.Helper()
	var stop *browser.Stop
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		is, err := browser.Evaluate[bool](p, fmt.Sprintf("document.activeElement.matches(%q)", selector))
		if err != nil {
			t.Fatal(err)
		}
		if stop, err = browser.Focused(p); err != nil {
			t.Fatal(err)
		}
		if is && stop != nil && stop.InView {
			return *stop
		}
	}
	if stop == nil {
		stop = &browser.Stop{Element: "the page itself"}
	}
	t.Errorf("the focus is on %+v, want %s in view", *stop, selector)
	return *stop
}

func do(t *testing.T, steps ...error) {
	t.Helper()
	for _, err := range steps {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// silent fails where the browser has complained.
func silent(t *testing.T, p *browser.Page) {
	t.Helper()
	for _, fault := range p.Faults() {
		t.Errorf("the browser says: %s", fault)
	}
}

// After every change the page says what became of it, and that is where the focus
// is: whoever does not see the page hears it.
func TestFocusIsOnTheMessage(t *testing.T) {
	withAndWithoutScript(t, func(t *testing.T, look browser.Look) {
		s, server := stage(t, scene.Many)
		p := signedIn(t, look, server)
		for _, test := range []struct {
			name, page string
			fill       map[string]string
			click      string
			says       string
		}{
			{"add a URL", "urls", map[string]string{"#uri": "https://new.acme.example/hook"}, `form[action="/console/urls"] button`, "Added."},
			{"choose the signing key", "urls", nil, `form[action="/console/signing-key"] button`, "Saved."},
			{"save a URL", "url-edit", nil, `main form button.main`, "Saved."},
			{"save settings", "settings", map[string]string{"#retry_schedule": "1m,2m"}, `form[action="/console/settings"] button`, "Saved."},
			{"resend", "delivery", nil, `form[action$="/resend"] button`, "Queued"},
			{"send an example", "url", nil, `form[action$="/example"] button`, "queued"},
			{"remove a URL", "url-remove", nil, `main form button.danger`, "Removed."},
		} {
			t.Run(test.name, func(t *testing.T) {
				do(t, p.Open(server+pathOf(t, s, test.page)))
				for field, value := range test.fill {
					do(t, p.Fill(field, value))
				}
				do(t, p.Click(test.click))
				if stop := hasFocus(t, p, `.message[role="status"]`); !strings.Contains(stop.Name, test.says) {
					t.Errorf("says %q, not %q", stop.Name, test.says)
				}
				silent(t, p)
			})
		}
	})
}

// A wrong entry comes back with its error, tied to the field that it is about, and
// the focus is on one of the two.
func TestErrorsAreTiedToTheirFields(t *testing.T) {
	withAndWithoutScript(t, func(t *testing.T, look browser.Look) {
		s, server := stage(t, scene.Many)
		p := signedIn(t, look, server)
		for _, test := range []struct {
			name, page   string
			fill         map[string]string
			click, field string
		}{
			{"no URL that can be told", "urls", map[string]string{"#uri": "ftp://acme.example"}, `form[action="/console/urls"] button`, "#uri"},
			{"a private address", "urls", map[string]string{"#uri": "http://10.0.0.7/hook"}, `form[action="/console/urls"] button`, "#uri"},
			{"a URL that is there", "urls", map[string]string{"#uri": "https://search.acme.example/index"}, `form[action="/console/urls"] button`, "#uri"},
			{"no schedule", "settings", map[string]string{"#retry_schedule": "soon"}, `form[action="/console/settings"] button`, "#retry_schedule"},
		} {
			t.Run(test.name, func(t *testing.T) {
				do(t, p.Open(server+pathOf(t, s, test.page)))
				for field, value := range test.fill {
					do(t, p.Fill(field, value))
				}
				do(t, p.Click(test.click))
				if p.Status() != http.StatusBadRequest && p.Status() != http.StatusConflict {
					t.Errorf("answered %d", p.Status())
				}
				tied, err := browser.Evaluate[string](p, fmt.Sprintf(`(() => {
					const field = document.querySelector(%q);
					if (field.getAttribute("aria-invalid") !== "true") return "";
					return (field.getAttribute("aria-describedby") || "").split(" ").map((id) => document.getElementById(id))
						.filter((e) => e && e.classList.contains("error")).map((e) => e.innerText).join(" ");
				})()`, test.field))
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasSuffix(tied, ".") {
					t.Errorf("the field's error says %q", tied)
				}
				for field, value := range test.fill {
					if kept, err := browser.Evaluate[string](p, fmt.Sprintf("document.querySelector(%q).value", field)); err != nil || kept != value {
						t.Errorf("%s has %q, want what was entered %v", field, kept, err)
					}
				}
				hasFocus(t, p, test.field+`, .message[role="alert"]`)
				if !look.NoScript { // axe is one
					if violations, err := auditor.Axe(p); err != nil || len(violations) > 0 {
						t.Errorf("%v %v", violations, err)
					}
				}
				silent(t, p)
			})
		}
	})
}

// A wrong secret says so where the focus is, and keeps what was entered but the
// secret.
func TestSignInRefused(t *testing.T) {
	withAndWithoutScript(t, func(t *testing.T, look browser.Look) {
		_, server := stage(t, scene.Empty)
		p := open(t, look)
		if err := browser.SignIn(p, server+"/console", scene.CloudName, scene.APIKey, "wrong"); err == nil {
			t.Fatal("signed in with a wrong secret")
		}
		hasFocus(t, p, `.message[role="alert"]`)
		text, err := p.Text()
		if err != nil || !strings.Contains(text, "No enabled access key has this cloud name") {
			t.Errorf("says %q %v", text, err)
		}
		kept, err := browser.Evaluate[[]string](p, `["cloud_name", "api_key", "api_secret"].map((id) => document.getElementById(id).value)`)
		if want := []string{scene.CloudName, scene.APIKey, ""}; err != nil || fmt.Sprint(kept) != fmt.Sprint(want) {
			t.Errorf("keeps %q, want %q %v", kept, want, err)
		}
		silent(t, p)
	})
}

// Resending needs no mouse: from the list to the delivery, to its button, to what
// it says.
func TestResendByKeyboard(t *testing.T) {
	withAndWithoutScript(t, func(t *testing.T, look browser.Look) {
		s, server := stage(t, scene.Many)
		p := open(t, look)
		do(t, p.Open(server+"/console/sign-in"))
		for _, entry := range []struct{ name, value string }{
			{"Cloud name", scene.CloudName}, {"API key", scene.APIKey}, {"API secret", scene.APISecret},
		} {
			do(t, browser.TabTo(p, entry.name), p.Press(entry.value))
		}
		do(t, p.PressAndFollow(kb.Enter))
		do(t, browser.TabTo(p, "undelivered"), p.PressAndFollow(kb.Enter))
		do(t, browser.TabTo(p, "Skip to the content"), p.Press(kb.Enter))
		name, err := browser.Evaluate[string](p, `document.querySelector("main tbody th a").innerText.trim().replace(/\s+/g, " ")`)
		if err != nil {
			t.Fatal(err)
		}
		do(t, browser.TabTo(p, name), p.PressAndFollow(kb.Enter))
		do(t, browser.TabTo(p, "Resend now"), p.PressAndFollow(kb.Enter))
		hasFocus(t, p, `.message[role="status"]`)
		if waiting := s.Queue.Waiting(); len(waiting) != 1 || waiting[0].Attempt != 5 {
			t.Errorf("queued: %+v", waiting)
		}
		silent(t, p)
	})
}

// Recovering needs no mouse either, and neither does ending it.
func TestRecoverByKeyboard(t *testing.T) {
	withAndWithoutScript(t, func(t *testing.T, look browser.Look) {
		s, server := stage(t, scene.Many)
		p := signedIn(t, look, server)
		for _, name := range []string{"Recover", "What was given up", "Begin the recovery"} {
			do(t, browser.TabTo(p, name), p.PressAndFollow(kb.Enter))
		}
		if stop := hasFocus(t, p, `.message[role="status"]`); !strings.Contains(stop.Name, "Begun.") {
			t.Errorf("says %q", stop.Name)
		}
		do(t, browser.TabTo(p, "Stop"), p.PressAndFollow(kb.Enter))
		if stop := hasFocus(t, p, `.message[role="status"]`); !strings.Contains(stop.Name, "Stopped.") {
			t.Errorf("says %q", stop.Name)
		}
		recoveries, _, err := s.Store.Recoveries(t.Context(), scene.CloudName, "", 1)
		if err != nil || recoveries[0].Status != notification.RecoveryStopped || recoveries[0].By != scene.APIKey {
			t.Errorf("recoveries %+v %v", recoveries, err)
		}
		silent(t, p)
	})
}

// With a script a recovery's page goes on by itself, within one live region, and
// without one a link brings it up to date.
func TestRecoveryGoesOn(t *testing.T) {
	for _, test := range []struct {
		name string
		// then is what happens while the page is open.
		then func(t *testing.T, s *scene.Scene, p *browser.Page)
		says string
	}{
		{"done", func(t *testing.T, s *scene.Scene, _ *browser.Page) {
			r, found, err := s.Store.Recovery(t.Context(), recoveryKey(t, s))
			if err != nil || !found {
				t.Fatal(found, err)
			}
			r.Status, r.EndedAt, r.Revision = notification.RecoveryDone, scene.Now, r.Revision+1
			do(t, s.Store.ReplaceRecovery(t.Context(), r))
		}, "Done: 1,187 queued."},
		{"the session is over", func(t *testing.T, _ *scene.Scene, p *browser.Page) {
			do(t, p.ForgetCookies())
		}, "Running: 1,187 queued so far"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, server := stage(t, scene.Many)
			p := signedIn(t, wide, server)
			do(t, p.Open(server+pathOf(t, s, "recovery")))
			if _, err := browser.Evaluate[bool](p, `(() => {
				const send = XMLHttpRequest.prototype.send;
				window.answered = 0;
				XMLHttpRequest.prototype.send = function () {
					this.addEventListener("loadend", () => { answered++; });
					return send.apply(this);
				};
				return true;
			})()`); err != nil {
				t.Fatal(err)
			}
			test.then(t, s, p)
			said := ""
			for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
				answered, err := browser.Evaluate[int](p, "window.answered")
				if err != nil {
					t.Fatal(err)
				}
				if said, err = browser.Evaluate[string](p, `document.querySelector("main [role=status]#said").innerText`); err != nil {
					t.Fatal(err)
				}
				if answered > 0 && strings.HasPrefix(said, test.says) {
					silent(t, p)
					return
				}
			}
			t.Errorf("says %q, not %q", said, test.says)
		})
	}
}

func recoveryKey(t *testing.T, s *scene.Scene) notification.RecoveryKey {
	t.Helper()
	path := pathOf(t, s, "recovery")
	return notification.RecoveryKey{CloudName: scene.CloudName, ID: path[strings.LastIndex(path, "/")+1:]}
}

// The script adds what is better with one: what is copied is what is shown.
func TestCopy(t *testing.T) {
	_, server := stage(t, scene.Empty)
	p := signedIn(t, wide, server)
	do(t, p.Open(server+"/console"))
	if _, err := browser.Evaluate[bool](p, `Object.defineProperty(navigator.clipboard, "writeText", {value: async (text) => { window.copied = text; }}), true`); err != nil {
		t.Fatal(err)
	}
	do(t, browser.TabTo(p, "Copy"), p.Press(kb.Enter))
	got, err := browser.Evaluate[[]string](p, `[window.copied, document.querySelector(".code pre").textContent, document.activeElement.innerText]`)
	if err != nil {
		t.Fatal(err)
	}
	if got[0] == "" || got[0] != got[1] || got[2] != "Copied" {
		t.Errorf("copied %q of %q, and the button says %q", got[0], got[1], got[2])
	}
	silent(t, p)
}

package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mediahooks/mediahooks/infra/browser"
)

var (
	chromium *browser.Browser
	auditor  = &browser.Auditor{Modules: "."}
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// wide is how most people see pages.
var wide = browser.Look{Width: 1280, Height: 900}

func open(t *testing.T, look browser.Look) *browser.Page {
	t.Helper()
	p, err := chromium.NewPage(look)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// A page with a fault of each kind that the checks look for.
const faulty = `<!doctype html>
<html>
<head><title>Faults</title>
<style>
[href="/a"] { outline: none; transition: color 1s }
i a { font-size: 8px; display: inline-block }
.wide { width: 500px }
</style>
<script src="/missing.js"></script>
<script src="http://elsewhere.example/x.js"></script>
</head>
<body>
<p style="color: #aaa">pale</p>
<i><a href="/1">1</a><a href="/2">2</a></i>
<p class=wide>wide</p>
<a href="/a">first</a> <button>second</button> <input>
<script>console.error("told the console"); throw new Error("thrown")</script>
</body>
</html>`

// What cannot fail checks nothing: each check finds its fault.
func TestChecksFindFaults(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "style-src 'unsafe-inline'; script-src 'self' 'unsafe-inline' http://elsewhere.example; img-src 'none'")
		fmt.Fprint(w, faulty)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p := open(t, browser.Look{Width: 320, Height: 600})
	if err := p.Open(server.URL); err != nil {
		t.Fatal(err)
	}
	faults := strings.Join(p.Faults(), "\n")
	for _, want := range []string{"told the console", "Error: thrown", "request to http://elsewhere.example/x.js"} {
		if !strings.Contains(faults, want) {
			t.Errorf("the browser said nothing of %q but:\n%s", want, faults)
		}
	}
	if p.Status() != http.StatusOK {
		t.Errorf("status %d", p.Status())
	}

	violations, err := auditor.Axe(p)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	for _, v := range violations {
		found[v.Rule] = true
	}
	for _, rule := range []string{"html-has-lang", "color-contrast", "label", "page-has-heading-one", "region", "target-size"} {
		if !found[rule] {
			t.Errorf("axe does not find %s, but %v", rule, violations)
		}
	}
	if p.Faults(); !strings.Contains(fmt.Sprint(must(t)(browser.SticksOut(p))), "class=\"wide\"") {
		t.Error("nothing sticks out")
	}
	if moving := must(t)(browser.Moves(p)); len(moving) != 1 {
		t.Errorf("moving: %v", moving)
	}
	stops, err := browser.Walk(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(stops) != 5 || stops[2].Name != "first" || stops[2].Outline != 0 || stops[3].Outline == 0 || !stops[3].InView {
		t.Errorf("stops %+v", stops)
	}
	if err := browser.TabTo(p, "second"); err != nil {
		t.Error(err)
	}
	if err := browser.TabTo(p, "third"); err == nil || !strings.Contains(err.Error(), "second") {
		t.Errorf("tabs to what is not there: %v", err)
	}

	file := filepath.Join(t.TempDir(), "faulty.html")
	if err := os.WriteFile(file, []byte(faulty), 0o600); err != nil {
		t.Fatal(err)
	}
	invalid, err := auditor.Validate(t.Context(), []string{file})
	if err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(invalid, "\n"); !strings.Contains(all, "faulty.html:2:") || !strings.Contains(all, "input-missing-label") {
		t.Errorf("html-validate finds %s", all)
	}
}

func must(t *testing.T) func([]string, error) []string {
	return func(some []string, err error) []string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return some
	}
}

// Without scripts a page's own do not run, and neither does a picture move.
func TestLooks(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "script-src 'unsafe-inline'; img-src 'none'")
		fmt.Fprint(w, `<!doctype html><title>Looks</title><h1>off</h1><a href="/next">next</a><img src="/x.png">`+
			`<script>document.querySelector("h1").innerText = [...["(prefers-color-scheme: dark)", "(prefers-reduced-motion: reduce)", "(forced-colors: active)"]].map((q) => matchMedia(q).matches).join(" ")</script>`)
	}))
	t.Cleanup(server.Close)
	for _, test := range []struct {
		look browser.Look
		want string
	}{
		{wide, "false false false"},
		{browser.Look{Width: 360, Height: 640, Dark: true}, "true false false"},
		{browser.Look{Width: 360, Height: 640, ReducedMotion: true, ForcedColors: true}, "false true true"},
		{browser.Look{Width: 360, Height: 640, NoScript: true}, "off"},
	} {
		t.Run(test.look.String(), func(t *testing.T) {
			p := open(t, test.look)
			if err := p.Open(server.URL); err != nil {
				t.Fatal(err)
			}
			text, err := p.Text()
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(text, test.want) {
				t.Errorf("shows %q, want %q", text, test.want)
			}
			if faults := strings.Join(p.Faults(), "\n"); !strings.Contains(faults, "Content Security Policy") {
				t.Errorf("says nothing of a breach of the policy, but %q", faults)
			}
			if err := p.Click("a"); err != nil {
				t.Fatal(err)
			}
			if url, err := p.URL(); err != nil || !strings.HasSuffix(url, "/next") {
				t.Errorf("went to %s %v", url, err)
			}
			picture, err := p.Picture(2000)
			if err != nil || !strings.HasPrefix(string(picture), "\x89PNG") {
				t.Errorf("picture %.10q %v", picture, err)
			}
		})
	}
}

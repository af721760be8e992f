package browser_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mediahooks/mediahooks/infra/browser"
	"github.com/mediahooks/mediahooks/infra/browser/scene"
)

// looks are what every page is held against axe in. Motion is reduced, so that no
// colour is judged on its way from light to dark.
var looks = []browser.Look{
	{Width: 1280, Height: 900, ReducedMotion: true},
	{Width: 1280, Height: 900, ReducedMotion: true, Dark: true},
	{Width: 360, Height: 740, ReducedMotion: true},
	{Width: 360, Height: 740, ReducedMotion: true, Dark: true},
}

// forced is how people see pages who have the system choose all colours.
var forced = browser.Look{Width: 1280, Height: 900, ReducedMotion: true, ForcedColors: true}

// stage serves a scene.
func stage(t *testing.T, state scene.State) (*scene.Scene, string) {
	t.Helper()
	s, err := scene.New(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler)
	t.Cleanup(server.Close)
	return s, server.URL
}

// signedIn opens a page of somebody who is signed in.
func signedIn(t *testing.T, look browser.Look, server string) *browser.Page {
	t.Helper()
	p := open(t, look)
	if err := browser.SignIn(p, server+"/console", scene.CloudName, scene.APIKey, scene.APISecret); err != nil {
		t.Fatal(err)
	}
	return p
}

// Every page, in every state, light and dark, wide and narrow: no rule of
// accessibility is broken, nothing scrolls sideways, and the browser has nothing to
// complain of.
func TestPages(t *testing.T) {
	for _, state := range scene.States {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			s, server := stage(t, state)
			out, in := open(t, looks[0]), signedIn(t, looks[0], server)
			for _, shown := range s.Pages {
				p := in
				if shown.SignedOut {
					p = out
				}
				t.Run(shown.Name, func(t *testing.T) { checkPage(t, p, server, shown, state == scene.Many) })
			}
		})
	}
}

// judged are the pages that were held against the rules: what is the same in
// another state is judged once.
var judged sync.Map

func checkPage(t *testing.T, p *browser.Page, server string, shown scene.Page, inForcedColours bool) {
	if err := p.Show(looks[0]); err != nil {
		t.Fatal(err)
	}
	if err := p.Visit(server+shown.Path, shown.Form); err != nil {
		t.Fatal(err)
	}
	if p.Status() != shown.Status {
		t.Errorf("answers %d, want %d", p.Status(), shown.Status)
	}
	html, err := browser.Evaluate[string](p, "document.documentElement.outerHTML")
	if err != nil {
		t.Fatal(err)
	}
	if _, same := judged.LoadOrStore(html, true); same {
		return
	}
	judge := looks
	if inForcedColours {
		judge = append(slices.Clone(looks), forced)
	}
	for _, look := range judge {
		if err := p.Show(look); err != nil {
			t.Fatal(err)
		}
		violations, err := auditor.Axe(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range violations {
			t.Errorf("%s: %s", look, v)
		}
	}
	for _, width := range []int64{1160, 1024, 900, 768, 640, 480, 320} { // ends at the narrowest
		if err := p.Show(browser.Look{Width: width, Height: 640, ReducedMotion: true}); err != nil {
			t.Fatal(err)
		}
		for _, element := range must(t)(browser.SticksOut(p)) {
			t.Errorf("sticks out at %d px: %s", width, element)
		}
	}
	for _, element := range must(t)(browser.Moves(p)) {
		t.Errorf("moves although motion is reduced: %s", element)
	}
	checkFocus(t, p)
	for _, fault := range p.Faults() {
		t.Errorf("the browser says: %s", fault)
	}
}

// checkFocus walks the page by Tab: each stop is seen, and shows that it is one.
func checkFocus(t *testing.T, p *browser.Page) {
	t.Helper()
	if _, err := browser.Evaluate[bool](p, "document.activeElement.blur(), scrollTo(0, 0), true"); err != nil {
		t.Fatal(err)
	}
	stops, err := browser.Walk(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(stops) == 0 {
		t.Error("Tab leads nowhere")
	}
	for _, stop := range stops {
		if stop.Outline < 2 {
			t.Errorf("no visible focus: %s", stop.Element)
		}
		if !stop.InView {
			t.Errorf("focus out of view: %s", stop.Element)
		}
		if stop.Name == "" {
			t.Errorf("focus on what has no name: %s", stop.Element)
		}
	}
}

// maxPage is how much a page may weigh, with styles, script and icon.
const maxPage = 100_000

// The HTML of every page is valid, and small with all that it is made of.
func TestHTML(t *testing.T) {
	folder := t.TempDir()
	var files []string
	for _, state := range scene.States {
		s, server := stage(t, state)
		client := visitor(t, server)
		for _, shown := range s.Pages {
			html := get(t, client, server+shown.Path, shown.Form)
			file := filepath.Join(folder, string(state)+"-"+shown.Name+".html")
			if err := os.WriteFile(file, html, 0o600); err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
			size := len(html)
			for _, asset := range assetPath.FindAllStringSubmatch(string(html), -1) {
				size += len(get(t, client, server+asset[1], nil))
			}
			if size > maxPage {
				t.Errorf("%s weighs %d bytes, more than %d", filepath.Base(file), size, maxPage)
			}
			if strings.Contains(string(html), scene.APISecret) {
				t.Errorf("%s holds a secret", filepath.Base(file))
			}
		}
	}
	faults, err := auditor.Validate(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Error(fault)
	}
}

var assetPath = regexp.MustCompile(`(?:href|src)="(/console/assets/[^"]+)"`)

// visitor is an HTTP client that is signed in.
func visitor(t *testing.T, server string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	res, err := client.PostForm(server+"/console/sign-in", url.Values{
		"cloud_name": {scene.CloudName}, "api_key": {scene.APIKey}, "api_secret": {scene.APISecret},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("sign in: %s", res.Status)
	}
	return client
}

// get fetches a page, or what it answers to a form.
func get(t *testing.T, client *http.Client, address string, form url.Values) []byte {
	t.Helper()
	fetch := func() (*http.Response, error) { return client.Get(address) }
	if form != nil {
		fetch = func() (*http.Response, error) { return client.PostForm(address, form) }
	}
	res, err := fetch()
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(fmt.Errorf("get %s: %w", address, err))
	}
	return body
}

// Command screenshots takes the pictures of the console that are in docs/console:
// every page, light and dark, wide and narrow, over scenes that are the same each
// time. make screenshots runs it.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/mediahooks/mediahooks/infra/browser"
	"github.com/mediahooks/mediahooks/infra/browser/scene"
)

// The looks of pictures, and what their files are named for.
var looks = []struct {
	name string
	browser.Look
}{
	{"light", browser.Look{Width: 1280, Height: 900}},
	{"dark", browser.Look{Width: 1280, Height: 900, Dark: true}},
	{"light-narrow", browser.Look{Width: 390, Height: 844}},
	{"dark-narrow", browser.Look{Width: 390, Height: 844, Dark: true}},
}

// maxHeight is how much of a long page is shown, in px: enough to see what it is
// like.
const maxHeight = 950

// chosen are the pages that are worth a picture, in the order of the index.
var chosen = []struct {
	state scene.State
	name  string
	title string
}{
	{scene.Empty, "sign-in", "Sign in"},
	{scene.Empty, "overview", "Overview, on the first day"},
	{scene.Many, "overview", "Overview: do I need to act?"},
	{scene.Error, "overview", "Overview, when the record cannot be read"},
	{scene.Many, "urls", "Webhook Notifications: who is told what"},
	{scene.Many, "url", "One notification URL"},
	{scene.Many, "url-edit", "Editing it"},
	{scene.Many, "deliveries", "Deliveries"},
	{scene.Many, "deliveries-filtered", "A filter that nothing matches"},
	{scene.Many, "delivery", "One delivery"},
	{scene.Many, "events", "Events"},
	{scene.Many, "event", "One event"},
	{scene.Many, "recoveries", "Recoveries"},
	{scene.Many, "recover", "Counting before a recovery"},
	{scene.Many, "recovery", "A recovery under way"},
	{scene.Many, "event-types", "Event types"},
	{scene.Many, "event-type", "One event type"},
	{scene.Many, "signature-checked", "Check a signature"},
	{scene.Many, "settings", "Settings"},
	{scene.Error, "not-found", "Not found"},
}

// fileOf is what the pictures of a page begin with.
func fileOf(state scene.State, name string) string {
	if state == scene.Many {
		return name
	}
	return name + "-" + string(state)
}

func main() {
	out := flag.String("out", "docs/console", "folder that the pictures go to")
	flag.Parse()
	if err := run(context.Background(), *out); err != nil {
		fmt.Fprintf(os.Stderr, "screenshots: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) error {
	chromium, err := browser.Start(ctx)
	if err != nil {
		return err
	}
	defer chromium.Close()
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	for _, state := range scene.States {
		if err := take(ctx, chromium, state, out); err != nil {
			return fmt.Errorf("take pictures of %s: %w", state, err)
		}
	}
	if err := os.WriteFile(filepath.Join(out, "README.md"), index(), 0o644); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}

// index is the page that shows the pictures, dark ones to those who read in the
// dark.
func index() []byte {
	var b bytes.Buffer
	b.WriteString("# The console in pictures\n\nWritten by `make screenshots`, over an environment that does not exist. " +
		"[docs/console.md](../console.md) says what each page is for.\n")
	for _, c := range chosen {
		fmt.Fprintf(&b, "\n## %s\n\n", c.title)
		for _, size := range []struct{ name, width string }{{"", "70%"}, {"-narrow", "25%"}} {
			file := fileOf(c.state, c.name)
			fmt.Fprintf(&b, "<picture><source media=\"(prefers-color-scheme: dark)\" srcset=\"%[1]s-dark%[2]s.png\">"+
				"<img src=\"%[1]s-light%[2]s.png\" width=\"%[3]s\" alt=\"%[4]s\"></picture>\n", file, size.name, size.width, c.title)
		}
	}
	return b.Bytes()
}

func isChosen(state scene.State, name string) bool {
	for _, c := range chosen {
		if c.state == state && c.name == name {
			return true
		}
	}
	return false
}

// take takes the pictures of a state.
func take(ctx context.Context, chromium *browser.Browser, state scene.State, out string) error {
	s, err := scene.New(ctx, state)
	if err != nil {
		return err
	}
	server := httptest.NewServer(s.Handler)
	defer server.Close()
	stranger, err := chromium.NewPage(looks[0].Look)
	if err != nil {
		return err
	}
	defer stranger.Close()
	person, err := chromium.NewPage(looks[0].Look)
	if err != nil {
		return err
	}
	defer person.Close()
	if err := browser.SignIn(person, server.URL+"/console", scene.CloudName, scene.APIKey, scene.APISecret); err != nil {
		return err
	}
	for _, shown := range s.Pages {
		if !isChosen(state, shown.Name) {
			continue
		}
		p := person
		if shown.SignedOut {
			p = stranger
		}
		if err := picture(p, server.URL+shown.Path, shown.Form, filepath.Join(out, fileOf(state, shown.Name))); err != nil {
			return err
		}
	}
	return nil
}

// withoutFocus takes the focus from where a page puts it, which it does with its
// first frame.
const withoutFocus = `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
	document.activeElement.blur();
	done(true);
})))`

// picture takes a page in every look.
func picture(p *browser.Page, address string, form url.Values, file string) error {
	for _, look := range looks {
		if err := p.Show(look.Look); err != nil {
			return err
		}
		if err := p.Visit(address, form); err != nil {
			return err
		}
		if _, err := browser.Evaluate[bool](p, withoutFocus); err != nil {
			return err
		}
		data, err := p.Picture(maxHeight)
		if err != nil {
			return err
		}
		if data, err = reduce(data); err != nil {
			return err
		}
		if err := os.WriteFile(file+"-"+look.name+".png", data, 0o644); err != nil {
			return fmt.Errorf("write picture: %w", err)
		}
	}
	if faults := p.Faults(); len(faults) > 0 {
		return fmt.Errorf("the browser says: %s", strings.Join(faults, "; "))
	}
	return nil
}

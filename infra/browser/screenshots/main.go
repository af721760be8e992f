// Command screenshots takes the pictures of the console that are in docs/console:
// every page, light and dark, wide and narrow, over scenes that are the same each
// time. make screenshots runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
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
const maxHeight = 1100

// chosen are the pages that are worth a picture, by state.
var chosen = map[scene.State][]string{
	scene.Empty: {"overview", "sign-in"},
	scene.Many: {
		"overview", "urls", "url", "url-edit", "deliveries", "deliveries-filtered", "delivery", "events", "event",
		"event-types", "event-type", "recoveries", "recover", "recovery", "signature-checked", "settings",
	},
	scene.Error: {"overview", "not-found"},
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
	return nil
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
		if !slices.Contains(chosen[state], shown.Name) {
			continue
		}
		p := person
		if shown.SignedOut {
			p = stranger
		}
		name := shown.Name
		if state != scene.Many {
			name += "-" + string(state)
		}
		if err := picture(p, server.URL+shown.Path, shown.Form, filepath.Join(out, name)); err != nil {
			return err
		}
	}
	return nil
}

// picture takes a page in every look.
func picture(p *browser.Page, address string, form url.Values, file string) error {
	for _, look := range looks {
		if err := p.Show(look.Look); err != nil {
			return err
		}
		if err := p.Visit(address, form); err != nil {
			return err
		}
		if _, err := browser.Evaluate[bool](p, "document.activeElement.blur(), true"); err != nil {
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

// Package browser opens the console's pages in Debian's chromium and holds them
// against what people need of them: the rules of accessibility (axe-core) and of
// HTML (html-validate), a keyboard, small and dark screens, and a silent console.
//
// The browser can reach this machine alone. make browser installs it.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// patience is how long anything that a page is asked for may take.
const patience = 20 * time.Second

// Browser is a running chromium.
type Browser struct {
	root context.Context
	stop context.CancelFunc
}

// Start starts chromium with a profile of its own, which goes when it is closed.
func Start(ctx context.Context) (*Browser, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	allocator, stopAllocator := chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(path),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-extensions", true),
		chromedp.Flag("disable-dev-shm-usage", true), // containers have little of it
		chromedp.Flag("password-store", "basic"),
		// Nothing outside can be reached, not even by mistake.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		// The same pixels on every machine.
		chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("font-render-hinting", "none"),
		chromedp.Flag("disable-lcd-text", true),
	)
	root, stopBrowser := chromedp.NewContext(allocator)
	b := &Browser{root: root, stop: func() { stopBrowser(); stopAllocator() }}
	if err := chromedp.Do(root); err != nil { // starts it
		b.stop()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return b, nil
}

// find looks for chromium under the names that distributions give it.
func find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("start browser: there is no chromium: run make browser, which installs it where apt-get can")
}

// Close stops chromium and removes its profile.
func (b *Browser) Close() { b.stop() }

// Look is how a person sees pages.
type Look struct {
	Dark          bool
	Width, Height int64
	// NoScript has no script run, as for people who block them.
	NoScript      bool
	ReducedMotion bool
	ForcedColors  bool
}

func (l Look) String() string {
	words := []string{"light", fmt.Sprintf("%d px", l.Width)}
	if l.Dark {
		words[0] = "dark"
	}
	for word, set := range map[string]bool{"no script": l.NoScript, "reduced motion": l.ReducedMotion, "forced colours": l.ForcedColors} {
		if set {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}

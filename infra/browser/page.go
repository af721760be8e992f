package browser

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Page is a tab, of a person who shares nothing with other pages. It is for one
// goroutine.
type Page struct {
	ctx   context.Context
	close context.CancelFunc

	mu     sync.Mutex
	faults []string
	// status is the last document's.
	status int64
}

// NewPage opens a tab without cookies.
func (b *Browser) NewPage(look Look) (*Page, error) {
	ctx, stop := chromedp.NewContext(b.root, chromedp.WithNewBrowserContext())
	p := &Page{ctx: ctx, close: stop}
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		stop()
		return nil, fmt.Errorf("open page: %w", err)
	}
	if err := p.Show(look); err != nil {
		stop()
		return nil, err
	}
	return p, nil
}

// Close closes the tab.
func (p *Page) Close() { p.close() }

// hear notes what a page should not have said: errors, breaches of its own
// policy, requests to anywhere else.
func (p *Page) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.fault("exception: " + describe(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			p.fault(fmt.Sprintf("console: %s", e.Args[0].Value))
		}
	case *log.EventEntryAdded:
		// An error page's own status is no fault of it.
		isStatus := e.Entry.Source == log.EntrySourceNetwork && strings.Contains(e.Entry.Text, "responded with a status of") &&
			!strings.Contains(e.Entry.URL, "/assets/")
		if e.Entry.Level == log.EntryLevelError && !isStatus {
			p.fault("log: " + e.Entry.Text + " " + e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "http://127.0.0.1:") && !strings.HasPrefix(e.Request.URL, "about:") {
			p.fault("request to " + e.Request.URL)
		}
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			p.mu.Lock()
			p.status = e.Response.Status
			p.mu.Unlock()
		}
	}
}

func describe(e *runtime.ExceptionDetails) string {
	if e.Exception != nil && e.Exception.Description != "" {
		return e.Exception.Description
	}
	return e.Text
}

func (p *Page) fault(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, text)
}

// Faults returns what the browser has complained of since it was last asked.
func (p *Page) Faults() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	faults := p.faults
	p.faults = nil
	return faults
}

// Status is that of the document that is shown.
func (p *Page) Status() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// do runs steps with patience.
func (p *Page) do(what string, steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Show has pages shown another way from now on.
func (p *Page) Show(look Look) error {
	return p.do("show "+look.String(),
		command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: look.Width, Height: look.Height, DeviceScaleFactor: 1,
		}),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: choose(look.Dark, "dark", "light")},
			{Name: "prefers-reduced-motion", Value: choose(look.ReducedMotion, "reduce", "no-preference")},
			{Name: "forced-colors", Value: choose(look.ForcedColors, "active", "none")},
		}}),
		command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: look.NoScript}),
	)
}

func choose(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

// command makes a step of a command whose result nobody needs.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// Open goes to a page and waits until it is there.
func (p *Page) Open(url string) error {
	return p.do("open "+url, chromedp.Navigate(url))
}

// Evaluate returns what an expression is in the page; promises are waited for.
func Evaluate[T any](p *Page, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		return value, fmt.Errorf("evaluate %.60q: %w", expression, err)
	}
	return value, nil
}

// Fill gives a field another value, as by typing.
func (p *Page) Fill(field, value string) error {
	return p.do("fill "+field,
		chromedp.Clear(chromedp.CSS(field)),
		chromedp.SendKeys(chromedp.CSS(field), value))
}

// left marks the document that is shown, so that another can be told from it.
const left = "window.mediahooksLeft"

// Follow does something that leads to another document, and waits until that is
// there.
func (p *Page) Follow(what string, steps ...chromedp.Action[chromedp.Void]) error {
	if _, err := Evaluate[bool](p, left+" = true"); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := p.do(what, steps...); err != nil {
		return err
	}
	var last error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		there, err := Evaluate[bool](p, left+` !== true && document.readyState === "complete"`)
		if there && err == nil {
			return nil
		}
		last = err // what was asked of a document that has gone
	}
	return fmt.Errorf("%s: no other document in %s: %w", what, patience, errors.Join(last, context.DeadlineExceeded))
}

// Click clicks what leads to another page.
func (p *Page) Click(selector string) error {
	return p.Follow("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// Press presses keys that change nothing of where one is.
func (p *Page) Press(keys string) error {
	return p.do("press a key", chromedp.KeyEvent(keys))
}

// PressAndFollow presses keys that lead to another page.
func (p *Page) PressAndFollow(keys string) error {
	return p.Follow("press a key", chromedp.KeyEvent(keys))
}

// ForgetCookies ends whatever session the page has.
func (p *Page) ForgetCookies() error {
	return p.do("forget cookies", command(network.ClearBrowserCookies, cdp.Empty{}))
}

// URL is where the page is.
func (p *Page) URL() (string, error) { return Evaluate[string](p, "location.href") }

// Text is what a person reads on the page.
func (p *Page) Text() (string, error) { return Evaluate[string](p, "document.body.innerText") }

// Picture takes a picture of the page, a PNG no taller than maxHeight.
func (p *Page) Picture(maxHeight int64) ([]byte, error) {
	size, err := Evaluate[struct{ Width, Height float64 }](p,
		`({Width: document.documentElement.clientWidth, Height: document.documentElement.scrollHeight})`)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	beyond := true
	shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Format: page.CaptureScreenshotFormatPng, CaptureBeyondViewport: &beyond,
		Clip: &page.Viewport{Width: size.Width, Height: min(size.Height, float64(maxHeight)), Scale: 1},
	})
	if err != nil {
		return nil, fmt.Errorf("take picture: %w", err)
	}
	return shot.Data, nil
}

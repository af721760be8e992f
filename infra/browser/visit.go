package browser

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/chromedp/chromedp"
)

// SignIn signs in on the console's first page, as people do.
func SignIn(p *Page, console, cloudName, apiKey, apiSecret string) error {
	if err := p.Open(console); err != nil {
		return err
	}
	form := url.Values{"cloud_name": {cloudName}, "api_key": {apiKey}, "api_secret": {apiSecret}}
	if err := p.Submit(form); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	if status := p.Status(); status != http.StatusOK {
		return fmt.Errorf("sign in: answered %d", status)
	}
	return nil
}

// Submit enters a form, by the names of its fields, and sends it.
func (p *Page) Submit(form url.Values) error {
	last := ""
	for _, name := range slices.Sorted(maps.Keys(form)) {
		last = `main [name="` + name + `"]`
		if err := p.enter(fmt.Sprintf("document.querySelector(%q)", last), form.Get(name)); err != nil {
			return fmt.Errorf("enter %s: %w", name, err)
		}
	}
	return p.Follow("submit", chromedp.Click(chromedp.CSS(`main form:has(`+strings.TrimPrefix(last, "main ")+`) button[type="submit"]`)))
}

// Visit opens a page, and enters a form where there is one.
func (p *Page) Visit(address string, form url.Values) error {
	if err := p.Open(address); err != nil || form == nil {
		return err
	}
	return p.Submit(form)
}

// named is a path to the link, button, checkbox or field that people know by a
// name: what is written on it, or its label.
func named(name string) chromedp.JSPath {
	return chromedp.JSPath(fmt.Sprintf(`(() => {
		const text = (e) => (e.innerText || "").trim().replace(/\s+/g, " ");
		const shown = (list) => [...list].filter((e) => e.checkVisibility());
		const label = shown(document.querySelectorAll("label")).find((l) => text(l) === %[1]q || text(l).startsWith(%[1]q + " "));
		if (label) return label.control;
		return shown(document.querySelectorAll("a, button, summary")).find((e) => text(e) === %[1]q);
	})()`, name))
}

// ClickNamed clicks the link or button of a name, which leads to another page.
func (p *Page) ClickNamed(name string) error {
	return p.Follow(fmt.Sprintf("click %q", name), chromedp.Click(named(name)))
}

// ToggleNamed clicks the checkbox, or opens the part, of a name.
func (p *Page) ToggleNamed(name string) error {
	return p.do(fmt.Sprintf("toggle %q", name), chromedp.Click(named(name)))
}

// FillNamed gives the field of a label another value.
func (p *Page) FillNamed(label, value string) error {
	if err := p.enter(string(named(label)), value); err != nil {
		return fmt.Errorf("fill %q: %w", label, err)
	}
	return nil
}

// enter gives a field another value, which for a selection is one of its options.
func (p *Page) enter(field, value string) error {
	quoted, err := json.Marshal(value)
	if err != nil {
		return err
	}
	is, err := Evaluate[string](p, fmt.Sprintf(`((field) => { field.value = %s; return field.value; })(%s)`, quoted, field))
	if err != nil {
		return err
	}
	if is != value {
		return fmt.Errorf("has %q, not %q", is, value)
	}
	return nil
}

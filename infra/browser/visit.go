package browser

import (
	"fmt"

	"github.com/chromedp/chromedp"
)

// SignIn signs in on the console's first page, as people do.
func SignIn(p *Page, console, cloudName, apiKey, apiSecret string) error {
	if err := p.Open(console); err != nil {
		return err
	}
	for _, field := range []struct{ name, value string }{
		{"cloud_name", cloudName}, {"api_key", apiKey}, {"api_secret", apiSecret},
	} {
		if err := p.Fill(`[name="`+field.name+`"]`, field.value); err != nil {
			return fmt.Errorf("sign in: %w", err)
		}
	}
	if err := p.Follow("sign in", chromedp.Submit(chromedp.CSS(`[name="api_secret"]`))); err != nil {
		return err
	}
	if status := p.Status(); status != 200 {
		return fmt.Errorf("sign in: answered %d", status)
	}
	return nil
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
	return p.do(fmt.Sprintf("fill %q", label), chromedp.SetValue(named(label), value))
}

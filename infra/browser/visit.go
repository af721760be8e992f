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

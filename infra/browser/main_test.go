package browser_test

import (
	"context"
	"testing"

	"github.com/mediahooks/mediahooks/infra/browser"
)

// run has one browser for all tests.
func run(m *testing.M) (int, error) {
	b, err := browser.Start(context.Background())
	if err != nil {
		return 1, err
	}
	defer b.Close()
	chromium = b
	return m.Run(), nil
}

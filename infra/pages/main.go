// Command pages writes those pages of docs that are made from something else, so that
// the two cannot say different things: make docs.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

// pages are made from the files below a root: configuration.md from the parameters
// of template.yaml, metrics.md from the list in shared/telemetry and the alarms of
// the templates, event-types.md from the catalogue.
var pages = map[string]func(root string) (string, error){
	"docs/configuration.md": configuration,
	"docs/metrics.md":       metrics,
	"docs/event-types.md":   eventTypes,
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pages:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := workspace.Root()
	if err != nil {
		return err
	}
	for name, write := range pages {
		page, err := write(root)
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(page), 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
	}
	return nil
}

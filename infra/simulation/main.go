// Command simulation says what the two lanes do on AWS, where nobody has measured
// it: SQS queues, event source mappings and processes of the delivery function, on
// a virtual clock. What happens to a message is decided by the real code of
// shared/lane; shared/delivery's way with a batch is copied, step by step.
// docs/capacity.md says what was assumed, and holds what comes out.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

// defaultSeed is that of the document.
const defaultSeed = 1

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "simulation:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("simulation", flag.ContinueOnError)
	seed := flags.Uint64("seed", defaultSeed, "where the random numbers begin")
	write := flags.Bool("write", false, "write the section of docs/capacity.md instead of printing it")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("read arguments: %w", err)
	}
	debug.SetGCPercent(400) // runs leave much behind, and hold little
	section, err := render(&study{seed: *seed})
	if err != nil || !*write {
		fmt.Print(section)
		return err
	}
	root, err := workspace.Root()
	if err != nil {
		return err
	}
	page, err := os.ReadFile(pagePath(root))
	if err != nil {
		return fmt.Errorf("read page: %w", err)
	}
	updated, err := replace(string(page), section)
	if err != nil {
		return err
	}
	return os.WriteFile(pagePath(root), []byte(updated), 0o644) //nolint:gosec // a page of documentation, for everybody to read
}

func pagePath(root string) string { return filepath.Join(root, "docs", "capacity.md") }

// Command cost says what a million deliveries cost on AWS. It runs a stated load
// on the local stack, counts every request, byte and second that AWS would bill,
// and multiplies them by a dated price list. docs/cost.md holds what comes out;
// decision 26 says how it is counted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("cost", flag.ContinueOnError)
	events := flags.Int("events", 1000, "how many events the load has, for each way to report them; the emulator keeps the log of 2000 invocations")
	write := flags.Bool("write", false, "write the section of docs/cost.md too")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("read arguments: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root, err := workspace.Root()
	if err != nil {
		return err
	}
	bills, err := count(ctx, root, *events, *events/20)
	if err != nil {
		return err
	}
	section := render(bills)
	fmt.Print(section)
	if *write {
		name := filepath.Join(root, "docs", "cost.md")
		page, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read page: %w", err)
		}
		updated, err := replace(string(page), section)
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(updated), 0o644); err != nil { //nolint:gosec // a page of documentation, for everybody to read
			return err
		}
	}
	return bills.check()
}

// bills are what the load costs, made in three ways.
type bills struct {
	described               described
	uses                    [3]usage
	single, listed, trickle bill
	fixed                   bill
}

// count runs the load.
func count(ctx context.Context, root string, events, trickled int) (_ *bills, err error) {
	b := &bills{}
	if b.described, err = readTemplate(root); err != nil {
		return nil, err
	}
	r, err := newRig(ctx, func(step string, took time.Duration) { fmt.Fprintf(os.Stderr, "%-10s %5.1f s\n", step, took.Seconds()) })
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	shapes := []shape{
		{name: "single", events: events, perCall: 1},
		{name: "listed", events: events, perCall: listSize},
		{name: "trickle", events: trickled, perCall: 1, trickle: true},
	}
	into := []*bill{&b.single, &b.listed, &b.trickle}
	for i, s := range shapes {
		began := time.Now()
		b.uses[i], err = r.measure(ctx, s.events, func(ctx context.Context) error { return r.make(ctx, s) })
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", s.name, err)
		}
		*into[i] = billFor(b.uses[i], b.described)
		fmt.Fprintf(os.Stderr, "%-10s %5.1f s\n", s.name, time.Since(began).Seconds())
	}
	sweep, err := r.measure(ctx, 1, r.sweep)
	if err != nil {
		return nil, fmt.Errorf("run the sweep: %w", err)
	}
	b.fixed = fixed(sweep, b.described, sweep.metrics)
	return b, nil
}

// Package faults tries to make Mediahooks lose a notification. The functions' own
// binaries run over a small Runtime API, their storage is the real emulator, and
// whatever may go wrong between them does: processes are killed with SIGKILL in
// the middle of their work, each call of AWS may fail, be throttled, be answered
// in parts, come late, or be executed without an answer, and messages come twice,
// late and out of order. Receivers refuse, hang up and dawdle. When a round is
// over, check.go holds the table against what producers were promised and what
// receivers have seen.
//
// Everything that is drawn comes from a seed: which calls producers make, what
// becomes of the n-th call of each operation, where the n-th invocation dies, what
// each receiver answers. The same seed draws the same; which of two processes is
// first stays the machine's to say.
package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Options say how many rounds are made, and with what luck.
type Options struct {
	// Seed is what every round's own seed follows from.
	Seed uint64
	// Rounds are counted from 1. Only, where it is not 0, is the one to make.
	Rounds, Only int
	// Test is the name of the test that asks, for the report of a failure.
	Test string
	// Overlap is how many rounds are under way at once: a round mostly waits.
	Overlap int
	// Binaries is the folder with intake and delivery, as Build leaves it.
	Binaries string
	// Endpoint is the emulator's.
	Endpoint string
	// Restarts, where there are any, restarts the emulator, again and again, while
	// all rounds are under way, and returns when it is up for good. Then no round
	// waits in a workflow.
	Restarts func(context.Context) error
	// Log is told how it goes; nil for nobody.
	Log io.Writer
}

// Run makes the rounds and returns what they came to, those that failed too. Its
// error names each failed round, what was wrong, and how to make it again.
func Run(ctx context.Context, o Options) (*Counts, error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	account, err := openAccount(ctx, o.Endpoint)
	if err != nil {
		return nil, err
	}
	first, last := 1, o.Rounds
	if o.Only > 0 {
		first, last = o.Only, o.Only
	}
	total := newCounts()
	var mu sync.Mutex
	var failed []error
	var group sync.WaitGroup
	slots := make(chan struct{}, max(1, o.Overlap))
	if o.Restarts != nil {
		account.restarts = true
		account.away.Store(true)
		account.begun.Add(last - first + 1)
		slots = make(chan struct{}, last-first+1)
		group.Go(func() {
			account.begun.Wait()
			err := o.Restarts(ctx)
			account.away.Store(false)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = append(failed, fmt.Errorf("restart the emulator: %w", err))
			}
		})
	}
	for number := first; number <= last; number++ {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			p := drawPlan(o.Seed, number)
			if account.restarts {
				p.schedule, p.retries = "1s,2s", 2
			}
			counts, err := runRound(ctx, account, o.Binaries, p)
			mu.Lock()
			defer mu.Unlock()
			total.add(counts)
			if err != nil {
				failed = append(failed, fmt.Errorf("round %d of seed %d: %w\nagain: FAULT_SEED=%d FAULT_ROUND=%d go test ./infra/faults -run '^%s$' -count=1 -v",
					number, o.Seed, err, o.Seed, number, o.Test))
				fmt.Fprintf(o.Log, "round %d failed\n", number)
			}
			if done := total.Rounds; done%100 == 0 {
				fmt.Fprintf(o.Log, "%d rounds made\n", done)
			}
		})
	}
	group.Wait()
	return total, errors.Join(failed...)
}

// Package notificationtest is what the stages are tested with: stateful fakes
// of the store, the queue, the workflow and the vault, a clock that stands
// still, and a receiver that remembers what it was sent. The fakes behave as
// the adapters do, and the suites Exercise... hold both to that: a behaviour
// that a fake has and its adapter has not is a bug in one of them.
//
// Each fake can be told to fail, before or after a call took effect; see
// Faults. None of them sleeps, and all are safe for concurrent use.
package notificationtest

import (
	"context"
	"sync"
)

// Call is one effect of a fake that is about to take place, or has. A call that
// takes a list has one effect for each of its items.
type Call struct {
	// Op is the method's name, for example InsertEvents.
	Op string
	// Index is the item's place in the list that was given, 0 without a list.
	Index int
	// Key names what the call is about: an event_id, a delivery_id or a
	// cloud_name.
	Key string
	// After tells whether the effect has taken place.
	After bool
}

// Faults makes a fake fail on demand, and counts its calls. The zero value
// never fails.
type Faults struct {
	mu     sync.Mutex
	hook   func(Call) error
	counts map[string]int
}

// OnCall sets the hook that is asked twice about each effect: before it, where
// an error prevents it, and after it, where an error hides that it happened
// (what a lost answer looks like). A nil hook never fails. Hooks run without
// any lock of the fake, so that they may call it, block or panic.
func (f *Faults) OnCall(hook func(Call) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hook = hook
}

// Count returns how many times the method of that name was called.
func (f *Faults) Count(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[op]
}

// called counts a call.
func (f *Faults) called(op string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.counts = make(map[string]int)
	}
	f.counts[op]++
}

// effect carries out one effect of a call, unless the context or the hook
// prevents it.
func (f *Faults) effect(ctx context.Context, call Call, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := f.ask(call); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	call.After = true
	return f.ask(call)
}

func (f *Faults) ask(call Call) error {
	f.mu.Lock()
	hook := f.hook
	f.mu.Unlock()
	if hook == nil {
		return nil
	}
	return hook(call)
}

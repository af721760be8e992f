package faults

import (
	"fmt"
	"time"
)

// death is how an invocation's process is killed.
type death struct {
	when moment
	// nth counts the calls or POSTs of the invocation, from 1.
	nth   int64
	after time.Duration
}

// moment is when a process is killed.
type moment string

const (
	never moment = ""
	// beforeCall and afterCall are before a call of AWS is executed, and before
	// its answer.
	beforeCall, afterCall moment = "before a call", "after a call"
	// beforePost and afterPost are when a receiver has a notification, and when it
	// has answered.
	beforePost, afterPost moment = "at a POST", "after a POST"
	// atTime is any instant, atAnswer that of the function's answer.
	atTime, atAnswer moment = "at an instant", "at its answer"
)

// moments are when a process of a function may be killed.
func moments(function string) []moment {
	all := []moment{beforeCall, afterCall, atTime, atAnswer}
	if function == delivery {
		all = append(all, beforePost, afterPost)
	}
	return all
}

// drawDeath draws the end of the n-th invocation of a function.
func (r *round) drawDeath(function string, n int) death {
	if r.must.CompareAndSwap(true, false) {
		return death{when: atAnswer}
	}
	dice := roll(r.plan.seed, "death", function, n)
	if r.calm.Load() || !chance(dice, r.plan.killRate) {
		return death{}
	}
	return death{when: pick(dice, moments(function)...), nth: 1 + dice.Int64N(4), after: within(dice, 150*time.Millisecond)}
}

// String says when, for the story of a delivery.
func (d death) String() string {
	if d.when == never {
		return "never"
	}
	return fmt.Sprintf("%s (%d, %s)", d.when, d.nth, d.after)
}

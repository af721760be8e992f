package faults

import (
	"fmt"
	"time"
)

// death is how an invocation's process is killed.
type death struct {
	when moment
	// nth counts the calls or POSTs of the invocation, from 1: calls of one
	// operation, where that is not empty.
	nth       int64
	operation string
	after     time.Duration
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

// writes are the operations of each function that change something: between them
// is where a death can do harm.
var writes = map[string][]string{
	intake:   {"PutItem", "BatchExecuteStatement", "UpdateItem", "SendMessageBatch"},
	delivery: {"BatchExecuteStatement", "BatchExecuteStatement", "SendMessageBatch", "SendMessageBatch", "UpdateItem", "StartExecution"},
}

// drawDeath draws the end of the n-th invocation of a function. One that is made
// by two processes at once is more likely to have one.
func (r *round) drawDeath(function string, n int, twin bool) death {
	if r.must.CompareAndSwap(true, false) {
		return death{when: atAnswer}
	}
	dice := roll(r.plan.seed, "death", function, n)
	rate := r.plan.killRate
	if twin {
		rate = 0.5
	}
	if r.calm.Load() || !chance(dice, rate) {
		return death{}
	}
	d := death{when: pick(dice, moments(function)...), nth: 1 + dice.Int64N(4), after: within(dice, 150*time.Millisecond)}
	if (d.when == beforeCall || d.when == afterCall) && chance(dice, 0.7) {
		d.nth, d.operation = 1, pick(dice, writes[function]...)
	}
	return d
}

// meets reports whether a call of an operation counts for the death.
func (d death) meets(operation string) bool { return d.operation == "" || d.operation == operation }

// String says when, for the story of a delivery.
func (d death) String() string {
	if d.when == never {
		return "never"
	}
	return fmt.Sprintf("%s (%s %d, %s)", d.when, d.operation, d.nth, d.after)
}

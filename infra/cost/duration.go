package main

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/mediahooks/mediahooks/infra/calls"
)

// span is something that an invocation waits for, and how long that takes on AWS.
type span struct {
	began, ended time.Time
	takes        time.Duration
}

// waited is how long an invocation waits in all: what began before another had
// ended is waited for at the same time, and what began later after it.
func waited(spans []span) time.Duration {
	slices.SortFunc(spans, func(a, b span) int { return a.began.Compare(b.began) })
	done := make([]time.Duration, len(spans))
	longest := time.Duration(0)
	for i, s := range spans {
		start := time.Duration(0)
		for j, earlier := range spans[:i] {
			if !earlier.ended.After(s.began) {
				start = max(start, done[j])
			}
		}
		done[i] = start + s.takes
		longest = max(longest, done[i])
	}
	return longest
}

// waits are the spans of each invocation, by function: its calls of AWS, and the
// POSTs that it has made.
func waits(all []calls.Call, posts []post) (map[string]map[string][]span, error) {
	found := make(map[string]map[string][]span)
	for _, c := range all {
		takes, err := latency(c.Service, c.Operation)
		if err != nil {
			return nil, err
		}
		if found[c.Function] == nil {
			found[c.Function] = make(map[string][]span)
		}
		found[c.Function][c.Invocation] = append(found[c.Function][c.Invocation], span{c.Began, c.Ended, takes})
	}
	for _, p := range posts {
		c, err := recordedBy(all, p)
		if err != nil {
			return nil, err
		}
		found[c.Function][c.Invocation] = append(found[c.Function][c.Invocation], span{p.began, p.ended, receiverLatency})
	}
	return found, nil
}

// recordedBy finds the call that recorded a POST, which the same invocation made.
func recordedBy(all []calls.Call, p post) (calls.Call, error) {
	for _, c := range all { // by time
		if c.Operation == "BatchExecuteStatement" && !c.Began.Before(p.ended) && bytes.Contains(c.Request, []byte(p.deliveryID)) {
			return c, nil
		}
	}
	return calls.Call{}, errors.New("no call has recorded the POST of delivery " + p.deliveryID)
}

// billed is what Lambda bills of an invocation that waits and works: with less
// than a whole processor, work takes longer.
func billed(wait, work time.Duration, memory int) time.Duration {
	share := min(1, float64(memory)/vCPUMemory)
	took := wait + time.Duration(float64(work)/share) + overhead
	return (took + time.Millisecond - 1).Truncate(time.Millisecond)
}

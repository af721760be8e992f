package faults

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Counts are what rounds came to. They are safe for concurrent use.
type Counts struct {
	Rounds int
	// Calls are invocations by producers, who gave up GaveUp of them; Events were
	// acknowledged, Late ones of them too late for their other half.
	Calls, GaveUp, Events, Late int
	// Delivered and Exhausted are deliveries of acknowledged events.
	Delivered, Exhausted int
	// Attempts are on record. Posts were seen by receivers, Extra of them repeated
	// one that had been seen.
	Attempts, Posts, Extra int
	DeadLetters            int
	// Kills are by moment, Redeliveries by occasion, Faults by operation and kind.
	Kills, Redeliveries map[string]int
	Faults              map[string]map[fault]int

	mu sync.Mutex
}

func newCounts() *Counts {
	return &Counts{Kills: make(map[string]int), Redeliveries: make(map[string]int), Faults: make(map[string]map[fault]int)}
}

func (c *Counts) call() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Calls++
}

func (c *Counts) giveUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.GaveUp++
}

func (c *Counts) kill(when string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Kills[when]++
}

func (c *Counts) redelivery(occasion string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Redeliveries[occasion]++
}

func (c *Counts) dead() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.DeadLetters++
}

func (c *Counts) fault(operation string, kind fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Faults[operation] == nil {
		c.Faults[operation] = make(map[fault]int)
	}
	c.Faults[operation][kind]++
}

// Killed returns how many processes were killed in the middle of their work.
func (c *Counts) Killed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return sum(c.Kills)
}

func sum[K comparable](counts map[K]int) int {
	total := 0
	for _, n := range counts {
		total += n
	}
	return total
}

// add adds what another round came to, which is over.
func (c *Counts) add(o *Counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, number := range []struct {
		to   *int
		more int
	}{
		{&c.Rounds, o.Rounds}, {&c.Calls, o.Calls}, {&c.GaveUp, o.GaveUp}, {&c.Events, o.Events}, {&c.Late, o.Late}, {&c.Delivered, o.Delivered},
		{&c.Exhausted, o.Exhausted}, {&c.Attempts, o.Attempts}, {&c.Posts, o.Posts}, {&c.Extra, o.Extra}, {&c.DeadLetters, o.DeadLetters},
	} {
		*number.to += number.more
	}
	for when, n := range o.Kills {
		c.Kills[when] += n
	}
	for occasion, n := range o.Redeliveries {
		c.Redeliveries[occasion] += n
	}
	for operation, kinds := range o.Faults {
		if c.Faults[operation] == nil {
			c.Faults[operation] = make(map[fault]int)
		}
		for kind, n := range kinds {
			c.Faults[operation][kind] += n
		}
	}
}

// Missed lists what should have happened in any number of rounds, and has not.
func (c *Counts) Missed() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var missed []string
	for _, operation := range []string{
		"BatchExecuteStatement", "BatchGetItem", "Decrypt", "GetItem", "PutItem", "Query", "SendMessageBatch", "StartExecution", "UpdateItem",
	} {
		for _, kind := range kindsOf(operation) {
			if c.Faults[operation][kind] == 0 {
				missed = append(missed, operation+" "+string(kind))
			}
		}
	}
	for _, when := range moments(delivery) {
		if c.Kills[string(when)] == 0 {
			missed = append(missed, "a kill "+string(when))
		}
	}
	for _, number := range []struct {
		name string
		n    int
	}{{"a delivery", c.Delivered}, {"an exhausted delivery", c.Exhausted}, {"an extra POST", c.Extra}, {"a redelivery", sum(c.Redeliveries)}} {
		if number.n == 0 {
			missed = append(missed, number.name)
		}
	}
	return missed
}

// Print writes the counts as a table.
func (c *Counts) Print(w io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(w, "%-14s %7d\n", "rounds", c.Rounds)
	fmt.Fprintf(w, "%-14s %7d  in %d calls, of which %d were given up; %d too late for their other half\n",
		"acknowledged", c.Events, c.Calls, c.GaveUp, c.Late)
	fmt.Fprintf(w, "%-14s %7d\n%-14s %7d\n", "delivered", c.Delivered, "exhausted", c.Exhausted)
	fmt.Fprintf(w, "%-14s %7d\n", "attempts", c.Attempts)
	fmt.Fprintf(w, "%-14s %7d  of which %d repeat one that was seen\n", "POSTs", c.Posts, c.Extra)
	fmt.Fprintf(w, "%-14s %7d  %s\n", "kills", sum(c.Kills), list(c.Kills))
	fmt.Fprintf(w, "%-14s %7d  %s\n", "redeliveries", sum(c.Redeliveries), list(c.Redeliveries))
	fmt.Fprintf(w, "%-14s %7d\n", "dead letters", c.DeadLetters)
	total := 0
	for _, kinds := range c.Faults {
		total += sum(kinds)
	}
	fmt.Fprintf(w, "%-14s %7d\n", "faults", total)
	for _, operation := range slices.Sorted(maps.Keys(c.Faults)) {
		fmt.Fprintf(w, "  %-22s %5d  %s\n", operation, sum(c.Faults[operation]), list(c.Faults[operation]))
	}
}

// list gives numbers with their names, in the names' order.
func list[K ~string](counts map[K]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(parts, ", ")
}

package main

import (
	"iter"
	"time"
)

// epoch is when every run begins, for the code that is asked with the time of day.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// clock is virtual time: a heap of what is to happen, in order of its time and,
// at the same time, of its being planned. So a run is the same each time.
type clock struct {
	now  time.Duration
	seq  uint64
	heap []happening
}

type happening struct {
	at  time.Duration
	seq uint64
	do  func()
}

func (h happening) before(other happening) bool {
	return h.at < other.at || h.at == other.at && h.seq < other.seq
}

// time is the time of day.
func (c *clock) time() time.Time { return epoch.Add(c.now) }

// after plans what is to happen in a while.
func (c *clock) after(d time.Duration, do func()) {
	c.seq++
	c.heap = append(c.heap, happening{c.now + max(0, d), c.seq, do})
	for i := len(c.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !c.heap[i].before(c.heap[parent]) {
			break
		}
		c.heap[i], c.heap[parent] = c.heap[parent], c.heap[i]
		i = parent
	}
}

// run lets everything happen, until nothing is planned.
func (c *clock) run() {
	for len(c.heap) > 0 {
		next := c.pop()
		c.now = next.at
		next.do()
	}
}

func (c *clock) pop() happening {
	top, last := c.heap[0], len(c.heap)-1
	c.heap[0] = c.heap[last]
	c.heap[last] = happening{} // or its closure would stay in memory
	c.heap = c.heap[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if c.heap[child].before(c.heap[least]) {
				least = child
			}
		}
		if least == i {
			return top
		}
		c.heap[i], c.heap[least] = c.heap[least], c.heap[i]
		i = least
	}
}

// routine is something that takes virtual time and is written from top to bottom.
// Only one runs at a time, and only while the clock stands still.
type routine struct {
	clock  *clock
	yield  func(struct{}) bool
	resume func()
}

// start runs a routine up to its first pause; the clock takes it on from there.
func (c *clock) start(body func(*routine)) {
	r := &routine{clock: c}
	next, _ := iter.Pull(func(yield func(struct{}) bool) {
		r.yield = yield
		body(r)
	})
	r.resume = func() { next() }
	r.resume()
}

// sleep lets time pass.
func (r *routine) sleep(d time.Duration) {
	r.clock.after(d, r.resume)
	r.park()
}

// park waits until somebody calls resume.
func (r *routine) park() { r.yield(struct{}{}) }

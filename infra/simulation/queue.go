package main

import (
	"math/rand/v2"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// message is one on its way: the real one, and where it is going.
type message struct {
	notification.Message
	to *endpoint
	// waiting says that it lies in a queue, visible or delayed; ended that it has
	// been delivered or given up.
	waiting, ended bool
}

// grouping is what the MessageGroupId of a message is.
type grouping int

// The groupings. Without one the queue is not fair. byEnvironment is what
// shared/queue does; byOrigin, an origin within an environment, is what it did.
const (
	noGroups grouping = iota
	byOrigin
	byEnvironment
)

// What SQS calls a noisy neighbour. Source: SQS developer guide, How Amazon SQS fair
// queues work.
const (
	noisyInFlight = 30
	noisyShare    = 10 // one in so many, of messages in flight or of recent time
	// noisyRecent is what recent time means here: AWS does not say.
	noisyRecent = 30 * time.Second
	quietAfter  = 5 * time.Minute
)

// sampled is how far from its head a queue may be received from: a standard queue
// is first in, first out only roughly.
const sampled = 100

// queue is one SQS standard queue.
type queue struct {
	*clock
	draws    *rand.Rand
	grouping grouping
	// detect is how long a group has to be noisy before it is treated so.
	detect            time.Duration
	groups            []*group
	visible, inFlight int
	spent             recent
	// arrived is called when a message has become visible.
	arrived func()
}

// group is the messages of one MessageGroupId, or all of a queue that is not fair.
type group struct {
	list     []*message
	head     int
	inFlight int
	spent    recent
	lastSent time.Duration
	noisy    bool
	// overSince is when it began to be over a threshold; below zero if it is not.
	overSince time.Duration
}

// recent is a sum over the latest one to two periods.
type recent struct {
	period          int64
	current, before time.Duration
}

func (r *recent) add(now, d time.Duration) {
	r.roll(now)
	r.current += d
}

func (r *recent) sum(now time.Duration) time.Duration {
	r.roll(now)
	return r.current + r.before
}

func (r *recent) roll(now time.Duration) {
	switch period := int64(now / noisyRecent); period - r.period {
	case 0:
	case 1:
		r.period, r.before, r.current = period, r.current, 0
	default:
		r.period, r.before, r.current = period, 0, 0
	}
}

// receipt is what SQS keeps of a message that was received and not yet deleted.
type receipt struct {
	group *group
	at    time.Duration
}

// send takes a message; it is visible when it is due. The delay is in whole
// seconds, rounded up as shared/queue does.
func (q *queue) send(m *message) {
	m.waiting = true
	wait := m.DueAt.Sub(q.time())
	if wait <= 0 {
		q.show(m)
		return
	}
	q.after((wait+time.Second-1)/time.Second*time.Second, func() { q.show(m) })
}

func (q *queue) show(m *message) {
	at := 0
	switch q.grouping {
	case byOrigin:
		at = m.to.index
	case byEnvironment:
		at = m.to.environment
	}
	for len(q.groups) <= at {
		q.groups = append(q.groups, &group{overSince: -1})
	}
	g := q.groups[at]
	g.list = append(g.list, m)
	g.lastSent = q.now
	q.visible++
	q.arrived()
}

// receive hands out up to n messages, and their receipts.
func (q *queue) receive(n int) (batch []*message, receipts []receipt) {
	q.mark()
	for len(batch) < n && q.visible > 0 {
		g := q.next()
		m := g.take(q.draws)
		m.waiting = false
		g.inFlight++
		q.inFlight++
		q.visible--
		batch, receipts = append(batch, m), append(receipts, receipt{g, q.now})
	}
	return batch, receipts
}

// remove deletes what was received.
func (q *queue) remove(receipts []receipt) {
	for _, r := range receipts {
		r.group.inFlight--
		q.inFlight--
		r.group.spent.add(q.now, q.now-r.at)
		q.spent.add(q.now, q.now-r.at)
	}
}

// mark finds out which groups are noisy.
func (q *queue) mark() {
	if q.grouping == noGroups {
		return
	}
	for _, g := range q.groups {
		over := g.inFlight >= noisyInFlight && g.inFlight*noisyShare > q.inFlight ||
			g.spent.sum(q.now)*noisyShare > q.spent.sum(q.now)
		switch {
		case g.waiting() == 0 || q.now-g.lastSent >= quietAfter:
			g.noisy, g.overSince = false, -1
		case !over:
			g.overSince = -1 // what is noisy stays so until its backlog is gone
		case g.overSince < 0:
			g.overSince = q.now
			fallthrough
		default:
			g.noisy = g.noisy || q.now-g.overSince >= q.detect
		}
	}
}

// next returns the group that is served next: of those that are quiet the one that
// has waited longest, else the noisy one with the fewest messages in flight.
func (q *queue) next() *group {
	var best *group
	for _, g := range q.groups {
		if g.waiting() == 0 {
			continue
		}
		switch {
		case best == nil, best.noisy && !g.noisy:
			best = g
		case g.noisy != best.noisy:
		case g.noisy && g.inFlight < best.inFlight, !g.noisy && g.first().DueAt.Before(best.first().DueAt):
			best = g
		}
	}
	return best
}

func (g *group) waiting() int { return len(g.list) - g.head }

func (g *group) first() *message { return g.list[g.head] }

// take removes one of the first messages.
func (g *group) take(draws *rand.Rand) *message {
	at := g.head + draws.IntN(min(sampled, g.waiting()))
	m := g.list[at]
	g.list[at], g.list[g.head] = g.list[g.head], nil
	if g.head++; g.head == len(g.list) {
		g.list, g.head = g.list[:0], 0
	}
	return m
}

package main

import (
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// How an event source mapping scales. Source: Lambda developer guide, scaling of
// SQS event source mappings.
const (
	batchSize    = 10
	placesAtRest = 5
	// rampPerSecond is 300 a minute, taken as even.
	rampPerSecond = 5
	// calmFor is how many seconds without a backlog take the places away again.
	calmFor = 10
)

// functionTimeout bounds an invocation, visibility hides its messages: both are
// template.yaml's. No invocation of a run takes so long, or the run fails; so no
// message comes back by itself.
const (
	functionTimeout = 30 * time.Second
	visibility      = 180 * time.Second
)

// mapping is an event source mapping: it takes batches off a queue and invokes the
// lane's function with each, in a limited number of places.
type mapping struct {
	*simulation
	queue *queue
	lane  notification.Lane
	// limit is how many places there are now, between those at rest and the most
	// that MaximumConcurrency allows.
	atRest, ramp, most, limit int
	busy, calm                int
	noticed                   bool
}

// notice is called when a message is there. What one call of SQS has sent arrives
// together, so that a place may take all of it.
func (m *mapping) notice() {
	if m.noticed {
		return
	}
	m.noticed = true
	m.after(0, func() {
		m.noticed = false
		m.dispatch()
	})
}

// dispatch fills the places that are free, as long as there is something to take.
// An idle place waits in a long poll, so that a message that comes alone makes a
// batch of its own.
func (m *mapping) dispatch() {
	for m.busy < m.limit && m.queue.visible > 0 {
		m.busy++
		m.figures.peak(m.lane, m.busy, m.now)
		batch, receipts := m.queue.receive(batchSize)
		m.after(receiveLatency.draw(m.draws), func() { m.invoke(batch, receipts) })
	}
}

// invoke runs the function on a batch; the place is free again when it is over and
// its messages are deleted. A batch is as slow as its slowest member.
func (m *mapping) invoke(batch []*message, receipts []receipt) {
	p, cold := m.take(m.lane)
	m.after(cold, func() {
		m.start(func(r *routine) {
			began := m.now
			(&invocation{simulation: m.simulation, routine: r, process: p, lane: m.lane}).deliver(batch)
			m.figures.longest = max(m.figures.longest, m.now-began)
			m.release(m.lane, p)
			m.after(queueLatency.draw(m.draws), func() {
				m.queue.remove(receipts)
				m.busy--
				m.dispatch()
			})
		})
	})
}

// scale is called every second.
func (m *mapping) scale() {
	switch {
	case m.busy < m.limit:
		if m.calm++; m.calm > calmFor {
			m.limit = max(m.atRest, m.limit-m.ramp)
		}
	case m.queue.visible > 0:
		m.calm = 0
		m.limit = min(m.most, m.limit+m.ramp)
		m.dispatch()
	default:
		m.calm = 0
	}
}

// process is a warm process of the function, and what it remembers.
type process struct {
	known     []knownHealth
	settings  []time.Duration // until when, by environment
	connected []time.Duration // last used, by endpoint
	lastUsed  time.Duration
	lives     time.Duration
}

// knownHealth is what shared/delivery keeps of an origin.
type knownHealth struct {
	notification.Health
	readAt time.Time
}

// pool is whose processes a lane uses: its own, as each mapping invokes a function
// of its own, or in the comparison those of the one function.
func (s *simulation) pool(of notification.Lane) notification.Lane {
	if s.apart {
		return of
	}
	return notification.First
}

// take returns the process that was used last, or else a new one and how long it
// takes to start.
func (s *simulation) take(by notification.Lane) (p *process, cold time.Duration) {
	of := s.pool(by)
	for idle := s.idle[of]; len(idle) > 0; {
		last := len(idle) - 1
		p, idle = idle[last], idle[:last]
		s.idle[of] = idle
		if s.now-p.lastUsed < p.lives {
			return p, 0
		}
	}
	return &process{
		known:     make([]knownHealth, len(s.endpoints)),
		settings:  make([]time.Duration, s.environments),
		connected: make([]time.Duration, len(s.endpoints)),
		lives:     lifetime.draw(s.draws),
	}, coldLatency.draw(s.draws)
}

func (s *simulation) release(by notification.Lane, p *process) {
	p.lastUsed = s.now
	of := s.pool(by)
	s.idle[of] = append(s.idle[of], p)
}

package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/retry"
)

// setup is how a run differs from the others.
type setup struct {
	seed uint64
	// places is MaximumConcurrency of the first lane's mapping, slowPlaces of the
	// slow lane's.
	places, slowPlaces int
	grouping           grouping
	// lanes is off for the comparison: one queue, from which everything is POSTed.
	lanes bool
	// schedule is the waits before retries.
	schedule retry.Schedule

	// apart gives each lane a function, and so processes, of its own.
	apart bool
	// probes is how many places an environment has for finding out; held keeps one
	// until its POST is over, and not only until it is known what comes of it.
	probes int
	held   bool

	// What follows is for the questions of what if.

	// atRest is how many places the first lane's mapping has without a backlog, ramp
	// how many each adds in a second.
	atRest, ramp int
	// detect is how long SQS takes to find a noisy group.
	detect time.Duration
	// cutAfter ends a POST of the first lane that has no answer yet, and passes its
	// message on. 0 is what the code does: it waits for 20 s.
	cutAfter time.Duration
}

// usual is the setup as the code and AWS's documentation have it, with as many
// places for each lane.
func usual(places int, by grouping) setup {
	return setup{
		seed: defaultSeed, places: places, slowPlaces: places, grouping: by, lanes: true, schedule: retry.Cloudinary(),
		apart: true, probes: probePlaces, held: true, atRest: placesAtRest, ramp: rampPerSecond,
	}
}

// FirstConcurrency and SlowConcurrency of template.yaml.
const (
	defaultFirst = 100
	defaultSlow  = 50
)

// defaults is the code with the template's defaults.
func defaults(by grouping) setup {
	set := usual(defaultFirst, by)
	set.slowPlaces = defaultSlow
	return set
}

// concurrency writes the places: of both lanes, where they differ.
func (s setup) concurrency() string {
	if s.places == s.slowPlaces {
		return grouped(s.places)
	}
	return grouped(s.places) + " + " + grouped(s.slowPlaces)
}

// simulation is one run.
type simulation struct {
	clock
	setup
	// draws is for all that happens, arrivals for when events are reported, so that
	// those are the same in all setups.
	draws, arrivals *rand.Rand
	first, slow     *mapping
	idle            map[notification.Lane][]*process
	table           table
	endpoints       []*endpoint
	environments    int
	figures         figures
	// open is how many deliveries have not ended, reporting how many streams have
	// not.
	open, reporting int
}

// stream is events that are reported for an endpoint.
type stream struct {
	to   int // index of the endpoint
	from time.Duration
	// every so often, burst of them at the same instant; a single one somewhere
	// within that time.
	every        time.Duration
	burst, count int
}

func newSimulation(set setup, sc scenario) *simulation {
	s := &simulation{
		setup:    set,
		draws:    rand.New(rand.NewPCG(set.seed, 1)),
		arrivals: rand.New(rand.NewPCG(set.seed, 2)),
		table:    table{leases: make(map[lease]time.Time), places: set.probes},
		idle:     make(map[notification.Lane][]*process),
		figures:  figures{from: sc.from, until: sc.until, watch: sc.watch, recovered: sc.recovers},
	}
	for i, e := range sc.endpoints {
		e.index = i
		s.endpoints = append(s.endpoints, &e)
		s.environments = max(s.environments, e.environment+1)
	}
	s.table.health = make([]notification.Health, len(s.endpoints))
	s.first, s.slow = s.mapping(notification.First, set.atRest, set.places), s.mapping(notification.Slow, placesAtRest, set.slowPlaces)
	for _, stream := range sc.streams {
		s.report(stream)
	}
	// A mapping's seconds begin anywhere between those of who reports: in a row's
	// runs somewhere else each time.
	s.after(time.Duration(s.draws.Int64N(int64(time.Second))), s.tick)
	return s
}

func (s *simulation) mapping(of notification.Lane, rest, places int) *mapping {
	rest = min(rest, places)
	q := &queue{clock: &s.clock, draws: s.draws, grouping: s.grouping, detect: s.detect}
	m := &mapping{simulation: s, queue: q, lane: of, atRest: rest, limit: rest, most: places, ramp: s.ramp}
	q.arrived = m.notice
	return m
}

// tick scales the mappings, until nothing is left to do.
func (s *simulation) tick() {
	s.first.scale()
	s.slow.scale()
	if s.open > 0 || s.reporting > 0 {
		s.after(time.Second, s.tick)
	}
}

func (s *simulation) report(from stream) {
	s.reporting++
	var next func()
	left := from.count
	next = func() {
		if left <= 0 {
			s.reporting--
			return
		}
		for range min(from.burst, left) {
			left--
			s.open++
			if from.burst > 1 {
				s.accept(s.endpoints[from.to])
				continue
			}
			s.after(time.Duration(s.arrivals.Int64N(int64(from.every))), func() { s.accept(s.endpoints[from.to]) })
		}
		s.after(from.every, next)
	}
	s.after(from.from, next)
}

// accept takes an event; its message goes to the first lane, as intake does it.
func (s *simulation) accept(to *endpoint) {
	m := &message{to: to, Message: notification.Message{
		Attempt: 1, Lane: notification.First, DueAt: s.time(), AcceptedAt: s.time(),
	}}
	s.send(m)
}

func (s *simulation) send(m *message) {
	if m.Lane == notification.Slow {
		s.slow.queue.send(m)
		return
	}
	s.first.queue.send(m)
}

// end is the end of a delivery: delivered, or exhausted.
func (s *simulation) end(m *message) {
	s.open--
	if m.ended {
		s.figures.faults = append(s.figures.faults, "a delivery ended twice")
	}
	m.ended = true
	s.figures.ended(m.to, s.now)
}

// simulate makes a run. Every message has to end exactly once, and no invocation
// may take longer than the function may.
func simulate(set setup, sc scenario) (figures, error) {
	s := newSimulation(set, sc)
	s.run()
	switch {
	case len(s.figures.faults) > 0:
		return s.figures, fmt.Errorf("simulate %s: %s", sc.name, s.figures.faults[0])
	case s.open != 0 || s.first.busy+s.slow.busy+s.first.queue.inFlight+s.slow.queue.inFlight != 0:
		return s.figures, fmt.Errorf("simulate %s: %d deliveries have not ended", sc.name, s.open)
	case s.figures.longest > functionTimeout:
		return s.figures, fmt.Errorf("simulate %s: an invocation took %s", sc.name, s.figures.longest)
	}
	return s.figures, nil
}

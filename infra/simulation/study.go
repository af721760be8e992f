package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/mediahooks/mediahooks/shared/lane"
)

// rounds is how many runs with other random numbers make one row.
const rounds = 3

// concurrencies are the values of MaximumConcurrency in the document.
var concurrencies = []int{10, 50, 1000}

// row is a setup in a scenario, and what was seen of it.
type row struct {
	setup    setup
	scenario scenario
	figures  figures
}

// study makes runs.
type study struct{ seed uint64 }

// make makes the runs of rows.
func (s *study) make(rows []*row) error {
	results, err := s.runs(rows, rounds)
	for i, runs := range results {
		for _, f := range runs {
			rows[i].figures.merge(f)
		}
	}
	return err
}

// runs makes some runs of each row, as many at once as there are processors.
func (s *study) runs(rows []*row, each int) ([][]figures, error) {
	results := make([][]figures, len(rows))
	for i := range results {
		results[i] = make([]figures, each)
	}
	errs := make([]error, len(rows)*each)
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				at, round := i/each, i%each
				set := rows[at].setup
				set.seed = s.seed + uint64(round)
				results[at][round], errs[i] = simulate(set, rows[at].scenario)
			}
		})
	}
	for i := range errs {
		next <- i
	}
	close(next)
	workers.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("make row %d: %w", i/each, err)
		}
	}
	return results, nil
}

// setups are those of the document: each concurrency, and the template's defaults.
func setups(by grouping) (of []setup) {
	for _, places := range concurrencies {
		if places > defaultFirst {
			of = append(of, defaults(by))
		}
		of = append(of, usual(places, by))
	}
	return of
}

// tableOf returns the rows of a scenario: for each concurrency with and without fair
// queues, and the same without lanes.
func tableOf(sc scenario) (rows []*row) {
	fair := setups(byEnvironment)
	for i, unfair := range setups(noGroups) {
		rows = append(rows, &row{setup: unfair, scenario: sc}, &row{setup: fair[i], scenario: sc})
	}
	for _, places := range concurrencies {
		for _, by := range []grouping{noGroups, byEnvironment} {
			set := usual(places, by)
			set.lanes = false
			rows = append(rows, &row{setup: set, scenario: sc})
		}
	}
	return rows
}

// idleOf is what rows are compared with: the same code on its own.
func idleOf() (rows []*row) {
	for _, set := range setups(byEnvironment) {
		rows = append(rows, &row{setup: set, scenario: idle()})
	}
	return rows
}

// whatIf is a change to try.
type whatIf struct {
	name   string
	change func(*setup)
}

// asItIs is the code and the template as they are.
const asItIs = "as it is"

// inShort is all setups of the document in all scenarios.
func inShort() (of []whatIf) {
	unfair := setups(noGroups)
	for i, set := range setups(byEnvironment) {
		of = append(of,
			whatIf{set.concurrency() + ", fair", func(s *setup) { *s = set }},
			whatIf{set.concurrency() + ", not fair", func(s *setup) { *s = unfair[i] }})
	}
	return of
}

// What the code was before: a group was an origin, both lanes were one function, and
// a probe gave one of eight places back when it was known what came of it.
func originGroups(s *setup) { s.grouping = byOrigin }
func together(s *setup)     { s.apart = false }
func early(s *setup)        { s.held, s.probes = false, 8 }

// What could still be done.
func cut(s *setup)  { s.cutAfter = lane.SlowAfter }
func rest(s *setup) { s.atRest = 50 }

func all(some ...func(*setup)) func(*setup) {
	return func(s *setup) {
		for _, change := range some {
			change(s)
		}
	}
}

func probing(places int) func(*setup) { return func(s *setup) { s.probes = places } }

func both(places int) func(*setup) {
	return func(s *setup) { s.places, s.slowPlaces = places, places }
}

// changes are what was done about what was seen, undone, and what could be.
func changes() []whatIf {
	return []whatIf{
		{asItIs, func(*setup) {}},
		{"before: without A, C and E", all(originGroups, together, early)},
		{"without A: a message's group is its origin", originGroups},
		{"without C: both lanes are one function", together},
		{"without E: a probe gives its place back after 1 s, and there are 8", early},
		{"without C, and the slow lane has 1,000 places", all(together, func(s *setup) { s.slowPlaces = 1000 })},
		{"without E, and both lanes have 10 places", all(early, both(10))},
		{"8 places for finding out", probing(8)},
		{"2 places for finding out", probing(2)},
		{"the slow lane has 10 places", func(s *setup) { s.slowPlaces = 10 }},
		{"the slow lane has 1,000 places", func(s *setup) { s.slowPlaces = 1000 }},
		{"G: a POST of the first lane ends after 1 s, and goes to the slow lane", cut},
		{"G, and both lanes have 10 places", all(both(10), cut)},
		{"H: the first lane has 50 places at rest", rest},
		{"G and H", all(cut, rest)},
	}
}

// doubts are what AWS does not say, or may do otherwise.
func doubts() []whatIf {
	return []whatIf{
		{asItIs, func(*setup) {}},
		{"SQS finds a noisy group after 1 s", func(s *setup) { s.detect = time.Second }},
		{"after 5 s", func(s *setup) { s.detect = 5 * time.Second }},
		{"mappings add 60 places a minute", func(s *setup) { s.ramp = 1 }},
		{"after 5 s, and 60 places a minute", func(s *setup) { s.detect, s.ramp = 5*time.Second, 1 }},
	}
}

// tried are the scenarios of the changes.
func tried() []scenario {
	return []scenario{
		idle(), swallow(), quickFlood(), wideFlood(), dozen(), dying(20), dying(50), dying(200), newHosts(5),
	}
}

func matrixOf(of []whatIf) (rows []*row) {
	for _, change := range of {
		for _, sc := range tried() {
			set := defaults(byEnvironment)
			change.change(&set)
			set.schedule = nil // retries come when nobody watches any more
			rows = append(rows, &row{setup: set, scenario: sc})
		}
	}
	return rows
}

package main

import (
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/lane"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// alone is a scenario of one endpoint.
func alone(b behaviour, streams ...stream) scenario {
	var sc scenario
	sc.add(endpoint{origin: "https://one.example", behaviour: b}, streams...)
	return sc
}

// posts is when a run's POSTs are received.
func posts(t *testing.T, set setup, b behaviour, streams ...stream) (at []time.Duration, s *simulation) {
	t.Helper()
	watched := func(s *simulation, now time.Duration) (time.Duration, bool) {
		at = append(at, now)
		return b(s, now)
	}
	s = newSimulation(set, alone(watched, streams...))
	s.run()
	if s.open != 0 {
		t.Fatalf("%d deliveries have not ended", s.open)
	}
	return at, s
}

// One message of a batch finds out, the others follow its answer at once.
func TestOneOfABatchFindsOut(t *testing.T) {
	steady := func(*simulation, time.Duration) (time.Duration, bool) { return 100 * ms, true }
	at, s := posts(t, usual(10, noGroups), steady, flood(0, 10, 1000))
	if len(at) != 10 {
		t.Fatalf("%d POSTs, want 10", len(at))
	}
	for _, follows := range at[1:] {
		if wait := follows - at[0]; wait < 100*ms || wait > 100*ms+connecting {
			t.Errorf("a POST followed the first after %s, want about 100ms", wait)
		}
	}
	if verdict := lane.Judge(s.table.health[0], s.time()); verdict != lane.Proven {
		t.Errorf("verdict is %d, want proven", verdict)
	}
	if len(s.table.leases) != 0 {
		t.Error("the probe's place was not given back")
	}
}

// Of a batch for a black hole, one message is POSTed on the first lane and nine
// pass on when it has shown what it is.
func TestOthersOfABatchPassOn(t *testing.T) {
	set := usual(10, noGroups)
	set.schedule = nil
	at, s := posts(t, set, silent(0, forever), flood(0, 10, 1000))
	if len(at) != 10 || s.figures.passedOn != 9 || s.figures.putBack != 0 {
		t.Errorf("%d POSTs, %d passed on, %d put back; want 10, 9, 0", len(at), s.figures.passedOn, s.figures.putBack)
	}
	for _, later := range at[1:] {
		if wait := later - at[0]; wait < recordEvery-200*ms || wait > recordEvery+time.Second {
			t.Errorf("a POST of the slow lane came after %s, want about %s", wait, recordEvery)
		}
	}
	if verdict := lane.Judge(s.table.health[0], s.time()); verdict != lane.Slow {
		t.Errorf("verdict is %d, want slow", verdict)
	}
}

// What others hold of an unknown origin goes back for two seconds, twice at most,
// and then to the slow lane.
func TestOthersGoBackAndThenToTheSlowLane(t *testing.T) {
	s := newSimulation(usual(10, noGroups), alone(quick))
	// Somebody has the place for good, and never says what came of it.
	s.table.probe(s.endpoints[0], s.time(), s.time().Add(time.Hour))
	s.accept(s.endpoints[0])
	s.run()
	if s.figures.putBack != lane.MaxPasses || s.figures.passedOn != 1 || s.figures.ends != 1 {
		t.Errorf("put back %d times, passed on %d times, %d ended", s.figures.putBack, s.figures.passedOn, s.figures.ends)
	}
	if verdict := lane.Judge(s.table.health[0], s.time()); verdict != lane.Proven {
		t.Errorf("verdict is %d, want proven by the answer on the slow lane", verdict)
	}
}

// A probe keeps its place until its POST is over, though everybody knows after a
// second that the origin is slow. Before, it gave it back then.
func TestProbeKeepsItsPlace(t *testing.T) {
	for _, held := range []bool{true, false} {
		set := usual(10, noGroups)
		set.schedule, set.held = nil, held
		s := newSimulation(set, alone(silent(0, forever), trickle(0, time.Second, 1)))
		for _, test := range []struct {
			at   time.Duration // after a second in which it came
			kept bool
		}{{3 * time.Second, held}, {20 * time.Second, held}, {23 * time.Second, false}} {
			s.after(test.at, func() {
				if kept := len(s.table.leases) == 1; kept != test.kept {
					t.Errorf("held %t: after %s the place is leased: %t", held, test.at, kept)
				}
				if lane.Judge(s.table.health[0], s.time()) != lane.Slow {
					t.Errorf("held %t: after %s the origin is not known to be slow", held, test.at)
				}
			})
		}
		s.run()
	}
}

func TestLeases(t *testing.T) {
	s := newSimulation(usual(10, noGroups), alone(quick))
	e, now := s.endpoints[0], s.time()
	until := now.Add(2 * time.Second)
	if !s.table.probe(e, now, until) || s.table.probe(e, now.Add(time.Second), until.Add(time.Second)) {
		t.Error("a place is not leased to one alone")
	}
	s.table.endProbe(e, until.Add(time.Second))
	if s.table.probe(e, now, until) {
		t.Error("a place was given back by one who does not have it")
	}
	if !s.table.probe(e, until, until.Add(time.Second)) {
		t.Error("a lease does not run out")
	}
	s.table.endProbe(e, until.Add(time.Second))
	if !s.table.probe(e, now, until) {
		t.Error("a place was not given back")
	}
}

// The change that is called G: what hangs leaves the first lane after a second.
func TestCut(t *testing.T) {
	set := usual(10, noGroups)
	set.schedule, set.cutAfter = nil, lane.SlowAfter
	_, s := posts(t, set, silent(0, forever), trickle(0, time.Second, 1))
	if s.figures.posts != 2 || s.figures.ends != 1 || s.figures.passedOn != 1 {
		t.Errorf("%d POSTs, %d ended, %d passed on; want 2, 1, 1", s.figures.posts, s.figures.ends, s.figures.passedOn)
	}
}

// Every message ends exactly once, whatever the setup, and a black hole gets four
// POSTs of each.
func TestNothingIsLost(t *testing.T) {
	const count = 300
	for seed := range uint64(12) {
		for _, by := range []grouping{noGroups, byOrigin, byEnvironment} {
			set := usual([]int{2, 10, 100}[seed%3], by)
			set.seed, set.lanes, set.apart, set.held = seed, seed%4 != 3, seed%2 == 0, seed%5 != 0
			sc := base("all", "", "", 0)
			sc.from = 0
			sc.add(endpoint{origin: "https://hole.example", behaviour: silent(0, forever)}, flood(0, count, 100))
			sc.add(endpoint{origin: "https://back.example", behaviour: silent(time.Second, time.Minute)}, trickle(0, 10*time.Second, 10))
			sc.add(endpoint{origin: "https://failing.example", behaviour: failing, failing: true}, trickle(0, 10*time.Second, 5))
			f, err := simulate(set, sc)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if want := int(watchFor/quietEvery) + count + 100 + 50; f.ends != want {
				t.Errorf("seed %d: %d deliveries ended, want %d", seed, f.ends, want)
			}
			if f.posts < 4*count+100 || len(f.late) != 3*50 {
				t.Errorf("seed %d: %d POSTs and %d retries", seed, f.posts, len(f.late))
			}
		}
	}
}

func TestSeedsRepeat(t *testing.T) {
	first, err := simulate(usual(50, byEnvironment), dozen())
	if err != nil {
		t.Fatal(err)
	}
	again, err := simulate(usual(50, byEnvironment), dozen())
	if err != nil {
		t.Fatal(err)
	}
	if ratio(first, again) != "1.0" || first.done != again.done || first.putBack != again.putBack {
		t.Error("two runs with one seed differ")
	}
	set := usual(50, byEnvironment)
	set.seed = 99
	if other, err := simulate(set, dozen()); err != nil || other.done == first.done {
		t.Errorf("another seed makes the same run, %v", err)
	}
}

func TestRetryOfAQuickFailureIsDueInTime(t *testing.T) {
	f, err := simulate(usual(10, noGroups), func() scenario {
		var sc scenario
		sc.add(endpoint{origin: "https://failing.example", behaviour: failing, failing: true}, trickle(0, 5*time.Second, 10))
		return sc
	}())
	if err != nil {
		t.Fatal(err)
	}
	if len(f.late) != 150 || percentile(f.late, 100) > time.Second || slicesMin(f.late) < 0 {
		t.Errorf("%d retries, from %s to %s late", len(f.late), slicesMin(f.late), percentile(f.late, 100))
	}
	if f.passedOn != 0 {
		t.Errorf("%d of them went to lane %s", f.passedOn, notification.Slow)
	}
}

// slicesMin is of a list that percentile has sorted or not.
func slicesMin(list []time.Duration) time.Duration { return percentile(list, 0) }

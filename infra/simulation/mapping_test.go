package main

import (
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// hanging is a queue of messages for an endpoint that never answers, without
// lanes, so that every place is in use for 20 s.
func hanging() scenario {
	var sc scenario
	sc.add(endpoint{origin: "https://hole.example", behaviour: silent(0, forever)}, flood(0, 20_000, 10_000))
	return sc
}

// Places begin at 5 and grow by 5 a second up to the most.
func TestRamp(t *testing.T) {
	for _, places := range []int{2, 10, 50, 1000} {
		set := usual(places, noGroups)
		set.lanes = false
		s := newSimulation(set, hanging())
		for second := range 40 {
			// A mapping's seconds begin anywhere in ours.
			least := min(places, placesAtRest+rampPerSecond*max(0, second-1))
			most := min(places, placesAtRest+rampPerSecond*(second+1))
			s.after(time.Duration(second)*time.Second+500*ms, func() {
				if s.first.busy < least || s.first.busy > most {
					t.Errorf("%d places: after %d s %d are in use, want %d to %d", places, second, s.first.busy, least, most)
				}
			})
		}
		s.run()
		if s.figures.peakFirst > places {
			t.Errorf("%d places: %d were in use", places, s.figures.peakFirst)
		}
	}
}

func TestPlacesAreGivenUp(t *testing.T) {
	set := usual(100, noGroups)
	s := newSimulation(set, idle())
	m := s.first
	m.limit = 100
	for range calmFor + 100/rampPerSecond {
		m.scale()
	}
	if m.limit != placesAtRest {
		t.Errorf("%d places after a calm, want %d", m.limit, placesAtRest)
	}
}

func TestProcesses(t *testing.T) {
	set := usual(10, noGroups)
	set.apart = false
	s := newSimulation(set, idle())
	one, cold := s.take(notification.First)
	if cold == 0 {
		t.Error("the first process needs no start")
	}
	two, _ := s.take(notification.First)
	s.release(notification.First, one)
	s.release(notification.First, two)
	if p, cold := s.take(notification.Slow); p != two || cold != 0 {
		t.Error("with one function, the slow lane did not get the process that was used last")
	}
	s.now += 8 * time.Minute
	if p, cold := s.take(notification.First); p == one || cold == 0 {
		t.Error("a process lived for more than 7 minutes without work")
	}
}

func TestLanesApart(t *testing.T) {
	s := newSimulation(usual(10, noGroups), idle())
	p, _ := s.take(notification.First)
	s.release(notification.First, p)
	if _, cold := s.take(notification.Slow); cold == 0 {
		t.Error("the slow lane got a process of the first")
	}
}

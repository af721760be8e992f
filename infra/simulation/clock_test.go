package main

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestClockKeepsOrder(t *testing.T) {
	var c clock
	var got []string
	note := func(what string) func() { return func() { got = append(got, what+" "+c.now.String()) } }
	c.after(2*time.Second, note("third"))
	c.after(time.Second, note("first"))
	c.after(time.Second, note("second"))
	c.after(3*time.Second, func() { c.after(-time.Second, note("late")) })
	c.run()
	want := []string{"first 1s", "second 1s", "third 2s", "late 3s"}
	if !slices.Equal(got, want) {
		t.Errorf("happened %q, want %q", got, want)
	}
}

func TestClockOrdersMany(t *testing.T) {
	var c clock
	draws := rand.New(rand.NewPCG(1, 1))
	var last time.Duration
	seen := 0
	for range 10_000 {
		at := time.Duration(draws.Int64N(1000))
		c.after(at, func() {
			if c.now < last || c.now != at {
				t.Fatalf("at %d happens what was planned for %d, after %d", c.now, at, last)
			}
			last = c.now
			seen++
		})
	}
	c.run()
	if seen != 10_000 {
		t.Errorf("%d happened, want 10000", seen)
	}
}

func TestRoutinesSleepAndWait(t *testing.T) {
	var c clock
	var got []string
	var sleeper *routine
	c.start(func(r *routine) {
		r.sleep(time.Second)
		got = append(got, "slept "+c.now.String())
		sleeper = r
		r.park()
		got = append(got, "woken "+c.now.String())
	})
	c.start(func(r *routine) {
		r.sleep(5 * time.Second)
		sleeper.resume()
	})
	c.run()
	if want := []string{"slept 1s", "woken 5s"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLatencyKeepsItsQuantiles(t *testing.T) {
	draws := rand.New(rand.NewPCG(1, 1))
	for name, l := range map[string]latency{"receive": receiveLatency, "table": tableLatency, "cold": coldLatency} {
		var drawn []time.Duration
		for range 100_000 {
			drawn = append(drawn, l.draw(draws))
		}
		slices.Sort(drawn)
		for _, q := range l[1 : len(l)-1] {
			got := drawn[q.ofMillion/10]
			if got < q.took*9/10 || got > q.took*11/10 {
				t.Errorf("%s: quantile %d of a million is %s, want about %s", name, q.ofMillion, got, q.took)
			}
		}
		if least, most := drawn[0], drawn[len(drawn)-1]; least < l[0].took || most > l[len(l)-1].took {
			t.Errorf("%s: from %s to %s, out of bounds", name, least, most)
		}
	}
}

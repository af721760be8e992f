package main

import (
	"fmt"
	"time"
)

// scenario is who reports events, and how their endpoints behave.
type scenario struct {
	name, title, text string
	endpoints         []endpoint
	streams           []stream
	// from is when the disturbance begins. The quiet environment is measured from
	// watch to until.
	from, watch, until time.Duration
	// recovers is when the noisy endpoint answers again, 0 for never.
	recovers time.Duration
}

// The quiet environment: how often it reports, and how long it is watched.
const (
	quietEvery = 50 * time.Millisecond
	warmFor    = time.Minute
	watchFor   = time.Minute
)

// The environments.
const (
	quietEnvironment = iota
	noisyEnvironment
)

// base is a scenario in which the quiet environment reports its events, to an
// endpoint of its own.
func base(name, title, text string, watch time.Duration) scenario {
	return scenario{
		name: name, title: title, text: text,
		from: warmFor, watch: watch, until: watch + watchFor,
		endpoints: []endpoint{{environment: quietEnvironment, origin: "https://quiet.example", behaviour: quick, quiet: true}},
		streams:   []stream{{to: 0, every: quietEvery, burst: 1, count: int((watch + watchFor) / quietEvery)}},
	}
}

func (sc *scenario) add(e endpoint, s ...stream) {
	e.environment, e.noisy = noisyEnvironment, !e.failing
	for _, stream := range s {
		stream.to = len(sc.endpoints)
		sc.streams = append(sc.streams, stream)
	}
	sc.endpoints = append(sc.endpoints, e)
}

// flood is events in lists, ten of which go to SQS in one call.
func flood(from time.Duration, count, perSecond int) stream {
	return stream{from: from, count: count, burst: 10, every: time.Second * 10 / time.Duration(perSecond)}
}

// trickle is single events.
func trickle(from, long time.Duration, perSecond int) stream {
	return stream{from: from, count: int(long/time.Second) * perSecond, burst: 1, every: time.Second / time.Duration(perSecond)}
}

func idle() scenario {
	return base("idle", "Idle", "Nobody else reports anything.", warmFor)
}

// swallow is the black hole that swallows 10,000 events.
func swallow() scenario {
	sc := base("swallow", "One endpoint swallows 10,000 events",
		"Another environment reports 10,000 events within 5 s for an endpoint that nothing is known of, and that never answers.", warmFor)
	sc.add(endpoint{origin: "https://hole.example", behaviour: silent(0, forever)}, flood(warmFor, 10_000, 2_000))
	return sc
}

func quickFlood() scenario {
	sc := base("flood", "One environment floods a quick endpoint",
		"Another environment reports 100,000 events within 20 s for an endpoint that answers them all.", warmFor)
	sc.add(endpoint{origin: "https://flood.example", behaviour: quick}, flood(warmFor, 100_000, 5_000))
	return sc
}

func wideFlood() scenario {
	sc := base("wide", "One environment floods 20 quick endpoints",
		"Another environment reports 100,000 events within 20 s, for 20 endpoints that answer them all.", warmFor)
	for i := range 20 {
		sc.add(endpoint{origin: fmt.Sprintf("https://flood-%d.example", i), behaviour: quick}, flood(warmFor, 5_000, 250))
	}
	return sc
}

func dozen() scenario {
	sc := base("dozen", "One environment with 12 black holes",
		"Another environment reports 1,200 events within 6 s for 12 endpoints that nothing is known of, and that never answer.", warmFor)
	for i := range 12 {
		sc.add(endpoint{origin: fmt.Sprintf("https://hole-%d.example", i), behaviour: silent(0, forever)},
			trickle(warmFor, 6*time.Second, 17))
	}
	return sc
}

func dying(perSecond int) scenario {
	sc := base(fmt.Sprintf("dying-%d", perSecond), fmt.Sprintf("A proven endpoint dies under %d events/s", perSecond),
		fmt.Sprintf("Another environment's endpoint answers %d events a second for a minute, and then no more; the events go on for another minute.", perSecond), warmFor)
	sc.add(endpoint{origin: "https://dying.example", behaviour: silent(warmFor, forever)},
		trickle(0, warmFor+time.Minute, perSecond))
	return sc
}

// failingBeside is the endpoint that answers 500 at once, in the environment of
// the black hole: its retries are what is watched.
func failingBeside() scenario {
	sc := swallow()
	sc.name, sc.title = "retry", "The retries of a quick 500 beside a black hole"
	sc.text = "As the black hole above; the same environment reports 20 events a second, for a minute, for another endpoint, that answers 500 at once."
	sc.add(endpoint{origin: "https://failing.example", behaviour: failing, failing: true}, trickle(warmFor, time.Minute, 20))
	return sc
}

// wayBack is the black hole that comes back.
func wayBack() scenario {
	const recovers = warmFor + 5*time.Minute
	sc := base("back", "The way back",
		"An endpoint is silent for 5 minutes, at first under one event a second; in the last 10 s 10,000 events are reported for it. Then it answers again. One event a second goes on for two minutes. The quiet environment is watched from 10 s before the recovery on.",
		recovers-10*time.Second)
	sc.recovers = recovers
	sc.add(endpoint{origin: "https://back.example", behaviour: silent(0, recovers)},
		trickle(warmFor, 7*time.Minute, 1), flood(recovers-10*time.Second, 10_000, 1_000))
	return sc
}

// newHosts is an environment whose every event goes to another host: what the
// quiet environment reports here itself.
func newHosts(perSecond int) scenario {
	sc := base("hosts", fmt.Sprintf("%d new hosts a second", perSecond), "Each event goes to another endpoint, that nothing is known of and that answers.", warmFor)
	sc.endpoints, sc.streams = nil, nil
	gap := time.Second / time.Duration(perSecond)
	for i := range int(sc.until / gap) {
		sc.endpoints = append(sc.endpoints, endpoint{environment: quietEnvironment, origin: fmt.Sprintf("https://%d.example", i), behaviour: quick, quiet: true})
		sc.streams = append(sc.streams, stream{to: i, from: time.Duration(i) * gap, every: gap, burst: 1, count: 1})
	}
	return sc
}

// scenarios are those with a table, in the order of the document.
func scenarios() []scenario {
	return []scenario{
		swallow(), quickFlood(), wideFlood(), dozen(), dying(20), dying(50), dying(200), failingBeside(), wayBack(),
	}
}

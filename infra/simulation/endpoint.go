package main

import (
	"hash/fnv"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// endpoint is an origin of an environment, and how it answers.
type endpoint struct {
	index, environment int
	origin             string
	behaviour          behaviour
	// noisy endpoints are those whose POSTs are counted, quiet ones those whose
	// latency is; of the failing ones the retries' lateness is.
	noisy, quiet, failing bool
}

// behaviour is how an endpoint answers a request that comes at a time: how long it
// takes, and whether with a 200.
type behaviour func(s *simulation, at time.Duration) (took time.Duration, ok bool)

func quick(s *simulation, _ time.Duration) (time.Duration, bool) {
	return answerLatency.draw(s.draws), true
}

func failing(s *simulation, _ time.Duration) (time.Duration, bool) {
	return answerLatency.draw(s.draws), false
}

// silent takes requests and says nothing, within a time. What has been taken then
// is never answered.
func silent(from, until time.Duration) behaviour {
	return func(s *simulation, at time.Duration) (time.Duration, bool) {
		if at >= from && at < until {
			return time.Hour, false
		}
		return quick(s, at)
	}
}

const forever = 1000 * time.Hour

func (e *endpoint) answer(s *simulation, at time.Duration) (time.Duration, bool) {
	return e.behaviour(s, at)
}

// table is what the lanes keep in DynamoDB.
type table struct {
	health []notification.Health
	leases map[lease]time.Time
	places int
}

type lease struct{ environment, place int }

// leaseOf is shared/store's choice of a place.
func (t *table) leaseOf(e *endpoint) lease {
	h := fnv.New32a()
	_, _ = h.Write([]byte(e.origin)) // a hash never fails
	return lease{e.environment, int(h.Sum32() % uint32(t.places))}
}

func (t *table) probe(e *endpoint, now, until time.Time) bool {
	if t.leases[t.leaseOf(e)].After(now) {
		return false
	}
	t.leases[t.leaseOf(e)] = until
	return true
}

func (t *table) endProbe(e *endpoint, until time.Time) {
	if t.leases[t.leaseOf(e)].Equal(until) {
		delete(t.leases, t.leaseOf(e))
	}
}

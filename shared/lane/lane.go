// Package lane chooses the delivery queue that an attempt waits in, by what is
// known of the origin that it goes to. It is pure, and its one rule is that
// slowness decides, not failure: a receiver that says 500 at once keeps nobody
// waiting, one that says nothing for 20 s does.
package lane

import (
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

const (
	// SlowAfter is how long an attempt may take before its origin counts as slow.
	SlowAfter = time.Second
	// ProvenFor is how long a quick answer counts.
	ProvenFor = 10 * time.Minute
	// renewWithin is how long before its end a proof is renewed, so that it is
	// written once in minutes and not with every answer.
	renewWithin = 5 * time.Minute
	// SlowFor is the least time that an origin stays slow: one that answers now
	// quickly and now not at all would otherwise go back and forth.
	SlowFor = 5 * time.Second
	// PassFor is how long a message waits for somebody else to find out about its
	// origin: as long as that takes, and until every process knows.
	PassFor = 2 * time.Second
	// MaxPasses is how often it does, before it takes the slow lane.
	MaxPasses = 2
)

// Verdict is what an origin's health means for the first lane.
type Verdict int

// The verdicts. Nothing is known of an unknown origin: one message may find out.
const (
	Unknown Verdict = iota
	Proven
	Slow
)

// Judge returns the verdict on an origin.
func Judge(h notification.Health, now time.Time) Verdict {
	switch {
	case !h.SlowSince.IsZero():
		return Slow
	case now.Before(h.ProvenUntil):
		return Proven
	}
	return Unknown
}

// Learn returns an origin's health after an attempt, and whether it is another
// than before. An attempt that is still under way has taken as long as it has.
func Learn(h notification.Health, took time.Duration, now time.Time) (notification.Health, bool) {
	if took >= SlowAfter {
		return notification.Health{SlowSince: now}, h.SlowSince.IsZero()
	}
	if !h.SlowSince.IsZero() {
		recovered := now.Sub(h.SlowSince) >= SlowFor
		if recovered {
			h = notification.Health{ProvenUntil: now.Add(ProvenFor)}
		}
		return h, recovered
	}
	if h.ProvenUntil.Sub(now) > renewWithin {
		return h, false
	}
	return notification.Health{ProvenUntil: now.Add(ProvenFor)}, true
}

// AfterAttempt returns the lane of the retry that follows an attempt.
func AfterAttempt(a notification.Attempt) notification.Lane {
	if a.Duration >= SlowAfter {
		return notification.Slow
	}
	return notification.First
}

// Pass returns the message as it is to be sent on, where its origin is unknown
// and somebody else is finding out about it.
func Pass(m notification.Message, now time.Time) notification.Message {
	if m.Passes >= MaxPasses {
		return Divert(m, now)
	}
	m.Passes++
	m.DueAt = now.Add(PassFor)
	return m
}

// Divert returns the message as it is to be sent on to the slow lane.
func Divert(m notification.Message, now time.Time) notification.Message {
	m.Lane, m.DueAt, m.Passes = notification.Slow, now, 0
	return m
}

package delivery

import (
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Report is what became of a batch of messages.
type Report struct {
	// Failed has an error, by index, for each message that must stay on its queue,
	// because a fault of ours kept it from being decided. All others are done with.
	Failed map[int]error
	// Attempts are those that were made.
	Attempts []Made
	// Suppressed counts the messages whose attempt was made before, Passed those
	// that were put back on a lane, Slowed the origins that were marked slow, and
	// Unrecorded the attempts that were made and could not be recorded.
	Suppressed, Passed, Slowed, Unrecorded int
}

// Made is an attempt that was made.
type Made struct {
	notification.Attempt
	// AcceptedAt is when its event was, and Waited how long after it was due it
	// began.
	AcceptedAt time.Time
	Waited     time.Duration
	// Status is what it made of its delivery; empty where its record was not
	// written here.
	Status notification.Status
}

// report says what became of the tasks' messages.
func report(tasks []*task) Report {
	r := Report{Failed: make(map[int]error), Attempts: make([]Made, 0, len(tasks))}
	for _, t := range tasks {
		attempted := t.attempt.Number != 0
		if attempted {
			made := Made{Attempt: t.attempt, AcceptedAt: t.message.AcceptedAt, Waited: t.waited()}
			if t.recorded {
				made.Status = t.delivery.Status
			}
			r.Attempts = append(r.Attempts, made)
		}
		if t.slowed {
			r.Slowed++
		}
		if t.unrecorded {
			r.Unrecorded++
		}
		switch {
		case t.err != nil:
			for _, place := range t.places {
				r.Failed[place] = t.err
			}
		case t.passed:
			r.Passed += len(t.places)
		case attempted:
			r.Suppressed += len(t.places) - 1
		default:
			r.Suppressed += len(t.places)
		}
	}
	return r
}

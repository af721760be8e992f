package main

import (
	"context"
	"time"

	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/telemetry"
)

// measure counts what became of a call that began at an instant.
func (h handler) measure(began time.Time, call intake.Call, results []intake.Result, err error) {
	switch {
	case results == nil && isRefusal(err):
		h.metrics.Count(telemetry.EventsRejected, 1)
		return
	case results == nil:
		h.metrics.Count(telemetry.EventsFailed, max(len(call.Reports), 1))
		return
	}
	for _, result := range results {
		h.count(result)
		for _, derived := range result.Derived {
			h.count(derived)
		}
	}
	h.metrics.Measure(telemetry.IntakeLatency, h.service.Now().Sub(began))
}

func (h handler) count(result intake.Result) {
	switch result.Status {
	case intake.Duplicate:
		h.metrics.Count(telemetry.EventsDuplicate, 1)
	case intake.Conflict:
		h.metrics.Count(telemetry.EventsRejected, 1)
	case intake.Failed:
		h.metrics.Count(telemetry.EventsFailed, 1)
	default:
		h.metrics.Count(telemetry.EventsAccepted, 1)
		if result.Status == intake.Held {
			h.metrics.Count(telemetry.EventsHeld, 1)
		}
		if result.Status == intake.Accepted && len(result.Targets) == 0 && result.Release == "" {
			h.metrics.Count(telemetry.EventsUnmatched, 1)
		}
	}
}

// isRefusal reports whether an error is a fault of the producer's.
func isRefusal(err error) bool {
	switch notification.CodeOf(err) {
	case notification.Invalid, notification.TooLarge, notification.NotFound, notification.Conflict:
		return true
	}
	return false
}

// counting counts the first attempts that are put on a lane.
type counting struct {
	intake.Queue
	metrics *telemetry.Metrics
}

func (q counting) Send(ctx context.Context, messages []notification.Message) (failed map[int]error) {
	failed = q.Queue.Send(ctx, messages)
	q.metrics.Count(telemetry.DeliveriesCreated, len(messages)-len(failed))
	return failed
}

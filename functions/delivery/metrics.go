package main

import (
	"github.com/mediahooks/mediahooks/shared/delivery"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/telemetry"
)

// measure counts what became of a batch.
func measure(metrics *telemetry.Metrics, report delivery.Report) {
	for _, a := range report.Attempts {
		metrics.Count(telemetry.DeliveryAttempts.Of(string(a.Lane)), 1)
		metrics.Measure(telemetry.QueueDelay.Of(string(a.Lane)), a.Waited)
		if a.SigningKey != "" { // else nothing was sent
			metrics.Measure(telemetry.AttemptDuration, a.Duration)
		}
		if !a.Succeeded() {
			metrics.Count(telemetry.AttemptFailures.Of(string(a.Reason)), 1)
		}
		switch a.Status {
		case notification.Delivered:
			metrics.Count(telemetry.DeliveriesSucceeded, 1)
			if a.Number == 1 {
				metrics.Measure(telemetry.TimeToDeliver, a.StartedAt.Add(a.Duration).Sub(a.AcceptedAt))
			}
		case notification.Exhausted:
			metrics.Count(telemetry.DeliveriesExhausted, 1)
		case notification.Retrying:
			metrics.Count(telemetry.RetriesScheduled, 1)
		}
	}
	metrics.Count(telemetry.DuplicatesSuppressed, report.Suppressed)
	metrics.Count(telemetry.MessagesPassedOn, report.Passed)
	metrics.Count(telemetry.OriginsSlowed, report.Slowed)
	metrics.Count(telemetry.RecordWriteFailures, report.Unrecorded)
}

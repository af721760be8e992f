package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/telemetry"
)

// handler takes up what the schedule asks for.
type handler struct {
	sweep   history.Sweep
	metrics *telemetry.Metrics
	log     *slog.Logger
}

// spare is how long before Lambda's own deadline a sweep stops, to say what it
// has done. The next one goes on where it stopped.
const spare = 5 * time.Second

// scheduled is the detail-type of what EventBridge sends by a schedule.
const scheduled = "Scheduled Event"

// answer is for whoever invokes the function by hand.
type answer struct {
	Found  int `json:"found"`
	Queued int `json:"queued"`
	Failed int `json:"failed"`
}

// handle sweeps. It returns an error for an invocation that is not the schedule's,
// and where something could not be queued: the function's error count then shows
// it, and the next sweep tries again.
func (h handler) handle(ctx context.Context, event events.EventBridgeEvent) (answer, error) {
	if event.DetailType != scheduled {
		return answer{}, fmt.Errorf("detail-type %q: must be %q", event.DetailType, scheduled)
	}
	if deadline, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, deadline.Add(-spare))
		defer stop()
	}
	swept, err := h.sweep.Run(ctx)
	h.metrics.Count(telemetry.DeliveriesSwept, swept.Queued)
	did := answer{Found: swept.Found, Queued: swept.Queued, Failed: swept.Failed}
	log := h.log.With("found", swept.Found, "queued", swept.Queued, "failed", swept.Failed, "oldest_ms", swept.Oldest.Milliseconds())
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		log.WarnContext(ctx, "sweep stopped for lack of time", "error", err)
		return did, nil
	case err != nil:
		log.ErrorContext(ctx, "sweep failed", "error", err)
		return did, err
	}
	log.InfoContext(ctx, "swept")
	return did, nil
}

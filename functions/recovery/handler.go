package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/mediahooks/mediahooks/shared/history"
)

// handler takes up what the schedule asks for.
type handler struct {
	sweep history.Sweep
	log   *slog.Logger
}

// spare is how long before Lambda's own deadline a sweep stops, to say what it
// has done. The next one goes on where it stopped.
const spare = 5 * time.Second

// scheduled is the detail-type of what EventBridge sends by a schedule.
const scheduled = "Scheduled Event"

// handle sweeps. It returns an error for an invocation that is not the schedule's,
// and where something could not be queued: the function's error count then shows
// it, and the next sweep tries again.
func (h handler) handle(ctx context.Context, event events.EventBridgeEvent) error {
	if event.DetailType != scheduled {
		return fmt.Errorf("detail-type %q: must be %q", event.DetailType, scheduled)
	}
	if deadline, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, deadline.Add(-spare))
		defer stop()
	}
	swept, err := h.sweep.Run(ctx)
	log := h.log.With("found", swept.Found, "queued", swept.Queued, "left", swept.Left, "failed", swept.Failed, "oldest_ms", swept.Oldest.Milliseconds())
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		log.WarnContext(ctx, "sweep stopped for lack of time", "error", err)
		return nil
	case err != nil:
		log.ErrorContext(ctx, "sweep failed", "error", err)
		return err
	}
	log.InfoContext(ctx, "swept")
	return nil
}

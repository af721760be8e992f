package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/workflow"
)

// handler takes up what the schedule and the recovery workflow ask for.
type handler struct {
	sweep   history.Sweep
	recover history.Recover
	log     *slog.Logger
}

// spare is how long before Lambda's own deadline a sweep stops, to say what it
// has done. The next one goes on where it stopped.
const spare = 5 * time.Second

// scheduled is the detail-type of what EventBridge sends by a schedule.
const scheduled = "Scheduled Event"

// invocation is what the function is invoked with: by the schedule, or by
// infra/workflows/recover.asl.json, which names a task.
type invocation struct {
	DetailType string `json:"detail-type"`
	Task       string `json:"task"`
	CloudName  string `json:"cloud_name"`
	RecoveryID string `json:"recovery_id"`
	Part       int    `json:"part"`
	Error      string `json:"error"`
}

// turn is what the workflow does after a page.
type turn struct {
	Next string `json:"next"`
	// NextAt is RFC 3339 with milliseconds, as a Wait state reads it.
	NextAt    string     `json:"next_at,omitempty"`
	Successor *execution `json:"successor,omitempty"`
}

// execution is the workflow's next execution.
type execution struct {
	Name  string `json:"name"`
	Input string `json:"input"`
	Part  int    `json:"part"`
}

// handle returns an error for an invocation that is nobody's it knows.
func (h handler) handle(ctx context.Context, in invocation) (*turn, error) {
	key := notification.RecoveryKey{CloudName: in.CloudName, ID: in.RecoveryID}
	log := h.log.With("cloud_name", in.CloudName, "recovery_id", in.RecoveryID, "part", in.Part)
	switch {
	case in.Task == "recover":
		return h.page(ctx, key, in.Part, log)
	case in.Task == "fail":
		log.ErrorContext(ctx, "recovery failed", "error", in.Error)
		return nil, h.recover.Fail(ctx, key, in.Part, "a page could not be done: "+in.Error)
	case in.Task != "":
		return nil, fmt.Errorf("task %q: must be recover or fail", in.Task)
	case in.DetailType != scheduled:
		return nil, fmt.Errorf("detail-type %q: must be %q", in.DetailType, scheduled)
	}
	return nil, h.swept(ctx)
}

// page does the next page of a recovery. An error has the workflow repeat it.
func (h handler) page(ctx context.Context, key notification.RecoveryKey, part int, log *slog.Logger) (*turn, error) {
	made, err := h.recover.Page(ctx, key, part)
	if failure, ok := errors.AsType[*notification.Error](err); ok && failure.Code == notification.NotFound {
		log.WarnContext(ctx, "recovery is no longer on record")
		return &turn{Next: string(history.NextEnd)}, nil
	}
	if err != nil {
		log.ErrorContext(ctx, "page failed", "error", err)
		return nil, err
	}
	log.InfoContext(ctx, "page done", "pages", made.Recovery.Pages, "status", made.Recovery.Status,
		"examined", made.Recovery.Examined, "queued", made.Recovery.Queued, "next", made.Next)
	next := &turn{Next: string(made.Next), NextAt: made.NextAt.Format("2006-01-02T15:04:05.000Z")}
	if made.Next == history.NextSuccessor {
		name, input, err := workflow.RecoveryExecution(key, made.Part)
		if err != nil {
			return nil, err
		}
		next.Successor = &execution{Name: name, Input: input, Part: made.Part}
	}
	return next, nil
}

// swept sweeps. It returns an error where something could not be queued: the
// function's error count then shows it, and the next sweep tries again.
func (h handler) swept(ctx context.Context) error {
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

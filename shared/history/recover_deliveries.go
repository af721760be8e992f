package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// attemptAgain is the work of a recovery of deliveries.
type attemptAgain struct {
	Recover
	of notification.Recovery
	// allowed is what was judged of each URL.
	allowed map[string]bool
}

// reopenAtOnce bounds the writes that a page makes at the same time.
const reopenAtOnce = 10

func (w attemptAgain) plan(ctx context.Context, rows []notification.Delivery) (plan, error) {
	events, err := w.Records.EventHeads(ctx, eventsOf(rows))
	if err != nil {
		return plan{}, err
	}
	made := plan{skipped: make(map[notification.SkipReason]int)}
	for _, d := range rows {
		_, there := events[notification.EventKey{CloudName: d.CloudName, EventID: d.EventID}]
		if reason := w.skip(d, there); reason != "" {
			made.skipped[reason]++
			continue
		}
		made.steps = append(made.steps, notification.RecoveryStep{DeliveryID: d.DeliveryID, Attempts: d.AttemptCount})
		made.urls = append(made.urls, d.URL)
	}
	return made, nil
}

// skip says why a delivery is left as it is; empty where it is not.
func (w attemptAgain) skip(d notification.Delivery, there bool) notification.SkipReason {
	allowed, judged := w.allowed[d.URL]
	if !judged {
		allowed = w.Guard.CheckURL("uri", d.URL) == nil
		w.allowed[d.URL] = allowed
	}
	switch {
	case d.LeftOut:
		return notification.SkipNotKept
	case !there:
		return notification.SkipEventExpired
	case !allowed:
		return notification.SkipURLNotAllowed
	case d.Status == notification.Retrying && d.ScheduleFrom == d.AttemptCount:
		return notification.SkipUnderWay // somebody else has asked for it, just now
	}
	return ""
}

// eventsOf names the events of deliveries, each once.
func eventsOf(rows []notification.Delivery) []notification.EventKey {
	keys := make([]notification.EventKey, 0, len(rows))
	known := make(map[notification.EventKey]bool, len(rows))
	for _, d := range rows {
		key := notification.EventKey{CloudName: d.CloudName, EventID: d.EventID}
		if !known[key] {
			keys, known[key] = append(keys, key), true
		}
	}
	return keys
}

// read reads the deliveries of steps as they are now. One that has expired is the
// zero value.
func (w attemptAgain) read(ctx context.Context, steps []notification.RecoveryStep) ([]notification.Delivery, error) {
	keys := make([]notification.DeliveryKey, len(steps))
	for i, step := range steps {
		keys[i] = notification.DeliveryKey{CloudName: w.of.CloudName, DeliveryID: step.DeliveryID}
	}
	found, err := w.Records.Deliveries(ctx, keys)
	if err != nil {
		return nil, err
	}
	rows := make([]notification.Delivery, len(keys))
	for i, key := range keys {
		rows[i] = found[key]
	}
	return rows, nil
}

// do has deliveries attempted once more, those that are not already. Each is on
// record as due before its message goes out: a message without a record would be
// an attempt by the old schedule, and a record without one is sent by the repeat
// of this page, or else found by the sweep.
func (w attemptAgain) do(ctx context.Context, steps []notification.RecoveryStep, from time.Time) (done, error) {
	rows, err := w.read(ctx, steps)
	if err != nil {
		return done{}, err
	}
	due := make([]time.Time, len(rows))
	errs := make([]error, len(rows))
	var group sync.WaitGroup
	places := make(chan struct{}, reopenAtOnce)
	for i, d := range rows {
		due[i] = spread(from, i, w.of.MaxPerSecond)
		switch {
		case steps[i].Reopened(d) && d.DeliveryID != "":
			continue
		case d.AttemptCount != steps[i].Attempts:
			errs[i] = notification.ErrConflict
			continue
		}
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			errs[i] = w.Records.Reopen(ctx, d, due[i], notification.Slow)
		})
	}
	group.Wait()
	made := done{skipped: make(map[notification.SkipReason]int)}
	var messages []notification.Message
	for i, d := range rows {
		switch {
		case d.DeliveryID == "":
			made.skipped[notification.SkipEventExpired]++
			continue
		case errors.Is(errs[i], notification.ErrConflict):
			made.skipped[notification.SkipUnderWay]++
			continue
		case errs[i] != nil:
			return done{}, errs[i]
		}
		made.queued++
		if d.AttemptCount == steps[i].Attempts { // else it was made already
			d.NextLane = notification.Slow
			messages = append(messages, nextMessage(d, due[i]))
		}
	}
	for i, err := range w.Queue.Send(ctx, messages) {
		return done{}, fmt.Errorf("queue delivery %s: %w", messages[i].DeliveryID, err)
	}
	return made, nil
}

func (w attemptAgain) results(ctx context.Context, steps []notification.RecoveryStep) (map[notification.Status]int, error) {
	rows, err := w.read(ctx, steps)
	if err != nil {
		return nil, err
	}
	var attempted []notification.Delivery
	for i, d := range rows {
		if d.DeliveryID != "" && steps[i].Reopened(d) {
			attempted = append(attempted, d)
		}
	}
	return statuses(attempted), nil
}

package history

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// tellNow is the work of a recovery of events that matched nothing when they were
// accepted: they get the triggers that there are now as targets, and from there on
// are events like others.
type tellNow struct {
	Recover
	of    notification.Recovery
	hooks notification.Hooks
}

// repeatAfter is when what may have been sent already is due: long enough for an
// attempt that is under way to be on record, which makes the message void.
const repeatAfter = 30 * time.Second

// matchedNothing reports whether nobody was told of an event, for want of a
// trigger. An eager result whose call was not eager_async is for no trigger.
//
// Source: Cloudinary, Webhook notifications, Notification combinations with eager.
func matchedNothing(e notification.Event) bool {
	if e.Status != notification.EventAccepted || len(e.Targets) > 0 {
		return false
	}
	return e.NotificationType != "eager" || e.Eager == nil || e.Eager.Async || e.Release == notification.ReleasedByTime
}

// targets are the URLs to tell of an event, or why there are none. The ids of
// their deliveries are of the partition that the event's own row is in.
func (w tellNow) targets(e notification.Event) ([]notification.Target, notification.SkipReason) {
	skip := notification.SkipNoTrigger
	var list []notification.Target
	for _, t := range w.hooks.Matching(e.NotificationType) {
		switch {
		case w.of.Filter.TriggerID != "" && w.of.Filter.TriggerID != t.ID:
		case w.Guard.CheckURL("uri", t.URI) != nil:
			skip = notification.SkipURLNotAllowed
		default:
			list = notification.AddTarget(list, t.URI, notification.Naming{Why: notification.ByTrigger, TriggerID: t.ID}, func() string {
				id := ulid.MustNew(ulid.Timestamp(e.AcceptedAt), rand.Reader).String()
				return id[:len(id)-1] + e.LogID[len(e.LogID)-1:]
			})
		}
	}
	if len(list) > 0 {
		skip = ""
	}
	return list, skip
}

func (w tellNow) plan(ctx context.Context, rows []notification.Delivery) (plan, error) {
	events, err := w.Records.EventHeads(ctx, eventsOf(rows))
	if err != nil {
		return plan{}, err
	}
	made := plan{skipped: make(map[notification.SkipReason]int)}
	for _, row := range rows {
		event, there := events[notification.EventKey{CloudName: row.CloudName, EventID: row.EventID}]
		if !there {
			made.skipped[notification.SkipEventExpired]++
			continue
		}
		if !matchedNothing(event) {
			continue // it is held, say, and none of those that are meant
		}
		if event.LeftOut {
			made.skipped[notification.SkipNotKept]++
			continue
		}
		targets, skip := w.targets(event)
		if skip != "" {
			made.skipped[skip]++
			continue
		}
		made.steps = append(made.steps, notification.RecoveryStep{DeliveryID: row.DeliveryID, EventID: event.ID})
		for _, t := range targets {
			made.urls = append(made.urls, t.URL)
		}
	}
	return made, nil
}

// do tells the events of steps. Each has its targets on record before its messages
// go out; what has targets already was told before, and only what has no record of
// it is sent again.
func (w tellNow) do(ctx context.Context, steps []notification.RecoveryStep, from time.Time) (done, error) {
	keys := w.keys(steps)
	events, err := w.Untold.Events(ctx, keys)
	if err != nil {
		return done{}, err
	}
	records, err := w.Records.Deliveries(ctx, targetsOf(events))
	if err != nil {
		return done{}, err
	}
	made := done{skipped: make(map[notification.SkipReason]int)}
	var messages []notification.Message
	for _, key := range keys {
		event, there := events[key]
		if !there {
			made.skipped[notification.SkipEventExpired]++
			continue
		}
		notBefore := from.Add(repeatAfter)
		if matchedNothing(event) {
			skip, err := w.decide(ctx, &event)
			if err != nil {
				return done{}, err
			}
			if skip != "" {
				made.skipped[skip]++
				continue
			}
			notBefore = from
		}
		for _, t := range event.Targets {
			if _, told := records[notification.DeliveryKey{CloudName: event.CloudName, DeliveryID: t.DeliveryID}]; !told {
				messages = append(messages, event.Message(t, 1, notification.Slow, spread(notBefore, made.queued, w.of.MaxPerSecond)))
			}
			made.queued++
		}
	}
	for i, err := range w.Queue.Send(ctx, messages) {
		return done{}, fmt.Errorf("send delivery %s: %w", messages[i].DeliveryID, err)
	}
	return made, nil
}

// decide gives an event its targets, on record.
func (w tellNow) decide(ctx context.Context, event *notification.Event) (notification.SkipReason, error) {
	targets, skip := w.targets(*event)
	if skip != "" {
		return skip, nil // its trigger was deleted since the page was planned
	}
	event.Targets = targets
	event.Revision++
	err := w.Untold.ReplaceEvent(ctx, *event)
	if errors.Is(err, notification.ErrConflict) {
		return notification.SkipUnderWay, nil
	}
	if err != nil {
		return "", fmt.Errorf("tell event %s: %w", event.ID, err)
	}
	return "", nil
}

func (w tellNow) keys(steps []notification.RecoveryStep) []notification.EventKey {
	keys := make([]notification.EventKey, len(steps))
	for i, step := range steps {
		keys[i] = notification.EventKey{CloudName: w.of.CloudName, EventID: step.EventID}
	}
	return keys
}

func targetsOf(events map[notification.EventKey]notification.Event) []notification.DeliveryKey {
	var keys []notification.DeliveryKey
	for _, event := range events {
		keys = append(keys, deliveryKeys(event)...)
	}
	return keys
}

func (w tellNow) results(ctx context.Context, steps []notification.RecoveryStep) (map[notification.Status]int, error) {
	events, err := w.Records.EventHeads(ctx, w.keys(steps))
	if err != nil {
		return nil, err
	}
	records, err := w.Records.Deliveries(ctx, targetsOf(events))
	if err != nil {
		return nil, err
	}
	var all []notification.Delivery
	for _, event := range events {
		all = append(all, told(event, records)...)
	}
	return statuses(all), nil
}

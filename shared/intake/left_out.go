package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Where an environment has its payloads left out of the record, messages alone
// carry what is told, with two exceptions that have to wait for another call. A
// repeat of an event brings its payload along, and so its notification is made
// anew, of what the record says otherwise. A held event can only be told by whoever
// brings its other half, so that its notification is on record as long as it is
// held, and removed once it is told. Its clock is started before it is on record:
// so whatever dies, somebody comes by and removes it.
// docs/decisions/0022-payloads-left-out-of-the-record.md has the reasons.

// forRecord returns the events as they are put on record.
func forRecord(events []notification.Event) []notification.Event {
	recorded := slices.Clone(events)
	for i, event := range events {
		if event.LeftOut && event.Status != notification.EventHeld {
			recorded[i] = forget(event)
		}
	}
	return recorded
}

// forget returns a left-out event without what its payload says.
func forget(event notification.Event) notification.Event {
	event.Body, event.Misfit = nil, ""
	return event
}

// restore gives repeated events the notifications that their records leave out.
func (l *eventList) restore(c composer, results []Result) {
	for i := range l.events {
		event := &l.events[i]
		if results[i].Err != nil || !event.IsLost() {
			continue
		}
		body, err := c.body(l.said[i], *event)
		if err != nil {
			results[i].fail(err)
			continue
		}
		event.Body = body
	}
}

// startClocksFirst starts the clock of each event whose payload is to be on record
// only while it is held. Its error says that nothing was done.
func (s Service) startClocksFirst(ctx context.Context, events []notification.Event) error {
	var holds []notification.Hold
	for _, event := range events {
		if event.LeftOut && event.Status == notification.EventHeld {
			holds = append(holds, holdOf(event))
		}
	}
	if len(holds) == 0 {
		return nil
	}
	var errs []error
	for at, err := range s.Clock.StartHolds(ctx, holds) {
		errs = append(errs, fmt.Errorf("start the clock of event %s: %w", holds[at].EventID, err))
	}
	if len(errs) == 0 {
		return nil
	}
	return &notification.Error{
		Code: notification.Unavailable, Message: "the clock of a held event cannot be started: repeat the call", Err: errors.Join(errs...),
	}
}

// forgetTold removes the notifications of events of a batch that were held and are
// told by now. It changes the events.
func (s Service) forgetTold(ctx context.Context, events map[notification.EventKey]notification.Event) error {
	for key, event := range events {
		if !event.LeftOut || event.IsLost() || event.Status == notification.EventHeld {
			continue
		}
		event = forget(event)
		event.Revision++
		if err := s.Records.ReplaceEvent(ctx, event); err != nil {
			return fmt.Errorf("remove the notification of event %s: %w", event.ID, err)
		}
		events[key] = event
	}
	return nil
}

// forgetStray lets the record of an event expire whose clock has run out and which
// no batch knows: the call that brought it died before it was joined, and was never
// answered. A repeat of it is a new event.
func (s Service) forgetStray(ctx context.Context, key notification.EventKey) error {
	events, err := s.Records.Events(ctx, []notification.EventKey{key})
	if err != nil {
		return fmt.Errorf("read event %s: %w", key.EventID, err)
	}
	event, there := events[key]
	if !there || !event.LeftOut || event.IsLost() {
		return nil
	}
	event = forget(event)
	event.ExpiresAt = s.Now().UTC()
	event.Revision++
	if err := s.Records.ReplaceEvent(ctx, event); err != nil {
		return fmt.Errorf("remove the notification of event %s: %w", key.EventID, err)
	}
	return nil
}

package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// repeatAfter is when a repeat's messages are due, counted from when the first
// were sent: long enough for the first attempt that may be under way (20 s) to
// be on record, which then makes the repeat's message void. Sent at once, it
// would be a second POST.
const repeatAfter = 30 * time.Second

// sending gathers what is to be sent.
type sending struct {
	messages []notification.Message
	// repeats are the messages that are only sent where their delivery has no
	// record yet.
	repeats []notification.Message
}

func (l *sending) add(event notification.Event, target notification.Target, due time.Time) {
	l.messages = append(l.messages, event.Message(target, 1, notification.First, due))
}

// first sends a new event to its targets.
func (l *sending) first(event notification.Event) {
	for _, target := range event.Targets {
		l.add(event, target, event.AcceptedAt)
	}
}

// fresh sends an event that has just been decided to those targets that it could
// not be sent to before.
func (l *sending) fresh(event, before notification.Event, now time.Time) {
	for _, target := range event.Targets {
		_, known := before.Target(target.DeliveryID)
		if !known || before.Status == notification.EventHeld {
			l.add(event, target, now)
		}
	}
}

// repeat sends an event once more to those targets whose delivery has no record
// by then.
func (l *sending) repeat(event notification.Event) {
	for _, target := range event.Targets {
		l.repeats = append(l.repeats, event.Message(target, 1, notification.First, since(event).Add(repeatAfter)))
	}
}

// sendAll sends what was gathered, and returns what failed as one error.
func (s Service) sendAll(ctx context.Context, l sending) error {
	var errs []error
	for _, err := range s.send(ctx, l) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// send sends what was gathered. It returns the errors by event.
func (s Service) send(ctx context.Context, l sending) (failed map[notification.EventKey]error) {
	failed = make(map[notification.EventKey]error)
	messages := l.messages
	recorded, err := s.recorded(ctx, l.repeats)
	for _, m := range l.repeats {
		if err != nil {
			failed[eventOf(m)] = err
		} else if _, ok := recorded[deliveryOf(m)]; !ok {
			messages = append(messages, m)
		}
	}
	if len(messages) == 0 {
		return failed
	}
	for i, err := range s.Queue.Send(ctx, messages) {
		failed[eventOf(messages[i])] = fmt.Errorf("send delivery %s: %w", messages[i].DeliveryID, err)
	}
	return failed
}

// recorded reads the records of the deliveries of messages.
func (s Service) recorded(ctx context.Context, messages []notification.Message) (map[notification.DeliveryKey]notification.Delivery, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	keys := make([]notification.DeliveryKey, len(messages))
	for i, m := range messages {
		keys[i] = deliveryOf(m)
	}
	recorded, err := s.Records.Deliveries(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read deliveries of repeated events: %w", err)
	}
	return recorded, nil
}

func eventOf(m notification.Message) notification.EventKey {
	return notification.EventKey{CloudName: m.CloudName, EventID: m.EventID}
}

func deliveryOf(m notification.Message) notification.DeliveryKey {
	return notification.DeliveryKey{CloudName: m.CloudName, DeliveryID: m.DeliveryID}
}

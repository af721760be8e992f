// Package history is the stage that looks back. It lists what was accepted, says in
// words what became of it and why, has it attempted again, and finds what got lost
// on the way.
package history

import (
	"context"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
)

// Records keeps events and deliveries.
type Records interface {
	// Log reads a page of an environment's log.
	Log(ctx context.Context, q notification.LogQuery) (notification.LogPage, error)
	// Event reads one event; false, and no error, for one that does not exist or
	// has expired.
	Event(ctx context.Context, cloudName, eventID string) (notification.Event, bool, error)
	// EventHeads reads events without their bodies. Those that do not exist, or have
	// expired, are absent from the result.
	EventHeads(ctx context.Context, keys []notification.EventKey) (map[notification.EventKey]notification.Event, error)
	// Deliveries reads records. Those that do not exist, or have expired, are absent
	// from the result.
	Deliveries(ctx context.Context, keys []notification.DeliveryKey) (map[notification.DeliveryKey]notification.Delivery, error)
	// Batch reads what is known of a batch_id; false, and no error, for one that does
	// not exist or has expired.
	Batch(ctx context.Context, cloudName, batchID string) (notification.Batch, bool, error)
	// Reopen has a delivery attempted once more, by the schedule from there on. It
	// returns notification.ErrConflict where another attempt than d.AttemptCount is
	// on record, or one is under way.
	Reopen(ctx context.Context, d notification.Delivery, due time.Time, lane notification.Lane) error
}

// URLGuard judges a notification URL by the rules that hold when it is dialled. It
// returns a *notification.Error of code Invalid.
type URLGuard interface {
	CheckURL(field, url string) error
}

// Service answers what became of events.
type Service struct {
	Records Records
	Queue   Queue
	Guard   URLGuard
	Now     func() time.Time
}

// Deliveries lists the deliveries of an environment, the latest first.
func (s Service) Deliveries(ctx context.Context, q notification.LogQuery) (notification.LogPage, error) {
	return s.Records.Log(ctx, q)
}

// OfEvent lists the deliveries of one event that pass a filter; none where there
// is no such event.
func (s Service) OfEvent(ctx context.Context, key notification.EventKey, filter notification.LogFilter) ([]notification.Delivery, error) {
	if len(key.EventID) > longestID {
		return nil, nil
	}
	events, err := s.Records.EventHeads(ctx, []notification.EventKey{key})
	if err != nil {
		return nil, err
	}
	event, found := events[key]
	if !found {
		return nil, nil
	}
	deliveries, err := s.Records.Deliveries(ctx, deliveryKeys(event))
	if err != nil {
		return nil, err
	}
	var list []notification.Delivery
	for _, d := range told(event, deliveries) {
		if filter.Matches(d) {
			list = append(list, d)
		}
	}
	return list, nil
}

// Delivery is a delivery with the event that it tells of.
type Delivery struct {
	notification.Delivery
	Event notification.Event
	// Body is the notification up to signature_key; nil where it cannot be read
	// back.
	Body []byte
}

// Delivery reads one delivery. It returns a *notification.Error of code NotFound
// for one without a record: it does not exist, has expired, or its first attempt
// is not over.
func (s Service) Delivery(ctx context.Context, key notification.DeliveryKey) (Delivery, error) {
	found, err := s.Records.Deliveries(ctx, []notification.DeliveryKey{key})
	if err != nil {
		return Delivery{}, err
	}
	d, ok := found[key]
	if !ok {
		return Delivery{}, notification.Errorf(notification.NotFound,
			"delivery_id: no such delivery, or its record has expired, or its first attempt is not over; its event says which")
	}
	event, ok, err := s.Records.Event(ctx, key.CloudName, d.EventID)
	if err != nil {
		return Delivery{}, err
	}
	result := Delivery{Delivery: d}
	if ok {
		result.Event = event
		if body, err := payload.Unpack(event.Body); err == nil && len(body) > 0 {
			result.Body = body
		}
	}
	return result, nil
}

// notKept is why a delivery that is left out of the record cannot be made again.
const notKept = "delivery_id: the notification cannot be sent again, since it was not kept: " +
	"keep_payloads was false when its event was accepted. Report the event again under another event_id"

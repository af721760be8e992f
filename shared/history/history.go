// Package history is the stage that looks back. It lists what was accepted, says in
// words what became of it and why, has it attempted again, and finds what got lost
// on the way.
package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// EventSummary is an event in a list.
type EventSummary struct {
	notification.Event
	// Deliveries counts those of each status.
	Deliveries map[notification.Status]int
}

// EventsPage is a part of the list of events.
type EventsPage struct {
	Events []EventSummary
	// Next is where the next page goes on, empty at the end.
	Next string
}

// Events lists the events of an environment, the latest first, or those of one
// status.
func (s Service) Events(ctx context.Context, q notification.LogQuery, status notification.EventStatus) (EventsPage, error) {
	q.Events = true
	page, err := s.Records.Log(ctx, q)
	if err != nil {
		return EventsPage{}, err
	}
	keys := make([]notification.EventKey, len(page.Rows))
	for i, row := range page.Rows {
		keys[i] = notification.EventKey{CloudName: q.CloudName, EventID: row.EventID}
	}
	events, err := s.Records.EventHeads(ctx, keys)
	if err != nil {
		return EventsPage{}, err
	}
	var wanted []notification.DeliveryKey
	for _, event := range events {
		wanted = append(wanted, deliveryKeys(event)...)
	}
	deliveries, err := s.Records.Deliveries(ctx, wanted)
	if err != nil {
		return EventsPage{}, err
	}
	result := EventsPage{Next: page.Next}
	for _, key := range keys {
		event, there := events[key]
		if !there || status != "" && event.Status != status {
			continue
		}
		summary := EventSummary{Event: event, Deliveries: make(map[notification.Status]int)}
		for _, d := range told(event, deliveries) {
			summary.Deliveries[d.Status]++
		}
		result.Events = append(result.Events, summary)
	}
	return result, nil
}

// longestID is how long the id of an event can be. A key of the table that is much
// longer is refused there as malformed.
const longestID = 128

// Event is an event with everything that became of it.
type Event struct {
	notification.Event
	// Notification is its body up to signature_key, which each attempt adds; nil
	// where it cannot be read back.
	Notification []byte
	// Deliveries are in the order of the event's targets. One whose first attempt
	// is not on record is pending.
	Deliveries []notification.Delivery
	// Batch are the ids of the other events of its batch_id: the other half of an
	// eager pair, above all.
	Batch []string
}

// Event reads one event. It returns a *notification.Error of code NotFound for one
// that does not exist or has expired.
func (s Service) Event(ctx context.Context, cloudName, eventID string) (Event, error) {
	if len(eventID) > longestID {
		return Event{}, notification.Errorf(notification.NotFound, "event_id: no event has an id of more than %d letters", longestID)
	}
	event, found, err := s.Records.Event(ctx, cloudName, eventID)
	if err != nil {
		return Event{}, err
	}
	if !found {
		return Event{}, notification.Errorf(notification.NotFound, "event_id: no such event, or its record has expired")
	}
	deliveries, err := s.Records.Deliveries(ctx, deliveryKeys(event))
	if err != nil {
		return Event{}, err
	}
	result := Event{Event: event, Deliveries: told(event, deliveries)}
	if body, err := payload.Unpack(event.Body); err == nil && len(body) > 0 {
		result.Notification = append(slices.Clone(body), '}')
	}
	result.Batch, err = s.partners(ctx, event)
	return result, err
}

// partners are the ids of the other events of an event's batch.
func (s Service) partners(ctx context.Context, event notification.Event) ([]string, error) {
	if event.BatchID == "" {
		return nil, nil
	}
	batch, _, err := s.Records.Batch(ctx, event.CloudName, event.BatchID)
	isItself := func(id string) bool { return id == event.ID }
	return slices.DeleteFunc(slices.Concat(batch.Uploads, batch.Eagers), isItself), err
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

// Resend has a delivery attempted once more, now, with the key that is right now;
// should that fail, its schedule begins anew. It returns the delivery as it then
// is, and a *notification.Error of code NotFound for one without a record, of code
// Conflict where an attempt is under way or its notification is not on record, of
// code Invalid where its URL may no longer be told.
func (s Service) Resend(ctx context.Context, key notification.DeliveryKey) (notification.Delivery, error) {
	found, err := s.Delivery(ctx, key)
	if err != nil {
		return notification.Delivery{}, err
	}
	d := found.Delivery
	if d.LeftOut {
		return d, notification.Errorf(notification.Conflict, notKept)
	}
	if found.Body == nil {
		return d, notification.Errorf(notification.Conflict, "delivery_id: the notification cannot be sent again, since its event is no longer on record")
	}
	if err := s.Guard.CheckURL("uri", d.URL); err != nil {
		return d, err
	}
	now := s.Now().UTC()
	err = s.Records.Reopen(ctx, d, now, notification.First)
	if errors.Is(err, notification.ErrConflict) {
		return d, notification.Errorf(notification.Conflict, "delivery_id: an attempt is under way; look at it again in half a minute")
	}
	if err != nil {
		return d, err
	}
	d.Status, d.NextAt, d.NextLane, d.ScheduleFrom = notification.Retrying, now, notification.First, d.AttemptCount
	if err := s.Queue.Send(ctx, []notification.Message{nextMessage(d, now)})[0]; err != nil {
		return d, &notification.Error{
			Code:    notification.Unavailable,
			Message: "the attempt is on record as due, but could not be queued: it is made within 20 minutes, or after this call is repeated",
			Err:     fmt.Errorf("queue delivery %s: %w", d.DeliveryID, err),
		}
	}
	return d, nil
}

func deliveryKeys(event notification.Event) []notification.DeliveryKey {
	keys := make([]notification.DeliveryKey, len(event.Targets))
	for i, t := range event.Targets {
		keys[i] = notification.DeliveryKey{CloudName: event.CloudName, DeliveryID: t.DeliveryID}
	}
	return keys
}

// told lists an event's deliveries. One without a record is pending.
func told(event notification.Event, records map[notification.DeliveryKey]notification.Delivery) []notification.Delivery {
	list := make([]notification.Delivery, len(event.Targets))
	for i, key := range deliveryKeys(event) {
		d, ok := records[key]
		if !ok {
			t := event.Targets[i]
			d = notification.Delivery{
				DeliveryKey: key, EventID: event.ID, NotificationType: event.NotificationType, URL: t.URL, Why: t.Why,
				TriggerID: t.TriggerID, PublicIDs: event.PublicIDs, Status: notification.Pending, AcceptedAt: event.AcceptedAt, LeftOut: event.LeftOut,
				ExpiresAt: event.ExpiresAt,
			}
		}
		list[i] = d
	}
	return list
}

package history

import (
	"context"
	"slices"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
)

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

package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Event reads an event, strongly consistent. It returns false, and no error,
// for one that does not exist or has expired.
func (t *Table) Event(ctx context.Context, cloudName, eventID string) (notification.Event, bool, error) {
	attributes, err := t.get(ctx, eventKey(cloudName, eventID))
	if err != nil {
		return notification.Event{}, false, fmt.Errorf("read event %s: %w", eventID, err)
	}
	if attributes == nil {
		return notification.Event{}, false, nil
	}
	event, err := readEvent(cloudName, eventID, attributes)
	if err != nil {
		return notification.Event{}, false, fmt.Errorf("read event %s: %w", eventID, err)
	}
	if t.expired(event.ExpiresAt) {
		return notification.Event{}, false, nil
	}
	return event, true, nil
}

// InsertEvents stores each event whose id is free; the record of an expired
// event leaves its id free. The result has an entry for each event: nil where
// it was stored, else the event that holds its id. An event whose fate is
// unknown is in failed, by index.
//
// An event with deliveries that finds itself stored counts as stored: it is the
// repeat of a write whose answer was lost, and nobody else can have made up the
// same delivery ids.
func (t *Table) InsertEvents(ctx context.Context, events []notification.Event) (existing []*notification.Event, failed map[int]error) {
	existing = make([]*notification.Event, len(events))
	if len(events) == 1 {
		// One conditional write, which brings back what is in the way.
		there, err := t.insertEvent(ctx, events[0])
		if err != nil {
			failed = fail(failed, 0, err)
		}
		existing[0] = there
		return existing, failed
	}
	keyOf := func(i int) key { return eventKey(events[i].CloudName, events[i].ID) }
	for _, round := range rounds(len(events), keyOf) {
		for i, err := range t.insertRound(ctx, events, round, existing) {
			failed = fail(failed, i, err)
		}
	}
	return existing, failed
}

// insertRound inserts the events of the given indices, no two of which have the
// same id.
func (t *Table) insertRound(ctx context.Context, events []notification.Event, round []int, existing []*notification.Event) (failed map[int]error) {
	statements := make([]types.BatchStatementRequest, len(round))
	for at, i := range round {
		statements[at] = eventItem(events[i]).insertInto(t.name)
	}
	var taken []int
	for at, err := range t.execute(ctx, statements) {
		i := round[at]
		switch {
		case errors.Is(err, errTaken):
			taken = append(taken, i)
		case err != nil:
			failed = fail(failed, i, fmt.Errorf("insert event %s: %w", events[i].ID, err))
		}
	}
	if len(taken) == 0 {
		return failed
	}
	keys := make([]key, len(taken))
	for at, i := range taken {
		keys[at] = eventKey(events[i].CloudName, events[i].ID)
	}
	found, readErr := t.read(ctx, keys)
	for at, i := range taken {
		there, err := t.settleEvent(ctx, events[i], found[keys[at]], readErr)
		if err != nil {
			failed = fail(failed, i, err)
		}
		existing[i] = there
	}
	return failed
}

// settleEvent decides what became of an insert that found its key taken, from
// the item that was then read there. It returns nil for an event that is
// stored.
func (t *Table) settleEvent(ctx context.Context, event notification.Event, attributes map[string]types.AttributeValue, readErr error) (*notification.Event, error) {
	if readErr != nil {
		return nil, fmt.Errorf("insert event %s: read the one that has its id: %w", event.ID, readErr)
	}
	if attributes != nil {
		there, err := readEvent(event.CloudName, event.ID, attributes)
		if err != nil {
			return nil, fmt.Errorf("insert event %s: read the one that has its id: %w", event.ID, err)
		}
		if !t.expired(there.ExpiresAt) {
			return unlessSame(there, event), nil
		}
	}
	return t.insertEvent(ctx, event)
}

// insertEvent stores one event. It returns the event that is in the way, nil if
// there is none.
func (t *Table) insertEvent(ctx context.Context, event notification.Event) (*notification.Event, error) {
	attributes, stored, err := t.putIfFree(ctx, eventItem(event))
	if err != nil {
		return nil, fmt.Errorf("insert event %s: %w", event.ID, err)
	}
	if stored {
		return nil, nil
	}
	there, err := readEvent(event.CloudName, event.ID, attributes)
	if err != nil {
		return nil, fmt.Errorf("insert event %s: read the one that has its id: %w", event.ID, err)
	}
	return unlessSame(there, event), nil
}

// unlessSame returns the stored event, or nil if it is the one to be inserted.
// Events are recognised by their deliveries. One without any is not: two
// producers may well say the same in the same moment.
func unlessSame(there, event notification.Event) *notification.Event {
	if len(event.Targets) > 0 && slices.EqualFunc(there.Targets, event.Targets, sameDelivery) {
		return nil
	}
	return &there
}

func sameDelivery(a, b notification.Target) bool { return a.DeliveryID == b.DeliveryID }

// Events reads any number of events, strongly consistent. Those that do not
// exist, or have expired, are absent from the result.
func (t *Table) Events(ctx context.Context, names []notification.EventKey) (map[notification.EventKey]notification.Event, error) {
	return t.events(ctx, names, nil)
}

// events reads events, or of each the named attributes alone.
func (t *Table) events(ctx context.Context, names []notification.EventKey, attributes []string) (map[notification.EventKey]notification.Event, error) {
	byKey := make(map[key]notification.EventKey, len(names))
	keys := make([]key, len(names))
	for i, name := range names {
		keys[i] = eventKey(name.CloudName, name.EventID)
		byKey[keys[i]] = name
	}
	items, err := t.readPart(ctx, keys, attributes)
	if err != nil {
		return nil, fmt.Errorf("read %d events: %w", len(names), err)
	}
	found := make(map[notification.EventKey]notification.Event, len(items))
	for k, attributes := range items {
		name := byKey[k]
		event, err := readEvent(name.CloudName, name.EventID, attributes)
		if err != nil {
			return nil, fmt.Errorf("read event %s: %w", name.EventID, err)
		}
		if !t.expired(event.ExpiresAt) {
			found[name] = event
		}
	}
	return found, nil
}

// ReplaceEvent writes an event over its revision event.Revision-1. It returns
// notification.ErrConflict where another revision is there, or no event. To find
// there the very event that was to be written is a success: it is the repeat of a
// write whose answer was lost.
func (t *Table) ReplaceEvent(ctx context.Context, event notification.Event) error {
	values := map[string]types.AttributeValue{":now": number(t.now().Unix())}
	condition := "attribute_exists(pk) AND attribute_not_exists(revision)" // what InsertEvents wrote
	if event.Revision > 1 {
		condition = "revision = :before"
		values[":before"] = number(event.Revision - 1)
	}
	condition += " AND (attribute_not_exists(expires_at) OR expires_at > :now)"
	attributes, stored, err := t.putIf(ctx, eventItem(event), condition, values)
	if err != nil {
		return fmt.Errorf("replace event %s: %w", event.ID, err)
	}
	if stored {
		return nil
	}
	there, err := readEvent(event.CloudName, event.ID, attributes)
	if err != nil {
		return fmt.Errorf("replace event %s: read the one that has its id: %w", event.ID, err)
	}
	if !t.expired(there.ExpiresAt) && sameRevision(there, event) {
		return nil
	}
	return fmt.Errorf("replace event %s: %w", event.ID, notification.ErrConflict)
}

// sameRevision recognises a change that has taken place: two processes do not
// make the same at the very same nanosecond, nor with the same delivery ids.
func sameRevision(a, b notification.Event) bool {
	return a.Revision == b.Revision && a.Status == b.Status && a.Release == b.Release &&
		a.ReleasedAt.Equal(b.ReleasedAt) && slices.EqualFunc(a.Targets, b.Targets, sameDelivery)
}

package notificationtest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Store keeps environments, events and deliveries in memory, as store.Table
// does in DynamoDB.
type Store struct {
	Faults
	now func() time.Time

	mu           sync.Mutex
	environments map[string]notification.Environment // without their triggers
	reserved     map[string]time.Time                // until when the name of a deleted one is
	hooks        map[string]notification.Hooks
	events       map[eventKey]notification.Event
	presets      map[presetKey]notification.UploadPreset
	health       map[notification.OriginKey]notification.Health
	probes       map[notification.OriginKey]time.Time
	batches      map[batchKey]notification.Batch
	deliveries   map[notification.DeliveryKey]notification.Delivery
	rows         map[notification.DeliveryKey]notification.Delivery // of events without deliveries
	putOff       map[notification.DeliveryKey]putOff

	recoveries    map[notification.RecoveryKey]notification.Recovery
	recoveryPages map[recoveryPageKey]notification.RecoveryPage
}

type eventKey struct{ cloudName, eventID string }

// NewStore returns an empty store that judges by the given clock what has
// expired.
func NewStore(now func() time.Time) *Store {
	return &Store{
		now:          now,
		environments: make(map[string]notification.Environment),
		reserved:     make(map[string]time.Time),
		hooks:        make(map[string]notification.Hooks),
		events:       make(map[eventKey]notification.Event),
		presets:      make(map[presetKey]notification.UploadPreset),
		health:       make(map[notification.OriginKey]notification.Health),
		probes:       make(map[notification.OriginKey]time.Time),
		batches:      make(map[batchKey]notification.Batch),
		deliveries:   make(map[notification.DeliveryKey]notification.Delivery),
		rows:         make(map[notification.DeliveryKey]notification.Delivery),
		putOff:       make(map[notification.DeliveryKey]putOff),

		recoveries:    make(map[notification.RecoveryKey]notification.Recovery),
		recoveryPages: make(map[recoveryPageKey]notification.RecoveryPage),
	}
}

// ReplaceHooks replaces the triggers over version hooks.Version-1;
// notification.ErrConflict where another version is there.
func (s *Store) ReplaceHooks(ctx context.Context, cloudName string, hooks notification.Hooks) error {
	s.called("ReplaceHooks")
	return s.effect(ctx, Call{Op: "ReplaceHooks", Key: cloudName}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		there := s.hooks[cloudName]
		if there.Version == hooks.Version && slices.EqualFunc(there.Triggers, hooks.Triggers, sameTrigger) {
			return nil // the repeat of a write whose answer was lost
		}
		if there.Version != hooks.Version-1 {
			return notification.ErrConflict
		}
		hooks.Triggers = slices.Clone(hooks.Triggers)
		s.hooks[cloudName] = hooks
		return nil
	})
}

// InsertEvents stores each event whose id is free. See intake.Records.
func (s *Store) InsertEvents(ctx context.Context, events []notification.Event) (existing []*notification.Event, failed map[int]error) {
	s.called("InsertEvents")
	existing = make([]*notification.Event, len(events))
	for i, event := range events {
		call := Call{Op: "InsertEvents", Index: i, Key: event.ID}
		err := s.effect(ctx, call, func() error {
			existing[i] = s.insertEvent(event)
			return nil
		})
		if err != nil {
			existing[i] = nil
			failed = fail(failed, i, err)
		}
	}
	return existing, failed
}

// insertEvent returns the event that was in the way, nil if there was none. To
// insert the very event that is there (its delivery ids are the same) is no
// conflict: an adapter cannot tell it from the repeat of a write whose answer
// was lost.
func (s *Store) insertEvent(event notification.Event) *notification.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := eventKey{event.CloudName, event.ID}
	there, ok := s.events[key]
	if ok && !s.expired(there.ExpiresAt) {
		if sameInsertion(there, event) {
			return nil
		}
		there = cloneEvent(there)
		return &there
	}
	event = cloneEvent(event)
	event.ExpiresAt = wholeSecond(event.ExpiresAt)
	s.events[key] = event
	return nil
}

// Event reads an event; false, and no error, for one that is unknown or has
// expired.
func (s *Store) Event(ctx context.Context, cloudName, eventID string) (notification.Event, bool, error) {
	s.called("Event")
	var event notification.Event
	var found bool
	err := s.effect(ctx, Call{Op: "Event", Key: eventID}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		event, found = s.events[eventKey{cloudName, eventID}]
		found = found && !s.expired(event.ExpiresAt)
		return nil
	})
	if err != nil || !found {
		return notification.Event{}, false, err
	}
	return cloneEvent(event), true, nil
}

// AllEvents returns what is stored, expired or not, ordered by environment and
// id.
func (s *Store) AllEvents() []notification.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []notification.Event
	for _, event := range s.events {
		all = append(all, cloneEvent(event))
	}
	slices.SortFunc(all, func(a, b notification.Event) int {
		return cmp.Or(strings.Compare(a.CloudName, b.CloudName), strings.Compare(a.ID, b.ID))
	})
	return all
}

// expired reports whether a record that expires then is to be treated as
// absent. The zero time never expires.
func (s *Store) expired(at time.Time) bool {
	return !at.IsZero() && at.Unix() <= s.now().Unix()
}

func sameTrigger(a, b notification.Trigger) bool {
	return a.ID == b.ID && a.URI == b.URI && a.EventType == b.EventType &&
		a.CreatedAt.Equal(b.CreatedAt) && a.UpdatedAt.Equal(b.UpdatedAt)
}

// sameInsertion recognises an event by its deliveries. One without any is never
// recognised, since two producers may well say the same in the same moment.
func sameInsertion(a, b notification.Event) bool {
	return len(a.Targets) > 0 && slices.EqualFunc(a.Targets, b.Targets, sameDelivery)
}

func sameDelivery(a, b notification.Target) bool { return a.DeliveryID == b.DeliveryID }

func fail(failed map[int]error, i int, err error) map[int]error {
	if failed == nil {
		failed = make(map[int]error)
	}
	failed[i] = err
	return failed
}

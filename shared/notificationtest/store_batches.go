package notificationtest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

type batchKey struct{ cloudName, batchID string }

// Events reads events; those that are unknown or have expired are absent.
func (s *Store) Events(ctx context.Context, keys []notification.EventKey) (map[notification.EventKey]notification.Event, error) {
	s.called("Events")
	found := make(map[notification.EventKey]notification.Event)
	err := s.effect(ctx, Call{Op: "Events"}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, key := range keys {
			event, ok := s.events[eventKey{key.CloudName, key.EventID}]
			if ok && !s.expired(event.ExpiresAt) {
				found[key] = cloneEvent(event)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// ReplaceEvent writes an event over its revision event.Revision-1;
// notification.ErrConflict where another revision is there, or no event. See
// intake.Records.
func (s *Store) ReplaceEvent(ctx context.Context, event notification.Event) error {
	s.called("ReplaceEvent")
	return s.effect(ctx, Call{Op: "ReplaceEvent", Key: event.ID}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		key := eventKey{event.CloudName, event.ID}
		there, ok := s.events[key]
		switch {
		case !ok || s.expired(there.ExpiresAt):
			return notification.ErrConflict
		case sameRevision(there, event):
			return nil // the repeat of a write whose answer was lost
		case there.Revision != event.Revision-1:
			return notification.ErrConflict
		}
		event = cloneEvent(event)
		event.ExpiresAt = wholeSecond(event.ExpiresAt)
		s.events[key] = event
		return nil
	})
}

// sameRevision recognises a change that has taken place.
func sameRevision(a, b notification.Event) bool {
	return a.Revision == b.Revision && a.Status == b.Status && a.Release == b.Release &&
		a.ReleasedAt.Equal(b.ReleasedAt) && slices.EqualFunc(a.Targets, b.Targets, sameDelivery)
}

// JoinBatch adds an event to its batch. See intake.Records.
func (s *Store) JoinBatch(ctx context.Context, event notification.Event) (notification.Batch, error) {
	s.called("JoinBatch")
	var batch notification.Batch
	err := s.effect(ctx, Call{Op: "JoinBatch", Key: event.ID}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		key := batchKey{event.CloudName, event.BatchID}
		there, ok := s.batches[key]
		if !ok || s.expired(there.ExpiresAt) {
			there = notification.Batch{CloudName: event.CloudName, ID: event.BatchID}
		}
		there = cloneBatch(there)
		kind := &there.Uploads
		if event.NotificationType == "eager" {
			kind = &there.Eagers
		}
		if !slices.Contains(*kind, event.ID) {
			if len(there.Uploads)+len(there.Eagers) >= notification.MaxBatch {
				return notification.Errorf(notification.Conflict, "batch_id: %d events name it already", notification.MaxBatch)
			}
			*kind = append(*kind, event.ID)
			slices.Sort(*kind)
		}
		if expires := wholeSecond(event.ExpiresAt); expires.After(there.ExpiresAt) {
			there.ExpiresAt = expires
		}
		s.batches[key] = there
		batch = cloneBatch(there)
		return nil
	})
	if err != nil {
		return notification.Batch{}, err
	}
	return batch, nil
}

// TimeOutBatch sets when the clock of an incomplete batch ran out. See
// intake.Records.
func (s *Store) TimeOutBatch(ctx context.Context, cloudName, batchID string, at time.Time) (notification.Batch, bool, error) {
	s.called("TimeOutBatch")
	var batch notification.Batch
	var found bool
	err := s.effect(ctx, Call{Op: "TimeOutBatch", Key: batchID}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		key := batchKey{cloudName, batchID}
		batch, found = s.batches[key]
		if !found || s.expired(batch.ExpiresAt) {
			batch, found = notification.Batch{}, false
			return nil
		}
		if !batch.Complete() && batch.TimedOutAt.Before(at) {
			batch.TimedOutAt = at.UTC()
			s.batches[key] = batch
		}
		batch = cloneBatch(batch)
		return nil
	})
	if err != nil {
		return notification.Batch{}, false, err
	}
	return batch, found, nil
}

// Batch reads a batch. See history.Records.
func (s *Store) Batch(ctx context.Context, cloudName, batchID string) (notification.Batch, bool, error) {
	s.called("Batch")
	var batch notification.Batch
	var found bool
	err := s.effect(ctx, Call{Op: "Batch", Key: batchID}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if batch, found = s.batches[batchKey{cloudName, batchID}]; !found || s.expired(batch.ExpiresAt) {
			batch, found = notification.Batch{}, false
			return nil
		}
		batch = cloneBatch(batch)
		return nil
	})
	if err != nil {
		return notification.Batch{}, false, err
	}
	return batch, found, nil
}

// AllBatches returns what is stored, expired or not, ordered by environment and
// id.
func (s *Store) AllBatches() []notification.Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []notification.Batch
	for _, batch := range s.batches {
		all = append(all, cloneBatch(batch))
	}
	slices.SortFunc(all, func(a, b notification.Batch) int {
		return cmp.Or(strings.Compare(a.CloudName, b.CloudName), strings.Compare(a.ID, b.ID))
	})
	return all
}

func cloneBatch(batch notification.Batch) notification.Batch {
	batch.Uploads, batch.Eagers = slices.Clone(batch.Uploads), slices.Clone(batch.Eagers)
	return batch
}

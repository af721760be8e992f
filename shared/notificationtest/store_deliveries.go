package notificationtest

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Deliveries reads records. Those that are unknown or have expired are absent
// from the result.
func (s *Store) Deliveries(ctx context.Context, keys []notification.DeliveryKey) (map[notification.DeliveryKey]notification.Delivery, error) {
	s.called("Deliveries")
	found := make(map[notification.DeliveryKey]notification.Delivery, len(keys))
	err := s.effect(ctx, Call{Op: "Deliveries"}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, key := range keys {
			if d, ok := s.deliveries[key]; ok && !s.expired(d.ExpiresAt) {
				found[key] = cloneDelivery(d)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Claim leases a delivery for an attempt. See delivery.Records.
func (s *Store) Claim(ctx context.Context, key notification.DeliveryKey, attempt int, now, until time.Time) (notification.Delivery, bool, error) {
	s.called("Claim")
	var d notification.Delivery
	var claimed bool
	err := s.effect(ctx, Call{Op: "Claim", Key: key.DeliveryID}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		var ok bool
		if d, ok = s.deliveries[key]; !ok {
			return notification.Errorf(notification.NotFound, "delivery %s has no record", key.DeliveryID)
		}
		if d.AttemptCount == attempt-1 && !d.LeasedUntil.After(now) {
			leased := d
			leased.LeasedUntil = until
			s.deliveries[key] = leased
			claimed = true
		}
		return nil
	})
	if err != nil {
		return notification.Delivery{}, false, err
	}
	return cloneDelivery(d), claimed, nil
}

// RecordAttempts writes deliveries over their state of one attempt before. See
// delivery.Records.
func (s *Store) RecordAttempts(ctx context.Context, deliveries []notification.Delivery) (failed map[int]error) {
	s.called("RecordAttempts")
	for i, d := range deliveries {
		call := Call{Op: "RecordAttempts", Index: i, Key: d.DeliveryID}
		if err := s.effect(ctx, call, func() error { return s.record(d) }); err != nil {
			failed = fail(failed, i, err)
		}
	}
	return failed
}

// NoteRepeat says of an attempt that it was made twice. See delivery.Records.
func (s *Store) NoteRepeat(ctx context.Context, key notification.DeliveryKey, attempt int) error {
	s.called("NoteRepeat")
	return s.effect(ctx, Call{Op: "NoteRepeat", Key: key.DeliveryID}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		d, ok := s.deliveries[key]
		switch {
		case !ok:
			return notification.Errorf(notification.NotFound, "delivery %s has no record", key.DeliveryID)
		case d.AttemptCount < attempt:
			return notification.ErrConflict
		}
		d = cloneDelivery(d)
		for i := range d.Attempts {
			d.Attempts[i].Repeated = d.Attempts[i].Repeated || d.Attempts[i].Number == attempt
		}
		s.deliveries[key] = d
		return nil
	})
}

// record takes the repeat of what it wrote last for a success, as the adapter
// must: it may be the repeat of a write whose answer was lost.
func (s *Store) record(d notification.Delivery) error {
	if _, err := ulid.ParseStrict(d.DeliveryID); err != nil {
		return notification.Errorf(notification.Invalid, "delivery id %q is not a ULID", d.DeliveryID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	there, ok := s.deliveries[d.DeliveryKey]
	switch {
	case !ok && d.AttemptCount == 1, ok && d.AttemptCount > 1 && there.AttemptCount == d.AttemptCount-1:
		d = cloneDelivery(d)
		d.LeasedUntil = time.Time{}
		d.ExpiresAt = wholeSecond(d.ExpiresAt)
		s.deliveries[d.DeliveryKey] = d
		return nil
	case ok && sameAttempt(there, d):
		return nil
	}
	return notification.ErrConflict
}

// Overdue hands the retrying deliveries that were due at or before an instant to
// visit. See history.Overdue.
func (s *Store) Overdue(ctx context.Context, at time.Time, visit func([]notification.Delivery) error) error {
	s.called("Overdue")
	var found []notification.Delivery
	err := s.effect(ctx, Call{Op: "Overdue"}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for key, d := range s.deliveries {
			due := d.NextAt
			if until, ok := s.putOff[key]; ok && until.attempt == d.AttemptCount {
				due = until.at
			}
			if d.Status == notification.Retrying && !s.expired(d.ExpiresAt) && !due.After(at) {
				found = append(found, cloneDelivery(d))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(found, func(a, b notification.Delivery) int {
		return cmp.Or(a.NextAt.Compare(b.NextAt), strings.Compare(a.DeliveryID, b.DeliveryID))
	})
	for page := range slices.Chunk(found, 100) {
		if err := visit(page); err != nil {
			return err
		}
	}
	return nil
}

// PutOff keeps a delivery out of Overdue until an instant, or its next attempt.
func (s *Store) PutOff(ctx context.Context, d notification.Delivery, until time.Time) error {
	s.called("PutOff")
	return s.effect(ctx, Call{Op: "PutOff", Key: d.DeliveryID}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.putOff[d.DeliveryKey] = putOff{d.AttemptCount, until}
		return nil
	})
}

// putOff is until when a delivery is kept out of Overdue, and after which of its
// attempts.
type putOff struct {
	attempt int
	at      time.Time
}

// AllDeliveries returns what is stored, expired or not, ordered by environment
// and id.
func (s *Store) AllDeliveries() []notification.Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []notification.Delivery
	for _, d := range s.deliveries {
		all = append(all, cloneDelivery(d))
	}
	slices.SortFunc(all, func(a, b notification.Delivery) int {
		return cmp.Or(strings.Compare(a.CloudName, b.CloudName), strings.Compare(a.DeliveryID, b.DeliveryID))
	})
	return all
}

// sameAttempt reports whether two records end in the very same attempt.
func sameAttempt(a, b notification.Delivery) bool {
	if a.AttemptCount != b.AttemptCount || len(a.Attempts) == 0 || len(b.Attempts) == 0 {
		return false
	}
	x, y := a.Attempts[len(a.Attempts)-1], b.Attempts[len(b.Attempts)-1]
	return x.Number == y.Number && x.StartedAt.Equal(y.StartedAt) && x.Duration == y.Duration &&
		x.StatusCode == y.StatusCode && x.Reason == y.Reason
}

// wholeSecond is how exactly a store keeps the time at which a record expires.
func wholeSecond(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.Unix(t.Unix(), 0).UTC()
}

// The clones keep callers from changing what is stored through a slice that
// they share with it.

func cloneEnvironment(env notification.Environment) notification.Environment {
	env.CustomAttributes = bytes.Clone(env.CustomAttributes)
	env.Keys = slices.Clone(env.Keys)
	for i, key := range env.Keys {
		env.Keys[i].SecretHash = bytes.Clone(key.SecretHash)
		env.Keys[i].SealedSecret = bytes.Clone(key.SealedSecret)
		env.Keys[i].DataKey = bytes.Clone(key.DataKey)
	}
	env.Hooks.Triggers = slices.Clone(env.Hooks.Triggers)
	return env
}

func cloneEvent(event notification.Event) notification.Event {
	event.Hash = bytes.Clone(event.Hash)
	event.Body = bytes.Clone(event.Body)
	event.Targets = slices.Clone(event.Targets)
	if event.Eager != nil {
		eager := *event.Eager
		event.Eager = &eager
	}
	return event
}

func cloneDelivery(d notification.Delivery) notification.Delivery {
	d.Attempts = slices.Clone(d.Attempts)
	for i, a := range d.Attempts {
		d.Attempts[i].Response = bytes.Clone(a.Response)
	}
	return d
}

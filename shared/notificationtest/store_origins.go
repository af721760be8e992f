package notificationtest

import (
	"context"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Health reads the health of origins; unknown ones are absent.
func (s *Store) Health(ctx context.Context, keys []notification.OriginKey) (map[notification.OriginKey]notification.Health, error) {
	s.called("Health")
	found := make(map[notification.OriginKey]notification.Health)
	err := s.effect(ctx, Call{Op: "Health"}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, key := range keys {
			if health, ok := s.health[key]; ok {
				found[key] = health
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// SetHealth writes the health of an origin.
func (s *Store) SetHealth(ctx context.Context, key notification.OriginKey, health notification.Health) error {
	s.called("SetHealth")
	return s.effect(ctx, Call{Op: "SetHealth", Key: key.Origin}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.health[key] = health
		return nil
	})
}

// Probe leases the place of an origin; here each origin has its own.
func (s *Store) Probe(ctx context.Context, key notification.OriginKey, now, until time.Time) (bool, error) {
	s.called("Probe")
	won := false
	err := s.effect(ctx, Call{Op: "Probe", Key: key.Origin}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		won = !s.probes[key].After(now)
		if won {
			s.probes[key] = until
		}
		return nil
	})
	return won && err == nil, err
}

// EndProbe gives a place back.
func (s *Store) EndProbe(ctx context.Context, key notification.OriginKey, until time.Time) error {
	s.called("EndProbe")
	return s.effect(ctx, Call{Op: "EndProbe", Key: key.Origin}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.probes[key].Equal(until) {
			delete(s.probes, key)
		}
		return nil
	})
}

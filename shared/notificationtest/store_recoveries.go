package notificationtest

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/mediahooks/mediahooks/shared/notification"
)

type recoveryPageKey struct {
	notification.RecoveryKey
	number int
}

// InsertRecovery writes a new recovery. See history.Recoveries.
func (s *Store) InsertRecovery(ctx context.Context, r notification.Recovery) error {
	s.called("InsertRecovery")
	return s.effect(ctx, Call{Op: "InsertRecovery", Key: r.ID}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		there, ok := s.recoveries[r.RecoveryKey]
		if ok && !s.expired(there.ExpiresAt) {
			if there.Revision == r.Revision && there.StartedAt.Equal(r.StartedAt) {
				return nil // the repeat of a write whose answer was lost
			}
			return notification.ErrConflict
		}
		s.keep(r)
		return nil
	})
}

func (s *Store) keep(r notification.Recovery) {
	r.Skipped, r.ExpiresAt = maps.Clone(r.Skipped), wholeSecond(r.ExpiresAt)
	s.recoveries[r.RecoveryKey] = r
}

// ReplaceRecovery writes a recovery over the revision before. See
// history.Recoveries.
func (s *Store) ReplaceRecovery(ctx context.Context, r notification.Recovery) error {
	s.called("ReplaceRecovery")
	return s.effect(ctx, Call{Op: "ReplaceRecovery", Key: r.ID}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if there, ok := s.recoveries[r.RecoveryKey]; !ok || there.Revision != r.Revision-1 {
			return notification.ErrConflict
		}
		s.keep(r)
		return nil
	})
}

// Recovery reads a recovery. See history.Recoveries.
func (s *Store) Recovery(ctx context.Context, k notification.RecoveryKey) (notification.Recovery, bool, error) {
	s.called("Recovery")
	var r notification.Recovery
	var found bool
	err := s.effect(ctx, Call{Op: "Recovery", Key: k.ID}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		r, found = s.recoveries[k]
		found = found && !s.expired(r.ExpiresAt)
		r.Skipped = maps.Clone(r.Skipped)
		return nil
	})
	if err != nil || !found {
		return notification.Recovery{}, false, err
	}
	return r, true, nil
}

// Recoveries lists recoveries, the latest first. See history.Recoveries.
func (s *Store) Recoveries(ctx context.Context, cloudName, before string, limit int) (list []notification.Recovery, more bool, err error) {
	s.called("Recoveries")
	err = s.effect(ctx, Call{Op: "Recoveries", Key: cloudName}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for k, r := range s.recoveries {
			if k.CloudName == cloudName && !s.expired(r.ExpiresAt) && (before == "" || k.ID < before) {
				r.Skipped = maps.Clone(r.Skipped)
				list = append(list, r)
			}
		}
		return nil
	})
	slices.SortFunc(list, func(a, b notification.Recovery) int { return strings.Compare(b.ID, a.ID) })
	if more = len(list) > limit; more {
		list = list[:limit]
	}
	return list, more, err
}

// PlanRecoveryPage writes down what a page is about to do. See
// history.Recoveries.
func (s *Store) PlanRecoveryPage(ctx context.Context, page notification.RecoveryPage) (plan notification.RecoveryPage, there bool, err error) {
	s.called("PlanRecoveryPage")
	err = s.effect(ctx, Call{Op: "PlanRecoveryPage", Key: page.ID}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		k := recoveryPageKey{page.RecoveryKey, page.Number}
		if plan, there = s.recoveryPages[k]; !there || s.expired(plan.ExpiresAt) {
			plan, there = page, false
			plan.ExpiresAt = wholeSecond(plan.ExpiresAt)
			s.recoveryPages[k] = plan
		}
		plan.Steps = slices.Clone(plan.Steps)
		return nil
	})
	return plan, there, err
}

// RecoveryPages reads the latest pages of a recovery. See history.Recoveries.
func (s *Store) RecoveryPages(ctx context.Context, k notification.RecoveryKey, limit int) (pages []notification.RecoveryPage, err error) {
	s.called("RecoveryPages")
	err = s.effect(ctx, Call{Op: "RecoveryPages", Key: k.ID}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for at, page := range s.recoveryPages {
			if at.RecoveryKey == k && !s.expired(page.ExpiresAt) {
				page.Steps = slices.Clone(page.Steps)
				pages = append(pages, page)
			}
		}
		return nil
	})
	slices.SortFunc(pages, func(a, b notification.RecoveryPage) int { return b.Number - a.Number })
	return pages[:min(len(pages), limit)], err
}

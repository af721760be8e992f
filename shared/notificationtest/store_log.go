package notificationtest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// LogEvents writes the rows that stand for events in lists. See intake.Records.
func (s *Store) LogEvents(ctx context.Context, events []notification.Event) (failed map[int]error) {
	s.called("LogEvents")
	for i, event := range events {
		if event.LogID == "" {
			continue
		}
		err := s.effect(ctx, Call{Op: "LogEvents", Index: i, Key: event.ID}, func() error {
			s.mu.Lock()
			defer s.mu.Unlock()
			if _, err := ulid.ParseStrict(event.LogID); err != nil {
				return notification.Errorf(notification.Invalid, "log id %q is not a ULID", event.LogID)
			}
			key := notification.DeliveryKey{CloudName: event.CloudName, DeliveryID: event.LogID}
			if _, there := s.rows[key]; !there {
				s.rows[key] = notification.Delivery{
					DeliveryKey: key, EventID: event.ID, NotificationType: event.NotificationType,
					PublicIDs: slices.Clone(event.PublicIDs), AcceptedAt: event.AcceptedAt, ExpiresAt: wholeSecond(event.ExpiresAt),
				}
			}
			return nil
		})
		if err != nil {
			failed = fail(failed, i, err)
		}
	}
	return failed
}

// Log reads a page of an environment's log. See history.Records.
func (s *Store) Log(ctx context.Context, q notification.LogQuery) (notification.LogPage, error) {
	s.called("Log")
	var page notification.LogPage
	err := s.effect(ctx, Call{Op: "Log", Key: q.CloudName}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		var all []notification.Delivery
		for _, d := range s.deliveries {
			if !q.Events || d.Lead {
				all = append(all, d)
			}
		}
		for _, row := range s.rows {
			if q.Events {
				all = append(all, row)
			}
		}
		all = slices.DeleteFunc(all, func(d notification.Delivery) bool {
			at := acceptedAt(d.DeliveryID)
			return d.CloudName != q.CloudName || s.expired(d.ExpiresAt) ||
				at.Before(q.From.Truncate(time.Millisecond)) || at.After(q.To) || q.Before != "" && d.DeliveryID >= q.Before
		})
		slices.SortFunc(all, func(a, b notification.Delivery) int { return strings.Compare(b.DeliveryID, a.DeliveryID) })
		for i, d := range all {
			if i > 0 && i == q.Examine {
				page.Next = all[i-1].DeliveryID
				break
			}
			if !q.Matches(d) {
				continue
			}
			if len(page.Rows) == q.Limit {
				page.Next = page.Rows[q.Limit-1].DeliveryID
				break
			}
			page.Rows = append(page.Rows, cloneDelivery(d))
		}
		return nil
	})
	return page, err
}

// acceptedAt is the time within a ULID, which everything of a log is found by.
func acceptedAt(id string) time.Time {
	parsed, err := ulid.ParseStrict(id)
	if err != nil {
		return time.Time{}
	}
	return ulid.Time(parsed.Time())
}

// EventHeads reads events without their bodies and hashes.
func (s *Store) EventHeads(ctx context.Context, keys []notification.EventKey) (map[notification.EventKey]notification.Event, error) {
	events, err := s.Events(ctx, keys)
	for key, event := range events {
		event.Body, event.Hash = nil, nil
		events[key] = event
	}
	return events, err
}

// Reopen has a delivery attempted once more. See history.Records.
func (s *Store) Reopen(ctx context.Context, d notification.Delivery, due time.Time, lane notification.Lane) error {
	s.called("Reopen")
	return s.effect(ctx, Call{Op: "Reopen", Key: d.DeliveryID}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		there, ok := s.deliveries[d.DeliveryKey]
		if !ok || there.AttemptCount != d.AttemptCount || there.LeasedUntil.After(s.now()) {
			return notification.ErrConflict
		}
		there.Status, there.NextAt, there.NextLane, there.ScheduleFrom = notification.Retrying, due, lane, d.AttemptCount
		s.deliveries[d.DeliveryKey] = there
		delete(s.putOff, d.DeliveryKey)
		return nil
	})
}

package notificationtest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

var overdueTests = map[string]func(*testing.T, storeTest){
	"in time, late and over": testOverdue,
	"put off":                testPutOff,
	"more than a page":       testOverduePages,
	"the visit's error":      testOverdueStops,
	"expired":                testOverdueExpired,
}

// retrying records a delivery that has failed once and waits for its next
// attempt.
func (s storeTest) retrying(t *testing.T, next time.Time) notification.Delivery {
	t.Helper()
	d := s.newDelivery()
	d.Status, d.NextAt, d.NextLane = notification.Retrying, next, notification.Slow
	s.mustRecord(t, d)
	return d
}

// wantOverdue polls, since an index may lag behind its table.
func (s storeTest) wantOverdue(t *testing.T, at time.Time, want ...notification.Delivery) {
	t.Helper()
	var wantIDs []string
	for _, d := range want {
		wantIDs = append(wantIDs, d.DeliveryID)
	}
	slices.Sort(wantIDs)
	var ids []string
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		ids = nil
		err := s.Overdue(t.Context(), at, func(page []notification.Delivery) error {
			if len(page) == 0 || len(page) > 100 {
				t.Errorf("a page of %d", len(page))
			}
			for _, d := range page {
				if d.CloudName == s.cloud {
					ids = append(ids, d.DeliveryID)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(ids)
		if slices.Equal(ids, wantIDs) {
			return
		}
	}
	t.Errorf("overdue at %s: %d deliveries, want %d", at, len(ids), len(wantIDs))
}

func testOverdue(t *testing.T, s storeTest) {
	now := s.clock.Now()
	late := s.retrying(t, now.Add(-time.Minute))
	sharp := s.retrying(t, now)
	soon := s.retrying(t, now.Add(time.Nanosecond))
	delivered := s.newDelivery()
	delivered.Status, delivered.NextAt, delivered.NextLane = notification.Delivered, time.Time{}, ""
	s.mustRecord(t, delivered)
	s.wantOverdue(t, now, late, sharp)
	s.wantOverdue(t, now.Add(-time.Minute), late)
	s.wantOverdue(t, now.Add(-time.Hour))

	// An attempt later it is over, or due at another time.
	over := attempted(late, now)
	over.Status, over.NextAt, over.NextLane = notification.Delivered, time.Time{}, ""
	exhausted := attempted(sharp, now)
	exhausted.Status, exhausted.NextAt, exhausted.NextLane = notification.Exhausted, time.Time{}, ""
	s.mustRecord(t, over, exhausted)
	s.wantOverdue(t, now)
	again := attempted(exhausted, now)
	again.Status, again.NextAt = notification.Retrying, now.Add(time.Hour)
	s.mustRecord(t, again)
	s.wantOverdue(t, now.Add(time.Minute), soon)
	s.wantOverdue(t, now.Add(time.Hour), soon, again)
}

func testPutOff(t *testing.T, s storeTest) {
	now := s.clock.Now()
	d := s.retrying(t, now.Add(-time.Hour))
	s.wantOverdue(t, now, d)
	if err := s.PutOff(t.Context(), d, now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	s.wantOverdue(t, now)
	s.wantOverdue(t, now.Add(time.Minute), d)
	s.wantDelivery(t, d)

	// What is decided by now is left alone, and so is the next attempt's time.
	next := attempted(d, now)
	next.Status, next.NextAt = notification.Retrying, now.Add(-time.Second)
	s.mustRecord(t, next)
	if err := s.PutOff(t.Context(), d, now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	s.wantOverdue(t, now, next)
}

func testOverduePages(t *testing.T, s storeTest) {
	var all []notification.Delivery
	for range 130 {
		d := s.newDelivery()
		d.Status, d.NextAt = notification.Retrying, s.clock.Now().Add(-time.Minute)
		all = append(all, d)
	}
	s.mustRecord(t, all...)
	s.wantOverdue(t, s.clock.Now(), all...)
}

func testOverdueStops(t *testing.T, s storeTest) {
	d := s.retrying(t, s.clock.Now().Add(-time.Minute))
	s.wantOverdue(t, s.clock.Now(), d)
	enough := errors.New("enough")
	if err := s.Overdue(t.Context(), s.clock.Now(), func([]notification.Delivery) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v, want the visit's own error", err)
	}
}

func testOverdueExpired(t *testing.T, s storeTest) {
	d := s.retrying(t, s.clock.Now())
	s.clock.AdvanceTo(d.ExpiresAt.Add(-time.Second))
	s.wantOverdue(t, s.clock.Now(), d)
	s.clock.AdvanceTo(d.ExpiresAt)
	s.wantOverdue(t, s.clock.Now())
}

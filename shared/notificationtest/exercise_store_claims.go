package notificationtest

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
)

func testClaim(t *testing.T, s storeTest) {
	d := s.newDelivery()
	s.mustRecord(t, d)
	now := s.clock.Now()
	until := now.Add(30 * time.Second)
	leased := func(until time.Time) notification.Delivery {
		leased := cloneDelivery(d)
		leased.LeasedUntil = until
		return leased
	}
	for _, step := range []struct {
		name       string
		attempt    int
		now, until time.Time
		claimed    bool
		want       notification.Delivery
	}{
		{"an attempt that is on record", 1, now, until, false, d},
		{"one too far ahead", 3, now, until, false, d},
		{"the next", 2, now, until, true, d},
		{"the next, while it is leased", 2, until.Add(-1), until.Add(time.Hour), false, leased(until)},
		{"the next, when the lease has run out", 2, until, until.Add(time.Minute), true, leased(until)},
	} {
		got, claimed, err := s.Claim(t.Context(), d.DeliveryKey, step.attempt, step.now, step.until)
		if err != nil || claimed != step.claimed {
			t.Errorf("%s: got %t, %v, want %t", step.name, claimed, err, step.claimed)
		}
		wantEqual(t, step.name, step.want, got)
	}
	second := attempted(d, now)
	s.mustRecord(t, second)
	s.wantDelivery(t, second) // without a lease
	if _, claimed, err := s.Claim(t.Context(), d.DeliveryKey, 3, now, until); !claimed || err != nil {
		t.Errorf("claim after recording: got %t, %v, want true", claimed, err)
	}
}

// A note of a repeat is of one attempt, stays with it, and can be made twice.
func testNoteRepeat(t *testing.T, s storeTest) {
	d := s.newDelivery()
	if err := s.NoteRepeat(t.Context(), d.DeliveryKey, 1); notificationCode(err) != notification.NotFound {
		t.Errorf("of a delivery without a record: %v, want not_found", err)
	}
	d.Attempts[0].Repeated = false
	s.mustRecord(t, d)
	for range 2 {
		if err := s.NoteRepeat(t.Context(), d.DeliveryKey, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.NoteRepeat(t.Context(), d.DeliveryKey, 2); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("of an attempt that is not on record: %v, want a conflict", err)
	}
	d.Attempts[0].Repeated = true
	s.wantDelivery(t, d)
	second := attempted(d, s.clock.Now())
	second.Attempts[1].Repeated = false
	s.mustRecord(t, second)
	s.wantDelivery(t, second)
}

func testClaimUnknown(t *testing.T, s storeTest) {
	for _, id := range []string{ulid.Make().String(), "no ULID"} {
		key := notification.DeliveryKey{CloudName: s.cloud, DeliveryID: id}
		_, claimed, err := s.Claim(t.Context(), key, 1, s.clock.Now(), s.clock.Now().Add(time.Minute))
		if claimed || notificationCode(err) != notification.NotFound {
			t.Errorf("claim %s: got %t, %v, want not_found", id, claimed, err)
		}
	}
}

func testClaimedOnce(t *testing.T, s storeTest) {
	d := s.newDelivery()
	s.mustRecord(t, d)
	var claimed atomic.Int32
	together(writers, func(i int) {
		until := s.clock.Now().Add(time.Minute + time.Duration(i))
		got, ok, err := s.Claim(t.Context(), d.DeliveryKey, 2, s.clock.Now(), until)
		if err != nil {
			t.Error(err)
		}
		if ok {
			claimed.Add(1)
		}
		if ok != got.LeasedUntil.IsZero() { // who claims sees the record as it was before
			t.Errorf("claimed %t, the record is leased until %s", ok, got.LeasedUntil)
		}
	})
	if claimed.Load() != 1 {
		t.Errorf("claimed %d times", claimed.Load())
	}
}

package notificationtest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
)

var deliveryTests = map[string]func(*testing.T, storeTest){
	"unknown":                           testDeliveryUnknown,
	"round trip":                        testDeliveryRoundTrip,
	"only what is required":             testDeliveryEmpty,
	"the longest record":                testDeliveryLargest,
	"same id in another environment":    testDeliveriesApart,
	"many at once":                      testDeliveriesMany,
	"attempt over the one before":       testRecordNext,
	"attempt over another state":        testRecordConflict,
	"the very same attempt again":       testRecordRepeat,
	"batch with all kinds":              testRecordMixture,
	"two attempts in a batch":           testRecordTwiceInBatch,
	"many record the same attempt":      testRecordedOnce,
	"id that is no ULID":                testRecordInvalid,
	"nothing is recorded when canceled": testRecordCancelled,
	"expired":                           testDeliveryExpired,
	"claim":                             testClaim,
	"note a repeat":                     testNoteRepeat,
	"claim without a record":            testClaimUnknown,
	"many claim the same":               testClaimedOnce,
}

func testDeliveryUnknown(t *testing.T, s storeTest) {
	found, err := s.Deliveries(t.Context(), []notification.DeliveryKey{
		{CloudName: s.cloud, DeliveryID: ulid.Make().String()},
		{CloudName: s.cloud, DeliveryID: "no ULID"},
		{CloudName: s.cloud},
	})
	if len(found) != 0 || err != nil {
		t.Errorf("got %v, %v, want nothing and no error", found, err)
	}
	if found, err := s.Deliveries(t.Context(), nil); len(found) != 0 || err != nil {
		t.Errorf("got %v, %v for no keys, want nothing and no error", found, err)
	}
}

func testDeliveryRoundTrip(t *testing.T, s storeTest) {
	first := s.newDelivery()
	first.Attempts[0].Detail = awkward
	first.URL += awkward
	s.mustRecord(t, first)
	s.wantDelivery(t, first)
	second := attempted(first, s.clock.Now())
	second.Status, second.NextAt, second.NextLane = notification.Delivered, time.Time{}, ""
	second.ExpiresAt = first.ExpiresAt.Add(time.Hour)
	second.Attempts[1].Reason, second.Attempts[1].StatusCode = "", 200
	s.mustRecord(t, second)
	s.wantDelivery(t, second)
}

func testDeliveryEmpty(t *testing.T, s storeTest) {
	d := notification.Delivery{
		DeliveryKey: notification.DeliveryKey{CloudName: s.cloud, DeliveryID: ulid.Make().String()},
		ExpiresAt:   s.clock.Now().Add(time.Hour),
	}
	d.Attempted(notification.Attempt{Number: 1})
	s.mustRecord(t, d)
	s.wantDelivery(t, d)
}

func testDeliveryLargest(t *testing.T, s storeTest) {
	d := s.newDelivery()
	for d.AttemptCount < 20 {
		d.Attempts[len(d.Attempts)-1].Response = make([]byte, notification.LastResponseKept)
		s.mustRecord(t, d)
		d = attempted(d, s.clock.Advance(time.Minute))
	}
	s.mustRecord(t, d)
	s.wantDelivery(t, d)
	if len(d.Attempts) != notification.KeptAttempts {
		t.Errorf("%d attempts are kept, want %d", len(d.Attempts), notification.KeptAttempts)
	}
}

func testDeliveriesApart(t *testing.T, s storeTest) {
	here, there := s.newDelivery(), s.newDelivery()
	there.DeliveryID = here.DeliveryID
	there.CloudName += "-more"
	s.mustRecord(t, here)
	s.mustRecord(t, there)
	s.wantDelivery(t, here)
	s.wantDelivery(t, there)
}

func testDeliveriesMany(t *testing.T, s storeTest) {
	want := make(map[notification.DeliveryKey]notification.Delivery)
	var all []notification.Delivery
	var keys []notification.DeliveryKey
	for range 230 {
		d := s.newDelivery()
		all, want[d.DeliveryKey] = append(all, d), d
		unknown := notification.DeliveryKey{CloudName: s.cloud, DeliveryID: ulid.Make().String()}
		keys = append(keys, d.DeliveryKey, unknown, d.DeliveryKey) // one of them twice
	}
	s.mustRecord(t, all...)
	found, err := s.Deliveries(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "deliveries", want, found)
}

func testRecordNext(t *testing.T, s storeTest) {
	d := s.newDelivery()
	for range 5 {
		s.mustRecord(t, d)
		s.wantDelivery(t, d)
		d = attempted(d, s.clock.Advance(3*time.Minute))
	}
}

// wantConflict records a delivery and wants that to be refused.
func (s storeTest) wantConflict(t *testing.T, name string, d notification.Delivery) {
	t.Helper()
	failed := s.RecordAttempts(t.Context(), []notification.Delivery{d})
	if len(failed) != 1 || !errors.Is(failed[0], notification.ErrConflict) {
		t.Errorf("%s: got %v, want ErrConflict", name, failed)
	}
}

func testRecordConflict(t *testing.T, s storeTest) {
	first := s.newDelivery()
	second := attempted(first, s.clock.Now())
	third := attempted(second, s.clock.Now())
	s.wantConflict(t, "second without a first", second)
	s.mustRecord(t, first)
	s.wantConflict(t, "third over the first", third)

	other := first
	other.Attempts, other.AttemptCount = nil, 0
	other = attempted(other, s.clock.Now().Add(time.Second))
	s.wantConflict(t, "another first", other)

	s.mustRecord(t, second)
	s.wantConflict(t, "first over the second", first)
	s.wantConflict(t, "another second", attempted(first, s.clock.Now().Add(time.Second)))
	s.wantDelivery(t, second)
}

func testRecordRepeat(t *testing.T, s storeTest) {
	first := s.newDelivery()
	second := attempted(first, s.clock.Now())
	for _, d := range []notification.Delivery{first, first, second, second} { // each answer was lost once
		s.mustRecord(t, d)
	}
	s.wantDelivery(t, second)
}

func testRecordMixture(t *testing.T, s storeTest) {
	var before, batch []notification.Delivery
	conflicts := make(map[int]bool)
	for i := range 70 {
		first := s.newDelivery()
		switch i % 4 {
		case 0: // new
			batch = append(batch, first)
		case 1: // next
			before = append(before, first)
			batch = append(batch, attempted(first, s.clock.Now()))
		case 2: // repeat
			before = append(before, first)
			batch = append(batch, first)
		case 3: // behind
			before = append(before, first)
			conflicts[i] = true
			batch = append(batch, attempted(attempted(first, s.clock.Now()), s.clock.Now()))
		}
	}
	s.mustRecord(t, before...)
	failed := s.RecordAttempts(t.Context(), batch)
	for i, d := range batch {
		if got := errors.Is(failed[i], notification.ErrConflict); got != conflicts[i] {
			t.Errorf("number %d: got %v, want a conflict: %t", i, failed[i], conflicts[i])
		}
		if !conflicts[i] {
			s.wantDelivery(t, d)
		}
	}
}

func testRecordTwiceInBatch(t *testing.T, s storeTest) {
	first := s.newDelivery()
	second := attempted(first, s.clock.Now())
	s.mustRecord(t, first, s.newDelivery(), second)
	s.wantDelivery(t, second)
}

func testRecordedOnce(t *testing.T, s storeTest) {
	one := s.newDelivery()
	for number := range 2 { // the first and the second attempt
		var recorded atomic.Int32
		var last atomic.Pointer[notification.Delivery]
		together(writers, func(i int) {
			d := one
			if number == 0 {
				d.Attempts, d.AttemptCount = nil, 0
			}
			d = attempted(d, s.clock.Now().Add(time.Duration(i)*time.Second))
			failed := s.RecordAttempts(t.Context(), []notification.Delivery{d})
			switch err := failed[0]; {
			case err == nil:
				recorded.Add(1)
				last.Store(&d)
			case !errors.Is(err, notification.ErrConflict):
				t.Errorf("got %v, want ErrConflict", err)
			}
		})
		if recorded.Load() != 1 {
			t.Fatalf("attempt %d was recorded %d times", number+1, recorded.Load())
		}
		one = *last.Load()
		s.wantDelivery(t, one)
	}
}

func testRecordInvalid(t *testing.T, s storeTest) {
	invalid, valid := s.newDelivery(), s.newDelivery()
	invalid.DeliveryID = "no ULID"
	failed := s.RecordAttempts(t.Context(), []notification.Delivery{invalid, valid})
	if len(failed) != 1 || notificationCode(failed[0]) != notification.Invalid {
		t.Errorf("got %v, want the first to be invalid", failed)
	}
	s.wantDelivery(t, valid)
}

func notificationCode(err error) notification.Code {
	if e, ok := errors.AsType[*notification.Error](err); ok {
		return e.Code
	}
	return ""
}

func testRecordCancelled(t *testing.T, s storeTest) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := s.newDelivery()
	if failed := s.RecordAttempts(ctx, []notification.Delivery{d}); len(failed) != 1 {
		t.Errorf("got %v, want one failure", failed)
	}
	if found, err := s.Deliveries(t.Context(), []notification.DeliveryKey{d.DeliveryKey}); len(found) != 0 || err != nil {
		t.Errorf("got %v, %v, want nothing and no error", found, err)
	}
}

func testDeliveryExpired(t *testing.T, s storeTest) {
	d := s.newDelivery()
	s.mustRecord(t, d)
	s.clock.AdvanceTo(d.ExpiresAt.Add(-time.Second))
	s.wantDelivery(t, d)
	s.clock.AdvanceTo(d.ExpiresAt)
	found, err := s.Deliveries(t.Context(), []notification.DeliveryKey{d.DeliveryKey})
	if len(found) != 0 || err != nil {
		t.Errorf("got %v, %v, want nothing and no error", found, err)
	}
}

package notificationtest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

var eventTests = map[string]func(*testing.T, storeTest){
	"unknown":                          testEventUnknown,
	"round trip":                       testEventRoundTrip,
	"awkward ids":                      testEventAwkward,
	"only what is required":            testEventEmpty,
	"id is taken":                      testEventTaken,
	"same id in another environment":   testEventsApart,
	"the very same event again":        testEventRepeat,
	"many insert the same":             testEventInsertedOnce,
	"many insert overlapping batches":  testEventBatchesInsertedOnce,
	"batch with old and new":           testEventMixture,
	"same id twice in a batch":         testEventTwiceInBatch,
	"expired":                          testEventExpired,
	"expired in a batch":               testEventExpiredInBatch,
	"large bodies":                     testEventLarge,
	"nothing to insert":                testEventNone,
	"nothing is stored when cancelled": testEventCancelled,
}

func (s storeTest) wantEvent(t *testing.T, want notification.Event) {
	t.Helper()
	got, found, err := s.Event(t.Context(), want.CloudName, want.ID)
	if err != nil || !found {
		t.Fatalf("read event %q: %t, %v", want.ID, found, err)
	}
	wantEqual(t, "event", want, got)
}

func (s storeTest) wantNoEvent(t *testing.T, id string) {
	t.Helper()
	if _, found, err := s.Event(t.Context(), s.cloud, id); found || err != nil {
		t.Errorf("read event %s: got %t, %v, want false and no error", id, found, err)
	}
}

func testEventUnknown(t *testing.T, s storeTest) { s.wantNoEvent(t, "unknown") }

func testEventRoundTrip(t *testing.T, s storeTest) {
	one := s.newEvent("one", 1)
	s.mustInsert(t, one)
	s.wantEvent(t, one)

	two, three := s.newEvent("two", 30), s.newEvent("three", 2)
	two.Targets[3].TriggerID, two.Targets[3].Why = "", notification.ByCall
	s.mustInsert(t, two, three) // several go another way
	s.wantEvent(t, two)
	s.wantEvent(t, three)
}

func testEventAwkward(t *testing.T, s storeTest) {
	one, two, three := s.newEvent(awkward, 1), s.newEvent(awkward+"2", 1), s.newEvent("'?#\"", 1)
	for _, event := range []*notification.Event{&one, &two, &three} {
		event.NotificationType = awkward
		event.Targets[0].URL = "https://example.com/" + awkward
	}
	s.mustInsert(t, one)
	s.mustInsert(t, two, three)
	s.wantEvent(t, one)
	s.wantEvent(t, two)
	s.wantEvent(t, three)
}

func testEventEmpty(t *testing.T, s storeTest) {
	one := notification.Event{CloudName: s.cloud, ID: "1", Status: notification.EventAccepted, ExpiresAt: s.clock.Now().Add(time.Hour)}
	two, three := one, one
	two.ID, three.ID = "2", "3"
	s.mustInsert(t, one)
	s.mustInsert(t, two, three)
	s.wantEvent(t, one)
	s.wantEvent(t, two)
}

func testEventTaken(t *testing.T, s storeTest) {
	for _, targets := range []int{0, 2} {
		first := s.newEvent(fmt.Sprintf("taken-%d", targets), targets)
		s.mustInsert(t, first)
		second := s.newEvent(first.ID, targets)
		second.Hash, second.Body = []byte("another"), []byte("body")
		existing, failed := s.InsertEvents(t.Context(), []notification.Event{second})
		noneFailed(t, failed)
		wantEqual(t, "the event in the way", []*notification.Event{&first}, existing)
		s.wantEvent(t, first)
	}
}

func testEventsApart(t *testing.T, s storeTest) {
	here, there := s.newEvent("same", 1), s.newEvent("same", 1)
	there.CloudName += "-more"
	s.mustInsert(t, here)
	s.mustInsert(t, there)
	s.wantEvent(t, here)
	s.wantEvent(t, there)
}

// The repeat of a write whose answer was lost is recognised by the delivery
// ids, which nobody else can have made up.
func testEventRepeat(t *testing.T, s storeTest) {
	one, two := s.newEvent("one", 1), s.newEvent("two", 2)
	for range 2 {
		s.mustInsert(t, one)
		s.mustInsert(t, two, one)
	}
	none := s.newEvent("without deliveries", 0)
	s.mustInsert(t, none)
	existing, failed := s.InsertEvents(t.Context(), []notification.Event{none})
	noneFailed(t, failed)
	wantEqual(t, "the event in the way", []*notification.Event{&none}, existing)
}

// firsts remembers for each event id which insertions were told that they
// stored it, and that all others were shown that very event.
type firsts struct {
	mu     sync.Mutex
	stored map[string]notification.Event
	seen   []notification.Event
}

func (f *firsts) note(t *testing.T, events []notification.Event, existing []*notification.Event, failed map[int]error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, event := range events {
		if err := failed[i]; err != nil {
			t.Errorf("insert event %s: %v", event.ID, err)
			continue
		}
		if existing[i] != nil {
			f.seen = append(f.seen, *existing[i])
			continue
		}
		if _, twice := f.stored[event.ID]; twice {
			t.Errorf("event %s was stored twice", event.ID)
		}
		f.stored[event.ID] = event
	}
}

func (f *firsts) check(t *testing.T, s storeTest, stored, seen int) {
	t.Helper()
	if len(f.stored) != stored || len(f.seen) != seen {
		t.Fatalf("%d stored and %d seen, want %d and %d", len(f.stored), len(f.seen), stored, seen)
	}
	for _, event := range f.seen {
		wantEqual(t, "the event in the way", f.stored[event.ID], event)
	}
	for _, event := range f.stored {
		s.wantEvent(t, event)
	}
}

func testEventInsertedOnce(t *testing.T, s storeTest) {
	all := firsts{stored: make(map[string]notification.Event)}
	together(writers, func(int) {
		events := []notification.Event{s.newEvent("wanted", 1)}
		existing, failed := s.InsertEvents(t.Context(), events)
		all.note(t, events, existing, failed)
	})
	all.check(t, s, 1, writers-1)
}

func testEventBatchesInsertedOnce(t *testing.T, s storeTest) {
	const batches, size, step = 8, 30, 10
	all := firsts{stored: make(map[string]notification.Event)}
	together(batches, func(i int) {
		var events []notification.Event
		for id := i * step; id < i*step+size; id++ {
			events = append(events, s.newEvent(fmt.Sprint(id), 1))
		}
		existing, failed := s.InsertEvents(t.Context(), events)
		all.note(t, events, existing, failed)
	})
	distinct := (batches-1)*step + size
	all.check(t, s, distinct, batches*size-distinct)
}

func testEventMixture(t *testing.T, s storeTest) {
	const n = 130
	events, want := make([]notification.Event, n), make([]*notification.Event, n)
	var old []notification.Event
	for i := range events {
		events[i] = s.newEvent(fmt.Sprint(i), 1)
		if i%3 == 0 {
			there := s.newEvent(fmt.Sprint(i), 2)
			old, want[i] = append(old, there), &there
		}
	}
	s.mustInsert(t, old...)
	existing, failed := s.InsertEvents(t.Context(), events)
	noneFailed(t, failed)
	wantEqual(t, "the events in the way", want, existing)
	s.wantEvent(t, events[1])
	s.wantEvent(t, *want[0])
}

func testEventTwiceInBatch(t *testing.T, s storeTest) {
	events := []notification.Event{
		s.newEvent("twice", 1), s.newEvent("once", 1), s.newEvent("twice", 2), s.newEvent("twice", 3),
	}
	existing, failed := s.InsertEvents(t.Context(), events)
	noneFailed(t, failed)
	wantEqual(t, "the events in the way", []*notification.Event{nil, nil, &events[0], &events[0]}, existing)
	s.wantEvent(t, events[0])
}

func testEventExpired(t *testing.T, s storeTest) {
	old := s.newEvent("expires", 1)
	s.mustInsert(t, old)
	s.clock.AdvanceTo(old.ExpiresAt.Add(-time.Second))
	s.wantEvent(t, old)
	s.clock.AdvanceTo(old.ExpiresAt)
	s.wantNoEvent(t, old.ID)
	next := s.newEvent(old.ID, 1)
	s.mustInsert(t, next)
	s.wantEvent(t, next)
}

func testEventExpiredInBatch(t *testing.T, s storeTest) {
	expired, current := s.newEvent("expired", 1), s.newEvent("current", 1)
	current.ExpiresAt = current.ExpiresAt.Add(time.Hour)
	s.mustInsert(t, expired, current)
	s.clock.AdvanceTo(expired.ExpiresAt)
	events := []notification.Event{s.newEvent("expired", 2), s.newEvent("current", 2), s.newEvent("new", 2)}
	existing, failed := s.InsertEvents(t.Context(), events)
	noneFailed(t, failed)
	wantEqual(t, "the events in the way", []*notification.Event{nil, &current, nil}, existing)
	s.wantEvent(t, events[0])
	s.wantEvent(t, current)
}

func testEventLarge(t *testing.T, s storeTest) {
	var events []notification.Event
	for i := range 26 {
		event := s.newEvent(fmt.Sprint(i), 1)
		event.Body = bytes.Repeat([]byte{byte(i), 0xff}, 128<<10)
		events = append(events, event)
	}
	s.mustInsert(t, events...)
	again := make([]notification.Event, len(events))
	want := make([]*notification.Event, len(events))
	for i := range events {
		again[i], want[i] = s.newEvent(events[i].ID, 1), &events[i]
	}
	existing, failed := s.InsertEvents(t.Context(), again)
	noneFailed(t, failed)
	wantEqual(t, "the events in the way", want, existing)
}

func testEventNone(t *testing.T, s storeTest) {
	existing, failed := s.InsertEvents(t.Context(), nil)
	if len(existing) != 0 || len(failed) != 0 {
		t.Errorf("got %v, %v, want nothing", existing, failed)
	}
}

func testEventCancelled(t *testing.T, s storeTest) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, events := range [][]notification.Event{{s.newEvent("1", 1)}, {s.newEvent("1", 1), s.newEvent("2", 1)}} {
		if _, failed := s.InsertEvents(ctx, events); len(failed) != len(events) {
			t.Errorf("%d of %d failed", len(failed), len(events))
		}
	}
	s.wantNoEvent(t, "1")
	s.wantNoEvent(t, "2")
}

package notificationtest

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// changeTests are those of events that change after they were inserted.
var changeTests = map[string]func(*testing.T, storeTest){
	"every field":               testEventFields,
	"an eager that asks":        testEventEager,
	"read many":                 testEventsRead,
	"replace":                   testReplaceEvent,
	"replace what is not there": testReplaceNothing,
	"many replace the same":     testReplacedOnce,
}

// testEventFields fails for a field that is added to an event and not stored:
// none of what it stores is zero.
func testEventFields(t *testing.T, s storeTest) {
	at := s.clock.Now()
	full := s.newEvent("full", 2)
	full.Method, full.BatchID, full.Misfit, full.ParentID = "explicit", "b"+awkward, "public_id: is missing "+awkward, "parent"
	full.PublicIDs, full.LogID = []string{"b", "a" + awkward}, "01KGGVH71G3T9W6QH0ZC5V8N2M"
	full.Targets[0].Also = []notification.Naming{{Why: notification.ByTrigger, TriggerID: "t"}, {Why: notification.ByCall}}
	full.Status, full.HeldUntil = notification.EventHeld, at.Add(time.Hour+1).UTC()
	full.Eager = &notification.Eager{Requested: true, Async: true, NotificationURL: "https://a.example/" + awkward, CallURL: true, Uploads: 3}
	full.ReleasedAt, full.Release, full.Revision = at.Add(time.Minute+1).UTC(), notification.ReleasedLate, 7
	full.LeftOut = true
	for _, filled := range []any{full, *full.Eager, full.Targets[0]} {
		value := reflect.ValueOf(filled)
		for i := range value.NumField() {
			if value.Field(i).IsZero() {
				t.Errorf("%s.%s is zero, so that nobody sees whether it is stored", value.Type(), value.Type().Field(i).Name)
			}
		}
	}
	other := full
	other.ID, other.Status = "other", notification.EventSuppressed
	s.mustInsert(t, full)
	s.mustInsert(t, other, s.newEvent("besides", 0)) // several go another way
	s.wantEvent(t, full)
	s.wantEvent(t, other)

	full.Revision++
	if err := s.ReplaceEvent(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	s.wantEvent(t, full)
}

// An event that asks for nothing is not one that has nothing to do with eager
// transformations.
func testEventEager(t *testing.T, s storeTest) {
	var events []notification.Event
	for i, eager := range []*notification.Eager{{}, nil, {}, nil} {
		event := s.newEvent(fmt.Sprint(i), 0)
		event.Eager = eager
		events = append(events, event)
	}
	s.mustInsert(t, events[0])
	s.mustInsert(t, events[1])
	s.mustInsert(t, events[2:]...)
	for _, event := range events {
		s.wantEvent(t, event)
	}
}

func testEventsRead(t *testing.T, s storeTest) {
	var keys []notification.EventKey
	want := make(map[notification.EventKey]notification.Event)
	var events []notification.Event
	for i := range 120 {
		event := s.newEvent(fmt.Sprint(i), 1)
		if i%10 == 0 {
			event.Status, event.Eager, event.Revision = notification.EventHeld, &notification.Eager{Requested: true}, 1
		}
		events = append(events, event)
		keys = append(keys, event.Key())
		want[event.Key()] = event
	}
	s.mustInsert(t, events...)
	elsewhere := notification.EventKey{CloudName: s.cloud + "-more", EventID: "1"}
	keys = append(keys, keys[0], notification.EventKey{CloudName: s.cloud, EventID: "unknown"}, elsewhere, keys[0])
	got, err := s.Events(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "events", want, got)
	if got, err := s.Events(t.Context(), nil); err != nil || len(got) > 0 {
		t.Errorf("no keys: %d events, %v", len(got), err)
	}
	s.clock.AdvanceTo(events[0].ExpiresAt)
	if got, err := s.Events(t.Context(), keys); err != nil || len(got) > 0 {
		t.Errorf("%d expired events, %v", len(got), err)
	}
}

func (s storeTest) mustReplace(t *testing.T, event notification.Event) {
	t.Helper()
	if err := s.ReplaceEvent(t.Context(), event); err != nil {
		t.Fatal(err)
	}
}

func (s storeTest) wantReplaceConflict(t *testing.T, what string, event notification.Event) {
	t.Helper()
	if err := s.ReplaceEvent(t.Context(), event); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("%s: error = %v, want a conflict", what, err)
	}
}

func testReplaceEvent(t *testing.T, s storeTest) {
	event := s.half("upload", "one", "b")
	event.Status, event.HeldUntil = notification.EventHeld, s.clock.Now().Add(time.Hour).UTC()
	s.mustInsert(t, event)
	for revision := int64(1); revision <= 3; revision++ {
		before := event
		event.Revision, event.Status = revision, notification.EventAccepted
		event.Release, event.ReleasedAt = notification.ReleasedByBoth, s.clock.Now().Add(time.Duration(revision)).UTC()
		s.mustReplace(t, event)
		s.mustReplace(t, event) // the repeat of a write whose answer was lost
		s.wantEvent(t, event)

		for what, change := range map[string]func(*notification.Event){
			"what was there before":    func(e *notification.Event) { *e = before; e.Revision = revision },
			"of another status":        func(e *notification.Event) { e.Status = notification.EventSuppressed },
			"of other targets":         func(e *notification.Event) { e.Targets = s.newEvent("", 1).Targets },
			"released for another why": func(e *notification.Event) { e.Release = notification.ReleasedByTime },
			"released at another time": func(e *notification.Event) { e.ReleasedAt = e.ReleasedAt.Add(1) },
			"one too far":              func(e *notification.Event) { e.Revision += 2 },
		} {
			other := event
			change(&other)
			s.wantReplaceConflict(t, what, other)
		}
		s.wantEvent(t, event)
	}
}

func testReplaceNothing(t *testing.T, s storeTest) {
	for _, revision := range []int64{1, 4} {
		event := s.newEvent("unknown", 0)
		event.Revision = revision
		s.wantReplaceConflict(t, "an unknown event", event)
		s.wantNoEvent(t, event.ID)
	}
	event := s.newEvent("expires", 1)
	s.mustInsert(t, event)
	event.Revision = 1
	s.mustReplace(t, event)
	s.clock.AdvanceTo(event.ExpiresAt)
	s.wantReplaceConflict(t, "what an expired event is", event)
	event.Revision = 2
	s.wantReplaceConflict(t, "an expired event", event)
	s.wantNoEvent(t, event.ID)
}

func testReplacedOnce(t *testing.T, s storeTest) {
	event := s.newEvent("wanted", 1)
	s.mustInsert(t, event)
	var mu sync.Mutex
	var won []notification.Event
	together(writers, func(i int) {
		mine := event
		mine.Revision, mine.Release = 1, notification.ReleasedByBoth
		mine.ReleasedAt = s.clock.Now().Add(time.Duration(i)).UTC()
		err := s.ReplaceEvent(t.Context(), mine)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			won = append(won, mine)
		case !errors.Is(err, notification.ErrConflict):
			t.Error(err)
		}
	})
	if len(won) != 1 {
		t.Fatalf("%d replaced it, want 1", len(won))
	}
	s.wantEvent(t, won[0])
}

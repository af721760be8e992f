package scene

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Pictures of the same scene are the same.
func TestSceneIsTheSameEachTime(t *testing.T) {
	first, err := newWorld(t.Context(), Many)
	if err != nil {
		t.Fatal(err)
	}
	second, err := newWorld(t.Context(), Many)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.store.AllDeliveries(), second.store.AllDeliveries()); diff != "" {
		t.Errorf("deliveries differ:\n%s", diff)
	}
	if diff := cmp.Diff(first.store.AllEvents(), second.store.AllEvents()); diff != "" {
		t.Errorf("events differ:\n%s", diff)
	}
	if diff := cmp.Diff(first.marked, second.marked); diff != "" {
		t.Errorf("marked differ:\n%s", diff)
	}
}

// A scene of many has what pages are looked at for.
func TestSceneHasEverything(t *testing.T) {
	w, err := newWorld(t.Context(), Many)
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[notification.Status]int)
	var reasons []string
	for _, d := range w.store.AllDeliveries() {
		counts[d.Status]++
		if reason := string(d.LastReason()); reason != "" && !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	slices.Sort(reasons)
	if want := []string{"redirect", "status", "timeout", "tls"}; !slices.Equal(reasons, want) {
		t.Errorf("reasons %v, want %v", reasons, want)
	}
	if counts[notification.Delivered] < 200 || counts[notification.Retrying] < 10 || counts[notification.Exhausted] < 10 {
		t.Errorf("counts %v", counts)
	}
	for _, mark := range []string{markDelivered, markRetrying, markHostile, markHeld, markUnmatched, markEvent} {
		if w.marked[mark] == "" {
			t.Errorf("nothing is %s", mark)
		}
	}
	t.Log(counts, w.marked)
}

package notificationtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// HoldsContract is what the stages need of the hold queue, and a way to take
// holds off it.
type HoldsContract interface {
	StartHolds(ctx context.Context, holds []notification.Hold) (failed map[int]error)
	// Take returns and deletes what can be received now, at least n holds unless
	// fewer come for a while.
	Take(t *testing.T, n int) []notification.Hold
	// Pass lets time pass.
	Pass(d time.Duration)
}

// ExerciseHolds tests a hold queue. Each test opens one that is empty, with the
// clock that it goes by.
func ExerciseHolds(t *testing.T, open func(t *testing.T) (HoldsContract, func() time.Time)) {
	for name, test := range map[string]func(*testing.T, HoldsContract, func() time.Time){
		"many":                         manyHolds,
		"none":                         noHolds,
		"the same twice":               holdTwice,
		"not before it is over":        holdNotOver,
		"further ahead than one delay": holdFarAhead,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, now := open(t)
			test(t, q, func() time.Time { return now().UTC() })
		})
	}
}

func newHold(n int, until time.Time) notification.Hold {
	return notification.Hold{CloudName: "demo", EventID: fmt.Sprintf("event-%03d<&>", n), BatchID: "batch " + awkward, Until: until}
}

func manyHolds(t *testing.T, q HoldsContract, now func() time.Time) {
	var holds []notification.Hold
	for n := range 47 {
		holds = append(holds, newHold(n, now().Add(-time.Duration(n)*time.Hour)))
	}
	noneFailed(t, q.StartHolds(t.Context(), holds))
	got := q.Take(t, len(holds))
	slices.SortFunc(got, func(a, b notification.Hold) int { return strings.Compare(a.EventID, b.EventID) })
	wantEqual(t, "holds", holds, got)
}

func noHolds(t *testing.T, q HoldsContract, _ func() time.Time) {
	noneFailed(t, q.StartHolds(t.Context(), nil))
	wantEqual(t, "holds", []notification.Hold(nil), q.Take(t, 0))
}

// A hold is no record: whoever starts it twice gets it back twice.
func holdTwice(t *testing.T, q HoldsContract, now func() time.Time) {
	hold := newHold(1, now())
	noneFailed(t, q.StartHolds(t.Context(), []notification.Hold{hold}))
	noneFailed(t, q.StartHolds(t.Context(), []notification.Hold{hold}))
	wantEqual(t, "holds", []notification.Hold{hold, hold}, q.Take(t, 2))
}

// The time is no whole number of seconds, as a delay is.
func holdNotOver(t *testing.T, q HoldsContract, now func() time.Time) {
	hold := newHold(1, now().Add(1600*time.Millisecond))
	noneFailed(t, q.StartHolds(t.Context(), []notification.Hold{hold}))
	for now().Before(hold.Until.Add(10 * time.Second)) {
		got := q.Take(t, 0)
		if len(got) == 0 {
			q.Pass(50 * time.Millisecond)
			continue
		}
		wantEqual(t, "holds", []notification.Hold{hold}, got)
		if early := hold.Until.Sub(now()); early > 0 {
			t.Errorf("received %s early", early)
		}
		return
	}
	t.Error("it does not come back")
}

func holdFarAhead(t *testing.T, q HoldsContract, now func() time.Time) {
	noneFailed(t, q.StartHolds(t.Context(), []notification.Hold{
		newHold(1, now().Add(901*time.Second)), newHold(2, now().Add(24*time.Hour)), newHold(3, now().AddDate(500, 0, 0)),
	}))
	if early := q.Take(t, 0); len(early) > 0 {
		t.Errorf("received at once: %v", early)
	}
}

package notificationtest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
)

var recoveryTests = map[string]func(*testing.T, storeTest){
	"every field, and revisions": testRecovery,
	"list":                       testRecoveries,
	"pages are planned once":     testRecoveryPages,
	"expired":                    testRecoveryExpired,
}

// recovery is one with a value in every field.
func (s storeTest) recovery() notification.Recovery {
	now := s.clock.Now()
	return notification.Recovery{
		RecoveryKey: notification.RecoveryKey{CloudName: s.cloud, ID: ulid.Make().String()}, Status: notification.RecoveryRunning, Unmatched: true,
		Filter: notification.LogFilter{
			Status: notification.Exhausted, NotificationType: "upload", TriggerID: "t", URL: "https://a.example", PublicID: awkward,
			Reason: notification.ReasonTimeout,
		},
		From: now.Add(-time.Hour), To: now, MaxPerSecond: 20, By: "111", Cursor: ulid.Make().String(), Pages: 3, Part: 2, FirstPage: 1,
		Examined: 12, Queued: 7, Skipped: map[notification.SkipReason]int{notification.SkipUnderWay: 4, notification.SkipEventExpired: 1},
		Failure: "why", StartedAt: now, EndedAt: now.Add(time.Minute), ExpiresAt: now.Add(time.Hour), Revision: 1,
	}
}

func (s storeTest) wantRecovery(t *testing.T, want notification.Recovery) {
	t.Helper()
	got, found, err := s.Recovery(t.Context(), want.RecoveryKey)
	want.ExpiresAt = wholeSecond(want.ExpiresAt)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || !found || diff != "" {
		t.Errorf("%v, %v (-want +got):\n%s", found, err, diff)
	}
}

func testRecovery(t *testing.T, s storeTest) {
	r := s.recovery()
	if err := s.ReplaceRecovery(t.Context(), r); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("replace what is not there: %v", err)
	}
	for range 2 { // the repeat of a write whose answer was lost
		if err := s.InsertRecovery(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	s.wantRecovery(t, r)
	other := r
	other.StartedAt = r.StartedAt.Add(time.Second)
	if err := s.InsertRecovery(t.Context(), other); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("insert over another: %v", err)
	}
	next := r
	next.Revision, next.Status, next.Skipped, next.Failure, next.EndedAt = 2, notification.RecoveryDone, nil, "", time.Time{}
	if err := s.ReplaceRecovery(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if err := s.ReplaceRecovery(t.Context(), next); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("replace a revision twice: %v", err)
	}
	s.wantRecovery(t, next)
	if _, found, err := s.Recovery(t.Context(), notification.RecoveryKey{CloudName: s.cloud}); found || err != nil {
		t.Errorf("without an id: %v, %v", found, err)
	}
	if _, found, err := s.Recovery(t.Context(), notification.RecoveryKey{CloudName: s.cloud + "x", ID: r.ID}); found || err != nil {
		t.Errorf("of another environment: %v, %v", found, err)
	}
}

func testRecoveries(t *testing.T, s storeTest) {
	var ids []string
	for range 5 {
		r := s.recovery()
		if err := s.InsertRecovery(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		ids = append([]string{r.ID}, ids...)
		if _, _, err := s.PlanRecoveryPage(t.Context(), notification.RecoveryPage{RecoveryKey: r.RecoveryKey, Number: 1}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for before, more := "", true; more; {
		var page []notification.Recovery
		var err error
		if page, more, err = s.Recoveries(t.Context(), s.cloud, before, 2); err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			got = append(got, r.ID)
		}
		before = got[len(got)-1]
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	if list, more, err := s.Recoveries(t.Context(), s.cloud, "", 5); len(list) != 5 || more || err != nil {
		t.Errorf("listed %d, %v, %v", len(list), more, err)
	}
}

func testRecoveryPages(t *testing.T, s storeTest) {
	k := notification.RecoveryKey{CloudName: s.cloud, ID: ulid.Make().String()}
	var want []notification.RecoveryPage
	for n := 1; n <= 12; n++ {
		page := notification.RecoveryPage{RecoveryKey: k, Number: n, Next: fmt.Sprint("after ", n), ExpiresAt: wholeSecond(s.clock.Now().Add(time.Hour))}
		for i := range n {
			page.Steps = append(page.Steps, notification.RecoveryStep{DeliveryID: ulid.Make().String(), Attempts: i + 1})
		}
		page.Steps[0].EventID, page.Skipped = "an:event#1", map[notification.SkipReason]int{notification.SkipNoTrigger: n}
		if got, there, err := s.PlanRecoveryPage(t.Context(), page); there || err != nil || !cmp.Equal(page, got) {
			t.Fatalf("plan: %+v, %v, %v", got, there, err)
		}
		other := page
		other.Steps, other.Skipped, other.Next = nil, nil, ""
		if got, there, err := s.PlanRecoveryPage(t.Context(), other); !there || err != nil || !cmp.Equal(page, got) {
			t.Errorf("plan again: %+v, %v, %v, want the first plan", got, there, err)
		}
		want = append([]notification.RecoveryPage{page}, want...)
	}
	for _, limit := range []int{1, 5, 100} {
		got, err := s.RecoveryPages(t.Context(), k, limit)
		if diff := cmp.Diff(want[:min(limit, 12)], got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	if got, err := s.RecoveryPages(t.Context(), notification.RecoveryKey{CloudName: s.cloud, ID: "none"}, 5); len(got) != 0 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func testRecoveryExpired(t *testing.T, s storeTest) {
	r := s.recovery()
	if err := s.InsertRecovery(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	page := notification.RecoveryPage{RecoveryKey: r.RecoveryKey, Number: 1, ExpiresAt: r.ExpiresAt}
	if _, _, err := s.PlanRecoveryPage(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(time.Hour)
	if _, found, err := s.Recovery(t.Context(), r.RecoveryKey); found || err != nil {
		t.Errorf("read: %v, %v", found, err)
	}
	if list, more, err := s.Recoveries(t.Context(), s.cloud, "", 5); len(list) != 0 || more || err != nil {
		t.Errorf("listed %v, %v, %v", list, more, err)
	}
	if pages, err := s.RecoveryPages(t.Context(), r.RecoveryKey, 5); len(pages) != 0 || err != nil {
		t.Errorf("pages %v, %v", pages, err)
	}
}

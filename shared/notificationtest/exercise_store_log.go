package notificationtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
)

var logTests = map[string]func(*testing.T, storeTest){
	"pages by every filter": testLogPages,
	"times and expiry":      testLogTimes,
	"nothing":               testLogNothing,
	"rows of events":        testLogEvents,
	"heads":                 testEventHeads,
	"reopen":                testReopen,
}

// logged records deliveries of all kinds, over some hours: two of three in one
// partition of their hour, as a quiet environment has them, the others spread. They
// are returned in the order of a log, the latest first.
func (s storeTest) logged(t *testing.T, n int) []notification.Delivery {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	var all []notification.Delivery
	for i := range n {
		d := s.newDelivery()
		d.AcceptedAt = s.clock.Now().Add(-time.Duration(random.IntN(5*3600)) * time.Second)
		d.DeliveryID = ulid.MustNew(ulid.Timestamp(d.AcceptedAt), ulid.DefaultEntropy()).String()
		if i%3 > 0 {
			d.DeliveryID = d.DeliveryID[:len(d.DeliveryID)-1] + "0"
		}
		d.EventID = fmt.Sprintf("event-%d", i)
		d.Lead, d.LeftOut = i%2 == 0, i%3 == 0
		d.NotificationType = []string{"upload", "delete", "rename"}[random.IntN(3)]
		d.URL = []string{"https://a.example/1", "https://a.example/2"}[random.IntN(2)]
		d.TriggerID = strings.Repeat([]string{"a", "b"}[random.IntN(2)], 32)
		d.PublicIDs = [][]string{nil, {"dog"}, {"cat", "dog"}, {awkward}}[random.IntN(4)]
		d.Status = []notification.Status{notification.Delivered, notification.Retrying, notification.Exhausted}[random.IntN(3)]
		if d.Status != notification.Retrying {
			d.NextAt, d.NextLane = time.Time{}, ""
		}
		d.Attempts[0].Reason = ""
		if d.Status != notification.Delivered {
			d.Attempts[0].Reason = []notification.Reason{notification.ReasonStatus, notification.ReasonTimeout}[random.IntN(2)]
		}
		all = append(all, d)
	}
	s.mustRecord(t, all...)
	slices.SortFunc(all, func(a, b notification.Delivery) int { return strings.Compare(b.DeliveryID, a.DeliveryID) })
	return all
}

// wantLog reads all pages of a query.
func (s storeTest) wantLog(t *testing.T, q notification.LogQuery, want []notification.Delivery) {
	t.Helper()
	q.CloudName = s.cloud
	var got []notification.Delivery
	for pages := 0; ; pages++ {
		page, err := s.Log(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Rows) > q.Limit || pages > len(want)+40 {
			t.Fatalf("page %d of %+v has %d rows", pages, q, len(page.Rows))
		}
		got = append(got, page.Rows...)
		if page.Next == "" {
			break
		}
		q.Before = page.Next
	}
	ids := func(list []notification.Delivery) (ids []string) {
		for _, d := range list {
			ids = append(ids, d.DeliveryID)
		}
		return ids
	}
	if diff := cmp.Diff(ids(want), ids(got)); diff != "" {
		t.Fatalf("%+v (-want +got):\n%s", q, diff)
	}
	for i := range want {
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			t.Fatalf("%+v, row %d (-want +got):\n%s", q, i, diff)
		}
	}
}

func testLogPages(t *testing.T, s storeTest) {
	all := s.logged(t, 120)
	everything := notification.LogQuery{From: s.clock.Now().Add(-24 * time.Hour), To: s.clock.Now()}
	for _, filter := range []notification.LogFilter{
		{},
		{Status: notification.Delivered},
		{Status: notification.Retrying},
		{Status: notification.Exhausted},
		{Status: notification.Exhausted, NotificationType: "upload", Reason: notification.ReasonTimeout},
		{NotificationType: "delete"},
		{URL: "https://a.example/2"},
		{TriggerID: strings.Repeat("b", 32)},
		{PublicID: "dog"},
		{PublicID: awkward},
		{Reason: notification.ReasonTimeout},
		{NotificationType: "upload", PublicID: "cat", Status: notification.Delivered},
		{URL: "https://nobody.example/"},
	} {
		q := everything
		q.LogFilter = filter
		var want []notification.Delivery
		for _, d := range all {
			if q.Matches(d) {
				want = append(want, d)
			}
		}
		for _, q.Limit = range []int{7, 500} {
			s.wantLog(t, q, want)
		}
		q.Examine = 20 // which makes pages shorter, and loses nothing
		s.wantLog(t, q, want)
	}
	events := everything
	events.Events, events.Limit = true, 11
	s.wantLog(t, events, slices.DeleteFunc(slices.Clone(all), func(d notification.Delivery) bool { return !d.Lead }))
}

func testLogTimes(t *testing.T, s storeTest) {
	all := s.logged(t, 40)
	for _, status := range []notification.Status{"", notification.Exhausted} {
		from, to := all[30].AcceptedAt.Truncate(time.Millisecond), all[10].AcceptedAt
		q := notification.LogQuery{From: from, To: to, Limit: 3, LogFilter: notification.LogFilter{Status: status}}
		var within []notification.Delivery
		for _, d := range all {
			at := acceptedAt(d.DeliveryID)
			if !at.Before(from) && !at.After(to) && q.Matches(d) {
				within = append(within, d)
			}
		}
		s.wantLog(t, q, within)
		if status == "" && len(within) < 21 {
			t.Errorf("%d rows within bounds that are rows themselves, want 21 at least", len(within))
		}
	}
	s.clock.AdvanceTo(all[0].ExpiresAt)
	s.wantLog(t, notification.LogQuery{From: s.clock.Now().Add(-100 * time.Hour), To: s.clock.Now(), Limit: 10}, nil)
}

func testLogNothing(t *testing.T, s storeTest) {
	for _, status := range []notification.Status{"", notification.Exhausted} {
		s.wantLog(t, notification.LogQuery{
			From: time.Unix(0, 0), To: s.clock.Now(), Limit: 10, LogFilter: notification.LogFilter{Status: status},
		}, nil)
	}
}

func testLogEvents(t *testing.T, s storeTest) {
	event := s.newEvent("nobody-told", 0)
	event.AcceptedAt = s.clock.Now()
	event.LogID = ulid.MustNew(ulid.Timestamp(event.AcceptedAt), ulid.DefaultEntropy()).String()
	event.PublicIDs = []string{"dog", awkward}
	told := s.newEvent("told", 1)
	for range 2 { // a repeat changes nothing
		if failed := s.LogEvents(t.Context(), []notification.Event{told, event}); len(failed) > 0 {
			t.Fatal(failed)
		}
	}
	row := notification.Delivery{
		DeliveryKey: notification.DeliveryKey{CloudName: s.cloud, DeliveryID: event.LogID}, EventID: event.ID,
		NotificationType: event.NotificationType, PublicIDs: event.PublicIDs, AcceptedAt: event.AcceptedAt, ExpiresAt: event.ExpiresAt,
	}
	q := notification.LogQuery{From: s.clock.Now().Add(-time.Hour), To: s.clock.Now(), Limit: 10, Events: true}
	s.wantLog(t, q, []notification.Delivery{row})
	q.PublicID = "dog"
	s.wantLog(t, q, []notification.Delivery{row})
	q.PublicID = "cat"
	s.wantLog(t, q, nil)
	q.PublicID, q.Events = "", false
	s.wantLog(t, q, nil)
	if found, err := s.Deliveries(t.Context(), []notification.DeliveryKey{row.DeliveryKey}); err != nil || len(found) > 0 {
		t.Errorf("a row of an event reads as the delivery %v, %v", found, err)
	}
	event.LogID = "no ULID"
	if failed := s.LogEvents(t.Context(), []notification.Event{event}); notificationCode(failed[0]) != notification.Invalid {
		t.Errorf("got %v, want it to be invalid", failed)
	}
}

func testEventHeads(t *testing.T, s storeTest) {
	event := s.newEvent("head", 2)
	event.Targets[1].Also = []notification.Naming{{Why: notification.ByCall}, {Why: notification.ByTrigger, TriggerID: "t"}}
	event.PublicIDs, event.LogID, event.BatchID = []string{"dog"}, "log", "batch"
	event.Eager = &notification.Eager{Requested: true, NotificationURL: "https://example.com/e"}
	s.mustInsert(t, event)
	s.wantEvent(t, event)
	heads, err := s.EventHeads(t.Context(), []notification.EventKey{event.Key(), {CloudName: s.cloud, EventID: "unknown"}})
	if err != nil {
		t.Fatal(err)
	}
	event.Body, event.Hash = nil, nil
	if diff := cmp.Diff(map[notification.EventKey]notification.Event{event.Key(): event}, heads); diff != "" {
		t.Errorf("heads (-want +got):\n%s", diff)
	}
}

func testReopen(t *testing.T, s storeTest) {
	d := s.newDelivery()
	d.Status, d.NextAt, d.NextLane = notification.Exhausted, time.Time{}, ""
	now := s.clock.Now()
	if err := s.Reopen(t.Context(), d, now, notification.First); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("without a record: got %v, want ErrConflict", err)
	}
	s.mustRecord(t, d)
	s.wantLog(t, notification.LogQuery{From: now.Add(-time.Hour), To: now.Add(time.Hour), Limit: 5, LogFilter: notification.LogFilter{Status: notification.Exhausted}},
		[]notification.Delivery{d})
	if err := s.Reopen(t.Context(), d, now, notification.First); err != nil {
		t.Fatal(err)
	}
	d.Status, d.NextAt, d.NextLane, d.ScheduleFrom = notification.Retrying, now, notification.First, d.AttemptCount
	s.wantDelivery(t, d)
	s.wantOverdue(t, now, d)
	s.wantLog(t, notification.LogQuery{From: now.Add(-time.Hour), To: now.Add(time.Hour), Limit: 5, LogFilter: notification.LogFilter{Status: notification.Exhausted}}, nil)

	// Nothing is reopened that is being attempted, nor what is another by now.
	if _, claimed, err := s.Claim(t.Context(), d.DeliveryKey, d.AttemptCount+1, now, now.Add(time.Minute)); err != nil || !claimed {
		t.Fatal(claimed, err)
	}
	if err := s.Reopen(t.Context(), d, now, notification.First); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("under way: got %v, want ErrConflict", err)
	}
	next := attempted(d, now)
	s.mustRecord(t, next)
	if err := s.Reopen(t.Context(), d, now, notification.First); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("after another attempt: got %v, want ErrConflict", err)
	}
}

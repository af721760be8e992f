package history_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// recoverTest is recovery over fakes, and the workflow's part of it: parts that
// were started are done in turn.
type recoverTest struct {
	history.Recover
	clock *notificationtest.Clock
	store *notificationtest.Store
	queue *notificationtest.Queue
	hooks notification.Hooks
	// started are the parts that were started; starting says why none can be.
	started  []int
	starting error
}

// noURL is one that the guard refuses.
const noURL = "http://10.0.0.1/hook"

func newRecoverTest() *recoverTest {
	clock := notificationtest.NewClock(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
	r := &recoverTest{clock: clock, store: notificationtest.NewStore(clock.Now), queue: notificationtest.NewQueue(clock.Now)}
	r.Recover = history.Recover{
		Service:      history.Service{Records: r.store, Queue: r.queue, Guard: r, Now: clock.Now},
		Environments: r, Untold: r.store, Recoveries: r.store, Workflow: r, Retention: 24 * time.Hour,
	}
	return r
}

func (r *recoverTest) CheckURL(field, url string) error {
	if url == noURL {
		return notification.Errorf(notification.Invalid, "%s: not allowed", field)
	}
	return nil
}

func (r *recoverTest) Environment(context.Context, string) (notification.Environment, error) {
	return notification.Environment{CloudName: "demo", Hooks: r.hooks}, nil
}

func (r *recoverTest) StartRecovery(_ context.Context, _ notification.RecoveryKey, part int) error {
	if r.starting != nil {
		return r.starting
	}
	r.started = append(r.started, part)
	return nil
}

// event stores an accepted event with a row of its own in the log.
func (r *recoverTest) event(t *testing.T, id, eventType string, targets ...notification.Target) notification.Event {
	t.Helper()
	r.clock.Advance(time.Millisecond)
	now := r.clock.Now()
	event := notification.Event{
		CloudName: "demo", ID: id, NotificationType: eventType, Status: notification.EventAccepted, Hash: []byte(id), Targets: targets,
		Body: []byte(`{"notification_type":"` + eventType + `"`), AcceptedAt: now, ExpiresAt: now.Add(time.Hour),
	}
	if len(targets) == 0 {
		event.LogID = rowID(now)
	}
	if _, failed := r.store.InsertEvents(t.Context(), []notification.Event{event}); len(failed) > 0 {
		t.Fatal(failed)
	}
	if failed := r.store.LogEvents(t.Context(), []notification.Event{event}); len(failed) > 0 {
		t.Fatal(failed)
	}
	return event
}

func rowID(at time.Time) string {
	return ulid.MustNew(ulid.Timestamp(at), ulid.DefaultEntropy()).String()
}

// delivery stores an event with one delivery, after a failed attempt.
func (r *recoverTest) delivery(t *testing.T, url string, status notification.Status) notification.Delivery {
	t.Helper()
	id := rowID(r.clock.Now().Add(time.Millisecond))
	event := r.event(t, "e"+id, "upload", notification.Target{DeliveryID: id, URL: url, Why: notification.ByCall})
	d := notification.Delivery{
		DeliveryKey: notification.DeliveryKey{CloudName: "demo", DeliveryID: id}, EventID: event.ID, NotificationType: "upload", URL: url,
		Lead: true, Status: status, AcceptedAt: event.AcceptedAt, ExpiresAt: event.ExpiresAt,
	}
	if status == notification.Retrying {
		d.NextAt, d.NextLane = r.clock.Now().Add(time.Minute), notification.Slow
	}
	r.attempt(t, &d, notification.Attempt{Number: 1, Reason: notification.ReasonStatus})
	return d
}

func (r *recoverTest) attempt(t *testing.T, d *notification.Delivery, a notification.Attempt) {
	t.Helper()
	a.StartedAt = r.clock.Now()
	d.Attempted(a)
	if failed := r.store.RecordAttempts(t.Context(), []notification.Delivery{*d}); len(failed) > 0 {
		t.Fatal(failed)
	}
}

// asked is a recovery of all that is exhausted.
func (r *recoverTest) asked(perSecond int) notification.Recovery {
	return notification.Recovery{
		RecoveryKey: notification.RecoveryKey{CloudName: "demo", ID: ulid.Make().String()},
		Filter:      notification.LogFilter{Status: notification.Exhausted},
		From:        r.clock.Now().Add(-time.Hour), To: r.clock.Now().Add(time.Minute), MaxPerSecond: perSecond, By: "111",
	}
}

// start begins a recovery.
func (r *recoverTest) start(t *testing.T, asked notification.Recovery) notification.RecoveryKey {
	t.Helper()
	begun, err := r.Start(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	return begun.RecoveryKey
}

// run does what the workflow does, from a part on, until there is nothing more to
// do, each page again while it fails.
func (r *recoverTest) run(t *testing.T, k notification.RecoveryKey, part int) (pages int) {
	t.Helper()
	for tries := 0; ; {
		turn, err := r.Page(t.Context(), k, part)
		if err != nil {
			if tries++; tries > 30 {
				t.Fatal(err)
			}
			continue
		}
		pages++
		r.clock.AdvanceTo(turn.NextAt)
		switch turn.Next {
		case history.NextEnd:
			return pages
		case history.NextSuccessor:
			part = turn.Part
			r.started = append(r.started, part)
		}
	}
}

func (r *recoverTest) progress(t *testing.T, k notification.RecoveryKey) history.Progress {
	t.Helper()
	p, err := r.Progress(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantProgress compares what is said of a recovery.
func (r *recoverTest) wantProgress(t *testing.T, k notification.RecoveryKey, status notification.RecoveryStatus, examined, queued int, skipped map[notification.SkipReason]int) {
	t.Helper()
	got := r.progress(t, k)
	if got.Status != status || got.Examined != examined || got.Queued != queued || !cmp.Equal(orEmpty(got.Skipped), orEmpty(skipped)) {
		t.Errorf("%s: examined %d, queued %d, skipped %v; want %s, %d, %d, %v",
			got.Status, got.Examined, got.Queued, got.Skipped, status, examined, queued, skipped)
	}
}

func orEmpty(m map[notification.SkipReason]int) map[notification.SkipReason]int {
	if m == nil {
		return map[notification.SkipReason]int{}
	}
	return m
}

// take returns the messages that wait on the slow lane, those of the same attempt
// once.
func (r *recoverTest) take() []notification.Message {
	var list []notification.Message
	known := make(map[string]bool)
	for _, m := range r.queue.Waiting() {
		if id := fmt.Sprint(m.DeliveryID, m.Attempt); m.Lane == notification.Slow && !known[id] {
			known[id], list = true, append(list, m)
		}
	}
	return list
}

func TestRecover(t *testing.T) {
	r := newRecoverTest()
	want := make(map[string]bool)
	for i := range 250 {
		want[r.delivery(t, fmt.Sprintf("https://%d.example", i%3), notification.Exhausted).DeliveryID] = true
	}
	r.delivery(t, "https://fine.example", notification.Delivered)
	r.delivery(t, "https://waits.example", notification.Retrying)
	r.delivery(t, noURL, notification.Exhausted)

	asked := r.asked(10)
	count, err := r.Count(t.Context(), asked)
	skipped := map[notification.SkipReason]int{notification.SkipURLNotAllowed: 1}
	if diff := cmp.Diff(history.RecoveryCount{Deliveries: 250, Skipped: skipped, URLs: 3, Takes: 25 * time.Second}, count); err != nil || diff != "" {
		t.Errorf("count: %v (-want +got):\n%s", err, diff)
	}
	if len(r.queue.Waiting()) != 0 {
		t.Error("a count has queued something")
	}

	k := r.start(t, asked)
	began := r.clock.Now()
	r.run(t, k, 1)
	if took := r.clock.Now().Sub(began); took < 25*time.Second || took > 27*time.Second {
		t.Errorf("250 at 10 a second took %s", took)
	}
	r.wantProgress(t, k, notification.RecoveryDone, 251, 250, skipped)
	inSecond := make(map[int]int)
	for _, m := range r.take() {
		if !want[m.DeliveryID] || m.Attempt != 2 || m.Lane != notification.Slow || !m.IsReference() {
			t.Errorf("queued %+v", m)
		}
		delete(want, m.DeliveryID)
		inSecond[int(m.DueAt.Sub(began)/time.Second)]++
	}
	if len(want) != 0 {
		t.Errorf("%d were not queued", len(want))
	}
	for second, n := range inSecond {
		if n > 10 {
			t.Errorf("%d are due in second %d", n, second)
		}
	}
	// What has become of them is read from their records.
	all := r.store.AllDeliveries()
	for i := range all {
		if all[i].ScheduleFrom == 1 && i%2 == 0 {
			all[i].Status = notification.Delivered
			r.attempt(t, &all[i], notification.Attempt{Number: 2})
		}
	}
	results := r.progress(t, k).Results
	if results[notification.Delivered] < 100 || results[notification.Delivered]+results[notification.Retrying] != 250 {
		t.Errorf("results %v", results)
	}
}

// Whatever call fails, before or after it took effect, each delivery is queued,
// and claimed once.
func TestRecoverFaults(t *testing.T) {
	for nth := range 60 {
		for _, after := range []bool{false, true} {
			r := newRecoverTest()
			for range 30 {
				r.delivery(t, "https://a.example", notification.Exhausted)
			}
			k := r.start(t, r.asked(3))
			calls := 0
			fault := func(c notificationtest.Call) error {
				if c.After == after {
					if calls++; calls == nth+1 {
						return errors.New("fault")
					}
				}
				return nil
			}
			r.store.OnCall(fault)
			r.queue.OnCall(fault)
			r.run(t, k, 1)
			r.store.OnCall(nil)
			r.queue.OnCall(nil)
			r.wantProgress(t, k, notification.RecoveryDone, 30, 30, nil)
			if got := len(r.take()); got != 30 {
				t.Fatalf("fault at call %d, after %v: %d of 30 queued", nth, after, got)
			}
		}
	}
}

// An execution ends long before its history is full; the next one takes over.
func TestRecoverSuccessor(t *testing.T) {
	r := newRecoverTest()
	for range 95 * 5 {
		r.delivery(t, "https://a.example", notification.Exhausted)
	}
	k := r.start(t, r.asked(1))
	r.run(t, k, 1)
	if diff := cmp.Diff([]int{1, 2, 3}, r.started); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	r.wantProgress(t, k, notification.RecoveryDone, 475, 475, nil)
	// A part that comes again finds that it is over.
	for _, part := range []int{1, 2, 3} {
		if turn, err := r.Page(t.Context(), k, part); err != nil || turn.Next != history.NextEnd {
			t.Errorf("part %d again: %+v, %v", part, turn, err)
		}
	}
}

func TestRecoverStopAndResume(t *testing.T) {
	r := newRecoverTest()
	for range 100 {
		r.delivery(t, "https://a.example", notification.Exhausted)
	}
	k := r.start(t, r.asked(4))
	if _, err := r.Page(t.Context(), k, 1); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if of, err := r.Stop(t.Context(), k); err != nil || of.Status != notification.RecoveryStopped || of.EndedAt.IsZero() {
			t.Fatalf("stop: %+v, %v", of, err)
		}
	}
	if turn, err := r.Page(t.Context(), k, 1); err != nil || turn.Next != history.NextEnd {
		t.Fatalf("a page of what is stopped: %+v, %v", turn, err)
	}
	r.wantProgress(t, k, notification.RecoveryStopped, 20, 20, nil)
	if of, err := r.Resume(t.Context(), k); err != nil || of.Part != 2 || of.Status != notification.RecoveryRunning || !of.EndedAt.IsZero() {
		t.Fatalf("resume: %+v, %v", of, err)
	}
	// The execution that was stopped may wake up, and hands over to the new part.
	if turn, err := r.Page(t.Context(), k, 1); err != nil || turn.Next != history.NextSuccessor || turn.Part != 2 {
		t.Errorf("the old part: %+v, %v", turn, err)
	}
	r.run(t, k, 2)
	r.wantProgress(t, k, notification.RecoveryDone, 100, 100, nil)
	if _, err := r.Resume(t.Context(), k); notification.CodeOf(err) != notification.Conflict {
		t.Errorf("resume what is done: %v", err)
	}
	if of, err := r.Stop(t.Context(), k); err != nil || of.Status != notification.RecoveryDone {
		t.Errorf("stop what is done: %+v, %v", of, err)
	}
}

func TestRecoverFailed(t *testing.T) {
	r := newRecoverTest()
	r.delivery(t, "https://a.example", notification.Exhausted)
	r.starting = errors.New("no workflow today")
	asked := r.asked(4)
	_, err := r.Start(t.Context(), asked)
	if notification.CodeOf(err) != notification.Unavailable || !strings.Contains(err.Error(), "no workflow today") {
		t.Fatalf("start: %v", err)
	}
	k := asked.RecoveryKey
	if got := r.progress(t, k); got.Status != notification.RecoveryFailed || got.Failure == "" {
		t.Errorf("%+v", got.Recovery)
	}
	r.starting = nil
	if _, err := r.Resume(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	for _, part := range []int{1, 3} { // neither is the one that runs
		if err := r.Fail(t.Context(), k, part, "why"); err != nil {
			t.Fatal(err)
		}
	}
	r.run(t, k, 2)
	r.wantProgress(t, k, notification.RecoveryDone, 1, 1, nil)
	if _, err := r.Progress(t.Context(), notification.RecoveryKey{CloudName: "other", ID: k.ID}); notification.CodeOf(err) != notification.NotFound {
		t.Errorf("of another environment: %v", err)
	}
}

// What somebody else has attempted, or is about to, is left alone.
func TestRecoverSkips(t *testing.T) {
	r := newRecoverTest()
	leased := r.delivery(t, "https://a.example", notification.Exhausted)
	moved := r.delivery(t, "https://a.example", notification.Exhausted)
	resent := r.delivery(t, "https://a.example", notification.Exhausted)
	gone := r.delivery(t, "https://a.example", notification.Exhausted)
	plain := r.delivery(t, "https://a.example", notification.Exhausted)
	if _, err := r.Resend(t.Context(), resent.DeliveryKey); err != nil {
		t.Fatal(err)
	}
	now := r.clock.Now()
	if _, claimed, err := r.store.Claim(t.Context(), leased.DeliveryKey, 2, now, now.Add(time.Minute)); !claimed || err != nil {
		t.Fatal(claimed, err)
	}
	asked := r.asked(4)
	asked.Filter.Status = "" // so that the resent one is among them
	k := r.start(t, asked)
	// Between plan and deed one is attempted, and one expires.
	r.store.OnCall(func(c notificationtest.Call) error {
		if c.Op == "PlanRecoveryPage" && c.After {
			r.store.OnCall(nil)
			r.attempt(t, &moved, notification.Attempt{Number: 2})
			gone.ExpiresAt = now
			r.attempt(t, &gone, notification.Attempt{Number: 2})
		}
		return nil
	})
	r.run(t, k, 1)
	r.wantProgress(t, k, notification.RecoveryDone, 5, 1,
		map[notification.SkipReason]int{notification.SkipUnderWay: 3, notification.SkipEventExpired: 1})
	for _, m := range r.take() {
		if m.DeliveryID != plain.DeliveryID {
			t.Errorf("queued %+v", m)
		}
	}
}

package notificationtest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

var batchTests = map[string]func(*testing.T, storeTest){
	"join":                            testJoinBatch,
	"same id in another environment":  testBatchesApart,
	"many join the same":              testManyJoin,
	"both halves at the same instant": testRacingHalves,
	"a full one":                      testFullBatch,
	"many want the last places":       testLastPlaces,
	"expires with the last to expire": testBatchExpiry,
	"an expired one":                  testExpiredBatch,
	"many begin an expired one anew":  testManyBegin,
	"time out":                        testTimeOutBatch,
	"time out many times at once":     testManyTimeOuts,
}

// half returns one half of a pair.
func (s storeTest) half(kind, id, batchID string) notification.Event {
	event := s.newEvent(id, 1)
	event.NotificationType, event.BatchID = kind, batchID
	event.Eager = &notification.Eager{Requested: kind == "upload"}
	return event
}

func (s storeTest) mustJoin(t *testing.T, event notification.Event) notification.Batch {
	t.Helper()
	batch, err := s.JoinBatch(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// joinTogether lets events join at the same instant, each of which must.
func (s storeTest) joinTogether(t *testing.T, events []notification.Event) {
	t.Helper()
	together(len(events), func(i int) {
		if _, err := s.JoinBatch(t.Context(), events[i]); err != nil {
			t.Error(err)
		}
	})
}

// mustTimeOut times out a batch that is there.
func (s storeTest) mustTimeOut(t *testing.T, id string, at time.Time) notification.Batch {
	t.Helper()
	batch, found, err := s.TimeOutBatch(t.Context(), s.cloud, id, at)
	if err != nil || !found {
		t.Fatalf("time out batch %q: %t, %v", id, found, err)
	}
	return batch
}

func (s storeTest) wantNoBatch(t *testing.T, id string) {
	t.Helper()
	if batch, found, err := s.TimeOutBatch(t.Context(), s.cloud, id, s.clock.Now()); found || err != nil {
		t.Errorf("time out batch %q: got %+v, %t, %v, want false and no error", id, batch, found, err)
	}
}

func testJoinBatch(t *testing.T, s storeTest) {
	for _, id := range []string{"plain", awkward, "with # in it"} {
		upload, explicit, eager := s.half("upload", "u"+awkward, id), s.half("explicit", "e", id), s.half("eager", "1", id)
		want := notification.Batch{CloudName: s.cloud, ID: id, Uploads: []string{upload.ID}, ExpiresAt: upload.ExpiresAt.UTC()}
		for range 2 {
			wantEqual(t, "batch", want, s.mustJoin(t, upload))
		}
		want.Uploads = []string{"e", upload.ID}
		wantEqual(t, "batch", want, s.mustJoin(t, explicit))
		want.Eagers = []string{"1"}
		for range 2 {
			wantEqual(t, "batch", want, s.mustJoin(t, eager))
		}
		wantEqual(t, "batch", want, s.mustJoin(t, upload))
	}
}

func testBatchesApart(t *testing.T, s storeTest) {
	s.mustJoin(t, s.half("eager", "e", "same"))
	elsewhere := s.half("upload", "u", "same")
	elsewhere.CloudName += "-more"
	if batch := s.mustJoin(t, elsewhere); batch.Complete() {
		t.Errorf("a batch of another environment is %+v", batch)
	}
}

func testManyJoin(t *testing.T, s storeTest) {
	events, want := make([]notification.Event, writers), make([]string, writers)
	for i := range events {
		want[i] = fmt.Sprintf("%02d", i)
		events[i] = s.half("upload", want[i], "b")
		events[i].ExpiresAt = events[i].ExpiresAt.Add(time.Duration(i*7%writers) * time.Second)
	}
	s.joinTogether(t, events)
	batch := s.mustJoin(t, events[0])
	wantEqual(t, "uploads", want, batch.Uploads)
	if last := events[0].ExpiresAt.Add((writers - 1) * time.Second); !batch.ExpiresAt.Equal(last) {
		t.Errorf("it expires at %s, want %s", batch.ExpiresAt, last)
	}
}

// Of two halves that join at the same instant, one sees both, or nobody would
// tell; the other does not, unless the answer to it was lost and it asked again,
// as it may now and then.
func testRacingHalves(t *testing.T, s storeTest) {
	const pairs, atOnce, again = 200, 10, 10
	slots := make(chan struct{}, atOnce)
	var bothSaw atomic.Int64
	together(pairs, func(i int) {
		slots <- struct{}{}
		defer func() { <-slots }()
		var saw [2]bool
		together(2, func(kind int) {
			event := s.half([]string{"upload", "eager"}[kind], fmt.Sprint("e", kind), fmt.Sprint(i))
			event.ExpiresAt = event.ExpiresAt.Add(time.Duration(i%3*kind) * time.Second)
			batch, err := s.JoinBatch(t.Context(), event)
			if err != nil {
				t.Error(err)
			}
			saw[kind] = batch.Complete()
		})
		switch {
		case !saw[0] && !saw[1]:
			t.Errorf("pair %d: neither half saw both", i)
		case saw[0] && saw[1]:
			bothSaw.Add(1)
		}
	})
	if n := bothSaw.Load(); n > again {
		t.Errorf("of %d pairs, both halves saw both", n)
	}
}

func (s storeTest) wantFull(t *testing.T, event notification.Event) {
	t.Helper()
	_, err := s.JoinBatch(t.Context(), event)
	want := fmt.Sprintf("batch_id: %d events name it already", notification.MaxBatch)
	if notification.CodeOf(err) != notification.Conflict || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func testFullBatch(t *testing.T, s storeTest) {
	events := make([]notification.Event, notification.MaxBatch)
	for i := range events {
		events[i] = s.half([]string{"upload", "eager", "explicit"}[i%3], fmt.Sprint(i), "b")
	}
	s.joinTogether(t, events)
	s.wantFull(t, s.half("eager", "one more", "b"))
	s.wantFull(t, s.half("upload", "one more", "b"))
	for _, event := range []notification.Event{s.half("upload", "0", "b"), s.half("eager", "7", "b")} {
		event.ExpiresAt = event.ExpiresAt.Add(time.Minute)
		batch := s.mustJoin(t, event)
		if n := len(batch.Uploads) + len(batch.Eagers); n != notification.MaxBatch || !batch.ExpiresAt.Equal(event.ExpiresAt) {
			t.Errorf("joined again: %d events until %s", n, batch.ExpiresAt)
		}
	}
}

// To join again takes no place.
func testLastPlaces(t *testing.T, s storeTest) {
	const free = 10
	events := make([]notification.Event, notification.MaxBatch-free)
	for i := range events {
		events[i] = s.half("upload", fmt.Sprint(i), "b")
	}
	s.joinTogether(t, slices.Concat(events, events[:free]))
	var joined [writers]bool
	together(writers, func(i int) {
		event := s.half([]string{"upload", "eager"}[i%2], fmt.Sprint("last", i), "b")
		_, err := s.JoinBatch(t.Context(), event)
		if joined[i] = err == nil; !joined[i] && notification.CodeOf(err) != notification.Conflict {
			t.Error(err)
		}
	})
	n := 0
	for _, ok := range joined {
		if ok {
			n++
		}
	}
	batch := s.mustJoin(t, s.half("upload", "0", "b"))
	if n != free || len(batch.Uploads)+len(batch.Eagers) != notification.MaxBatch {
		t.Errorf("%d joined, %d uploads and %d eagers are in it", n, len(batch.Uploads), len(batch.Eagers))
	}
}

func testBatchExpiry(t *testing.T, s storeTest) {
	at := s.clock.Now().Add(time.Hour).UTC()
	for _, step := range []struct {
		name string
		id   string
		at   time.Time
		want time.Time
	}{
		{"the first", "1", at, at},
		{"earlier", "2", at.Add(-time.Minute), at},
		{"earlier, again", "2", at.Add(-time.Minute), at},
		{"the same", "3", at, at},
		{"later", "4", at.Add(time.Minute), at.Add(time.Minute)},
		{"the first, reported anew", "1", at.Add(time.Hour), at.Add(time.Hour)},
	} {
		for _, kind := range []string{"upload", "eager"} {
			event := s.half(kind, kind+step.id, "b")
			event.ExpiresAt = step.at.Add(987654321)
			if got := s.mustJoin(t, event).ExpiresAt; !got.Equal(step.want) {
				t.Errorf("%s: expires at %s, want %s", step.name, got, step.want)
			}
		}
	}
	s.clock.AdvanceTo(at.Add(time.Hour - time.Second))
	s.mustTimeOut(t, "b", s.clock.Now())
	s.clock.AdvanceTo(at.Add(time.Hour))
	s.wantNoBatch(t, "b")
}

func testExpiredBatch(t *testing.T, s storeTest) {
	old := s.half("upload", "old", "b")
	s.mustJoin(t, old)
	s.mustTimeOut(t, "b", s.clock.Now())
	s.clock.AdvanceTo(old.ExpiresAt)
	s.wantNoBatch(t, "b")
	next := s.half("eager", "new", "b")
	want := notification.Batch{CloudName: s.cloud, ID: "b", Eagers: []string{"new"}, ExpiresAt: next.ExpiresAt.UTC()}
	for range 2 {
		wantEqual(t, "batch", want, s.mustJoin(t, next))
	}
	old.ExpiresAt = next.ExpiresAt
	if !s.mustJoin(t, old).Complete() {
		t.Error("an event of the expired batch does not join the new one")
	}
}

func testManyBegin(t *testing.T, s storeTest) {
	for i := range 5 {
		s.mustJoin(t, s.half("upload", fmt.Sprint("old", i), "b"))
	}
	s.mustTimeOut(t, "b", s.clock.Now())
	s.clock.Advance(2 * time.Hour)
	events := make([]notification.Event, notification.MaxBatch)
	for i := range events {
		events[i] = s.half("eager", fmt.Sprint("new", i), "b")
		events[i].ExpiresAt = events[i].ExpiresAt.Add(time.Duration(i%5) * time.Second)
	}
	s.joinTogether(t, events)
	s.wantFull(t, s.half("eager", "one more", "b"))
	batch := s.mustJoin(t, events[0])
	if len(batch.Eagers) != len(events) || len(batch.Uploads) > 0 || !batch.TimedOutAt.IsZero() {
		t.Errorf("batch = %+v, want it begun anew", batch)
	}
}

func testTimeOutBatch(t *testing.T, s storeTest) {
	at := s.clock.Now().Add(1).UTC()
	s.wantNoBatch(t, "b")
	want := s.mustJoin(t, s.half("upload", "u", "b"))
	for _, step := range []struct{ at, want time.Time }{
		{at, at}, {at, at}, {at.Add(time.Nanosecond), at.Add(time.Nanosecond)}, {at, at.Add(time.Nanosecond)},
	} {
		want.TimedOutAt = step.want
		wantEqual(t, "batch", want, s.mustTimeOut(t, "b", step.at))
	}
	want = s.mustJoin(t, s.half("eager", "e", "b"))
	if want.TimedOutAt.IsZero() || !want.Complete() {
		t.Errorf("batch = %+v", want)
	}
	wantEqual(t, "a complete batch", want, s.mustTimeOut(t, "b", at.Add(time.Minute)))
	got, found, err := s.Batch(t.Context(), s.cloud, "b")
	if wantEqual(t, "the batch, read", want, got); !found || err != nil {
		t.Errorf("read: %t, %v", found, err)
	}
}

func testManyTimeOuts(t *testing.T, s storeTest) {
	at := s.clock.Now().UTC()
	s.mustJoin(t, s.half("eager", "e", "b"))
	saw := make([]time.Time, writers)
	together(writers, func(i int) {
		batch, found, err := s.TimeOutBatch(t.Context(), s.cloud, "b", at.Add(time.Duration(i)))
		if err != nil || !found || batch.TimedOutAt.Before(at.Add(time.Duration(i))) {
			t.Errorf("number %d: %+v, %t, %v", i, batch, found, err)
		}
		saw[i] = batch.TimedOutAt
	})
	last := slices.MaxFunc(saw, time.Time.Compare)
	if got := s.mustTimeOut(t, "b", at).TimedOutAt; !last.Equal(at.Add(writers-1)) || !got.Equal(last) {
		t.Errorf("timed out at %s, the last saw %s", got, last)
	}
}

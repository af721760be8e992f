package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// held is the answer to one event that may be held.
type held struct {
	reported
	BatchID   string    `json:"batch_id"`
	HeldUntil time.Time `json:"held_until"`
	Release   string
}

func reportHalf(t *testing.T, event string) held {
	t.Helper()
	a := call(t, "POST", "/events", event)
	if a.status != 202 {
		t.Errorf("report half: %d %s", a.status, a.body)
		return held{}
	}
	var h held
	a.decode(t, &h)
	return h
}

func uploadHalf(id, batch, url string) string {
	return fmt.Sprintf(`{"event_id":"%s-upload","notification_type":"upload","payload":{"public_id":%q},"eager":"c_fill,w_400","notification_url":%q,"batch_id":%q}`,
		id, id, url, batch)
}

func eagerHalf(id, batch string) string {
	return fmt.Sprintf(`{"event_id":"%s-eager","notification_type":"eager","payload":{"public_id":%q,"batch_id":%q,"eager":[{"transformation":"c_fill,w_400"}]}}`,
		id, id, batch)
}

// An upload waits for its transformations, and is told when their result comes.
func TestEagerIsHeldThenReleased(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	id := eventID()
	upload := reportHalf(t, uploadHalf(id, "", receiver.URL("/"+id)))
	if upload.Status != "held" || upload.BatchID == "" || time.Until(upload.HeldUntil) > holdTimeout || len(upload.Deliveries) != 1 {
		t.Fatalf("upload: %+v", upload)
	}
	began := time.Now()
	result := reportHalf(t, eagerHalf(id, upload.BatchID))
	if result.Status != "accepted" || result.Release != "both" || len(result.Deliveries) != 0 {
		t.Errorf("result: %+v", result)
	}
	got := receiver.Wait(t, 1)[0]
	if got.ReceivedAt.Before(began) {
		t.Error("told before the result came")
	}
	if got.Header.Get("X-Mediahooks-Delivery") != upload.Deliveries[0].DeliveryID || !strings.Contains(string(got.Body), `"notification_type":"upload"`) {
		t.Errorf("told %v %s", got.Header, got.Body)
	}
	again := reportHalf(t, eagerHalf(id, upload.BatchID))
	if again.Status != "duplicate" || again.Release != "both" {
		t.Errorf("result again: %+v", again)
	}
	toldOnce(t, receiver, 1)
	var half shown
	if get(t, "/events/"+result.EventID, &half); !slices.Equal(half.BatchEvents, []string{upload.EventID}) {
		t.Errorf("the other events of the batch: %v, want %s", half.BatchEvents, upload.EventID)
	}
}

// A half that stays alone is told when its time is over, and not before.
func TestEagerTimesOut(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	id := eventID()
	began := time.Now()
	upload := reportHalf(t, uploadHalf(id, "", receiver.URL("/"+id)))
	if upload.Status != "held" {
		t.Fatalf("upload: %+v", upload)
	}
	got := receiver.Wait(t, 1)[0]
	took := got.ReceivedAt.Sub(began)
	t.Logf("told after %.2f s", took.Seconds())
	if took < holdTimeout || took > holdTimeout+10*time.Second {
		t.Errorf("told after %s, want about %s", took, holdTimeout)
	}
	late := reportHalf(t, eagerHalf(id, upload.BatchID))
	if late.Status != "accepted" || late.Release != "late" || len(late.Deliveries) != 0 {
		t.Errorf("late result: %+v", late)
	}
	toldOnce(t, receiver, 1)
}

// Two hundred uploads and their results, each pair reported at the same instant:
// each upload is told exactly once.
func TestEagerRaces(t *testing.T) {
	const pairs, atOnce = 200, 4
	receiver := notificationtest.NewReceiver(t)
	slots := make(chan struct{}, atOnce)
	releases := make(map[string]int)
	var mu sync.Mutex
	var all sync.WaitGroup
	began := time.Now()
	for range pairs {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			id := eventID()
			var halves sync.WaitGroup
			start := make(chan struct{})
			for _, event := range []string{uploadHalf(id, "batch-"+id, receiver.URL("/"+id)), eagerHalf(id, "batch-"+id)} {
				halves.Go(func() {
					<-start
					half := reportHalf(t, event)
					mu.Lock()
					defer mu.Unlock()
					releases[half.Status+" "+half.Release]++
				})
			}
			close(start)
			halves.Wait()
		})
	}
	all.Wait()
	t.Logf("reported in %s: %v", time.Since(began).Round(time.Millisecond), releases)
	toldOnce(t, receiver, pairs)
}

// toldOnce checks that n notifications come, each to a path of its own, and none
// after that, when every clock has run out too.
func toldOnce(t *testing.T, receiver *notificationtest.Receiver, n int) {
	t.Helper()
	receiver.Wait(t, n)
	drained(t)
	paths := make(map[string]int)
	for _, req := range receiver.Requests() {
		paths[req.Path]++
	}
	if len(paths) != n {
		t.Errorf("%d were told, want %d", len(paths), n)
	}
	for path, times := range paths {
		if times != 1 {
			t.Errorf("%s was told %d times", path, times)
		}
	}
}

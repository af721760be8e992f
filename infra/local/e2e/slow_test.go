package e2e_test

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// slowly is for answers that take longer than the first lane waits for, and not
// much longer than a test does.
func slowly() <-chan struct{} {
	due := make(chan struct{})
	time.AfterFunc(1200*time.Millisecond, func() { close(due) })
	return due
}

// TestSlowLane has an origin become slow. Its retries wait on the slow lane, by
// SQS and by the workflow; what is new for it is passed on there; a notification
// that no message can carry comes from the record; and an attempt that is quick
// again has its retry on the first lane.
func TestSlowLane(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	receiver.Answer(func(_ int, r notificationtest.Request) notificationtest.Reply {
		switch attempt := r.Header.Get("X-Mediahooks-Attempt"); {
		case r.Path == "/slow" && attempt != "4":
			return notificationtest.Reply{StatusCode: http.StatusBadGateway, Hold: slowly()}
		case r.Path == "/quick" && attempt == "1":
			return notificationtest.Reply{StatusCode: http.StatusBadGateway}
		case r.Path == "/quick":
			return notificationtest.Reply{StatusCode: http.StatusOK}
		}
		return notificationtest.Reply{StatusCode: http.StatusOK, Hold: slowly()}
	})
	noise := make([]byte, 100<<10)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	const first, slow = notification.First, notification.Slow
	for _, test := range []struct {
		path, payload string
		lanes         []notification.Lane
	}{
		{"/slow", `{}`, []notification.Lane{first, slow, slow, slow}},
		{"/large", fmt.Sprintf(`{"noise":%q}`, hex.EncodeToString(noise)), []notification.Lane{slow}},
		{"/quick", `{}`, []notification.Lane{slow, first}},
	} {
		result := report(t, fmt.Sprintf(`{"event_id":%q,"notification_type":"upload","payload":%s,"notification_url":%q}`,
			eventID(), test.payload, receiver.URL(test.path)))
		d := settled(t, result.Deliveries[0].DeliveryID)
		var lanes []notification.Lane
		for _, a := range d.Attempts {
			lanes = append(lanes, a.Lane)
		}
		if diff := cmp.Diff(test.lanes, lanes); diff != "" || d.Status != notification.Delivered {
			t.Errorf("%s: %s, by attempts on other lanes (-want +got):\n%s", strings.TrimPrefix(test.path, "/"), d.Status, diff)
		}
	}
}

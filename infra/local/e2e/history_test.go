package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/signature"
)

// told is a delivery as the API shows it, in a list or by itself.
type told struct {
	DeliveryID    string `json:"delivery_id"`
	EventID       string `json:"event_id"`
	URI           string
	Status        string
	Explanation   string
	AttemptCount  int    `json:"attempt_count"`
	NextAttemptAt string `json:"next_attempt_at"`
	NextAttempt   int    `json:"next_attempt"`
	Attempts      []struct {
		Number       int
		StatusCode   int `json:"status_code"`
		Reason       string
		Advice       string
		Response     string
		SignatureKey string `json:"signature_key"`
		Request      struct {
			URL     string
			Headers map[string]string
			Body    string
		}
	}
}

// shown is an event as the API shows it.
type shown struct {
	EventID     string `json:"event_id"`
	Status      string
	Deliveries  []told
	Explanation []string
	BatchEvents []string `json:"batch_events"`
}

func get(t *testing.T, path string, into any) {
	t.Helper()
	a := call(t, "GET", path, "")
	if a.status != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, a.status, a.body)
	}
	a.decode(t, into)
}

// TestHistoryOfADelivery has a receiver fail until the schedule is over, asks what
// became of it, and resends.
func TestHistoryOfADelivery(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	var healed bool
	receiver.Answer(func(n int, _ notificationtest.Request) notificationtest.Reply {
		if n <= 4 {
			return notificationtest.Reply{StatusCode: http.StatusForbidden, Body: []byte("bad signature <b>\x00")}
		}
		healed = true
		return notificationtest.Reply{StatusCode: http.StatusOK, Body: []byte("thanks")}
	})
	asset := eventID()
	id := "order/" + asset + "?%"
	r := report(t, fmt.Sprintf(`{"event_id":%q,"notification_type":"upload","payload":{"public_id":%q,"tags":["é","<&>"]},"notification_url":%q}`,
		id, asset, receiver.URL("/hook")))
	settled(t, r.Deliveries[0].DeliveryID)

	var list struct{ Deliveries []told }
	for _, query := range []string{
		"public_id=" + asset, "event_id=" + url.QueryEscape(id), "uri=" + url.QueryEscape(receiver.URL("/hook")),
		"status=exhausted&public_id=" + asset, "reason=status&public_id=" + asset, "notification_type=upload&status=exhausted&public_id=" + asset,
	} {
		get(t, "/deliveries?"+query, &list)
		if len(list.Deliveries) != 1 || list.Deliveries[0].DeliveryID != r.Deliveries[0].DeliveryID || list.Deliveries[0].Status != "exhausted" {
			t.Errorf("%s: got %+v, want the one exhausted delivery", query, list.Deliveries)
		}
	}
	for _, query := range []string{"status=delivered&public_id=" + asset, "reason=timeout&public_id=" + asset, "to=2020-01-01&public_id=" + asset} {
		get(t, "/deliveries?"+query, &list)
		if len(list.Deliveries) != 0 {
			t.Errorf("%s: got %+v, want none", query, list.Deliveries)
		}
	}

	var d told
	get(t, "/deliveries/"+r.Deliveries[0].DeliveryID, &d)
	if d.Status != "exhausted" || len(d.Attempts) != 4 || !strings.Contains(d.Explanation, "the call named it") {
		t.Fatalf("got %+v", d)
	}
	requests := receiver.Requests()
	for i, a := range d.Attempts {
		if a.Number != i+1 || a.StatusCode != http.StatusForbidden || a.Reason != "status" || !strings.Contains(a.Advice, "raw body") ||
			a.Response != "bad signature <b>\x00" {
			t.Errorf("attempt %d: %+v", i+1, a)
		}
		if a.Request.Body != string(requests[i].Body) || a.Request.URL != receiver.URL("/hook") {
			t.Errorf("attempt %d: the API says that %q was sent, the receiver got %q", i+1, a.Request.Body, requests[i].Body)
		}
		for name, value := range a.Request.Headers {
			if got := requests[i].Header.Get(name); got != value {
				t.Errorf("attempt %d: %s is %q to the API and %q to the receiver", i+1, name, value, got)
			}
		}
		timestamp, err := strconv.ParseInt(a.Request.Headers["X-Cld-Timestamp"], 10, 64)
		if err != nil || !signature.Verify(signature.SHA1, []byte(a.Request.Body), timestamp, a.Request.Headers["X-Cld-Signature"], local.Credentials().APISecret) {
			t.Errorf("attempt %d: what was read back does not verify", i+1)
		}
	}

	resent := call(t, "POST", "/deliveries/"+d.DeliveryID+"/resend", "")
	if resent.status != http.StatusAccepted {
		t.Fatalf("resend: %d %s", resent.status, resent.body)
	}
	resent.decode(t, &d)
	if d.Status != "retrying" || d.NextAttempt != 5 {
		t.Errorf("resent: %s", resent.body)
	}
	requests = receiver.Wait(t, 5)
	if got := settled(t, d.DeliveryID); got.AttemptCount != 5 || !healed {
		t.Errorf("after the resend: %+v", got)
	}
	if string(requests[4].Body) != string(requests[0].Body) || requests[4].Header.Get("X-Mediahooks-Delivery") != d.DeliveryID ||
		requests[4].Header.Get("X-Mediahooks-Attempt") != "5" {
		t.Errorf("the resent notification is another: %+v", requests[4])
	}
	get(t, "/deliveries?status=exhausted&public_id="+asset, &list)
	if len(list.Deliveries) != 0 {
		t.Errorf("delivered at last, and still among the failed: %+v", list.Deliveries)
	}

	var event shown
	get(t, "/events/"+url.PathEscape(id), &event)
	if event.EventID != id || len(event.Deliveries) != 1 || event.Deliveries[0].Status != "delivered" {
		t.Errorf("event: %+v", event)
	}
}

// TestHistoryOfEvents asks for one event of each kind why it was told as it was.
func TestHistoryOfEvents(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	trigger := addTrigger(t, receiver.URL("/all"), "upload")
	hung := make(chan struct{})
	slow := notificationtest.NewReceiver(t)
	slow.Answer(func(int, notificationtest.Request) notificationtest.Reply { return notificationtest.Reply{Hold: hung} })
	kinds := []struct {
		name, event, status string
		deliveries          int
		says                []string
	}{
		{"twice named", `"notification_type":"upload","payload":{"public_id":"x"},"notification_url":"` + receiver.URL("/all") + `"`, "accepted", 1,
			[]string{"trigger " + trigger + " names it, and the call named it; a URL is told once"}},
		{"nobody", `"notification_type":"delete_folder","payload":{"folder_path":"f"},"assets":[{"public_id":"in-it"}]`, "accepted", 0,
			[]string{"none was for delete_folder or for all", "nobody was told"}},
		{"suppressed", `"notification_type":"delete_folder","payload":{"folder_path":"f"},"assets":[]`, "suppressed", 0,
			[]string{"the folder was empty"}},
		{"held", `"notification_type":"upload","payload":{"public_id":"x"},"eager":true,"batch_id":"` + eventID() + `"`, "held", 1,
			[]string{"Held since"}},
		{"pending", `"notification_type":"upload","payload":{"public_id":"x"},"notification_url":"` + slow.URL("/hang") + `"`, "accepted", 2,
			[]string{"the call named it"}},
	}
	from := strconv.FormatInt(time.Now().Add(-time.Second).Unix(), 10)
	ids := make([]string, len(kinds))
	for i, kind := range kinds {
		ids[i] = eventID()
		report(t, fmt.Sprintf(`{"event_id":%q,%s}`, ids[i], kind.event))
		var event shown
		get(t, "/events/"+ids[i], &event)
		said := strings.Join(event.Explanation, " ")
		for _, d := range event.Deliveries {
			said += " " + d.Explanation
		}
		if event.Status != kind.status || len(event.Deliveries) != kind.deliveries {
			t.Errorf("%s: %s with %d deliveries", kind.name, event.Status, len(event.Deliveries))
		}
		for _, says := range kind.says {
			if !strings.Contains(said, says) {
				t.Errorf("%s: it says %q, and not %q", kind.name, said, says)
			}
		}
		if kind.name == "pending" && event.Deliveries[1].Status != "pending" {
			t.Errorf("pending: %+v", event.Deliveries[1])
		}
	}
	close(hung)
	drained(t) // the held one was released by time

	// All are in the list by now, whichever way they went, each once.
	var listed []string
	for cursor := ""; ; {
		var page struct {
			Events     []shownHead
			NextCursor string `json:"next_cursor"`
		}
		get(t, "/events?max_results=2&from="+from+"&next_cursor="+cursor, &page)
		for _, e := range page.Events {
			listed = append(listed, e.EventID)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	for i, id := range ids {
		n := 0
		for _, l := range listed {
			if l == id {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s: listed %d times", kinds[i].name, n)
		}
	}
	if !slices.IsSortedFunc(ids, func(a, b string) int { return slices.Index(listed, b) - slices.Index(listed, a) }) {
		t.Errorf("reported %v, listed %v", ids, listed)
	}
	var event shown
	get(t, "/events/"+ids[3], &event)
	if event.Status != "accepted" || !strings.Contains(strings.Join(event.Explanation, " "), "did not come in time; told alone") {
		t.Errorf("released: %+v", event)
	}
}

// shownHead is an event in a list.
type shownHead struct {
	EventID string `json:"event_id"`
	Status  string
}

package e2e_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudinary/cloudinary-go/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

const payload = `{"public_id":"caf\u00e9/lamp","width":1600.0,"ratio":1e-7,"note":"a\u2028b <&> \ud83d\udca1","10":"ten","9":{"b":1,"1":2},"version":1770091500}`

// The same, with array-index keys first, as JavaScript puts them, and our three
// members in their places.
func wantBody(triggeredAt, apiKey string) string {
	return `{"9":{"1":2,"b":1},"10":"ten","notification_type":"upload","public_id":"café/lamp","width":1600,"ratio":1e-7,` +
		"\"note\":\"a\u2028b <&> 💡\",\"version\":1770091500," +
		`"notification_context":{"triggered_at":"` + triggeredAt + `","triggered_by":{"source":"api","id":"` + apiKey + `"}},` +
		`"signature_key":"` + apiKey + `"}`
}

// The main job: an event is reported, and a signed notification arrives that
// both SDKs verify.
func TestNotification(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	addTrigger(t, receiver.URL("/hook?token=t0k3n"), "upload")
	began := time.Now()
	result := report(t, `{"event_id":"`+eventID()+`","notification_type":"upload","payload":`+payload+`,"triggered_at":"2026-02-03T04:05:06.789012Z"}`)
	got := receiver.Wait(t, 1)[0]
	t.Logf("reported and received in %s", time.Since(began).Round(time.Millisecond))

	key := local.Credentials().APIKey
	if diff := cmp.Diff(wantBody("2026-02-03T04:05:06.789012Z", key), string(got.Body)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if got.Method != "POST" || got.Path != "/hook?token=t0k3n" || got.Header.Get("Content-Type") != "application/json" ||
		got.Header.Get("X-Mediahooks-Delivery") != result.Deliveries[0].DeliveryID || got.Header.Get("X-Mediahooks-Attempt") != "1" {
		t.Errorf("request: %s %s %v", got.Method, got.Path, got.Header)
	}
	timestamp, err := strconv.ParseInt(got.Header.Get("X-Cld-Timestamp"), 10, 64)
	if age := time.Since(time.Unix(timestamp, 0)); err != nil || age < 0 || age > time.Minute {
		t.Errorf("timestamp %q is %s old, %v", got.Header.Get("X-Cld-Timestamp"), age, err)
	}
	verifiedByGo(t, got, timestamp)
	verifiedByNode(t, got)

	record := settled(t, result.Deliveries[0].DeliveryID)
	if record.Status != notification.Delivered || record.EventID != result.EventID || len(record.Attempts) != 1 ||
		record.Attempts[0].StatusCode != 200 || record.Attempts[0].SigningKey != key {
		t.Errorf("record = %+v", record)
	}
}

func verifiedByGo(t *testing.T, got notificationtest.Request, timestamp int64) {
	t.Helper()
	sdk, err := cloudinary.NewFromURL(local.CloudinaryURL())
	if err != nil {
		t.Fatal(err)
	}
	signature := got.Header.Get("X-Cld-Signature")
	if !sdk.Upload.VerifyNotificationSignature(string(got.Body), timestamp, signature, 0) {
		t.Error("the Go SDK does not verify the signature")
	}
	if sdk.Upload.VerifyNotificationSignature(string(got.Body)+" ", timestamp, signature, 0) {
		t.Error("the Go SDK verifies a body that was tampered with")
	}
}

func verifiedByNode(t *testing.T, got notificationtest.Request) {
	t.Helper()
	input, err := json.Marshal(map[string]string{
		"body": string(got.Body), "timestamp": got.Header.Get("X-Cld-Timestamp"), "signature": got.Header.Get("X-Cld-Signature"),
	})
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "verify.js")
	node.Dir = "../clients"
	node.Env = append(os.Environ(), "CLOUDINARY_URL="+local.CloudinaryURL())
	node.Stdin = strings.NewReader(string(input))
	out, err := node.Output()
	if err != nil {
		t.Fatalf("node verify.js (make test installs what it needs): %v\n%s", err, out)
	}
	if want := `{"verified":true,"verifiedTampered":false,"survives":true}`; strings.TrimSpace(string(out)) != want {
		t.Errorf("the npm SDK says %s, want %s", out, want)
	}
}

func TestWhoIsTold(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	addTrigger(t, receiver.URL("/upload"), "upload")
	addTrigger(t, receiver.URL("/all"), "all")
	addTrigger(t, receiver.URL("/all"), "upload")
	addTrigger(t, receiver.URL("/rename"), "rename")
	a := call(t, "POST", "/events", fmt.Sprintf(`{"events":[
		{"event_id":%q,"notification_type":"upload","payload":{"n":1},"notification_url":%q},
		{"event_id":%q,"notification_type":"delete","payload":{"n":2}},
		{"event_id":%q,"notification_type":"upload","payload":{"n":3},"notification_url":%q}]}`,
		eventID(), receiver.URL("/call"), eventID(), eventID(), receiver.URL("/upload")))
	if a.status != 202 {
		t.Fatalf("answer = %d %s", a.status, a.body)
	}
	var result struct{ Events []reported }
	a.decode(t, &result)
	for _, event := range result.Events {
		for _, d := range event.Deliveries {
			if record := settled(t, d.DeliveryID); record.Status != notification.Delivered {
				t.Errorf("%s is %s", d.URI, record.Status)
			}
		}
	}
	got := make(map[string]int)
	for _, req := range receiver.Requests() {
		var body struct{ N int }
		if err := json.Unmarshal(req.Body, &body); err != nil {
			t.Fatal(err)
		}
		got[fmt.Sprintf("%d %s", body.N, req.Path)]++
	}
	want := map[string]int{"1 /upload": 1, "1 /all": 1, "1 /call": 1, "2 /all": 1, "3 /upload": 1, "3 /all": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("who was told of what (-want +got):\n%s", diff)
	}
}

// Fifty calls with one event_id make one notification.
func TestOneEventFiftyTimes(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	addTrigger(t, receiver.URL("/once"), "sprite")
	event := fmt.Sprintf(`{"event_id":%q,"notification_type":"sprite","payload":{}}`, eventID())
	results := make([]reported, 50)
	var calls sync.WaitGroup
	for i := range results {
		calls.Go(func() { results[i] = report(t, event) })
	}
	calls.Wait()
	accepted := 0
	for _, r := range results {
		if r.Status == "accepted" {
			accepted++
		}
		if diff := cmp.Diff(results[0].Deliveries, r.Deliveries); diff != "" {
			t.Errorf("the answers' deliveries differ:\n%s", diff)
		}
	}
	if accepted != 1 {
		t.Errorf("%d calls were accepted, want 1", accepted)
	}
	settled(t, results[0].Deliveries[0].DeliveryID)
	if other := call(t, "POST", "/events", strings.Replace(event, `{}`, `{"a":1}`, 1)); other.status != 409 {
		t.Errorf("the same id with another content: %d %s", other.status, other.body)
	}
	if n := len(receiver.Requests()); n != 1 {
		t.Errorf("%d notifications, want 1", n)
	}
}

// Retries come when the schedule says, on both ways to wait, byte for byte the
// same, and nothing follows the last.
func TestRetries(t *testing.T) {
	waits := []time.Duration{time.Second, time.Duration(16 * float64(time.Minute) * waitScale), 2 * time.Second}
	for _, test := range []struct {
		name     string
		answers  []int
		attempts int
		status   notification.Status
	}{
		{"fails twice", []int{500, 302, 200}, 3, notification.Delivered},
		{"always fails", []int{503}, 4, notification.Exhausted},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			receiver := notificationtest.NewReceiver(t)
			receiver.AnswerInTurn(test.answers...)
			result := report(t, fmt.Sprintf(`{"event_id":%q,"notification_type":"upload","payload":{"a":1},"notification_url":%q}`,
				eventID(), receiver.URL("/"+strings.ReplaceAll(test.name, " ", "-"))))
			record := settled(t, result.Deliveries[0].DeliveryID)
			got := receiver.Requests()
			if record.Status != test.status || record.AttemptCount != test.attempts || len(got) != test.attempts {
				t.Fatalf("%s after %d attempts and %d requests, want %s after %d", record.Status, record.AttemptCount, len(got), test.status, test.attempts)
			}
			for i, req := range got[1:] {
				gap := req.ReceivedAt.Sub(got[i].ReceivedAt)
				t.Logf("attempt %d came %.2f s after the one before, wanted %.2f", i+2, gap.Seconds(), waits[i].Seconds())
				if gap < waits[i]-50*time.Millisecond || gap > waits[i]+10*time.Second {
					t.Errorf("attempt %d came %s after the one before, want about %s", i+2, gap, waits[i])
				}
				for _, header := range []string{"X-Cld-Signature", "X-Cld-Timestamp", "X-Mediahooks-Delivery"} {
					if req.Header.Get(header) != got[0].Header.Get(header) {
						t.Errorf("attempt %d has another %s", i+2, header)
					}
				}
				if string(req.Body) != string(got[0].Body) || req.Header.Get("X-Mediahooks-Attempt") != strconv.Itoa(i+2) {
					t.Errorf("attempt %d: %v %s", i+2, req.Header, req.Body)
				}
			}
		})
	}
}

// A body that no message can carry comes from the event's record, on retries too.
func TestLargeEvent(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	receiver.AnswerInTurn(500, 200)
	// Digits of pi's kind: they do not compress to nothing.
	var noise strings.Builder
	for i := 1; noise.Len() < 200<<10; i++ {
		fmt.Fprintf(&noise, "%x", math.Float64bits(math.Sqrt(float64(i))))
	}
	event := fmt.Sprintf(`{"event_id":%q,"notification_type":"upload","payload":{"noise":%q},"notification_url":%q}`,
		eventID(), noise.String(), receiver.URL("/large"))
	result := report(t, event)
	if record := settled(t, result.Deliveries[0].DeliveryID); record.Status != notification.Delivered || record.AttemptCount != 2 {
		t.Errorf("%s after %d attempts", record.Status, record.AttemptCount)
	}
	for _, req := range receiver.Requests() {
		if !strings.Contains(string(req.Body), noise.String()) {
			t.Errorf("a request of %d bytes lacks the payload", len(req.Body))
		}
	}
}

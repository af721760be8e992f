package e2e_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/signature"
)

// An environment keeps no payloads. Its events are told as ever, with retries and
// in pairs; nothing that their payloads say is on record, in a log or a workflow
// afterwards, though its receivers repeat it; and the API says what there is not.
func TestPayloadsLeftOut(t *testing.T) {
	env := newTenant(t, "left-out")
	if got := env.call(t, "PUT", "/notification_settings", `{"keep_payloads":false,"retry_schedule":"1s,2s"}`); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	secrets := planted{
		"public_id": "planted-5Tz7-public-id", "field's name": "planted_5Tz7_field", "large payload": "planted-5Tz7-large",
		"upload's payload": "planted-5Tz7-upload", "result's payload": "planted-5Tz7-result", "retried payload": "planted-5Tz7-retried",
	}
	receiver := notificationtest.NewReceiver(t)
	tries := make(map[string]int)
	receiver.Answer(func(_ int, r notificationtest.Request) notificationtest.Reply {
		tries[r.Path]++
		if strings.HasPrefix(r.Path, "/retried") && tries[r.Path] < 3 {
			return notificationtest.Reply{StatusCode: http.StatusServiceUnavailable, Body: r.Body}
		}
		return notificationtest.Reply{StatusCode: http.StatusOK, Body: r.Body}
	})
	post := func(event string) (r reported) {
		t.Helper()
		got := env.call(t, "POST", "/events", event)
		if got.status != http.StatusAccepted {
			t.Fatalf("%d %s", got.status, got.body)
		}
		got.decode(t, &r)
		return r
	}
	retried := fmt.Sprintf(`{"event_id":"retried","notification_type":"upload","payload":{"public_id":%q,"note":%q,"bytes":{%q:1}},"notification_url":%q}`,
		secrets["public_id"], secrets["retried payload"], secrets["field's name"], receiver.URL("/retried"))
	once := post(retried)
	large := post(fmt.Sprintf(`{"notification_type":"upload","payload":{"noise":%q,"note":%q},"notification_url":%q}`,
		noise(120<<10), secrets["large payload"], receiver.URL("/large")))
	waiting := post(fmt.Sprintf(`{"notification_type":"upload","payload":{"note":%q},"batch_id":"pair","eager":"w_1","notification_url":%q}`,
		secrets["upload's payload"], receiver.URL("/pair")))
	if waiting.Status != "held" {
		t.Errorf("the upload is %s, want it held", waiting.Status)
	}
	for _, name := range inTable(t, secrets) {
		if name != "upload's payload" {
			t.Errorf("while another event is held, the table holds the %s", name)
		}
	}
	post(fmt.Sprintf(`{"notification_type":"eager","payload":{"note":%q},"batch_id":"pair","eager_notification_url":%q}`,
		secrets["result's payload"], receiver.URL("/result")))
	receiver.Wait(t, 6) // three tries, and three others
	settledOf(t, env.CloudName, once.Deliveries[0].DeliveryID)
	settledOf(t, env.CloudName, large.Deliveries[0].DeliveryID)
	drained(t)

	if names := inTable(t, secrets); len(names) > 0 {
		t.Errorf("the table holds the %q", names)
	}
	for _, text := range executions(t) {
		if names := secrets.find([]byte(text)); len(names) > 0 {
			t.Errorf("a workflow holds the %q", names)
		}
	}
	for _, group := range []string{"ApiLogGroupName", "IntakeLogGroupName", "DeliveryLogGroupName", "SlowDeliveryLogGroupName", "RecoveryLogGroupName", "ApiAccessLogGroupName"} {
		for _, line := range logLines(t, group) {
			if names := secrets.find([]byte(line)); len(names) > 0 {
				t.Errorf("%s holds the %q", group, names)
			}
		}
	}
	told := make(planted)
	for _, r := range receiver.Requests() {
		for _, name := range secrets.find(r.Body) {
			told[name] = r.Path
		}
	}
	if len(told) != len(secrets) {
		t.Errorf("receivers were told %v", told)
	}

	wantNotShown(t, env, once, receiver)
	if again := env.call(t, "POST", "/events", retried); again.status != 202 || !strings.Contains(again.body, `"status":"duplicate"`) {
		t.Errorf("the same again: %d %s", again.status, again.body)
	}
	if other := env.call(t, "POST", "/events", strings.Replace(retried, "planted", "another", 1)); other.status != http.StatusConflict {
		t.Errorf("another payload under its id: %d %s", other.status, other.body)
	}
	tooLarge := env.call(t, "POST", "/events", fmt.Sprintf(`{"notification_type":"upload","payload":{"noise":%q}}`, noise(250<<10)))
	if tooLarge.status != 400 || !strings.HasPrefix(tooLarge.message(t), "payload: is too large where keep_payloads is false: ") {
		t.Errorf("what no message can carry: %d %s", tooLarge.status, tooLarge.body)
	}
}

// wantNotShown asks for an event that was told at the third attempt.
func wantNotShown(t *testing.T, env tenant, r reported, receiver *notificationtest.Receiver) {
	t.Helper()
	var event struct {
		PayloadKept  bool `json:"payload_kept"`
		Notification any
		PublicIDs    []string `json:"public_ids"`
		Explanation  []string
	}
	env.call(t, "GET", "/events/"+r.EventID, "").decode(t, &event)
	if event.PayloadKept || event.Notification != nil || len(event.PublicIDs) > 0 ||
		!strings.Contains(strings.Join(event.Explanation, " "), "it was never kept") {
		t.Errorf("the event is shown as %+v", event)
	}
	var d struct {
		told
		PayloadKept bool `json:"payload_kept"`
	}
	path := "/deliveries/" + r.Deliveries[0].DeliveryID
	env.call(t, "GET", path, "").decode(t, &d)
	if d.PayloadKept || !strings.Contains(d.Explanation, "it was never kept") || len(d.Attempts) != 3 || d.Status != "delivered" {
		t.Errorf("the delivery is shown as %+v", d)
	}
	sent := make(map[string]notificationtest.Request)
	for _, r := range receiver.Requests() {
		if r.Path == "/retried" {
			sent[r.Header.Get("X-Mediahooks-Attempt")] = r
		}
	}
	for _, a := range d.Attempts {
		got := sent[fmt.Sprint(a.Number)]
		if a.Response != "" || a.Request.Body != "" || a.Request.Headers["X-Cld-Signature"] != got.Header.Get("X-Cld-Signature") ||
			string(got.Body) != string(sent["1"].Body) {
			t.Errorf("attempt %d is shown as %+v", a.Number, a)
		}
		timestamp, err := strconv.ParseInt(got.Header.Get("X-Cld-Timestamp"), 10, 64)
		if err != nil || !signature.Verify(signature.SHA1, got.Body, timestamp, got.Header.Get("X-Cld-Signature"), env.APISecret) {
			t.Errorf("attempt %d does not verify", a.Number)
		}
	}
	resent := env.call(t, "POST", path+"/resend", "")
	if resent.status != http.StatusConflict || !strings.Contains(resent.message(t), "it was not kept: keep_payloads was false") {
		t.Errorf("resend: %d %s", resent.status, resent.body)
	}
}

// inTable returns the names of what is anywhere in the table.
func inTable(t *testing.T, secrets planted) []string {
	t.Helper()
	found := make(map[string]bool)
	for _, item := range scanTable(t) {
		for name, value := range item {
			leaves(name, value, func(_ string, text []byte) {
				for _, secret := range secrets.find(text) {
					found[secret] = true
				}
			})
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// noise is a text of about so many bytes that cannot be compressed by much.
func noise(length int) string {
	raw := make([]byte, length*3/4)
	for i := range raw {
		raw[i] = byte(rand.Uint32())
	}
	return base64.StdEncoding.EncodeToString(raw)
}

package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloudinary/cloudinary-go/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// stackSettings are what an environment has that has decided nothing.
const stackSettings = `{"signature_algorithm":"sha1","include_client_ip":false,"folder_mode":"dynamic","success":"200","retry_schedule":"` + schedule + `","keep_payloads":true}`

// cleanUp makes a call at the end of a test, when the test's own context is over.
func cleanUp(t *testing.T, method, path, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, local.APIURL()+"/v1_1/demo"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	c := local.Credentials()
	req.SetBasicAuth(c.APIKey, c.APISecret)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("%s %s: %s", method, path, res.Status)
	}
}

// setSettings changes settings of the environment, and restores all with the
// test. What it changes is in force when it returns.
func setSettings(t *testing.T, change string) {
	t.Helper()
	t.Cleanup(func() {
		cleanUp(t, "PUT", "/notification_settings",
			`{"signature_algorithm":null,"include_client_ip":null,"folder_mode":null,"success":null,"retry_schedule":null,"keep_payloads":null}`)
	})
	if got := call(t, "PUT", "/notification_settings", change); got.status != 200 {
		t.Fatalf("change settings: %d %s", got.status, got.body)
	}
}

func wantSettings(t *testing.T, step string, got answer, want string) {
	t.Helper()
	if got.status != 200 || strings.TrimSpace(got.body) != want {
		t.Errorf("%s: %d %s, want %s", step, got.status, got.body, want)
	}
}

func TestSettingsRound(t *testing.T) {
	wantSettings(t, "untouched", call(t, "GET", "/notification_settings", ""), stackSettings)
	setSettings(t, `{"success":200}`)
	const all = `{"signature_algorithm":"sha256","include_client_ip":true,"folder_mode":"fixed","success":"2xx","retry_schedule":"5s,1m","keep_payloads":false}`
	for _, step := range []struct{ name, change, want string }{
		{"all of them", all, all},
		{"one alone", `{"retry_schedule":""}`, strings.Replace(all, "5s,1m", "", 1)},
		{"back to the stack's", `{"retry_schedule":null}`, strings.Replace(all, "5s,1m", schedule, 1)},
	} {
		wantSettings(t, step.name, call(t, "PUT", "/notification_settings", step.change), step.want)
		wantSettings(t, step.name+", read again", call(t, "GET", "/notification_settings", ""), step.want)
	}
}

func TestRefusedSettings(t *testing.T) {
	for _, test := range []struct{ name, body, message string }{
		{"nothing", `{}`, "missing_attributes"},
		{"no body", ``, "missing_attributes"},
		{"unknown field", `{"success":"2xx","retries":3}`, "retries: "},
		{"unknown algorithm", `{"signature_algorithm":"md5"}`, "signature_algorithm: "},
		{"not a flag", `{"include_client_ip":"perhaps"}`, "include_client_ip: must be true or false"},
		{"unknown mode", `{"folder_mode":"flat"}`, "folder_mode: "},
		{"another status", `{"success":201}`, "success: "},
		{"not a schedule", `{"retry_schedule":"soon"}`, "retry_schedule: "},
		{"schedule of a number", `{"retry_schedule":3}`, "retry_schedule: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := call(t, "PUT", "/notification_settings", test.body); got.status != 400 || !strings.Contains(got.message(t), test.message) {
				t.Errorf("answer = %d %s, want 400 with %q", got.status, got.body, test.message)
			}
		})
	}
	wantSettings(t, "after refusals", call(t, "GET", "/notification_settings", ""), stackSettings)
}

// uploadTo reports an upload that is told to one URL.
func uploadTo(t *testing.T, url string) notification.Delivery {
	t.Helper()
	result := report(t, fmt.Sprintf(`{"event_id":%q,"notification_type":"upload","payload":{"a":1},"notification_url":%q}`, eventID(), url))
	return settled(t, result.Deliveries[0].DeliveryID)
}

// Notifications are signed by the algorithm of the environment, from the moment
// that the change is answered.
func TestSettingsOfSignatures(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	bySHA1, err := cloudinary.NewFromURL(local.CloudinaryURL())
	if err != nil {
		t.Fatal(err)
	}
	bySHA256, err := cloudinary.NewFromURL(local.CloudinaryURL() + "&signature_algorithm=sha256")
	if err != nil {
		t.Fatal(err)
	}
	verified := func(step string, sdk *cloudinary.Cloudinary, want bool) {
		t.Helper()
		all := receiver.Requests()
		got := all[len(all)-1]
		timestamp, err := strconv.ParseInt(got.Header.Get("X-Cld-Timestamp"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if sdk.Upload.VerifyNotificationSignature(string(got.Body), timestamp, got.Header.Get("X-Cld-Signature"), 0) != want {
			t.Errorf("%s: verified by %s is not %t", step, sdk.Config.Cloud.SignatureAlgorithm, want)
		}
	}
	uploadTo(t, receiver.URL("/sha1"))
	verified("before", bySHA1, true)
	verified("before", bySHA256, false)
	setSettings(t, `{"signature_algorithm":"sha256"}`)
	uploadTo(t, receiver.URL("/sha256"))
	verified("after", bySHA256, true)
	verified("after", bySHA1, false)
}

// What counts as delivered, and when a failed attempt is made again, follows the
// environment while the stack runs.
func TestSettingsOfDelivery(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	receiver.AnswerInTurn(204)
	setSettings(t, `{"retry_schedule":"1s"}`)
	for _, step := range []struct {
		name, change string
		attempts     int
		status       notification.Status
	}{
		{"200 alone, one retry", `{"retry_schedule":"1s"}`, 2, notification.Exhausted},
		{"no retries", `{"retry_schedule":""}`, 1, notification.Exhausted},
		{"2xx", `{"success":"2xx"}`, 1, notification.Delivered},
	} {
		if got := call(t, "PUT", "/notification_settings", step.change); got.status != 200 {
			t.Fatalf("change settings: %d %s", got.status, got.body)
		}
		record := uploadTo(t, receiver.URL("/"+strconv.Itoa(step.attempts)))
		if record.Status != step.status || record.AttemptCount != step.attempts {
			t.Errorf("%s: %s after %d attempts, want %s after %d", step.name, record.Status, record.AttemptCount, step.status, step.attempts)
		}
		if record.AttemptCount == 2 {
			if gap := record.Attempts[1].StartedAt.Sub(record.Attempts[0].StartedAt); gap < time.Second || gap > 10*time.Second {
				t.Errorf("%s: the retry came after %s", step.name, gap)
			}
		}
	}
}

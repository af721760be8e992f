package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloudinary/cloudinary-go/v2"

	"github.com/mediahooks/mediahooks/infra/account"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/registry"
)

// eventuallyStatus repeats a call until it answers with a status.
func eventuallyStatus(t *testing.T, what string, want int, call func() int) {
	t.Helper()
	got := 0
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if got = call(); got == want {
			return
		}
	}
	t.Fatalf("%s: answered with %d, want %d", what, got, want)
}

// signing is an environment whose keys change, and who is told.
type signing struct {
	tenant
	receiver *notificationtest.Receiver
}

func (s signing) newKey(t *testing.T, name string) registry.Credentials {
	t.Helper()
	got := provision(t, "POST", "/"+s.id+"/access_keys", fmt.Sprintf(`{"name":%q}`, name))
	if got.status != 200 {
		t.Fatalf("create key: %d %s", got.status, got.body)
	}
	var made struct {
		APIKey    string `json:"api_key"`
		APISecret string `json:"api_secret"`
	}
	got.decode(t, &made)
	return registry.Credentials{CloudName: s.CloudName, APIKey: made.APIKey, APISecret: made.APISecret}
}

func (s signing) change(t *testing.T, method, path, body string) {
	t.Helper()
	if got := provision(t, method, "/"+s.id+path, body); got.status != 200 {
		t.Fatalf("%s %s %s: %d %s", method, path, body, got.status, got.body)
	}
}

// report reports an event by a key, which need not be the one that signs.
func (s signing) report(t *testing.T, by registry.Credentials) (deliveryID string) {
	t.Helper()
	got := callAs(t, by.APIKey, by.APISecret, "POST", "/v1_1/"+s.CloudName+"/events",
		fmt.Sprintf(`{"notification_type":"upload","payload":{"a":1},"notification_url":%q}`, s.receiver.URL("/signed")))
	if got.status != 202 {
		t.Fatalf("report event: %d %s", got.status, got.body)
	}
	var result reported
	got.decode(t, &result)
	return result.Deliveries[0].DeliveryID
}

// signs holds that the very next notification is signed by a key, as both SDKs
// see it.
func (s signing) signs(t *testing.T, step string, key, by registry.Credentials, algorithm string) {
	t.Helper()
	before := len(s.receiver.Requests())
	record := settledOf(t, s.CloudName, s.report(t, by))
	if record.AttemptCount != 1 || record.Status != notification.Delivered || record.Attempts[0].SigningKey != key.APIKey {
		t.Fatalf("%s: %s after %d attempts, signed by %s, want %s", step, record.Status, record.AttemptCount, record.Attempts[0].SigningKey, key.APIKey)
	}
	s.verified(t, step, s.receiver.Wait(t, before+1)[before], key, algorithm)
}

func (s signing) verified(t *testing.T, step string, got notificationtest.Request, key registry.Credentials, algorithm string) {
	t.Helper()
	if !strings.HasSuffix(string(got.Body), `"signature_key":"`+key.APIKey+`"}`) {
		t.Errorf("%s: body = %s, want the key %s", step, got.Body, key.APIKey)
	}
	url := (&account.Account{APIURL: local.APIURL()}).CloudinaryURL(key) + "&signature_algorithm=" + algorithm
	sdk, err := cloudinary.NewFromURL(url)
	if err != nil {
		t.Fatal(err)
	}
	timestamp, err := strconv.ParseInt(got.Header.Get("X-Cld-Timestamp"), 10, 64)
	if err != nil || !sdk.Upload.VerifyNotificationSignature(string(got.Body), timestamp, got.Header.Get("X-Cld-Signature"), 0) {
		t.Errorf("%s: the Go SDK does not verify the signature: %v", step, err)
	}
	input, err := json.Marshal(map[string]string{
		"body": string(got.Body), "timestamp": got.Header.Get("X-Cld-Timestamp"), "signature": got.Header.Get("X-Cld-Signature"),
	})
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "verify.js")
	node.Dir = "../clients"
	node.Env = append(os.Environ(), "CLOUDINARY_URL="+url)
	node.Stdin = strings.NewReader(string(input))
	out, err := node.Output()
	if want := `{"verified":true,"verifiedTampered":false,"survives":true}`; err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("%s: the npm SDK says %s, %v, want %s", step, out, err, want)
	}
}

// Which key signs is what the last call said, from the moment that it answered.
func TestWhichKeySigns(t *testing.T) {
	s := signing{newTenant(t, "signing"), notificationtest.NewReceiver(t)}
	first := s.Credentials
	keys := "/access_keys"
	of := func(key registry.Credentials) string { return keys + "/" + key.APIKey }
	s.signs(t, "the only key", first, first, "sha1")
	second := s.newKey(t, "second")
	third := s.newKey(t, "third")
	s.signs(t, "the oldest of three", first, first, "sha1")
	for _, step := range []struct {
		name, method, path, body string
		want, by                 registry.Credentials
	}{
		{"dedicate the second", "PUT", of(second), `{"dedicated_for":"webhooks"}`, second, first},
		{"dedicate the third instead", "PUT", of(third), `{"dedicated_for":"webhooks"}`, third, first},
		{"dedicate none", "PUT", of(third), `{"dedicated_for":null}`, first, third},
		{"disable the oldest", "PUT", of(first), `{"enabled":false}`, second, third},
		{"enable it again", "PUT", of(first), `{"enabled":true}`, first, first},
		{"delete the oldest", "DELETE", of(first), ``, second, second},
		{"dedicate the third again", "PUT", of(third), `{"dedicated_for":"webhooks"}`, third, second},
		{"delete the dedicated one", "DELETE", keys, `{"name":"third"}`, second, second},
	} {
		s.change(t, step.method, step.path, step.body)
		s.signs(t, step.name, step.want, step.by, "sha1")
	}
	s.Credentials = second
	if got := s.call(t, "PUT", "/notification_settings", `{"signature_algorithm":"sha256"}`); got.status != 200 {
		t.Fatalf("change settings: %d %s", got.status, got.body)
	}
	s.signs(t, "by SHA-256", second, second, "sha256")

	// Under new wrapping, the secrets are the same.
	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := account.Rewrap(t.Context(), cfg, local.Outputs()); err != nil || n < 2 {
		t.Fatalf("rewrapped %d data keys, %v", n, err)
	}
	time.Sleep(registry.CacheTime)
	s.signs(t, "with data keys wrapped anew", second, second, "sha256")
}

// An attempt without a usable key sends nothing, fails with its own reason,
// follows the schedule, and goes through when a key is usable in time.
func TestNoUsableKey(t *testing.T) {
	for _, test := range []struct {
		name, path, off, on string
		reason              notification.Reason
	}{
		{"the dedicated key is disabled", "/access_keys/", `{"enabled":false}`, `{"enabled":true}`, notification.ReasonSigningKeyDisabled},
		{"the environment is disabled", "", `{"enabled":false}`, `{"enabled":true}`, notification.ReasonNoSigningKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := signing{newTenant(t, "unusable-"+strings.ReplaceAll(string(test.reason), "_", "-")), notificationtest.NewReceiver(t)}
			s.receiver.AnswerInTurn(503, 200)
			second := s.newKey(t, "second")
			s.change(t, "PUT", "/access_keys/"+second.APIKey, `{"dedicated_for":"webhooks"}`)
			path := test.path
			if path != "" {
				path += second.APIKey
			}
			deliveryID := s.report(t, s.Credentials)
			s.receiver.Wait(t, 1) // answered 503, so the next attempt is due
			s.change(t, "PUT", path, test.off)
			off := time.Now()
			time.Sleep(1500 * time.Millisecond) // the second attempt is made within
			s.change(t, "PUT", path, test.on)
			on := time.Now()
			record := settledOf(t, s.CloudName, deliveryID)
			if record.Status != notification.Delivered {
				t.Errorf("the delivery is %s after %d attempts", record.Status, record.AttemptCount)
			}
			refused := 0
			for _, a := range record.Attempts {
				if a.Reason == test.reason {
					refused++
				}
				if a.Reason == test.reason && a.SigningKey != "" || a.StartedAt.After(off) && a.StartedAt.Before(on.Add(-registry.CacheTime)) && a.Reason != test.reason {
					t.Errorf("attempt %d: %+v", a.Number, a)
				}
			}
			if got := s.receiver.Requests(); refused == 0 || len(got) != 2 {
				t.Errorf("%d attempts had no key, %d notifications came, want some and two", refused, len(got))
			}
		})
	}
}

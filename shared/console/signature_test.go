package console_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/signature"
)

func TestCheckASignature(t *testing.T) {
	w := newWorld(t)
	d := w.tell(told{
		url: shop, publicID: "lamp", status: notification.Delivered, ago: time.Minute, attempts: []notification.Attempt{ok},
		payload: `{"public_id":"lämp","width":1.50,"tags":["a","b"]}`,
	})
	aged := w.tell(told{url: shop, publicID: "old", status: notification.Delivered, ago: 3 * time.Hour, attempts: []notification.Attempt{ok}})
	sent := func(d notification.Delivery) (string, string, string) {
		event, _, err := w.store.Event(t.Context(), cloudName, d.EventID)
		w.must(err)
		body, err := payload.Unpack(event.Body)
		w.must(err)
		a := d.Attempts[0]
		return string(payload.WithSignatureKey(body, a.SigningKey)), fmt.Sprint(a.Timestamp), a.Signature
	}
	body, timestamp, signed := sent(d)
	agedBody, agedTimestamp, agedSigned := sent(aged)
	var object map[string]any
	w.must(json.Unmarshal([]byte(body), &object))
	pretty, err := json.MarshalIndent(object, "", "  ")
	w.must(err)
	keyed := hmac.New(sha1.New, []byte(apiSecret))
	keyed.Write([]byte(body + timestamp))
	hmaced := hex.EncodeToString(keyed.Sum(nil))
	stronger := sha256.Sum256([]byte(body + timestamp + apiSecret))
	bySpare, err := signature.Sign(signature.SHA1, []byte(body), d.Attempts[0].Timestamp, "spare-"+apiSecret)
	w.must(err)

	b := w.signedIn()
	for _, test := range []struct {
		name                            string
		body, timestamp, signed, secret string
		heading                         string
		want                            []string
	}{
		{"as it was sent", body, timestamp, signed, "", "A receiver accepts this", []string{"are those of attempt 1 of delivery " + d.DeliveryID, "…1111"}},
		{"written anew", string(pretty), timestamp, signed, "", "Why a receiver refuses", []string{"Your framework has parsed the body and written it anew"}},
		{"milliseconds", body, timestamp + "123", signed, "", "Why a receiver refuses", []string{"The timestamp is in milliseconds"}},
		{"too old", agedBody, agedTimestamp, agedSigned, "", "Why a receiver refuses", []string{"The timestamp is 3 hours old", "are those of attempt 1"}},
		{"SHA-256", body, timestamp, hex.EncodeToString(stronger[:]), "", "Why a receiver refuses", []string{"It is a SHA-256 signature, and this notification was signed by SHA-1"}},
		{"an HMAC", body, timestamp, hmaced, apiSecret, "Why a receiver refuses", []string{"HMAC", "The secret is that of key …1111"}},
		{"an HMAC, and no secret", body, timestamp, hmaced, "", "Why a receiver refuses", []string{"not an HMAC"}},
		{"another key", body, timestamp, bySpare, "spare-" + apiSecret, "Why a receiver refuses", []string{"The secret is that of key …2222", "It was made with key …2222, and key …1111 signs now"}},
		{"a stranger's secret", body, timestamp, signed, "another-secret-entirely", "A receiver accepts this", []string{"The secret is none of this environment", "does not make this signature"}},
		{"another body", strings.Replace(body, "lämp", "lump", 1), timestamp, signed, "", "Why a receiver refuses", []string{"The body is not the one that was sent", "Where the bodies part"}},
		{"nothing on record", body, "1700000000", strings.Repeat("a", 40), "", "Why a receiver refuses", []string{"No notification with this body, timestamp or signature is on record"}},
		{"nothing", "", "", "", "", "Why a receiver refuses", []string{"The body is missing", "The timestamp is missing", "The signature is missing"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := b.post("/console/signature", url.Values{"body": {test.body}, "timestamp": {test.timestamp}, "signature": {test.signed}, "secret": {test.secret}})
			page := text(t, answer)
			if answer.StatusCode != http.StatusOK || !strings.Contains(page, test.heading) {
				t.Errorf("%d, not headed %q", answer.StatusCode, test.heading)
			}
			for _, want := range test.want {
				if !strings.Contains(page, want) {
					t.Errorf("does not say %q", want)
				}
			}
			if test.secret != "" && strings.Contains(page, test.secret) {
				t.Error("the page shows the secret")
			}
			if t.Failed() {
				t.Log(page)
			}
		})
	}
	if strings.Contains(w.log.String(), apiSecret) {
		t.Error("the log has the secret")
	}
}

// An attempt hours after its event carries a timestamp of whole hours later.
func TestCheckALaterAttempt(t *testing.T) {
	w := newWorld(t)
	d := w.tell(told{url: shop, publicID: "lamp", status: notification.Exhausted, ago: 5 * time.Hour, attempts: []notification.Attempt{timedOut}})
	event, _, err := w.store.Event(t.Context(), cloudName, d.EventID)
	w.must(err)
	body, err := payload.Unpack(event.Body)
	w.must(err)
	whole := payload.WithSignatureKey(body, apiKey)
	later := notification.Attempt{Number: 2, StartedAt: began, StatusCode: 200, SigningKey: apiKey, Timestamp: signature.Timestamp(d.AcceptedAt, began)}
	later.Signature, err = signature.Sign(signature.SHA1, whole, later.Timestamp, apiSecret)
	w.must(err)
	d.Attempted(later)
	d.Status = notification.Delivered
	if failed := w.store.RecordAttempts(t.Context(), []notification.Delivery{d}); len(failed) > 0 {
		t.Fatal(failed)
	}
	answer := w.signedIn().post("/console/signature", url.Values{"body": {string(whole)}, "timestamp": {fmt.Sprint(later.Timestamp)}, "signature": {later.Signature}})
	if page := text(t, answer); !strings.Contains(page, "are those of attempt 2 of delivery "+d.DeliveryID) {
		t.Errorf("not found:\n%s", page)
	}
}

package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/signature"
)

// signaturePage says why a receiver's verification fails. It compares with what is
// on record, for which nobody needs a secret; with the secret that the receiver
// uses, typed in once, it finds out how a signature was computed. No secret that is
// kept is opened for it; see docs/decisions/0023-the-consoles-sessions.md.
type signaturePage struct {
	Body, Timestamp, Signature string
	Asked                      bool
	Accepted                   bool
	Findings                   []signature.Finding
	// Sent is the attempt on record that was compared with, Difference where its
	// body is another.
	Sent       *signature.Sent
	Difference *signature.Difference
	// Secret says whose secret was typed in.
	Secret string
	// LeftOut says that attempts of that time are on record without what they sent.
	LeftOut bool
	Panel   panel
}

// How far it is looked for an attempt by its timestamp: that is the second of
// acceptance plus whole hours, and attempts that old are rare.
const (
	hoursBack     = 48
	atOneSecond   = 200
	timestampForm = 10 // digits of seconds, until the year 2286
)

func (c *Console) showSignature(w http.ResponseWriter, r *http.Request, v visitor) error {
	c.render(w, r, v, http.StatusOK, "signature", "Check a signature", signaturePage{})
	return nil
}

// checkSignature answers a form with the page itself: it changes nothing, and what
// it is given has no place in an address.
func (c *Console) checkSignature(w http.ResponseWriter, r *http.Request, v visitor) error {
	if err := r.ParseForm(); err != nil {
		return notification.Errorf(notification.TooLarge, "the form could not be read: a body has at most 1 MiB")
	}
	shown := signaturePage{
		Asked: true, Body: r.PostForm.Get("body"), Timestamp: r.PostForm.Get("timestamp"), Signature: r.PostForm.Get("signature"),
	}
	pasted := signature.Pasted{Body: shown.Body, Timestamp: shown.Timestamp, Signature: shown.Signature}
	records, leftOut, err := c.sentAt(r, v, shown.Timestamp)
	shown.LeftOut = leftOut
	if err != nil {
		shown.Panel = c.failed(r, err)
		c.render(w, r, v, http.StatusOK, "signature", "Check a signature", shown)
		return nil
	}
	signing, _ := signer(v.env)
	found := signature.ExplainBySent(pasted, records, signing.APIKey, v.now)
	shown.Sent, shown.Difference = found.Sent, found.Difference
	shown.Findings, shown.Accepted = found.Findings, found.Accepted
	if secret := strings.TrimSpace(r.PostForm.Get("secret")); secret != "" {
		key, whose := ownerOf(v.env, secret)
		shown.Secret = whose
		computed := signature.Explain(pasted, signature.Keys{
			Algorithm: cmp.Or(v.env.Settings.SignatureAlgorithm, signature.SHA1), Signs: signing.APIKey,
			All: []notification.SigningKey{{APIKey: key, Secret: secret}},
		}, v.now)
		shown.Findings, shown.Accepted = join(shown.Findings, computed.Findings), shown.Accepted || shown.Sent == nil && computed.Accepted
	}
	c.render(w, r, v, http.StatusOK, "signature", "Check a signature", shown)
	return nil
}

// join puts together what the record says and what the typed secret has shown: what
// explains comes first, and nothing is said twice.
func join(record, computed []signature.Finding) []signature.Finding {
	explained := true
	for i, f := range computed {
		if f.Code == signature.NothingMatches {
			explained = false
			computed[i].Text = "The secret that you typed does not make this signature, in any of the ways that receivers are known to get wrong."
		}
	}
	first, second := record, computed
	if explained {
		first, second = computed, record
	}
	said := make(map[signature.Code]bool)
	var all []signature.Finding
	for _, f := range slices.Concat(first, second) {
		overtaken := explained && (f.Code == signature.NotOnRecord || f.Code == signature.SignatureDiffers)
		if !said[f.Code] && !overtaken {
			all = append(all, f)
		}
		said[f.Code] = true
	}
	return all
}

// ownerOf finds out whose secret somebody has typed in, by its hash. No key has a
// strange one.
func ownerOf(env notification.Environment, secret string) (apiKey, whose string) {
	hash := registry.HashSecret(secret)
	for _, key := range env.Keys {
		if slices.Equal(key.SecretHash, hash) {
			whose = "The secret is that of key " + short(key.APIKey) + " of this environment"
			if !key.Enabled {
				whose += ", which is disabled"
			}
			return key.APIKey, whose + "."
		}
	}
	return "", "The secret is none of this environment's: no key here has it."
}

// sentAt finds the attempts that were sent with a timestamp. It is the second in
// which their event was accepted, plus whole hours.
func (c *Console) sentAt(r *http.Request, v visitor, timestamp string) (sent []signature.Sent, leftOut bool, err error) {
	digits := strings.Trim(timestamp, " \t\r\n\"':")
	if i := strings.LastIndexAny(digits, ": ="); i >= 0 { // copied with the header's name
		digits = digits[i+1:]
	}
	digits = digits[:min(len(digits), timestampForm)] // of milliseconds the seconds
	seconds, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return nil, false, nil // the explanation says so
	}
	at := time.Unix(seconds, 0).UTC()
	var all []notification.Delivery
	var fault error
	for back := 0; back <= hoursBack && len(all) == 0 && fault == nil; back++ {
		from := at.Add(-time.Duration(back) * time.Hour)
		if v.now.Sub(from) > c.Stack.Retention || from.After(v.now) {
			continue
		}
		var page notification.LogPage
		page, fault = c.History.Deliveries(r.Context(), notification.LogQuery{
			CloudName: v.env.CloudName, From: from, To: from.Add(time.Second - time.Millisecond), Limit: atOneSecond,
		})
		for _, d := range page.Rows {
			if slices.ContainsFunc(d.Attempts, func(a notification.Attempt) bool { return a.Timestamp == seconds }) {
				all = append(all, d)
			}
		}
	}
	if fault != nil {
		return nil, false, fault
	}
	return c.sentBy(r, all, seconds)
}

// mostBodies bounds how many notifications are read to compare with.
const mostBodies = 20

// sentBy reads what the attempts of a timestamp have sent.
func (c *Console) sentBy(r *http.Request, deliveries []notification.Delivery, timestamp int64) (sent []signature.Sent, leftOut bool, err error) {
	for _, d := range deliveries[:min(len(deliveries), mostBodies)] {
		whole, err := c.History.Delivery(r.Context(), d.DeliveryKey)
		if notification.CodeOf(err) == notification.NotFound {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		leftOut = leftOut || whole.LeftOut
		for _, a := range whole.Attempts {
			if of, known := whole.Sent(a); known && of.Body != nil && a.Timestamp == timestamp {
				sent = append(sent, signature.Sent{
					DeliveryID: d.DeliveryID, Attempt: a.Number, Body: of.Body, Timestamp: a.Timestamp, Signature: a.Signature, APIKey: a.SigningKey,
				})
			}
		}
	}
	return sent, leftOut, nil
}

package signature

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
)

// The codes of what comparing with the record can tell.
const (
	BodyDiffers      Code = "body_differs"
	TimestampDiffers Code = "timestamp_differs"
	SignatureDiffers Code = "signature_differs"
	NotOnRecord      Code = "not_on_record"
)

// Sent is an attempt on record: the bytes that were sent, and what their headers
// said.
type Sent struct {
	DeliveryID string
	Attempt    int
	Body       []byte
	Timestamp  int64
	Signature  string
	// APIKey is the key that signed.
	APIKey string
}

// Difference is the first place where the pasted body is not what was sent, with
// what stands around it. Where both are JSON their canonical forms are compared,
// so that spaces and escapes are no difference.
type Difference struct {
	// Offset counts bytes from 0.
	Offset       int
	Sent, Pasted string
}

// ExplainBySent finds out what it can without any secret, by comparing with what
// is on record. The records may be all those that the timestamp points to: the one
// that is nearest is compared with. The signs parameter is the API key that signs
// now, empty where none can.
func ExplainBySent(p Pasted, records []Sent, signs string, now time.Time) Explanation {
	c, findings := read(p, now)
	if !c.complete() {
		return Explanation{Findings: findings}
	}
	variants := c.variants()
	sent, ok := nearest(c, variants, records)
	if !ok {
		return Explanation{Findings: append(append(c.bodyFaults(), Finding{
			Code: NotOnRecord,
			Text: "No notification with this body, timestamp or signature is on record in this environment.",
			Next: "See that the three are of one and the same request, and that it came from this environment: " +
				"the body's signature_key names the key that signed it.",
		}), findings...)}
	}
	e := Explanation{APIKey: sent.APIKey, Sent: &sent}
	bodyFinding, asSent := e.compareBody(c, variants, sent)
	signed := c.is(sent.Signature)
	switch {
	case signed && asSent && c.seconds == sent.Timestamp:
		e.Findings = append(e.Findings, Finding{
			Code: Matches,
			Text: fmt.Sprintf("Body, timestamp and signature are those of attempt %d of delivery %s, signed with key %s by %s.",
				sent.Attempt, sent.DeliveryID, short(sent.APIKey), spoken(c.algorithm)),
			Next: "If your receiver refuses it all the same, see that it has the secret of that key, " + formula(c.algorithm),
		})
		e.Accepted = c.timestamp == strconv.FormatInt(sent.Timestamp, 10) && !anyRefuses(findings)
	case !signed:
		e.Findings = append(e.Findings, otherSignature(c, variants, sent)...)
	}
	e.Findings = append(e.Findings, bodyFinding...)
	if c.seconds != sent.Timestamp {
		e.Findings = append(e.Findings, Finding{
			Code: TimestampDiffers,
			Text: fmt.Sprintf("The timestamp is not the one that was sent, which is %d.", sent.Timestamp),
			Next: "Use the header X-Cld-Timestamp as it came, of the same request as the body.",
		})
	}
	if sent.APIKey != signs {
		e.Findings = append(e.Findings, otherKey(sent.APIKey, signs))
	}
	e.Findings = append(e.Findings, findings...)
	return e
}

// nearest chooses the record to compare with: the one of the same signature, else
// of the same body, else the one of the same second whose body begins the same
// for longest.
func nearest(c claim, variants []variant, records []Sent) (Sent, bool) {
	var best Sent
	rank, found := 0, false
	pasted := comparable(c)
	for _, sent := range records {
		r := 0
		switch {
		case c.is(sent.Signature):
			r = payload.MaxBody + 4
		case sameAny(variants, sent.Body):
			r = payload.MaxBody + 3
		case sameFields(pasted, sent.Body):
			r = payload.MaxBody + 2
		case sent.Timestamp == c.seconds:
			r = 1 + common(pasted, sent.Body)
		}
		if r > rank {
			best, rank, found = sent, r, true
		}
	}
	return best, found
}

func sameAny(variants []variant, body []byte) bool {
	for _, v := range variants {
		if bytes.Equal(v.bytes, body) {
			return true
		}
	}
	return false
}

// sameFields reports whether two bodies differ by the order of their fields alone.
func sameFields(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	a, errA := sortedFields(a)
	b, errB := sortedFields(b)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// comparable is the pasted body in the form that bodies are sent in, or as it is
// where that cannot be told.
func comparable(c claim) []byte {
	if canonical, err := payload.Canonical([]byte(c.body)); err == nil {
		return canonical
	}
	return []byte(c.body)
}

// common is how many bytes two bodies begin with alike.
func common(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// compareBody reports whether the body is as it was sent, byte for byte, and says
// how it differs where it is not.
func (e *Explanation) compareBody(c claim, variants []variant, sent Sent) ([]Finding, bool) {
	for _, v := range variants {
		if bytes.Equal(v.bytes, sent.Body) {
			if v.asPasted() {
				return nil, true
			}
			return []Finding{v.finding()}, false
		}
	}
	pasted := comparable(c)
	if sameFields(pasted, sent.Body) {
		return []Finding{{
			BodyRewritten, "The body says the same as the one that was sent, and its fields stand in another order.",
			"Your framework has parsed the body and written it anew. " + rawBody,
		}}, false
	}
	at := common(pasted, sent.Body)
	e.Difference = &Difference{Offset: at, Sent: excerpt(sent.Body, at), Pasted: excerpt(pasted, at)}
	return append(c.bodyFaults(), Finding{
		BodyDiffers, fmt.Sprintf("The body is not the one that was sent: they differ from byte %d on.", at),
		rawBody + " Fields that were left out, added or changed cannot be put back.",
	}), false
}

// excerpt is what stands around an offset, whole letters only.
func excerpt(body []byte, at int) string {
	const before, after = 24, 40
	part := body[max(0, at-before):min(len(body), at+after)]
	return strings.ToValidUTF8(string(part), "")
}

// otherSignature says what can be said of a signature that was not sent: whether
// it was made without a secret, and by which digest.
func otherSignature(c claim, variants []variant, sent Sent) []Finding {
	key := notification.SigningKey{APIKey: sent.APIKey}
	for _, timestamp := range c.timestamps() {
		for _, v := range variants {
			for _, how := range []recipe{apiKeyAsSecret, bodyAndTimestamp, bodyAlone} {
				if v.likely && c.is(how.digest(c.algorithm, v.bytes, timestamp, key)) {
					return []Finding{how.finding(c.algorithm, key.APIKey)}
				}
			}
		}
	}
	if used := algorithms[len(sent.Signature)]; used != c.algorithm {
		return []Finding{{
			OtherAlgorithm, fmt.Sprintf("It is a %s signature, and this notification was signed by %s.", spoken(c.algorithm), spoken(used)),
			fmt.Sprintf("Have your receiver verify with %s, or change the environment's setting.", spoken(used)),
		}}
	}
	return []Finding{{
		SignatureDiffers,
		fmt.Sprintf("The signature is not the one that was sent, which begins with %s. It was made with key %s by %s.",
			sent.Signature[:8], short(sent.APIKey), spoken(c.algorithm)),
		"If your code computed it, see that it has the secret of that key, " + formula(c.algorithm),
	}}
}

func formula(algorithm string) string {
	return fmt.Sprintf("and that it computes %s(body + timestamp + api_secret) of the raw body: a plain digest, not an HMAC.", algorithm)
}

package signature

import (
	"fmt"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Pasted is what a receiver has in hand, as a person copied it: the body that
// its code signs, and the values of the two headers. The signature may as well be
// the one that the receiver's own code computed.
type Pasted struct{ Body, Timestamp, Signature string }

// Keys are the keys of an environment, opened. Only the delivery function can
// have them; whoever has none asks ExplainBySent.
type Keys struct {
	// Algorithm is the environment's, SHA1 or SHA256.
	Algorithm string
	// Signs is the API key that signs now; empty where none can.
	Signs string
	// All are to be tried. One without an APIKey is a secret that somebody has
	// typed in, and no key's here.
	All []notification.SigningKey
}

// Explanation says why a receiver that was handed what was pasted accepts or
// refuses it.
type Explanation struct {
	// Accepted says that a receiver that does as Cloudinary's SDKs do, with the
	// right secret, accepts what was pasted as it stands.
	Accepted bool
	// APIKey is the key that signed, where that was found out.
	APIKey string
	// Findings are never none; those that decide come first.
	Findings []Finding
	// Sent is the record that ExplainBySent compared with, nil for none, and
	// Difference the first place where the bodies differ, nil where they do not.
	Sent       *Sent
	Difference *Difference
}

// Finding is one thing that was found out. Nothing of it holds a secret.
type Finding struct {
	Code Code
	// Text says what holds, and Next what to do about it; Next may be empty.
	Text, Next string
}

// Code names a kind of finding. The list is closed.
type Code string

// The codes of what was found out about the signature as a whole.
const (
	Matches           Code = "matches"
	MatchesOtherKey   Code = "matches_other_key"
	OtherAlgorithm    Code = "other_algorithm"
	BodyRewritten     Code = "body_rewritten"
	SignedRewritten   Code = "signed_rewritten"
	ComputedAsHMAC    Code = "computed_as_hmac"
	WithoutTimestamp  Code = "without_timestamp"
	WithoutSecret     Code = "without_secret"
	PaddedSecret      Code = "padded_secret"
	APIKeyAsSecret    Code = "api_key_as_secret"
	OtherOrder        Code = "other_order"
	NothingMatches    Code = "nothing_matches"
	SignatureKeyOther Code = "signature_key_unknown"
)

// Explain finds out how the signature was made, out of the environment's keys and
// the mistakes that receivers are known to make: the body written anew, HMAC in
// place of the plain digest, the other algorithm, milliseconds, another key.
func Explain(p Pasted, keys Keys, now time.Time) Explanation {
	c, findings := read(p, now)
	if !c.complete() {
		return Explanation{Findings: findings}
	}
	made, ok := search(c, keys)
	if !ok {
		return Explanation{Findings: append(unexplained(c, keys), findings...)}
	}
	decided := made.findings(c, keys)
	e := Explanation{APIKey: made.key.APIKey, Findings: append(decided, findings...)}
	e.Accepted = made.how.plain && made.body.asPasted() && made.timestamp == c.timestamp && !anyRefuses(findings)
	return e
}

// making is how a signature was made.
type making struct {
	how       recipe
	key       notification.SigningKey
	body      variant
	timestamp string
}

// search tries what is likely first: the first that matches is the explanation.
// The signature's length says which digest it is, which halves the work.
func search(c claim, keys Keys) (making, bool) {
	variants := c.variants()
	for _, timestamp := range c.timestamps() {
		for _, body := range variants {
			for _, key := range keys.All {
				if c.is(plainly.digest(c.algorithm, body.bytes, timestamp, key)) {
					return making{plainly, key, body, timestamp}, true
				}
			}
		}
	}
	for _, timestamp := range c.timestamps() {
		for _, body := range variants {
			if !body.likely {
				continue
			}
			for _, how := range mistakes {
				for _, key := range keys.All {
					if c.is(how.digest(c.algorithm, body.bytes, timestamp, key)) {
						return making{how, key, body, timestamp}, true
					}
				}
			}
		}
	}
	return making{}, false
}

// findings puts a match into words: how it was made, of which body, by which key
// and algorithm.
func (m making) findings(c claim, keys Keys) []Finding {
	var findings []Finding
	switch {
	case !m.how.plain:
		findings = append(findings, m.how.finding(c.algorithm, m.key.APIKey))
	case m.body.asPasted():
		findings = append(findings, Finding{
			Code: Matches,
			Text: fmt.Sprintf("The signature matches this body and timestamp, signed with %s by %s.",
				called(m.key.APIKey), spoken(c.algorithm)),
		})
	}
	if !m.body.asPasted() {
		findings = append(findings, m.body.finding())
	}
	if !m.how.secretless && m.key.APIKey != keys.Signs {
		findings = append(findings, otherKey(m.key.APIKey, keys.Signs))
	}
	if c.algorithm != keys.Algorithm {
		findings = append(findings, otherAlgorithm(c.algorithm, keys.Algorithm))
	}
	return findings
}

func otherKey(matching, signs string) Finding {
	now := "no key of the environment signs now"
	if signs != "" {
		now = called(signs) + " signs now"
	}
	if matching == "" {
		return Finding{
			Code: MatchesOtherKey,
			Text: "It was made with that secret, which no key of this environment has, and " + now + ".",
			Next: "Have your receiver use the secret of the key that the body's signature_key names.",
		}
	}
	return Finding{
		Code: MatchesOtherKey,
		Text: fmt.Sprintf("It was made with %s, and %s.", called(matching), now),
		Next: "The body's signature_key names the key that signed. Have your receiver choose the secret by it, " +
			"or know the secrets of both keys while one replaces the other.",
	}
}

func otherAlgorithm(matching, set string) Finding {
	return Finding{
		Code: OtherAlgorithm,
		Text: fmt.Sprintf("It is a %s signature, and the environment's setting is %s.", spoken(matching), spoken(set)),
		Next: fmt.Sprintf("Have your receiver verify with %s, or change the environment's setting.", spoken(set)),
	}
}

// unexplained says what is left to look at where nothing that was tried matches.
func unexplained(c claim, keys Keys) []Finding {
	findings := c.bodyFaults()
	if named := c.signatureKey(); named != "" && !keys.has(named) {
		findings = append(findings, Finding{
			Code: SignatureKeyOther,
			Text: fmt.Sprintf("The body says that key %s signed it, and this environment has no such key.", short(named)),
			Next: "The notification is another environment's, or its key has been deleted since: verify it with the secret of that key.",
		})
	}
	return append(findings, Finding{
		Code: NothingMatches,
		Text: "No key of the environment makes this signature, in any of the ways that receivers are known to get wrong.",
		Next: "Verify the bytes as they came, before your framework parses them: fields that were sorted, left out or changed " +
			"cannot be put back. Then see that body, timestamp and signature are of one and the same request.",
	})
}

func (k Keys) has(apiKey string) bool {
	for _, key := range k.All {
		if key.APIKey == apiKey {
			return true
		}
	}
	return false
}

// called names a key in sentences.
func called(apiKey string) string {
	if apiKey == "" {
		return "that secret"
	}
	return "key " + short(apiKey)
}

// short names a key by its end, which is enough to tell it from the others.
func short(apiKey string) string {
	const shown = 4
	if len(apiKey) <= shown {
		return apiKey
	}
	return "…" + apiKey[len(apiKey)-shown:]
}

// spoken is an algorithm's name in sentences.
func spoken(algorithm string) string {
	return strings.Replace(strings.ToUpper(algorithm), "SHA", "SHA-", 1)
}

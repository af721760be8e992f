package signature

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/payload"
)

// The codes of what was found out about the three as they were pasted.
const (
	BodyMissing          Code = "body_missing"
	BodyTooLong          Code = "body_too_long"
	BodyCutShort         Code = "body_cut_short"
	BodyNotJSON          Code = "body_not_json"
	SignatureMissing     Code = "signature_missing"
	SignatureHasPrefix   Code = "signature_has_prefix"
	SignatureUpperCase   Code = "signature_upper_case"
	SignatureInBase64    Code = "signature_in_base64"
	SignatureNotHex      Code = "signature_not_hex"
	SignatureWrongLength Code = "signature_wrong_length"
)

// claim is what was pasted, once the form of it is understood.
type claim struct {
	body string
	// timestamp is as it was pasted, but for space around it; seconds is what it
	// says, where that is another.
	timestamp string
	seconds   int64
	// signature is lower-case hex, and algorithm the one of its length.
	signature string
	algorithm string
}

func (c claim) complete() bool { return c.body != "" && c.timestamp != "" && c.algorithm != "" }

// is compares in constant time: whoever may ask for an explanation can ask often.
func (c claim) is(signature string) bool {
	return subtle.ConstantTimeCompare([]byte(c.signature), []byte(signature)) == 1
}

// timestamps are those that the signature may hold: what was pasted, and the same
// in seconds.
func (c claim) timestamps() []string {
	if seconds := strconv.FormatInt(c.seconds, 10); seconds != c.timestamp {
		return []string{c.timestamp, seconds}
	}
	return []string{c.timestamp}
}

// refusing are the findings for which a receiver refuses a signature that matches.
var refusing = map[Code]bool{
	TimestampInMilliseconds: true, TimestampTooOld: true,
	SignatureHasPrefix: true, SignatureUpperCase: true, SignatureInBase64: true,
}

func anyRefuses(findings []Finding) bool {
	for _, f := range findings {
		if refusing[f.Code] {
			return true
		}
	}
	return false
}

// read takes what was pasted apart. The findings are about its form; the claim is
// incomplete where a part is missing or cannot be understood.
func read(p Pasted, now time.Time) (claim, []Finding) {
	var c claim
	findings := c.readBody(p.Body)
	findings = append(findings, c.readTimestamp(p.Timestamp, now)...)
	return c, append(findings, c.readSignature(p.Signature)...)
}

// readBody undoes what a form does to line breaks, and nothing else: every byte
// counts.
func (c *claim) readBody(pasted string) []Finding {
	switch {
	case strings.TrimSpace(pasted) == "":
		return []Finding{{
			BodyMissing, "The body is missing.",
			"Paste the raw body of the request. If your receiver sees an empty one, something before it has read it: " +
				"take the raw body first, and parse it afterwards.",
		}}
	case len(pasted) > payload.MaxBody:
		return []Finding{{
			BodyTooLong, "The body is longer than any notification, which have at most 1 MiB.",
			"Paste the body of one request alone.",
		}}
	}
	c.body = strings.ReplaceAll(pasted, "\r\n", "\n")
	return nil
}

// bodyFaults says why a body cannot be a notification's.
func (c claim) bodyFaults() []Finding {
	_, err := payload.Canonical([]byte(c.body))
	switch {
	case err == nil:
		return nil
	case strings.HasSuffix(err.Error(), "unexpected end"):
		return []Finding{{
			BodyCutShort, "The body is cut short: its JSON does not end.",
			"Read the whole body, to the length that Content-Length names, before you verify it.",
		}}
	case strings.HasPrefix(strings.TrimSpace(c.body), "[object "):
		return []Finding{{
			BodyNotJSON, "The body is a JavaScript object that was turned into text, not what was sent.",
			"Take the raw body: express.raw({type: \"application/json\"}), or the verify option of express.json.",
		}}
	}
	return []Finding{{
		BodyNotJSON, "The body is not the JSON of a notification: " + err.Error() + ".",
		"Paste the raw body, as bytes came in, and not how your language prints what it has parsed.",
	}}
}

// signatureKey is the key that the body says it was signed with.
func (c claim) signatureKey() string {
	fields, err := payload.Fields([]byte(c.body))
	if err != nil {
		return ""
	}
	for _, f := range fields {
		if f.Name == "signature_key" {
			return strings.Trim(string(f.Raw), `"`)
		}
	}
	return ""
}

// headerValue takes a header's name, and quotes and space around its value, away:
// what comes along when a header is copied.
func headerValue(pasted, name string) string {
	value := strings.TrimSpace(pasted)
	if len(value) > len(name) && strings.EqualFold(value[:len(name)], name) {
		value = strings.TrimLeft(value[len(name):], `:="' `)
	}
	return strings.Trim(value, `"'`+" \t\r\n")
}

// algorithms are told apart by the digits of their signatures.
var algorithms = map[int]string{40: SHA1, 64: SHA256}

var prefix = regexp.MustCompile(`^(?i:sha-?(1|256)|v1|hmac|hex)[=:]\s*`)

func (c *claim) readSignature(pasted string) []Finding {
	value := headerValue(pasted, "X-Cld-Signature")
	if value == "" {
		return []Finding{{
			SignatureMissing, "The signature is missing.",
			"Paste the value of the header X-Cld-Signature, or what your code has computed in its place.",
		}}
	}
	var findings []Finding
	if found := prefix.FindString(value); found != "" {
		value = value[len(found):]
		findings = append(findings, Finding{
			SignatureHasPrefix, fmt.Sprintf("The signature begins with %q. X-Cld-Signature has its hex digits alone.", strings.TrimSpace(found)),
			"Compare the digits, without anything in front.",
		})
	}
	if digits, ok := fromBase64(value); ok {
		value = digits
		findings = append(findings, Finding{
			SignatureInBase64, "The signature is in base64. X-Cld-Signature is in lower-case hex.",
			"Have your code write the digest in hex.",
		})
	}
	if lower := strings.ToLower(value); lower != value {
		value = lower
		findings = append(findings, Finding{
			SignatureUpperCase, "The signature has capitals. X-Cld-Signature is in lower-case hex.",
			"Have your code write the digest in lower case, or compare it without regard to case.",
		})
	}
	if strings.Trim(value, "0123456789abcdef") != "" {
		return []Finding{{
			SignatureNotHex, "The signature is not hex: it may have the digits 0 to 9 and a to f only.",
			"Paste the value of the header X-Cld-Signature.",
		}}
	}
	algorithm, ok := algorithms[len(value)]
	if !ok {
		return []Finding{{
			SignatureWrongLength, fmt.Sprintf("The signature has %s. SHA-1 makes 40, SHA-256 makes 64.", counted(len(value), "hex digit")),
			lengthAdvice(len(value)),
		}}
	}
	c.signature, c.algorithm = value, algorithm
	return findings
}

func lengthAdvice(digits int) string {
	switch digits {
	case 32:
		return "32 digits are MD5: have your code compute SHA-1 or SHA-256, as the environment's setting says."
	case 96, 128:
		return "So many digits are SHA-384 or SHA-512: have your code compute SHA-1 or SHA-256, as the environment's setting says."
	}
	return "Paste the whole value of the header X-Cld-Signature."
}

// fromBase64 returns the hex of a digest that was written in base64.
func fromBase64(value string) (string, bool) {
	if algorithms[len(value)] != "" {
		return "", false
	}
	plain := strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(value), "=")
	digest, err := base64.RawStdEncoding.DecodeString(plain)
	if err != nil || algorithms[2*len(digest)] == "" {
		return "", false
	}
	return hex.EncodeToString(digest), true
}

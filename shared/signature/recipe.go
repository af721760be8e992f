package signature

import (
	"crypto/hmac"
	"crypto/sha1" // see signature.go
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// recipe is a way to compute a signature: the right one, or one that receivers
// are known to take for it.
type recipe struct {
	code Code
	// plain is set on the right one.
	plain bool
	// secretless says that it takes no secret, so that anyone can compute it.
	secretless bool
	digest     func(algorithm string, body []byte, timestamp string, key notification.SigningKey) string
	// what says in a few words what was computed, of the algorithm's name.
	what string
}

// plainly is what Sign does, for a timestamp as somebody wrote it.
var plainly = recipe{plain: true, digest: joined(func(body, timestamp, secret string) string { return body + timestamp + secret })}

// mistakes are the others, each with its own finding.
var mistakes = []recipe{
	{code: ComputedAsHMAC, what: "an HMAC-%s of body and timestamp", digest: keyed(func(body, timestamp string) string { return body + timestamp })},
	{code: ComputedAsHMAC, what: "an HMAC-%s of the body", digest: keyed(func(body, _ string) string { return body })},
	{code: ComputedAsHMAC, what: "an HMAC-%s of timestamp and body", digest: keyed(func(body, timestamp string) string { return timestamp + body })},
	{code: ComputedAsHMAC, what: "an HMAC-%s of timestamp, a dot and body", digest: keyed(func(body, timestamp string) string { return timestamp + "." + body })},
	{code: WithoutTimestamp, what: "the %s of body and secret, without the timestamp", digest: joined(func(body, _, secret string) string { return body + secret })},
	{code: PaddedSecret, what: "the %s of body, timestamp, secret and a line break", digest: joined(func(body, timestamp, secret string) string { return body + timestamp + secret + "\n" })},
	{code: PaddedSecret, what: "the %s of body, timestamp, secret and a space", digest: joined(func(body, timestamp, secret string) string { return body + timestamp + secret + " " })},
	{code: PaddedSecret, what: "the %s of body, timestamp and the secret in quotes", digest: joined(func(body, timestamp, secret string) string { return body + timestamp + `"` + secret + `"` })},
	{code: OtherOrder, what: "the %s of timestamp, body and secret", digest: joined(func(body, timestamp, secret string) string { return timestamp + body + secret })},
	{code: OtherOrder, what: "the %s of secret, body and timestamp", digest: joined(func(body, timestamp, secret string) string { return secret + body + timestamp })},
	{code: OtherOrder, what: "the %s of secret, timestamp and body", digest: joined(func(body, timestamp, secret string) string { return secret + timestamp + body })},
	{code: OtherOrder, what: "the %s of body, secret and timestamp", digest: joined(func(body, timestamp, secret string) string { return body + secret + timestamp })},
	{code: OtherOrder, what: "the %s of body, timestamp and secret with dots between them", digest: joined(func(body, timestamp, secret string) string { return body + "." + timestamp + "." + secret })},
	{code: OtherOrder, what: "the %s of body, timestamp and secret on lines of their own", digest: joined(func(body, timestamp, secret string) string { return body + "\n" + timestamp + "\n" + secret })},
	apiKeyAsSecret, bodyAndTimestamp, bodyAlone,
}

// Mistakes that can be found out without any secret.
var (
	apiKeyAsSecret = recipe{code: APIKeyAsSecret, what: "the %s of body, timestamp and the API key", digest: func(algorithm string, body []byte, timestamp string, key notification.SigningKey) string {
		if key.APIKey == "" {
			return ""
		}
		key.Secret = key.APIKey
		return plainly.digest(algorithm, body, timestamp, key)
	}}
	bodyAndTimestamp = recipe{code: WithoutSecret, secretless: true, what: "the %s of body and timestamp, without a secret", digest: joined(func(body, timestamp, _ string) string { return body + timestamp })}
	bodyAlone        = recipe{code: WithoutSecret, secretless: true, what: "the %s of the body alone", digest: joined(func(body, _, _ string) string { return body })}
)

// joined computes the plain digest of what the parts are joined to.
func joined(join func(body, timestamp, secret string) string) func(string, []byte, string, notification.SigningKey) string {
	return func(algorithm string, body []byte, timestamp string, key notification.SigningKey) string {
		digest := hashes[algorithm]()
		digest.Write([]byte(join(string(body), timestamp, key.Secret)))
		return hex.EncodeToString(digest.Sum(nil))
	}
}

// keyed computes the HMAC, under the secret, of what the parts are joined to.
func keyed(join func(body, timestamp string) string) func(string, []byte, string, notification.SigningKey) string {
	return func(algorithm string, body []byte, timestamp string, key notification.SigningKey) string {
		digest := hmac.New(hashes[algorithm], []byte(key.Secret))
		digest.Write([]byte(join(string(body), timestamp)))
		return hex.EncodeToString(digest.Sum(nil))
	}
}

var hashes = map[string]func() hash.Hash{SHA1: sha1.New, SHA256: sha256.New}

// finding says what was computed, and what to compute.
func (r recipe) finding(algorithm string, apiKey string) Finding {
	text := "The signature is " + fmt.Sprintf(r.what, spoken(algorithm))
	if !r.secretless && r.code != APIKeyAsSecret {
		text += ", with " + called(apiKey)
	}
	next := fmt.Sprintf("Notifications are signed with a plain digest, not an HMAC: compute %s(body + timestamp + api_secret), "+
		"the three written one after the other with nothing between them.", algorithm)
	switch r.code {
	case PaddedSecret:
		next = "Take the space, line break or quotes off the secret where your receiver reads it: files and variables often end in one."
	case APIKeyAsSecret, WithoutSecret:
		next = fmt.Sprintf("Compute %s(body + timestamp + api_secret): the API key is public, and so is a digest without the secret.", algorithm)
	}
	return Finding{r.code, text + ".", next}
}

// Package signature signs notifications as Cloudinary does, for delivery,
// verifies them, for receivers and tests, and explains why a verification fails,
// for the console: Explain out of the keys, ExplainBySent without any secret, by
// what is on record.
//
// The one rule: what is signed are the bytes that are sent. The signature is a
// digest of the body, the timestamp and the secret written one after the other,
// without separators. It is not an HMAC.
//
// Source: Cloudinary, Webhook notifications, Verifying notification signatures.
package signature

import (
	"crypto/sha1" // the digest that Cloudinary's receivers expect by default
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"time"
)

// The algorithms. Cloudinary's default is SHA1; an environment may ask for
// SHA256.
//
// Source: Cloudinary, Webhook notifications, Verifying notification signatures.
const (
	SHA1   = "sha1"
	SHA256 = "sha256"
)

// hour is how long a timestamp stays the same, in seconds. Receivers reject one
// that is two hours old; half of that leaves the other half to slow clocks and
// networks.
const hour = 3600

// Sign returns the value of X-Cld-Signature: the digest of body, timestamp and
// secret in lower-case hex, 40 digits of SHA1 or 64 of SHA256. The timestamp is
// in unix seconds, as X-Cld-Timestamp carries it.
//
// It is an error where the algorithm is neither of the two or the secret is
// empty, since anyone could make that signature. No error holds the secret.
//
// Source: Cloudinary, Webhook notifications, Verifying notification signatures.
func Sign(algorithm string, body []byte, timestamp int64, secret string) (string, error) {
	var digest hash.Hash
	switch algorithm {
	case SHA1:
		digest = sha1.New()
	case SHA256:
		digest = sha256.New()
	default:
		return "", fmt.Errorf("sign notification: algorithm %q is neither %s nor %s", algorithm, SHA1, SHA256)
	}
	if secret == "" {
		return "", errors.New("sign notification: secret is empty")
	}
	var buf [96]byte // a timestamp and a secret of the usual length
	digest.Write(body)
	digest.Write(append(strconv.AppendInt(buf[:0], timestamp, 10), secret...))
	return hex.EncodeToString(digest.Sum(buf[:0])), nil
}

// Verify reports whether signature is what Sign returns for the rest. The time
// that it takes does not depend on where the two differ. How old a timestamp may
// be is for the receiver to judge: Cloudinary advises two hours.
//
// Source: Cloudinary, Webhook notifications, Verifying notification signatures.
func Verify(algorithm string, body []byte, timestamp int64, signature, secret string) bool {
	want, err := Sign(algorithm, body, timestamp, secret)
	if err != nil {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(want), []byte(signature)) == 1
}

// Timestamp returns the timestamp, in unix seconds, of an attempt made at the
// given instant for an event accepted at another: the second of acceptance plus
// the whole hours since. So attempts within the hour carry the same bytes,
// signature included, by which receivers drop duplicates; and no timestamp is an
// hour old or in the future. An attempt before acceptance, which only clocks that
// disagree can make, is signed as of acceptance.
func Timestamp(acceptedAt, at time.Time) int64 {
	// Counted in whole seconds, as receivers do: fractions would let a timestamp
	// grow older than the hour.
	accepted, now := acceptedAt.Unix(), at.Unix()
	if now < accepted {
		return accepted
	}
	return now - (now-accepted)%hour
}

package notification

import (
	"net/url"
	"strings"
	"time"
)

// OriginKey names an origin within an environment: what health is kept for.
type OriginKey struct {
	CloudName string
	// Origin is scheme, host and port, as OriginOf gives them.
	Origin string
}

// OriginOf returns the scheme, host and port of a URL in lower case, or all of
// it where it has none.
func OriginOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return rawURL
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

// Health is what is known of how quickly an origin answers. The zero value is
// that of one that nothing is known of.
type Health struct {
	// ProvenUntil is how long a quick answer counts as proof.
	ProvenUntil time.Time
	// SlowSince is when it first kept a sender waiting; zero once it has answered
	// quickly again.
	SlowSince time.Time
}

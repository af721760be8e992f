package notification

import (
	"slices"
	"time"
)

// Status is the state of a delivery.
type Status string

// The states of a delivery. Delivered and exhausted are final until somebody
// resends.
const (
	Pending   Status = "pending"
	Delivered Status = "delivered"
	Retrying  Status = "retrying"
	Exhausted Status = "exhausted"
)

// DeliveryKey names one delivery.
type DeliveryKey struct {
	CloudName  string
	DeliveryID string
}

// Delivery is the record of one notification to one URL. It is first written
// with the result of its first attempt: until then the delivery is pending, and
// its event's record shows it.
type Delivery struct {
	DeliveryKey
	EventID          string
	NotificationType string
	URL              string
	Why              Why
	TriggerID        string
	// Lead says that the record stands for its event in lists.
	Lead bool
	// LeftOut says that the notification is not on record: the delivery cannot be
	// attempted but by a message that carries it.
	LeftOut    bool
	PublicIDs  []string
	Status     Status
	AcceptedAt time.Time
	// AttemptCount is the number of the last attempt made.
	AttemptCount int
	// ScheduleFrom is the attempt that the schedule counts from: 0, or the last one
	// before somebody resent the delivery.
	ScheduleFrom int
	// Attempts are the latest attempts, oldest first; at most KeptAttempts.
	Attempts []Attempt
	// NextAt is when the next attempt is due; zero unless retrying.
	NextAt time.Time
	// NextLane is where the next attempt waits.
	NextLane Lane
	// LeasedUntil keeps two processes from making the same retry at once: the
	// one that set it is at work until then.
	LeasedUntil time.Time
	ExpiresAt   time.Time
}

// KeptAttempts bounds the attempts in a delivery's record, so that writing one
// more costs the same however often it was resent.
const KeptAttempts = 16

// ResponseKept and LastResponseKept are how many bytes of a receiver's answer
// are kept of every attempt and of the last one.
const (
	ResponseKept     = 256
	LastResponseKept = 1024
)

// Attempted adds an attempt to the record.
func (d *Delivery) Attempted(a Attempt) {
	if n := len(d.Attempts); n > 0 {
		last := &d.Attempts[n-1]
		last.Response = last.Response[:min(len(last.Response), ResponseKept)]
	}
	a.Response = a.Response[:min(len(a.Response), LastResponseKept)]
	d.Attempts = append(d.Attempts, a)
	if extra := len(d.Attempts) - KeptAttempts; extra > 0 {
		d.Attempts = d.Attempts[extra:]
	}
	d.AttemptCount = a.Number
}

// Attempt is one POST of a delivery, or the reason why none was made.
type Attempt struct {
	// Number counts from 1 over retries and resends alike.
	Number    int
	StartedAt time.Time
	// Duration is from the start of the attempt to the last byte read.
	Duration time.Duration
	Phases   Phases
	// StatusCode is the answer's, 0 where there was none.
	StatusCode int
	// Reason is empty for a success.
	Reason Reason
	// Detail is a sentence about what happened, fit to be shown to people.
	Detail string
	// Response is the start of the answer's body, as it came.
	Response []byte
	// RemoteAddr is the address and port that was spoken to.
	RemoteAddr string
	// SigningKey is the API key that signed, empty where nothing was sent.
	SigningKey string
	// Timestamp and Signature are what was sent with the body, in unix seconds and
	// hex; zero where nothing was.
	Timestamp int64
	Signature string
	Lane      Lane
	// Repeated says that the attempt was taken up another time, and what became of it
	// then is not on record: its receiver may have been told twice.
	Repeated bool
	// RetryAfter is the wait that the receiver asked for, 0 for none.
	RetryAfter time.Duration
}

// Succeeded reports whether the attempt delivered the notification.
func (a Attempt) Succeeded() bool { return a.Reason == "" }

// Phases are how long the steps of an attempt took, 0 for a step that was not
// taken (a reused connection needs no DNS, connect or TLS).
type Phases struct {
	DNS       time.Duration
	Connect   time.Duration
	TLS       time.Duration
	FirstByte time.Duration
}

// Reason says why an attempt failed. The list is closed: docs/api.md tells for
// each what the receiver's owner should do.
type Reason string

// The reasons of failed attempts.
const (
	// ReasonStatus is an answer other than the one that counts as success.
	ReasonStatus Reason = "status"
	// ReasonRedirect is a 3xx answer: redirects are never followed.
	ReasonRedirect Reason = "redirect"
	// ReasonTimeout is an exchange that took longer than 20 s.
	ReasonTimeout Reason = "timeout"
	// ReasonConnect is a connection that was refused, reset or unreachable.
	ReasonConnect Reason = "connect"
	// ReasonDNS is a host name that did not resolve.
	ReasonDNS Reason = "dns"
	// ReasonTLS is a failed handshake or a certificate that is not trusted.
	ReasonTLS Reason = "tls"
	// ReasonProtocol is an answer that is not HTTP, or breaks its rules.
	ReasonProtocol Reason = "protocol"
	// ReasonBlockedAddress is an address or port that may not be spoken to.
	ReasonBlockedAddress Reason = "blocked_address"
	// ReasonInvalidURL is a URL that no request can be made of.
	ReasonInvalidURL Reason = "invalid_url"
	// ReasonInvalidPayload is a stored body that cannot be read back.
	ReasonInvalidPayload Reason = "invalid_payload"
	// ReasonSigningKeyDisabled is a disabled key that is dedicated for webhooks.
	ReasonSigningKeyDisabled Reason = "signing_key_disabled"
	// ReasonNoSigningKey is an environment without an enabled key.
	ReasonNoSigningKey Reason = "no_signing_key"
)

// reasons is the closed list.
var reasons = []Reason{
	ReasonStatus, ReasonRedirect, ReasonTimeout, ReasonConnect, ReasonDNS, ReasonTLS,
	ReasonProtocol, ReasonBlockedAddress, ReasonInvalidURL, ReasonInvalidPayload, ReasonSigningKeyDisabled, ReasonNoSigningKey,
}

// IsKnown reports whether the reason is one of the list.
func (r Reason) IsKnown() bool { return slices.Contains(reasons, r) }

// Reasons returns all of them.
func Reasons() []Reason { return slices.Clone(reasons) }

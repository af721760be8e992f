package notification

import (
	"errors"
	"fmt"
)

// Code sorts errors by what the caller can do about them. Package web turns it
// into an HTTP status.
type Code string

// The codes of errors that a person is told of. Every other error is Internal.
const (
	Invalid      Code = "invalid"      // 400: mend the request
	Unauthorized Code = "unauthorized" // 401: wrong or unknown credentials
	NotFound     Code = "not_found"    // 404
	Conflict     Code = "conflict"     // 409
	TooLarge     Code = "too_large"    // 413
	Throttled    Code = "throttled"    // 429: the same, later
	Unavailable  Code = "unavailable"  // 503: repeat the same request
	Internal     Code = "internal"     // 500
)

// Error is an error for two readers: Message is safe to show to the caller,
// Err is the cause for the log.
type Error struct {
	Code    Code
	Message string
	Err     error
}

// Errorf returns an error whose message the caller may read.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error gives the message and the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of an error: Internal for one that nobody gave a
// code.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// Errors of the signing key: an attempt that meets one sends nothing, counts as
// failed, and follows the schedule.
var (
	ErrSigningKeyDisabled = errors.New("the access key dedicated for webhooks is disabled")
	ErrNoSigningKey       = errors.New("the environment has no enabled access key, or is itself disabled or deleted")
)

// ErrConflict says that a record changed between reading and writing it.
var ErrConflict = errors.New("record changed meanwhile")

package history

import (
	"net/url"
	"strconv"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// The bounds of a page of a list: a row is small.
const (
	usualRows = 50
	mostRows  = 500
)

// Question reads what somebody asks a list for, in the words of the API's query
// and of the console's addresses. The first fault is kept.
type Question struct {
	Values    url.Values
	CloudName string
	Now       time.Time
	// Retention is how long anything is kept.
	Retention time.Duration
	err       error
}

// Fail keeps a fault about a field, unless there is one already.
func (q *Question) Fail(field, format string, args ...any) {
	if q.err == nil {
		q.err = notification.Errorf(notification.Invalid, field+": "+format, args...)
	}
}

// Err returns the first fault: a *notification.Error of code Invalid.
func (q *Question) Err() error { return q.err }

// Text reads a field that may be given once.
func (q *Question) Text(name string) string {
	if len(q.Values[name]) > 1 {
		q.Fail(name, "may be given once")
	}
	return q.Values.Get(name)
}

// Status reads the status of deliveries; empty for any.
func (q *Question) Status() notification.Status {
	status := notification.Status(q.Text("status"))
	switch status {
	case "", notification.Pending, notification.Delivered, notification.Retrying, notification.Exhausted:
	default:
		q.Fail("status", "must be pending, delivered, retrying or exhausted")
	}
	return status
}

// EventStatus reads the status of events; empty for any.
func (q *Question) EventStatus() notification.EventStatus {
	status := notification.EventStatus(q.Text("status"))
	switch status {
	case "", notification.EventAccepted, notification.EventHeld, notification.EventSuppressed:
	default:
		q.Fail("status", "must be accepted, held or suppressed")
	}
	return status
}

// Log reads everything but the status.
func (q *Question) Log() notification.LogQuery {
	asked := notification.LogQuery{
		CloudName: q.CloudName, Limit: usualRows, Before: q.Text("next_cursor"),
		From: q.instant("from", q.Now.Add(-q.Retention)), To: q.instant("to", q.Now.Add(time.Minute)),
	}
	asked.NotificationType = q.Text("notification_type")
	if asked.NotificationType != "" && !catalog.IsEventType(asked.NotificationType) {
		q.Fail("notification_type", "Invalid value %.64s", asked.NotificationType)
	}
	asked.TriggerID, asked.URL, asked.PublicID = q.Text("trigger_id"), q.Text("uri"), q.Text("public_id")
	asked.Reason = notification.Reason(q.Text("reason"))
	if asked.Reason != "" && !asked.Reason.IsKnown() {
		q.Fail("reason", "Invalid value %.64s", asked.Reason)
	}
	switch {
	case !asked.From.After(asked.To):
	case q.Text("from") != "":
		q.Fail("from", "must not be after to")
	default: // of what is asked for nothing is kept
		asked.From = asked.To
	}
	if text := q.Text("max_results"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostRows {
			q.Fail("max_results", "must be a number from 1 to %d", mostRows)
		}
		asked.Limit = n
	}
	if asked.Before != "" {
		if _, err := ulid.ParseStrict(asked.Before); err != nil {
			q.Fail("next_cursor", "is not one that a list has answered")
		}
	}
	return asked
}

// instant reads a time, as RFC 3339, as a day of UTC or in unix seconds.
func (q *Question) instant(name string, otherwise time.Time) time.Time {
	text := q.Text(name)
	if text == "" {
		return otherwise
	}
	for _, form := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC()
		}
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds >= 0 && seconds < 1<<36 {
		return time.Unix(seconds, 0).UTC()
	}
	q.Fail(name, "must be a time such as 2026-01-31T12:00:00Z, a day such as 2026-01-31, or unix seconds")
	return otherwise
}

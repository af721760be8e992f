package main

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/web"
)

// The bounds of a page of these lists: a row is small.
const (
	usualRows = 50
	mostRows  = 500
)

// filter reads the query of a list. The first fault is kept.
type filter struct {
	values    url.Values
	cloudName string
	now       time.Time
	retention time.Duration
	filter    notification.LogFilter
	err       error
}

func (a api) readFilter(r *http.Request, caller web.Caller) *filter {
	return &filter{
		values: r.URL.Query(), cloudName: caller.Environment.CloudName, now: time.Now().UTC(), retention: a.retention,
	}
}

func (f *filter) fail(field, format string, args ...any) {
	if f.err == nil {
		f.err = notification.Errorf(notification.Invalid, field+": "+format, args...)
	}
}

// text reads a field that may be given once.
func (f *filter) text(name string) string {
	if len(f.values[name]) > 1 {
		f.fail(name, "may be given once")
	}
	return f.values.Get(name)
}

// query returns what was asked for, or a *notification.Error of code Invalid.
func (f *filter) query() (notification.LogQuery, error) {
	q := notification.LogQuery{
		CloudName: f.cloudName, Limit: usualRows, LogFilter: f.filter, Before: f.text("next_cursor"),
		From: f.instant("from", f.now.Add(-f.retention)), To: f.instant("to", f.now.Add(time.Minute)),
	}
	q.NotificationType = f.text("notification_type")
	if q.NotificationType != "" && !catalog.IsEventType(q.NotificationType) {
		f.fail("notification_type", "Invalid value %.64s", q.NotificationType)
	}
	q.TriggerID, q.URL, q.PublicID = f.text("trigger_id"), f.text("uri"), f.text("public_id")
	q.Reason = notification.Reason(f.text("reason"))
	if q.Reason != "" && !q.Reason.IsKnown() {
		f.fail("reason", "Invalid value %.64s", q.Reason)
	}
	switch {
	case !q.From.After(q.To):
	case f.text("from") != "":
		f.fail("from", "must not be after to")
	default: // of what is asked for nothing is kept
		q.From = q.To
	}
	if text := f.text("max_results"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostRows {
			f.fail("max_results", "must be a number from 1 to %d", mostRows)
		}
		q.Limit = n
	}
	if q.Before != "" {
		if _, err := ulid.ParseStrict(q.Before); err != nil {
			f.fail("next_cursor", "is not one that a list has answered")
		}
	}
	return q, f.err
}

// instant reads a time, as RFC 3339, as a day of UTC or in unix seconds.
func (f *filter) instant(name string, otherwise time.Time) time.Time {
	text := f.text(name)
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
	f.fail(name, "must be a time such as 2026-01-31T12:00:00Z, a day such as 2026-01-31, or unix seconds")
	return otherwise
}

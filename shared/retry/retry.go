// Package retry decides when a failed attempt is made again. It is pure: a
// schedule is data, and what the clock says is passed in.
//
// Source: Cloudinary, Webhook notifications, Retry policy: a retry after 3
// minutes, a second after 6, a final one after 9. Each wait begins at the end
// of the attempt before (docs/decisions/0004-waits-follow-the-attempt-before.md).
package retry

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxWait bounds a single wait: a workflow may sleep for a year, and nothing
// that is retried later than a week is worth a receiver's surprise.
const MaxWait = 7 * 24 * time.Hour

// MaxRetryAfter bounds the wait that a receiver can ask for.
const MaxRetryAfter = 15 * time.Minute

// maxSteps bounds the length of a schedule.
const maxSteps = 32

// Schedule holds the waits before each retry. Its length is the retry limit.
type Schedule []time.Duration

// Cloudinary is the schedule of the document.
func Cloudinary() Schedule {
	return Schedule{3 * time.Minute, 6 * time.Minute, 9 * time.Minute}
}

// ParseSchedule reads a comma-separated list of Go durations, such as
// "3m,6m,9m". Every wait is a whole number of seconds, at least 1 s and at most
// MaxWait. The empty text is the schedule without retries.
func ParseSchedule(text string) (Schedule, error) {
	if strings.TrimSpace(text) == "" {
		return Schedule{}, nil
	}
	var schedule Schedule
	var errs []error
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		wait, err := time.ParseDuration(item)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("wait %q: must be a duration such as 90s or 3m", item))
		case wait < time.Second || wait > MaxWait || wait%time.Second != 0:
			errs = append(errs, fmt.Errorf("wait %q: must be whole seconds, from 1s to %s", item, MaxWait))
		}
		schedule = append(schedule, wait)
	}
	if len(schedule) > maxSteps {
		errs = append(errs, fmt.Errorf("%d waits: must be at most %d", len(schedule), maxSteps))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("parse schedule %q: %w", text, err)
	}
	return schedule, nil
}

// String writes the schedule as ParseSchedule reads it, without the zeros of
// Duration's own form: 3m,1h30m.
func (s Schedule) String() string {
	items := make([]string, len(s))
	for i, wait := range s {
		text := wait.String()
		if wait%time.Minute == 0 {
			text = strings.TrimSuffix(text, "0s")
		}
		if wait%time.Hour == 0 {
			text = strings.TrimSuffix(text, "0m")
		}
		items[i] = text
	}
	return strings.Join(items, ",")
}

// Total returns how long all waits take together.
func (s Schedule) Total() time.Duration {
	var total time.Duration
	for _, wait := range s {
		total += wait
	}
	return total
}

// Next returns the wait after a failed attempt, counted from its end, and false
// where no retry is left. Attempt counts from 1. What the receiver asked for
// with Retry-After (0: nothing) can lengthen the wait, never shorten it.
func (s Schedule) Next(attempt int, retryAfter time.Duration) (time.Duration, bool) {
	if attempt < 1 || attempt > len(s) {
		return 0, false
	}
	return max(s[attempt-1], min(retryAfter, MaxRetryAfter)), true
}

// After reads a Retry-After header: a number of seconds or an HTTP date
// (RFC 9110, 10.2.3). It counts only on the two statuses that speak of load,
// 429 and 503; anything else, malformed values and dates gone by are 0.
func After(statusCode int, header string, now time.Time) time.Duration {
	loaded := []int{http.StatusTooManyRequests, http.StatusServiceUnavailable}
	if !slices.Contains(loaded, statusCode) {
		return 0
	}
	header = strings.TrimSpace(header)
	if isDigits(header) {
		seconds, err := strconv.ParseInt(header, 10, 32)
		if err != nil { // more seconds than any wait of ours
			return MaxRetryAfter
		}
		return min(time.Duration(seconds)*time.Second, MaxRetryAfter)
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), MaxRetryAfter)
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

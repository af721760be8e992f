package signature

import (
	"fmt"
	"strconv"
	"time"
)

// The codes of what was found out about the timestamp.
const (
	TimestampMissing        Code = "timestamp_missing"
	TimestampNotSeconds     Code = "timestamp_not_seconds"
	TimestampInMilliseconds Code = "timestamp_in_milliseconds"
	TimestampTooOld         Code = "timestamp_too_old"
	TimestampAhead          Code = "timestamp_ahead"
)

// How old a timestamp may be, as Cloudinary's SDKs have it by default, and how far
// ahead one may be before clocks are to blame.
//
// Source: Cloudinary, Webhook notifications, Verifying notification signatures.
const (
	oldest = 2 * time.Hour
	ahead  = 5 * time.Minute
)

// milliseconds is more than any timestamp in seconds until the year 5138.
const milliseconds = 100_000_000_000

func (c *claim) readTimestamp(pasted string, now time.Time) []Finding {
	value := headerValue(pasted, "X-Cld-Timestamp")
	if value == "" {
		return []Finding{{
			TimestampMissing, "The timestamp is missing.", "Paste the value of the header X-Cld-Timestamp.",
		}}
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil || seconds < 0 {
		return []Finding{{
			TimestampNotSeconds, "The timestamp is not a number of seconds, as X-Cld-Timestamp carries it.",
			"Use the header as it came. A date that your code has made of it signs other bytes.",
		}}
	}
	var findings []Finding
	if seconds > milliseconds {
		seconds /= 1000
		findings = append(findings, Finding{
			TimestampInMilliseconds, "The timestamp is in milliseconds. X-Cld-Timestamp is in seconds, and so is what is signed.",
			"Use the header as it came, and do not replace it by your own clock's time.",
		})
	}
	c.timestamp, c.seconds = value, seconds
	return append(findings, judgeAge(now.Sub(time.Unix(seconds, 0)))...)
}

func judgeAge(age time.Duration) []Finding {
	switch {
	case age > oldest:
		return []Finding{{
			TimestampTooOld, fmt.Sprintf("The timestamp is %s old. Cloudinary's SDKs refuse one that is older than two hours.", words(age)),
			"If this is an old request, all is well: it would have been accepted in its time. If it has just come, compare " +
				"the clock of your receiver, and see whether requests wait in a queue before they are verified.",
		}}
	case age < -ahead:
		return []Finding{{
			TimestampAhead, fmt.Sprintf("The timestamp is %s ahead of this stack's clock.", words(-age)),
			"Use the header X-Cld-Timestamp as it came. No notification is signed for a time to come.",
		}}
	}
	return nil
}

// words says a duration of a minute or more as people do.
func words(d time.Duration) string {
	const day = 24 * time.Hour
	switch hours, minutes := int(d.Hours()), int(d.Minutes())%60; {
	case d >= 2*day:
		return counted(hours/24, "day")
	case hours == 0:
		return counted(minutes, "minute")
	case minutes == 0:
		return counted(hours, "hour")
	default:
		return counted(hours, "hour") + " " + counted(minutes, "minute")
	}
}

func counted(n int, name string) string {
	if n != 1 {
		name += "s"
	}
	return strconv.Itoa(n) + " " + name
}

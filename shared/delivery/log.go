package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/signature"
)

// logAttempt writes the one line of an attempt; docs/logs.md has its fields. It
// holds ids to join by, and of the URL, which may carry tokens, only the origin and
// a hash. What is empty or usual is left out: lines are paid for by the byte.
func (s Service) logAttempt(ctx context.Context, t *task) {
	m, a, d := t.message, t.attempt, t.delivery
	level := slog.LevelInfo
	if !a.Succeeded() {
		level = slog.LevelWarn
	}
	l := make(line, 0, 32)
	l.text("cloud_name", m.CloudName)
	l.text("event_id", m.EventID)
	l.text("delivery_id", m.DeliveryID)
	l.text("notification_type", m.NotificationType)
	l.text("target", string(m.Why))
	l.text("trigger_id", m.TriggerID)
	l.text("lane", string(m.Lane))
	l.text("cause", t.cause())
	l.number("attempt", a.Number)
	l.number("attempts_max", t.attemptsMax)
	l = append(l, slog.Int64("queue_delay_ms", t.waited().Milliseconds()))
	if a.Succeeded() {
		l = append(l, slog.Int64("time_to_deliver_ms", a.StartedAt.Add(a.Duration).Sub(m.AcceptedAt).Milliseconds()))
	}
	l.text("outcome", string(d.Status))
	l.number("status_code", a.StatusCode)
	l.text("reason", string(a.Reason))
	l.text("error_detail", a.Detail)
	if d.Status == notification.Retrying {
		l = append(l, slog.Time("next_attempt_at", d.NextAt))
	}
	l.number("retry_after_s", int(a.RetryAfter/time.Second))
	l.text("url_origin", m.Origin)
	l.text("url_hash", hashOf(m.URL))
	l.text("remote_addr", a.RemoteAddr)
	l.duration("dns_ms", a.Phases.DNS)
	l.duration("connect_ms", a.Phases.Connect)
	l.duration("tls_ms", a.Phases.TLS)
	l.duration("first_byte_ms", a.Phases.FirstByte)
	l.duration("duration_ms", a.Duration)
	l.number("request_bytes", t.sent)
	l.text("signature_key", a.SigningKey)
	if t.algorithm != signature.SHA1 {
		l.text("signature_algorithm", t.algorithm)
	}
	s.Log.LogAttrs(ctx, level, "delivery attempted", l...)
}

// cause says what the attempt comes from.
func (t *task) cause() string {
	switch t.message.Attempt {
	case 1:
		return "first"
	case t.delivery.ScheduleFrom + 1:
		return "resend"
	}
	return "retry"
}

// waited is how long after it was due the attempt began. By the clocks of two
// machines that may be before.
func (t *task) waited() time.Duration {
	return max(t.attempt.StartedAt.Sub(t.message.DueAt), 0)
}

// line is the fields of a line of the log that are not empty.
type line []slog.Attr

func (l *line) text(key, value string) {
	if value != "" {
		*l = append(*l, slog.String(key, value))
	}
}

func (l *line) number(key string, value int) {
	if value != 0 {
		*l = append(*l, slog.Int(key, value))
	}
}

func (l *line) duration(key string, value time.Duration) {
	if value != 0 {
		*l = append(*l, slog.Float64(key, float64(value.Microseconds())/1000))
	}
}

// hashOf returns a short hash of a URL, to tell URLs of one origin apart by.
func hashOf(url string) string {
	sum := sha256.Sum256([]byte(url))
	return hex.EncodeToString(sum[:8])
}

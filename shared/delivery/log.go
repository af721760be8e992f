package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// logAttempt writes the one line of an attempt. It holds ids to join by, and of
// the URL, which may carry tokens, only the origin and a hash.
func (s Service) logAttempt(ctx context.Context, t *task) {
	m, a, d := t.message, t.attempt, t.delivery
	level, outcome := slog.LevelInfo, "delivered"
	if !a.Succeeded() {
		level, outcome = slog.LevelWarn, string(d.Status)
	}
	attrs := []slog.Attr{
		slog.String("cloud_name", m.CloudName),
		slog.String("event_id", m.EventID),
		slog.String("delivery_id", m.DeliveryID),
		slog.String("notification_type", m.NotificationType),
		slog.String("target", string(m.Why)),
		slog.String("trigger_id", m.TriggerID),
		slog.String("lane", string(m.Lane)),
		slog.Int("attempt", a.Number),
		slog.Int("attempts_max", len(s.Schedule)+1),
		slog.Int64("queue_delay_ms", a.StartedAt.Sub(m.DueAt).Milliseconds()),
		slog.String("outcome", outcome),
		slog.Int("status_code", a.StatusCode),
		slog.String("reason", string(a.Reason)),
		slog.String("error_detail", a.Detail),
		slog.String("url_origin", m.Origin),
		slog.String("url_hash", hashOf(m.URL)),
		slog.String("remote_addr", a.RemoteAddr),
		slog.Bool("connection_reused", t.answer.Reused),
		slog.Float64("duration_ms", milliseconds(a.Duration)),
		slog.String("signature_key", a.SigningKey),
	}
	if d.Status == notification.Retrying {
		attrs = append(attrs, slog.Time("next_attempt_at", d.NextAt))
	}
	s.Log.LogAttrs(ctx, level, "delivery attempted", attrs...)
}

// hashOf returns a short hash of a URL, to tell URLs of one origin apart by.
func hashOf(url string) string {
	sum := sha256.Sum256([]byte(url))
	return hex.EncodeToString(sum[:8])
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}

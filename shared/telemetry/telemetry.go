// Package telemetry is how the functions speak to their operators: JSON lines
// with stable keys. Payloads, URLs beyond their origin and secrets are in none.
package telemetry

import (
	"io"
	"log/slog"
	"time"
)

// NewLogger returns a logger of one function, in the keys that the widespread
// Lambda toolkits share: timestamp, level, message, service, stage.
func NewLogger(w io.Writer, level slog.Level, service, stage string) *slog.Logger {
	handler := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: rename})
	return slog.New(handler).With("service", service, "stage", stage)
}

// instant is RFC 3339 in UTC with milliseconds.
const instant = "2006-01-02T15:04:05.000Z07:00"

func rename(groups []string, attr slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return attr
	}
	switch attr.Key {
	case slog.TimeKey:
		return slog.String("timestamp", attr.Value.Time().UTC().Format(instant))
	case slog.MessageKey:
		attr.Key = "message"
	}
	if attr.Value.Kind() == slog.KindTime {
		return slog.String(attr.Key, attr.Value.Time().UTC().Format(instant))
	}
	if attr.Value.Kind() == slog.KindDuration {
		return slog.Float64(attr.Key, float64(attr.Value.Duration())/float64(time.Millisecond))
	}
	return attr
}

// Package telemetry is how the functions speak to their operators: JSON lines
// with stable keys, and metrics, which are such lines too. docs/logs.md and
// docs/metrics.md list them. Payloads, URLs beyond their origin and secrets are in
// none.
package telemetry

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Source is what speaks: it is on every line and a dimension of every metric.
type Source struct {
	// Namespace is where CloudWatch keeps the metrics.
	Namespace string
	// Service is the function's name in the design, Stack the deployment's, which
	// no other has in its account and region, and Function the one that Lambda knows.
	Service, Stack, Function string
}

// NewLogger returns a logger of one function, in the keys that the widespread
// Lambda toolkits share: timestamp, level, message, service; and stack.
func NewLogger(w io.Writer, level slog.Level, source Source) *slog.Logger {
	handler := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: rename})
	return slog.New(handler).With("service", source.Service, "stack", source.Stack)
}

// Measured returns a handler that writes the metrics after each invocation. The
// first of a process is a cold start.
func Measured[In, Out any](metrics *Metrics, log *slog.Logger, handle func(context.Context, In) (Out, error)) func(context.Context, In) (Out, error) {
	var started sync.Once
	return func(ctx context.Context, in In) (Out, error) {
		started.Do(func() { metrics.Count(ColdStart.Of(metrics.function), 1) })
		defer func() {
			if err := metrics.Flush(); err != nil {
				log.ErrorContext(ctx, "metrics not written", "error", err)
			}
		}()
		return handle(ctx, in)
	}
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

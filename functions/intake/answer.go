package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/web"
)

// answer is the answer to a call: an event's own fields, or a list of events,
// with an error, which hides the event's, where one of them did not come through.
type answer struct {
	Error *web.ErrorMessage `json:"error,omitempty"`
	*event
	Events []event `json:"events,omitempty"`
}

type event struct {
	EventID        string               `json:"event_id"`
	Status         intake.Status        `json:"status"`
	BatchID        string               `json:"batch_id,omitempty"`
	HeldUntil      time.Time            `json:"held_until,omitzero"`
	Release        notification.Release `json:"release,omitempty"`
	PayloadWarning string               `json:"payload_warning,omitempty"`
	Deliveries     []delivery           `json:"deliveries"`
	Derived        []event              `json:"derived,omitempty"`
	Error          *web.ErrorMessage    `json:"error,omitempty"`
}

type delivery struct {
	DeliveryID string           `json:"delivery_id"`
	URI        string           `json:"uri"`
	Why        notification.Why `json:"why"`
	TriggerID  string           `json:"trigger_id,omitempty"`
}

// show shows what became of the events of a call, of which there are none where
// it was refused.
func show(call intake.Call, results []intake.Result, requestID string) answer {
	shown := showAll(results, requestID)
	switch {
	case call.List:
		return answer{Events: shown}
	case len(shown) == 1:
		return answer{event: &shown[0]}
	}
	return answer{}
}

func showAll(results []intake.Result, requestID string) []event {
	shown := make([]event, len(results))
	for i, result := range results {
		shown[i] = event{
			EventID: result.EventID, Status: result.Status, BatchID: result.BatchID, HeldUntil: result.HeldUntil,
			Release: result.Release, PayloadWarning: result.Misfit, Deliveries: []delivery{},
			Derived: showAll(result.Derived, requestID),
		}
		if result.Err != nil {
			message := web.Message(result.Err, requestID)
			shown[i].Error = &message
			continue
		}
		for _, t := range result.Targets {
			shown[i].Deliveries = append(shown[i].Deliveries,
				delivery{DeliveryID: t.DeliveryID, URI: t.URL, Why: t.Why, TriggerID: t.TriggerID})
		}
	}
	return shown
}

// logEvents writes the one line of each event; docs/logs.md has its fields.
func (h handler) logEvents(ctx context.Context, by way, requestID string, call intake.Call, results []intake.Result) {
	log := h.log.With("way", string(by), "request_id", requestID, "cloud_name", call.CloudName)
	for i, result := range results {
		attrs := []slog.Attr{
			slog.String("event_id", result.EventID),
			slog.String("notification_type", call.Reports[i].NotificationType),
			slog.String("status", string(result.Status)),
			slog.Int("deliveries", len(result.Targets)),
		}
		if result.BatchID != "" {
			attrs = append(attrs, slog.String("batch_id", result.BatchID))
		}
		if result.Release != "" {
			attrs = append(attrs, slog.String("release", string(result.Release)))
		}
		log.LogAttrs(ctx, slog.LevelInfo, "event reported", attrs...)
		for _, derived := range result.Derived {
			log.InfoContext(ctx, "event derived", "event_id", derived.EventID, "parent_id", result.EventID,
				"status", string(derived.Status), "deliveries", len(derived.Targets))
		}
	}
}

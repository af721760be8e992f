package main

import (
	"log/slog"
	"net/http"

	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/web"
)

// handler serves the call for events.
type handler struct {
	directory *registry.Directory
	service   intake.Service
	log       *slog.Logger
}

func (h handler) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /v1_1/{cloud_name}/events", web.Authenticated(h.directory, h.log, h.postEvents))
	return mux
}

// postEvents accepts one event or a list. Every answer from the moment that the
// events are known names each of them, so that the producer can repeat those that
// a fault of ours left open.
func (h handler) postEvents(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	body, err := web.ReadBody(r, intake.MaxCall)
	if err != nil {
		return err
	}
	env := caller.Environment
	call, err := intake.ReadCall(env.CloudName, body, r.Header.Get("Idempotency-Key"))
	if err != nil {
		return err
	}
	results, err := h.service.Accept(r.Context(), env, intake.Caller{Source: "api", ID: caller.APIKey}, call.Reports)
	if results == nil {
		return err
	}
	h.logEvents(r, env.CloudName, call.Reports, results)
	status, answer := http.StatusAccepted, answer{}
	if err != nil {
		var fault web.ErrorBody
		status, fault = web.Describe(r, h.log, err)
		answer.Error = &fault.Error
	}
	shown := showAll(r, h.log, results)
	if call.List {
		answer.Events = shown
	} else {
		answer.event = &shown[0]
	}
	web.WriteJSON(w, status, answer)
	return nil
}

// answer is the answer to a call: an event's own fields, or a list of events,
// with an error, which hides the event's, where one of them did not come through.
type answer struct {
	Error *web.ErrorMessage `json:"error,omitempty"`
	*event
	Events []event `json:"events,omitempty"`
}

type event struct {
	EventID    string            `json:"event_id"`
	Status     intake.Status     `json:"status"`
	BatchID    string            `json:"batch_id,omitempty"`
	Deliveries []delivery        `json:"deliveries"`
	Error      *web.ErrorMessage `json:"error,omitempty"`
}

type delivery struct {
	DeliveryID string           `json:"delivery_id"`
	URI        string           `json:"uri"`
	Why        notification.Why `json:"why"`
	TriggerID  string           `json:"trigger_id,omitempty"`
}

func showAll(r *http.Request, log *slog.Logger, results []intake.Result) []event {
	events := make([]event, len(results))
	for i, result := range results {
		events[i] = event{EventID: result.EventID, Status: result.Status, BatchID: result.BatchID, Deliveries: []delivery{}}
		if result.Err != nil {
			_, fault := web.Describe(r, log, result.Err)
			events[i].Error = &fault.Error
			continue
		}
		for _, t := range result.Targets {
			events[i].Deliveries = append(events[i].Deliveries,
				delivery{DeliveryID: t.DeliveryID, URI: t.URL, Why: t.Why, TriggerID: t.TriggerID})
		}
	}
	return events
}

// logEvents writes the one line of each event.
func (h handler) logEvents(r *http.Request, cloudName string, reports []intake.Report, results []intake.Result) {
	for i, result := range results {
		h.log.InfoContext(r.Context(), "event reported", "request_id", web.RequestID(r), "cloud_name", cloudName,
			"event_id", result.EventID, "notification_type", reports[i].NotificationType,
			"status", string(result.Status), "deliveries", len(result.Targets))
	}
}

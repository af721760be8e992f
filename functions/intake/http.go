package main

import (
	"net/http"

	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/web"
)

func (h handler) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /v1_1/{cloud_name}/events", web.Authenticated(h.directory, h.logins, h.log, h.postEvents))
	mux.Handle("POST /v1_1/{cloud_name}/triggers/{id}/example", web.Authenticated(h.directory, h.logins, h.log, h.postExample))
	return mux
}

// postEvents accepts one event or a list. Every answer from the moment that the
// events are known names each of them, so that the producer can repeat those that
// a fault of ours left open.
func (h handler) postEvents(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	began := h.service.Now()
	call, results, err := h.readEvents(r, caller)
	h.measure(began, call, results, err)
	if results == nil {
		return err
	}
	requestID := web.RequestID(r)
	h.logEvents(r.Context(), byHTTP, requestID, call, results)
	status, shown := http.StatusAccepted, show(call, results, requestID)
	if err != nil {
		var fault web.ErrorBody
		status, fault = web.Describe(r, h.log, err)
		shown.Error = &fault.Error
	}
	web.WriteJSON(w, status, shown)
	return nil
}

func (h handler) readEvents(r *http.Request, caller web.Caller) (intake.Call, []intake.Result, error) {
	body, err := web.ReadBody(r, intake.MaxCall)
	if err != nil {
		return intake.Call{}, nil, err
	}
	env := caller.Environment
	origin := intake.Origin{CloudName: env.CloudName, IdempotencyKey: r.Header.Get("Idempotency-Key"), Traceparent: r.Header.Get(notification.TraceparentHeader)}
	call, err := intake.ReadCall(origin, body)
	if err != nil {
		return call, nil, err
	}
	results, err := h.service.Accept(r.Context(), env, intake.Caller{Source: "api", ID: caller.APIKey}, call.Reports)
	return call, results, err
}

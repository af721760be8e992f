package main

import (
	"net/http"

	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/web"
)

// postExample sends the catalogue's example of an event type to the URL of one
// trigger. A trigger for all takes any type, another its own.
func (h handler) postExample(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	trigger, err := registry.Triggers{}.Find(caller.Environment, r.PathValue("id"))
	if err != nil {
		return err
	}
	began := h.service.Now()
	object, err := web.ReadObject(r)
	if err != nil {
		return err
	}
	asked := object.Text("event_type")
	object.Only("event_type")
	if err := object.Err(); err != nil {
		return err
	}
	described, err := intake.ExampleType(trigger, asked)
	if err != nil {
		return err
	}
	result, err := h.service.Example(r.Context(), caller.Environment, intake.Caller{Source: "api", ID: caller.APIKey},
		trigger, described.Name, described.Examples[0].Payload)
	if result.EventID == "" {
		return err
	}
	requestID := web.RequestID(r)
	call := intake.Call{CloudName: caller.Environment.CloudName, Reports: []intake.Report{{NotificationType: described.Name}}}
	results := []intake.Result{result}
	h.measure(began, call, results, err)
	h.logEvents(r.Context(), byHTTP, requestID, call, results)
	status, shown := http.StatusAccepted, show(intake.Call{}, results, requestID)
	if err != nil {
		var fault web.ErrorBody
		status, fault = web.Describe(r, h.log, err)
		shown.Error = &fault.Error
	}
	web.WriteJSON(w, status, shown)
	return nil
}

package main

import (
	"cmp"
	"net/http"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/web"
)

// usualExample is the type of which a trigger for all gets an example where the
// call names none.
const usualExample = "upload"

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
	eventType := cmp.Or(asked, trigger.EventType)
	if asked == "" && trigger.EventType == notification.AllEvents {
		eventType = usualExample
	}
	described, known := catalog.Find(eventType)
	switch {
	case !known:
		object.Fail("event_type", "Invalid value %.64s", eventType)
	case trigger.EventType != notification.AllEvents && trigger.EventType != eventType:
		object.Fail("event_type", "the trigger is for %s alone", trigger.EventType)
	case len(described.Examples) == 0:
		object.Fail("event_type", "there is no example of %s", eventType)
	}
	object.Only("event_type")
	if err := object.Err(); err != nil {
		return err
	}
	result, err := h.service.Example(r.Context(), caller.Environment, intake.Caller{Source: "api", ID: caller.APIKey},
		trigger, eventType, described.Examples[0].Payload)
	if result.EventID == "" {
		return err
	}
	requestID := web.RequestID(r)
	call := intake.Call{CloudName: caller.Environment.CloudName, Reports: []intake.Report{{NotificationType: eventType}}}
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

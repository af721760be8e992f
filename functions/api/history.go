package main

import (
	"encoding/json"
	"net/http"
	"unicode/utf8"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/web"
)

func (a api) listEvents(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	asked := a.question(r, caller)
	status, query := asked.EventStatus(), asked.Log()
	if err := asked.Err(); err != nil {
		return err
	}
	page, err := a.history.Events(r.Context(), query, status)
	if err != nil {
		return err
	}
	answer := struct {
		Events     []eventSummary `json:"events"`
		NextCursor string         `json:"next_cursor,omitempty"`
	}{[]eventSummary{}, page.Next}
	for _, e := range page.Events {
		answer.Events = append(answer.Events, eventSummary{showEvent(e.Event), e.Deliveries})
	}
	web.WriteJSON(w, http.StatusOK, answer)
	return nil
}

func (a api) getEvent(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	event, err := a.history.Event(r.Context(), caller.Environment.CloudName, r.PathValue("event_id"))
	if err != nil {
		return err
	}
	answer := struct {
		eventHead
		PayloadKept  bool            `json:"payload_kept"`
		Notification json.RawMessage `json:"notification,omitempty"`
		Deliveries   []toldURL       `json:"deliveries"`
		Explanation  []string        `json:"explanation"`
		BatchEvents  []string        `json:"batch_events,omitempty"`
	}{showEvent(event.Event), !event.LeftOut, event.Notification, []toldURL{}, history.Explain(event.Event), event.Batch}
	if answer.Explanation == nil {
		answer.Explanation = []string{}
	}
	for i, d := range event.Deliveries {
		answer.Deliveries = append(answer.Deliveries, toldURL{showDelivery(d), history.ExplainTarget(event.Targets[i])})
	}
	web.WriteJSON(w, http.StatusOK, answer)
	return nil
}

// pendingNote is what a list of pending deliveries says instead of them.
const pendingNote = "A delivery has no record before its first attempt is over. Name an event_id to see those of an event that are pending."

func (a api) listDeliveries(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	asked := a.question(r, caller)
	eventID, status, query := asked.Text("event_id"), asked.Status(), asked.Log()
	query.Status = status
	if err := asked.Err(); err != nil {
		return err
	}
	answer := struct {
		Deliveries []deliveryHead `json:"deliveries"`
		NextCursor string         `json:"next_cursor,omitempty"`
		Note       string         `json:"note,omitempty"`
	}{Deliveries: []deliveryHead{}}
	var page notification.LogPage
	var err error
	switch {
	case eventID != "":
		page.Rows, err = a.history.OfEvent(r.Context(), notification.EventKey{CloudName: query.CloudName, EventID: eventID}, query.LogFilter)
	case status == notification.Pending:
		answer.Note = pendingNote
	default:
		page, err = a.history.Deliveries(r.Context(), query)
	}
	if err != nil {
		return err
	}
	for _, d := range page.Rows {
		answer.Deliveries = append(answer.Deliveries, showDelivery(d))
	}
	answer.NextCursor = page.Next
	web.WriteJSON(w, http.StatusOK, answer)
	return nil
}

func (a api) getDelivery(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	d, err := a.history.Delivery(r.Context(), notification.DeliveryKey{
		CloudName: caller.Environment.CloudName, DeliveryID: r.PathValue("delivery_id"),
	})
	if err != nil {
		return err
	}
	answer := struct {
		deliveryHead
		PayloadKept bool      `json:"payload_kept"`
		Explanation string    `json:"explanation,omitempty"`
		Attempts    []attempt `json:"attempts"`
	}{deliveryHead: showDelivery(d.Delivery), PayloadKept: !d.LeftOut, Explanation: history.ExplainDelivery(d), Attempts: []attempt{}}
	for _, made := range d.Attempts {
		answer.Attempts = append(answer.Attempts, showAttempt(d, made))
	}
	web.WriteJSON(w, http.StatusOK, answer)
	return nil
}

func (a api) resend(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	d, err := a.history.Resend(r.Context(), notification.DeliveryKey{
		CloudName: caller.Environment.CloudName, DeliveryID: r.PathValue("delivery_id"),
	})
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusAccepted, struct {
		deliveryHead
		NextAttempt int `json:"next_attempt"`
	}{showDelivery(d), d.AttemptCount + 1})
	return nil
}

// printable is a receiver's answer as text, and whether it is that: bytes that are
// no text are given in base64.
func printable(body []byte) (text string, encoded []byte) {
	if utf8.Valid(body) {
		return string(body), nil
	}
	return "", body
}

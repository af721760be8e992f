package main

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/request"
	"github.com/mediahooks/mediahooks/shared/web"
)

// trigger is a trigger as Cloudinary's Admin API shows it.
type trigger struct {
	ID            string `json:"id"`
	EnvironmentID string `json:"product_environment_id"`
	URIType       string `json:"uri_type"`
	URI           string `json:"uri"`
	EventType     string `json:"event_type"`
	CreatedAt     string `json:"created_at"`
	UpdatedAt     string `json:"updated_at"`
}

// cloudinaryTime is RFC 3339 with an offset, never Z, in whole seconds.
const cloudinaryTime = "2006-01-02T15:04:05-07:00"

func show(env notification.Environment, t notification.Trigger) trigger {
	return trigger{
		ID:            t.ID,
		EnvironmentID: env.ID,
		URIType:       "webhook",
		URI:           t.URI,
		EventType:     t.EventType,
		CreatedAt:     t.CreatedAt.In(time.UTC).Format(cloudinaryTime),
		UpdatedAt:     t.UpdatedAt.In(time.UTC).Format(cloudinaryTime),
	}
}

func (a api) listTriggers(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	listed, err := a.triggers.List(caller.Environment, r.URL.Query().Get("event_type"))
	if err != nil {
		return err
	}
	answer := struct {
		Triggers []trigger `json:"triggers"`
		Total    int       `json:"total"`
	}{Triggers: []trigger{}, Total: len(listed)}
	for _, t := range listed {
		answer.Triggers = append(answer.Triggers, show(caller.Environment, t))
	}
	web.WriteJSON(w, http.StatusOK, answer)
	return nil
}

func (a api) createTrigger(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	object, err := readTrigger(r)
	if err != nil {
		return err
	}
	uri, eventType := object.Text("uri"), object.Text("event_type")
	if err := object.Err(); err != nil {
		return err
	}
	created, err := a.triggers.Create(r.Context(), caller.Environment.CloudName, uri, eventType)
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusCreated, show(caller.Environment, created))
	return nil
}

// updateTrigger reads the URL from new_uri, as the API's description has it, or
// from uri, which is what the Go SDK sends. It answers with both of what clients
// expect: the message of the description, and the trigger.
func (a api) updateTrigger(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	object, err := readTrigger(r)
	if err != nil {
		return err
	}
	update := registry.Update{
		URI:       cmp.Or(object.Text("new_uri"), object.Text("uri")),
		EventType: object.Text("event_type"),
		Confirmed: namesNewer(object),
	}
	if err := object.Err(); err != nil {
		return err
	}
	updated, err := a.triggers.Update(r.Context(), caller.Environment.CloudName, r.PathValue("id"), update)
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, struct {
		Message string `json:"message"`
		trigger
	}{"ok", show(caller.Environment, updated)})
	return nil
}

func (a api) deleteTrigger(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	if err := a.triggers.Delete(r.Context(), caller.Environment.CloudName, r.PathValue("id")); err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, map[string]string{"message": "ok"})
	return nil
}

// testTrigger says whether a trigger's filter lets a payload through. No trigger
// has one, so every payload passes.
func (a api) testTrigger(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	found, err := a.triggers.Find(caller.Environment, r.PathValue("id"))
	if err != nil {
		return err
	}
	object, err := web.ReadObject(r)
	if err != nil {
		return err
	}
	if raw := object.Raw("sample_data"); raw != nil && request.JSON("", raw).Err() != nil {
		return notification.Errorf(notification.Invalid, "invalid_sample_data_json")
	}
	web.WriteJSON(w, http.StatusOK, struct {
		TriggerID     string `json:"trigger_id"`
		FilterPresent bool   `json:"filter_present"`
		FilterResult  bool   `json:"filter_result"`
	}{found.ID, false, true})
	return nil
}

// readTrigger reads the object of a call that makes or changes a trigger. Of the
// attributes that Cloudinary has added since the document, those values pass that
// say what happens here anyhow; nothing is stored that would not be obeyed.
func readTrigger(r *http.Request) (*request.Object, error) {
	object, err := web.ReadObject(r)
	if err != nil {
		return nil, err
	}
	// A notification_url of a call is told in addition to triggers, which is what
	// additive: true asks for; false is the default that clients send unasked.
	object.Flag("additive")
	for _, name := range []string{"filter", "payload_template"} {
		if !object.IsEmptyObject(name) {
			object.Fail(name, "is not supported; only an empty object is accepted")
		}
	}
	for name, accepted := range map[string][]string{
		"filter_language": {"jsonlogic"},
		"auth_scheme":     {"default", "legacy_hmac"},
		"uri_type":        {"webhook"},
	} {
		if value := object.Text(name); value != "" && !slices.Contains(accepted, value) {
			object.Fail(name, "%.64s is not supported; accepted: %s", value, strings.Join(accepted, ", "))
		}
	}
	return object, object.Err()
}

// namesNewer reports whether an object names one of the attributes that
// readTrigger accepts and ignores.
func namesNewer(object *request.Object) bool {
	for _, name := range []string{"additive", "filter", "filter_language", "payload_template", "auth_scheme"} {
		if object.Raw(name) != nil {
			return true
		}
	}
	return false
}

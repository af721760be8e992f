package main

import (
	"encoding/json"
	"net/http"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/web"
)

// eventType is an event type as the catalogue describes it.
type eventType struct {
	Name                   string          `json:"name"`
	Description            string          `json:"description"`
	Methods                []string        `json:"methods"`
	ConsoleActions         []string        `json:"console_actions"`
	NotificationURLMethods []string        `json:"notification_url_methods"`
	EagerNotificationURL   bool            `json:"eager_notification_url"`
	FixedFolderMode        bool            `json:"fixed_folder_mode"`
	Schema                 json.RawMessage `json:"schema"`
	Examples               []example       `json:"examples"`
}

type example struct {
	Title   string          `json:"title"`
	Payload json.RawMessage `json:"payload"`
}

func showEventType(t catalog.Type) eventType {
	shown := eventType{
		Name:                   t.Name,
		Description:            t.Description,
		Methods:                list(t.Methods),
		ConsoleActions:         list(t.ConsoleActions),
		NotificationURLMethods: list(t.NotificationURLMethods),
		EagerNotificationURL:   t.EagerNotificationURL,
		FixedFolderMode:        t.FixedFolders,
		Schema:                 t.Schema,
	}
	for _, e := range t.Examples {
		shown.Examples = append(shown.Examples, example(e))
	}
	return shown
}

// list is [] in JSON where there is nothing, not null.
func list(names []string) []string { return append([]string{}, names...) }

func listEventTypes(w http.ResponseWriter, _ *http.Request, _ web.Caller) error {
	described := catalog.Types()
	answer := struct {
		EventTypes []eventType `json:"event_types"`
		Total      int         `json:"total"`
	}{Total: len(described)}
	for _, t := range described {
		answer.EventTypes = append(answer.EventTypes, showEventType(t))
	}
	web.WriteJSON(w, http.StatusOK, answer)
	return nil
}

func getEventType(w http.ResponseWriter, r *http.Request, _ web.Caller) error {
	described, found := catalog.Find(r.PathValue("name"))
	if !found {
		return notification.Errorf(notification.NotFound, "record_not_found")
	}
	web.WriteJSON(w, http.StatusOK, showEventType(described))
	return nil
}

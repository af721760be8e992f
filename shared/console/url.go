package console

import (
	"net/http"

	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
)

// urlPage is one notification URL.
type urlPage struct {
	ID, URI  string
	Types    []string
	All      bool
	Triggers []notification.Trigger
	Health   health
	Panel    panel
	Chart    chart
	Slow     bool
	Recent   []deliveryRow
	Examples []string
	Example  string
	Error    string
	Done     string
}

// shownHere is how many deliveries the page of a URL lists.
const shownHere = 10

func (c *Console) showURL(w http.ResponseWriter, r *http.Request, v visitor) error {
	u, err := registry.FindURL(v.env.Hooks, r.PathValue("id"))
	if err != nil {
		return err
	}
	c.renderURL(w, r, v, u, http.StatusOK, "")
	return nil
}

func (c *Console) renderURL(w http.ResponseWriter, r *http.Request, v visitor, u registry.NotificationURL, status int, fault string) {
	shown := urlPage{
		ID: u.ID(), URI: u.URI, Types: u.EventTypes(), All: u.Takes(notification.AllEvents), Triggers: u.Triggers, Error: fault, Done: done(r),
		Slow: c.slowOrigins(r, v)[notification.OriginOf(u.URI)], Example: "upload",
	}
	recent, err := c.log(r.Context(), v, notification.LogFilter{URL: u.URI}, v.now.Add(-lookBack), recentRows)
	shown.Panel = c.failed(r, err)
	shown.Health, shown.Chart = healthOf(recent.Rows), chartOf(recent.Rows, v.now.Add(-lookBack), v.now, 24, chartNote(recent)).of(recent)
	shown.Recent = c.rows(v, recent.Rows[:min(shownHere, len(recent.Rows))])
	for _, t := range formOf("", nil, v).Types {
		if u.Takes(t.Name) {
			shown.Examples = append(shown.Examples, t.Name)
		}
	}
	c.render(w, r, v, status, "url", hostOf(u.URI), shown)
}

// sendExample tells a URL of an event that has not happened.
func (c *Console) sendExample(w http.ResponseWriter, r *http.Request, v visitor) error {
	u, err := registry.FindURL(v.env.Hooks, r.PathValue("id"))
	if err != nil {
		return err
	}
	eventType := r.PostFormValue("event_type")
	trigger, takes := taking(u, eventType)
	if !takes {
		c.renderURL(w, r, v, u, http.StatusBadRequest, "This URL is not told of that type.")
		return nil
	}
	described, err := intake.ExampleType(trigger, eventType)
	if err != nil {
		c.renderURL(w, r, v, u, http.StatusBadRequest, sentence(err.Error()))
		return nil
	}
	result, err := c.Intake.Example(r.Context(), v.env, intake.Caller{Source: "console", ID: v.apiKey}, trigger, described.Name, described.Examples[0].Payload)
	if err != nil {
		return err
	}
	c.Log.InfoContext(r.Context(), "example sent", "cloud_name", v.env.CloudName, "event_id", result.EventID, "trigger_id", trigger.ID,
		"notification_type", described.Name, "api_key", v.apiKey)
	return seeOther(w, r, query(root+"/event", "event_id", result.EventID, "done", "sent"))
}

// taking returns the trigger of a URL that takes a type: its own before the one
// for all.
func taking(u registry.NotificationURL, eventType string) (found notification.Trigger, ok bool) {
	for _, t := range u.Triggers {
		if t.EventType == eventType {
			return t, true
		}
		if t.EventType == notification.AllEvents {
			found, ok = t, true
		}
	}
	return found, ok
}

package console

import (
	"net/http"
	"time"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// eventsPage is the list of events.
type eventsPage struct {
	Rows         []history.EventSummary
	Filter       listFilter
	Panel        panel
	Range        string
	Older, Newer string
	Retention    time.Duration
}

// eventsWithout are the filters that deliveries alone have.
var eventsWithout = []string{"reason", "uri", "trigger_id", "event_id"}

func (c *Console) listEvents(w http.ResponseWriter, r *http.Request, v visitor) error {
	asked := c.question(r, v)
	shown := eventsPage{Retention: c.Stack.Retention}
	for _, name := range eventsWithout {
		asked.Values.Del(name)
	}
	status, q := asked.EventStatus(), asked.Log()
	shown.Filter = filterOf(root+"/events", asked.Values, map[string][]string{
		"status": {"accepted", "held", "suppressed"}, "notification_type": catalog.EventTypes(),
	}, eventsWithout)
	if err := asked.Err(); err != nil {
		shown.Filter.blame(err)
		c.render(w, r, v, http.StatusBadRequest, "events", "Events", shown)
		return nil
	}
	page, err := c.History.Events(r.Context(), q, status)
	if shown.Panel = c.failed(r, err); err == nil {
		shown.Rows = page.Events
		shown.Range = rangeOf(len(page.Events), "event", func(i int) time.Time { return page.Events[i].AcceptedAt })
		shown.Older, shown.Newer = turn(root+"/events", r.URL.Query(), page.Next)
		if len(page.Events) == 0 && page.Next == "" {
			shown.Filter.Fixes = c.fixes(v, shown.Filter, func(q notification.LogQuery) bool {
				found, err := c.History.Events(r.Context(), q, "")
				return err == nil && len(found.Events) > 0
			})
		}
	}
	c.render(w, r, v, http.StatusOK, "events", "Events", shown)
	return nil
}

// eventPage is one event and everything that became of it.
type eventPage struct {
	E           history.Event
	Explanation []string
	Told        []toldURL
	Pretty      string
	Done        string
	Untold      []string
}

// toldURL is a URL with what became of it and why it is told.
type toldURL struct {
	deliveryRow
	Because string
}

func (c *Console) showEvent(w http.ResponseWriter, r *http.Request, v visitor) error {
	event, err := c.History.Event(r.Context(), v.env.CloudName, r.URL.Query().Get("event_id"))
	if err != nil {
		return err
	}
	shown := eventPage{E: event, Explanation: history.Explain(event.Event), Pretty: indented(event.Notification), Done: done(r)}
	told := make(map[string]bool)
	for i, row := range c.rows(v, event.Deliveries) {
		shown.Told = append(shown.Told, toldURL{row, history.ExplainTarget(event.Targets[i])})
		told[row.URL] = true
	}
	for _, u := range hooksOf(v) {
		if !told[u.URI] && !u.Takes(event.NotificationType) {
			shown.Untold = append(shown.Untold, u.URI)
		}
	}
	c.render(w, r, v, http.StatusOK, "event", "Event "+event.NotificationType, shown)
	return nil
}

package console

import (
	"net/http"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/notification"
)

func (c *Console) listEventTypes(w http.ResponseWriter, r *http.Request, v visitor) error {
	type row struct {
		catalog.Type
		URLs int
	}
	var rows []row
	urls := hooksOf(v)
	for _, t := range catalog.Types() {
		told := 0
		for _, u := range urls {
			if u.Takes(t.Name) {
				told++
			}
		}
		rows = append(rows, row{t, told})
	}
	c.render(w, r, v, http.StatusOK, "event-types", "Event types", rows)
	return nil
}

// eventTypePage is one event type with its examples.
type eventTypePage struct {
	catalog.Type
	Examples []exampleShown
	Schema   string
	URLs     []urlRow
	Fixed    bool
}

type exampleShown struct{ Title, Payload string }

func (c *Console) showEventType(w http.ResponseWriter, r *http.Request, v visitor) error {
	found, ok := catalog.Find(r.PathValue("name"))
	if !ok {
		return notification.Errorf(notification.NotFound, "There is no such event type.")
	}
	shown := eventTypePage{Type: found, Schema: indented(found.Schema), Fixed: v.env.Settings.FolderMode == notification.FixedFolders}
	for _, e := range found.Examples {
		shown.Examples = append(shown.Examples, exampleShown{e.Title, indented(e.Payload)})
	}
	for _, u := range hooksOf(v) {
		if u.Takes(found.Name) {
			shown.URLs = append(shown.URLs, urlRow{ID: u.ID(), URI: u.URI})
		}
	}
	c.render(w, r, v, http.StatusOK, "event-type", found.Name, shown)
	return nil
}

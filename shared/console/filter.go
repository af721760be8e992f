package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// listFilter is a list's filter as its form shows it.
type listFilter struct {
	Path     string
	Fields   []filterField
	Error    string
	Active   []activeFilter
	ClearAll string
	Fixes    []activeFilter
}

type filterField struct {
	Name, Label, Value, Placeholder string
	Options                         []string
	Error                           string
}

// activeFilter is a filter that is set, and the same list without it.
type activeFilter struct{ Label, Value, Without string }

// filterLabels are the fields of lists, in their order, by the names that the API
// has for them.
var filterLabels = []struct{ name, label, placeholder string }{
	{"status", "Status", ""},
	{"notification_type", "Notification type", ""},
	{"reason", "Reason", ""},
	{"uri", "URL", "https://…"},
	{"public_id", "Public ID", ""},
	{"event_id", "Event ID", ""},
	{"trigger_id", "Trigger ID", ""},
	{"from", "From", "2026-01-31 or 2026-01-31T12:00:00Z"},
	{"to", "To", "2026-02-01"},
}

func (c *Console) question(r *http.Request, v visitor) *history.Question {
	values := r.URL.Query()
	for name, given := range values { // an empty field of a form is none
		if len(given) == 1 && strings.TrimSpace(given[0]) == "" {
			values.Del(name)
		}
	}
	return &history.Question{Values: values, CloudName: v.env.CloudName, Now: v.now, Retention: c.Stack.Retention}
}

func reasonNamesSorted() []string {
	var names []string
	for _, reason := range notification.Reasons() {
		names = append(names, string(reason))
	}
	slices.Sort(names)
	return names
}

// filterOf makes a list's form of what is asked; without leaves fields out.
func filterOf(path string, values url.Values, options map[string][]string, without []string) listFilter {
	filter := listFilter{Path: path, ClearAll: path}
	for _, f := range filterLabels {
		if slices.Contains(without, f.name) {
			continue
		}
		value := values.Get(f.name)
		filter.Fields = append(filter.Fields, filterField{Name: f.name, Label: f.label, Value: value, Placeholder: f.placeholder, Options: options[f.name]})
		if value != "" {
			rest := url.Values{}
			for name, given := range values {
				if name != f.name && name != "next_cursor" && name != "newer" {
					rest[name] = given
				}
			}
			filter.Active = append(filter.Active, activeFilter{f.label, value, address(path, rest)})
		}
	}
	return filter
}

// blame puts a fault beside the field that it names.
func (f *listFilter) blame(err error) {
	message := err.Error()
	for i, field := range f.Fields {
		if rest, found := strings.CutPrefix(message, field.Name+": "); found {
			f.Fields[i].Error = sentence(rest)
			return
		}
	}
	f.Error = sentence(message)
}

// fixes finds the filters without which there is something to see.
func (c *Console) fixes(v visitor, filter listFilter, finds func(notification.LogQuery) bool) []activeFilter {
	found := make([]bool, len(filter.Active))
	var all []func()
	for i, active := range filter.Active {
		u, err := url.Parse(active.Without)
		if err != nil {
			continue
		}
		asked := &history.Question{Values: u.Query(), CloudName: v.env.CloudName, Now: v.now, Retention: c.Stack.Retention}
		eventID, status, q := asked.Text("event_id"), asked.Text("status"), asked.Log()
		if asked.Err() != nil || eventID != "" {
			continue
		}
		q.Limit = 1
		if filter.Path == root+"/deliveries" {
			q.Status = notification.Status(status)
		}
		all = append(all, func() { found[i] = finds(q) })
	}
	together(all...)
	var fixes []activeFilter
	for i, active := range filter.Active {
		if found[i] {
			fixes = append(fixes, active)
		}
	}
	return fixes
}

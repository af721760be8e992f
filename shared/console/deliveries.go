package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/retry"
)

// deliveriesPage is the log with its filters.
type deliveriesPage struct {
	Rows   []deliveryRow
	Filter listFilter
	Views  []savedView
	Panel  panel
	// Range says what is on the page, Older and Newer lead to the next ones.
	Range        string
	Older, Newer string
	Pending      bool
	Retention    time.Duration
}

// deliveryRow is a delivery in a list.
type deliveryRow struct {
	notification.Delivery
	// Attempts made, of those that its schedule has.
	Of   string
	Host string
	Why  string
}

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

type savedView struct {
	Name, Path string
	Current    bool
}

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

func (c *Console) listDeliveries(w http.ResponseWriter, r *http.Request, v visitor) error {
	asked := c.question(r, v)
	shown := deliveriesPage{Retention: c.Stack.Retention, Views: savedViews(r.URL)}
	eventID, status, q := asked.Text("event_id"), asked.Status(), asked.Log()
	q.Status = status
	shown.Filter = filterOf(root+"/deliveries", asked.Values, map[string][]string{
		"status": {"pending", "delivered", "retrying", "exhausted"}, "notification_type": catalog.EventTypes(), "reason": reasonNamesSorted(),
	}, nil)
	if err := asked.Err(); err != nil {
		shown.Filter.blame(err)
		c.render(w, r, v, http.StatusBadRequest, "deliveries", "Deliveries", shown)
		return nil
	}
	var page notification.LogPage
	var err error
	switch {
	case eventID != "":
		page.Rows, err = c.History.OfEvent(r.Context(), notification.EventKey{CloudName: v.env.CloudName, EventID: eventID}, q.LogFilter)
	case status == notification.Pending:
		shown.Pending = true
	default:
		page, err = c.History.Deliveries(r.Context(), q)
	}
	if shown.Panel = c.failed(r, err); err == nil {
		shown.Rows = c.rows(v, page.Rows)
		shown.Range = rangeOf(len(page.Rows), "delivery", func(i int) time.Time { return page.Rows[i].AcceptedAt })
		shown.Older, shown.Newer = turn(root+"/deliveries", r.URL.Query(), page.Next)
		if len(page.Rows) == 0 && page.Next == "" && !shown.Pending {
			shown.Filter.Fixes = c.fixes(v, shown.Filter, func(q notification.LogQuery) bool {
				found, err := c.History.Deliveries(r.Context(), q)
				return err == nil && len(found.Rows) > 0
			})
		}
	}
	c.render(w, r, v, http.StatusOK, "deliveries", "Deliveries", shown)
	return nil
}

// rows are deliveries as lists show them.
func (c *Console) rows(v visitor, of []notification.Delivery) []deliveryRow {
	rows := make([]deliveryRow, len(of))
	for i, d := range of {
		rows[i] = deliveryRow{Delivery: d, Of: c.attemptOf(v, d), Host: hostOf(d.URL), Why: reasonWords(d)}
	}
	return rows
}

// attemptOf says how many attempts were made, and of how many where more follow.
func (c *Console) attemptOf(v visitor, d notification.Delivery) string {
	if d.Status != notification.Retrying {
		return number(d.AttemptCount)
	}
	return fmt.Sprintf("%d of %d", d.AttemptCount, max(d.AttemptCount+1, d.ScheduleFrom+1+len(c.schedule(v))))
}

// schedule is the one in force.
func (c *Console) schedule(v visitor) retry.Schedule {
	if v.env.Settings.RetrySchedule != nil {
		return v.env.Settings.RetrySchedule
	}
	return c.Stack.Schedule
}

// savedViews are links to what people look for most.
func savedViews(current *url.URL) []savedView {
	views := []savedView{
		{Name: "All", Path: root + "/deliveries"},
		{Name: "Undelivered", Path: query(root+"/deliveries", "status", "exhausted")},
		{Name: "Retrying", Path: query(root+"/deliveries", "status", "retrying")},
		{Name: "Timed out", Path: query(root+"/deliveries", "reason", "timeout")},
		{Name: "Not accepted", Path: query(root+"/deliveries", "reason", "status")},
		{Name: "Blocked", Path: query(root+"/deliveries", "reason", "blocked_address")},
	}
	for i, view := range views {
		views[i].Current = view.Path == address(current.Path, current.Query())
	}
	return views
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

// rangeOf says what a page has, since lists count nothing.
func rangeOf(n int, noun string, at func(int) time.Time) string {
	if n == 0 {
		return ""
	}
	newest, oldest := at(0).UTC(), at(n-1).UTC()
	form := "2006-01-02 15:04:05"
	text := plural(n, noun) + ", accepted " + newest.Format(form)
	if n == 1 {
		return text + " UTC"
	}
	if newest.Format(time.DateOnly) == oldest.Format(time.DateOnly) {
		form = "15:04:05"
	}
	return text + " to " + oldest.Format(form) + " UTC"
}

// mostTurns bounds how many pages back an address remembers.
const mostTurns = 20

// turn makes the addresses of the pages before and after. A cursor leads to older
// rows alone, so that an address carries those that led to it.
func turn(path string, values url.Values, next string) (older, newer string) {
	current := values.Get("next_cursor")
	var trail []string
	if text := values.Get("newer"); text != "" {
		trail = strings.Split(text, ".")
	}
	with := func(cursor string, trail []string) string {
		changed := url.Values{}
		for name, given := range values {
			changed[name] = given
		}
		changed.Del("next_cursor")
		changed.Del("newer")
		if cursor != "" {
			changed.Set("next_cursor", cursor)
		}
		if len(trail) > 0 {
			changed.Set("newer", strings.Join(trail, "."))
		}
		return address(path, changed)
	}
	if next != "" {
		longer := slices.Clone(trail)
		if current != "" {
			longer = append(longer, current)
		}
		older = with(next, longer[max(0, len(longer)-mostTurns):])
	}
	if current != "" {
		if n := len(trail); n > 0 {
			newer = with(trail[n-1], trail[:n-1])
		} else {
			newer = with("", nil)
		}
	}
	return older, newer
}

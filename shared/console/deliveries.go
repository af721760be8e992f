package console

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
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
	// Recover leads to a recovery of what the filter finds.
	Recover   string
	Retention time.Duration
}

// deliveryRow is a delivery in a list.
type deliveryRow struct {
	notification.Delivery
	// Attempts made, of those that its schedule has.
	Of   string
	Host string
	Why  string
}

type savedView struct {
	Name, Path string
	Current    bool
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
		if len(page.Rows) > 0 && eventID == "" {
			shown.Recover = recoverPath(asked.Values)
		}
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

// recoverPath is where what a filter finds is recovered; without a status that is
// what was given up.
func recoverPath(values url.Values) string {
	pairs := []string{"status", cmp.Or(values.Get("status"), string(notification.Exhausted))}
	for _, name := range history.RecoveryFields[1:] {
		pairs = append(pairs, name, values.Get(name))
	}
	return query(root+"/recoveries/new", pairs...)
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

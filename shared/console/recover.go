package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// recoveriesPage lists recoveries.
type recoveriesPage struct {
	Rows         []recoveryRow
	Panel        panel
	Older, Newer string
}

// recoveryRow is a recovery in a list.
type recoveryRow struct {
	notification.Recovery
	Meant string
	Skips int
}

func rowOf(of notification.Recovery) recoveryRow {
	row := recoveryRow{Recovery: of, Meant: meant(of)}
	for _, n := range of.Skipped {
		row.Skips += n
	}
	return row
}

func (c *Console) listRecoveries(w http.ResponseWriter, r *http.Request, v visitor) error {
	asked := c.question(r, v)
	q := asked.Log()
	if err := asked.Err(); err != nil {
		return err
	}
	list, next, err := c.Recover.List(r.Context(), q.CloudName, q.Before, q.Limit)
	shown := recoveriesPage{Panel: c.failed(r, err)}
	for _, of := range list {
		shown.Rows = append(shown.Rows, rowOf(of))
	}
	shown.Older, shown.Newer = turn(root+"/recoveries", r.URL.Query(), next)
	c.render(w, r, v, http.StatusOK, "recoveries", "Recover", shown)
	return nil
}

// plannedPage is what a recovery would do, before it begins.
type plannedPage struct {
	Filter    listFilter
	Unmatched bool
	PerSecond string
	RateError string
	// Asked says that the count below is of this filter.
	Asked  bool
	Count  history.RecoveryCount
	Panel  panel
	Skips  []skipped
	Meant  string
	Fields []hiddenField
	Takes  string
}

type hiddenField struct{ Name, Value string }

// skipped is how many are left as they are, and why.
type skipped struct {
	Count int
	Why   string
}

// skipWords say why a delivery is left as it is.
var skipWords = map[notification.SkipReason]string{
	notification.SkipEventExpired:  "what was to be told is no longer on record",
	notification.SkipNotKept:       "what was to be told was left out of the record",
	notification.SkipURLNotAllowed: "the URL may no longer be told",
	notification.SkipUnderWay:      "an attempt is under way, or was asked for meanwhile",
	notification.SkipNoTrigger:     "no trigger is for them, now as before",
}

func skipsOf(counts map[notification.SkipReason]int) []skipped {
	var list []skipped
	for _, reason := range notification.SkipReasons {
		if n := counts[reason]; n > 0 {
			list = append(list, skipped{n, skipWords[reason]})
		}
	}
	return list
}

// readPlan reads a recovery that is asked for, from an address or a form.
func (c *Console) readPlan(r *http.Request, v visitor, values url.Values) (notification.Recovery, plannedPage, error) {
	asked := c.question(r, v)
	asked.Values = url.Values{}
	for _, name := range slices.Concat([]string{"max_per_second"}, history.RecoveryFields) {
		if value := values.Get(name); value != "" {
			asked.Values[name] = values[name]
		}
	}
	shown := plannedPage{Unmatched: values.Get("unmatched") != "", PerSecond: asked.Values.Get("max_per_second")}
	if shown.PerSecond == "" {
		shown.PerSecond = strconv.Itoa(history.UsualPerSecond)
	}
	without := []string{"event_id"}
	if shown.Unmatched {
		without = append(without, "status", "uri", "reason")
		for _, name := range without {
			asked.Values.Del(name)
		}
	}
	shown.Filter = filterOf(root+"/recoveries/new", asked.Values, map[string][]string{
		"status": {"exhausted", "retrying", "delivered"}, "notification_type": catalog.EventTypes(), "reason": reasonNamesSorted(),
	}, without)
	planned := asked.Recovery(shown.Unmatched, v.env.Hooks, v.apiKey)
	for name, given := range asked.Values {
		shown.Fields = append(shown.Fields, hiddenField{name, given[0]})
	}
	slices.SortFunc(shown.Fields, func(a, b hiddenField) int { return slices.Compare([]string{a.Name}, []string{b.Name}) })
	return planned, shown, asked.Err()
}

// planRecovery counts what a recovery would do, once it is asked for.
func (c *Console) planRecovery(w http.ResponseWriter, r *http.Request, v visitor) error {
	planned, shown, err := c.readPlan(r, v, r.URL.Query())
	if err != nil {
		c.blamePlan(w, r, v, shown, err)
		return nil
	}
	shown.Asked = len(r.URL.Query()) > 0
	if shown.Asked {
		shown.Count, err = c.Recover.Count(r.Context(), planned)
		shown.Panel, shown.Meant, shown.Skips = c.failed(r, err), meant(planned), skipsOf(shown.Count.Skipped)
		shown.Takes = about(shown.Count.Takes)
	}
	c.render(w, r, v, http.StatusOK, "recover", "Recover", shown)
	return nil
}

func (c *Console) blamePlan(w http.ResponseWriter, r *http.Request, v visitor, shown plannedPage, err error) {
	message, aboutRate := strings.CutPrefix(err.Error(), "max_per_second: ")
	if aboutRate {
		shown.RateError = sentence(message)
	} else {
		shown.Filter.blame(err)
	}
	c.render(w, r, v, http.StatusBadRequest, "recover", "Recover", shown)
}

func (c *Console) startRecovery(w http.ResponseWriter, r *http.Request, v visitor) error {
	if err := r.ParseForm(); err != nil {
		return notification.Errorf(notification.Invalid, "the form could not be read")
	}
	planned, shown, err := c.readPlan(r, v, r.PostForm)
	if err != nil {
		c.blamePlan(w, r, v, shown, err)
		return nil
	}
	begun, err := c.Recover.Start(r.Context(), planned)
	if err != nil {
		return err
	}
	c.Log.InfoContext(r.Context(), "recovery begun", "cloud_name", v.env.CloudName, "recovery_id", begun.ID, "api_key", v.apiKey)
	return seeOther(w, r, query(root+"/recoveries/"+begun.ID, "done", "recover"))
}

// recoveryPage is one recovery and how far it is.
type recoveryPage struct {
	R       history.Progress
	Meant   string
	Skips   []skipped
	Results []result
	Done    string
	Running bool
	// CanResume says that it can go on.
	CanResume bool
	Rate      string
	Left      string
	Reached   time.Time
	// Percent is how much of the time that it covers it has gone through.
	Percent int
}

// result is how many of those queued have a status now.
type result struct {
	Status notification.Status
	Count  int
}

func (c *Console) showRecovery(w http.ResponseWriter, r *http.Request, v visitor) error {
	progress, err := c.Recover.Progress(r.Context(), notification.RecoveryKey{CloudName: v.env.CloudName, ID: r.PathValue("id")})
	if err != nil {
		return err
	}
	shown := recoveryPage{
		R: progress, Meant: meant(progress.Recovery), Skips: skipsOf(progress.Skipped), Done: done(r),
		Running:   progress.Status == notification.RecoveryRunning,
		CanResume: progress.Status == notification.RecoveryStopped || progress.Status == notification.RecoveryFailed,
		Reached:   history.Reached(progress.Recovery),
	}
	for _, status := range []notification.Status{notification.Delivered, notification.Retrying, notification.Exhausted, notification.Pending} {
		if n := progress.Results[status]; n > 0 {
			shown.Results = append(shown.Results, result{status, n})
		}
	}
	shown.Percent = percentOf(progress.Recovery, shown.Reached)
	if took := v.now.Sub(progress.StartedAt); shown.Running && took > 0 && progress.Queued > 0 {
		shown.Rate = fmt.Sprintf("%.1f", float64(progress.Queued)/took.Seconds())
		if shown.Percent > 0 {
			shown.Left = about(took * time.Duration(100-shown.Percent) / time.Duration(shown.Percent))
		}
	}
	c.render(w, r, v, http.StatusOK, "recovery", "Recovery", shown)
	return nil
}

// percentOf is how much of its time a recovery has gone through, from the newest
// back; how many deliveries are in the rest nobody has counted.
func percentOf(of notification.Recovery, reached time.Time) int {
	whole := of.To.Sub(of.From)
	switch {
	case of.Status == notification.RecoveryDone:
		return 100
	case reached.IsZero() || whole <= 0:
		return 0
	}
	return int(min(99, max(0, 100*of.To.Sub(reached)/whole)))
}

func (c *Console) stopRecovery(w http.ResponseWriter, r *http.Request, v visitor) error {
	id := r.PathValue("id")
	if _, err := c.Recover.Stop(r.Context(), notification.RecoveryKey{CloudName: v.env.CloudName, ID: id}); err != nil {
		return err
	}
	return seeOther(w, r, query(root+"/recoveries/"+id, "done", "stopped"))
}

func (c *Console) resumeRecovery(w http.ResponseWriter, r *http.Request, v visitor) error {
	id := r.PathValue("id")
	if _, err := c.Recover.Resume(r.Context(), notification.RecoveryKey{CloudName: v.env.CloudName, ID: id}); err != nil {
		return err
	}
	return seeOther(w, r, query(root+"/recoveries/"+id, "done", "resumed"))
}

// meant says in words which deliveries or events a recovery is about.
func meant(of notification.Recovery) string {
	words := map[notification.Status]string{
		notification.Exhausted: "Deliveries that were given up", notification.Retrying: "Deliveries that are retrying", notification.Delivered: "Deliveries that arrived",
	}[of.Filter.Status]
	if of.Unmatched {
		words = "Events that nobody was told of"
	}
	for _, part := range []struct{ name, value string }{
		{"of type ", of.Filter.NotificationType}, {"to ", of.Filter.URL}, {"of trigger ", of.Filter.TriggerID},
		{"about ", of.Filter.PublicID}, {"that failed by ", string(of.Filter.Reason)},
	} {
		if part.value != "" {
			words += ", " + part.name + part.value
		}
	}
	form := "2006-01-02 15:04 UTC"
	return words + ", accepted " + of.From.UTC().Format(form) + " to " + of.To.UTC().Format(form)
}

// about says a duration that is an estimate.
func about(d time.Duration) string {
	switch {
	case d < time.Second:
		return "less than a second"
	case d < 2*time.Minute:
		return fmt.Sprintf("about %d s", int(d.Seconds()+.5))
	case d < 2*time.Hour:
		return fmt.Sprintf("about %d min", int(d.Minutes()+.5))
	}
	return fmt.Sprintf("about %d h", int(d.Hours()+.5))
}

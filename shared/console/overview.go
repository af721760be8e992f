package console

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
)

// What the overview reads: a day, and of everything a part, since it is opened
// often. The counts say where they end.
const (
	lookBack   = 24 * time.Hour
	recentRows = 200
	countTo    = 100
	heldRows   = 50
	// retryingRows are looked through for what is being tried again, which no index
	// has by environment.
	retryingRows = 500
	// latestRecoveries are looked through for one that runs.
	latestRecoveries = 20
)

// overview answers "do I need to act?".
type overview struct {
	Verdict verdict
	// SigningKey is why nothing can be signed; empty where all is well.
	SigningKey string
	URLs       int
	// Undelivered are those that were given up within the retention, Retrying those
	// of the time that the schedule takes.
	Undelivered, Retrying        counted
	UndeliveredDay               int
	NextDue, OldestWaiting       time.Time
	Held                         []history.EventSummary
	HeldPanel, Failed, Retries   panel
	RecentPanel, RecoveriesPanel panel
	Recent                       health
	Chart                        chart
	LatestFailures               []notification.Delivery
	RetryingSince                time.Time
	Running                      []recoveryRow
	AddForm                      urlForm
	First                        bool
	Curl                         string
}

// verdict is the one sentence.
type verdict struct{ Kind, Icon, Text, Link, LinkText string }

// counted is a number that may have been counted no further.
type counted struct {
	N    int
	More bool
}

// String says it honestly.
func (c counted) String() string {
	if c.More {
		return "over " + number(c.N)
	}
	return number(c.N)
}

// countOf counts the rows of a page that ends at countTo.
func countOf(page notification.LogPage) counted {
	return counted{N: len(page.Rows), More: page.Next != "" && len(page.Rows) == countTo}
}

func (c *Console) overview(w http.ResponseWriter, r *http.Request, v visitor) error {
	ctx, shown := r.Context(), overview{URLs: len(v.env.Hooks.URLs())}
	if _, err := v.env.KeyForSigning(); err != nil {
		shown.SigningKey = err.Error()
	}
	shown.RetryingSince = v.now.Add(-c.schedule(v).Total() - time.Hour)
	var undelivered, retrying, recent notification.LogPage
	var events history.EventsPage
	var faults [5]error
	var recoveries []notification.Recovery
	together(
		func() {
			undelivered, faults[0] = c.log(ctx, v, notification.LogFilter{Status: notification.Exhausted}, v.now.Add(-c.Stack.Retention), countTo)
		},
		func() {
			retrying, faults[1] = c.History.Deliveries(ctx, notification.LogQuery{
				CloudName: v.env.CloudName, From: shown.RetryingSince, To: v.now.Add(time.Minute), Limit: countTo, Examine: retryingRows,
				LogFilter: notification.LogFilter{Status: notification.Retrying},
			})
		},
		func() { recent, faults[2] = c.log(ctx, v, notification.LogFilter{}, v.now.Add(-lookBack), recentRows) },
		func() {
			events, faults[3] = c.History.Events(ctx, notification.LogQuery{
				CloudName: v.env.CloudName, From: v.now.Add(-c.Stack.HoldTimeout), To: v.now.Add(time.Minute), Limit: heldRows,
			}, notification.EventHeld)
		},
		func() { recoveries, _, faults[4] = c.Recover.List(ctx, v.env.CloudName, "", latestRecoveries) },
	)
	shown.Failed, shown.Retries, shown.RecentPanel, shown.HeldPanel = c.failed(r, faults[0]), c.failed(r, faults[1]), c.failed(r, faults[2]), c.failed(r, faults[3])
	shown.RecoveriesPanel = c.failed(r, faults[4])
	for _, of := range recoveries {
		if of.Status == notification.RecoveryRunning {
			shown.Running = append(shown.Running, rowOf(of))
		}
	}
	shown.Undelivered, shown.Retrying, shown.Held = countOf(undelivered), countOf(retrying), events.Events
	if reached, err := ulid.ParseStrict(retrying.Next); err == nil {
		shown.RetryingSince = ulid.Time(reached.Time())
	}
	for _, d := range undelivered.Rows {
		if d.AcceptedAt.After(v.now.Add(-lookBack)) {
			shown.UndeliveredDay++
		}
	}
	shown.LatestFailures = undelivered.Rows[:min(5, len(undelivered.Rows))]
	for _, d := range retrying.Rows {
		if shown.NextDue.IsZero() || d.NextAt.Before(shown.NextDue) {
			shown.NextDue = d.NextAt
		}
		if shown.OldestWaiting.IsZero() || d.AcceptedAt.Before(shown.OldestWaiting) {
			shown.OldestWaiting = d.AcceptedAt
		}
	}
	shown.Recent = healthOf(recent.Rows)
	shown.Chart = chartOf(recent.Rows, v.now.Add(-lookBack), v.now, 24, chartNote(recent)).of(recent)
	shown.First = shown.URLs == 0 && len(recent.Rows) == 0
	shown.AddForm = c.newURLForm(v)
	shown.Curl = curlExample(r, v)
	shown.Verdict = shown.judge(v.now)
	c.render(w, r, v, http.StatusOK, "overview", "Overview", shown)
	return nil
}

// log reads the latest deliveries since a time that pass a filter.
func (c *Console) log(ctx context.Context, v visitor, filter notification.LogFilter, from time.Time, limit int) (notification.LogPage, error) {
	return c.History.Deliveries(ctx, notification.LogQuery{
		CloudName: v.env.CloudName, From: from, To: v.now.Add(time.Minute), Limit: limit, LogFilter: filter,
	})
}

// together does all at the same time.
func together(all ...func()) {
	var group sync.WaitGroup
	for _, do := range all {
		group.Go(do)
	}
	group.Wait()
}

func chartNote(page notification.LogPage) string {
	n := len(page.Rows)
	if n == 0 {
		return "Nothing was attempted in the last 24 hours."
	}
	if page.Next != "" {
		return fmt.Sprintf("The latest %s, accepted %s to %s UTC.", plural(n, "delivery"), clock(page.Rows[n-1].AcceptedAt), clock(page.Rows[0].AcceptedAt))
	}
	return fmt.Sprintf("All %s of the last 24 hours.", plural(n, "delivery"))
}

// judge finds the sentence: what stops everything comes first.
func (o overview) judge(now time.Time) verdict {
	switch {
	case o.SigningKey != "":
		return verdict{"bad", "cross", "Act now: nothing can be signed, so nothing is sent. " + sentence(o.SigningKey), root + "/urls#signing-key", "Choose a signing key"}
	case o.Failed.Error != "" || o.Retries.Error != "":
		return verdict{"warn", "pause", "It cannot be said right now: a part of the record could not be read.", root, "Try again"}
	case o.First:
		return verdict{"calm", "dots", "Nobody is told of anything yet: add your first notification URL.", "#add", "Add a URL"}
	case o.UndeliveredDay > 0:
		n := counted{o.UndeliveredDay, o.Undelivered.More && o.UndeliveredDay == o.Undelivered.N}
		return verdict{"bad", "cross", fmt.Sprintf("Look into it: in the last 24 hours %s.", wereGivenUp(n)), query(root+"/deliveries", "status", "exhausted"), "See which"}
	case o.Retrying.N > 0:
		return verdict{"warn", "again", fmt.Sprintf("Nothing to do yet: %s being tried again, next %s.", are(o.Retrying.N, "delivery"), ago(o.NextDue, now)), query(root+"/deliveries", "status", "retrying"), "Watch"}
	case o.URLs == 0:
		return verdict{"warn", "pause", "No notification URL is set: only URLs that calls and presets name are told.", root + "/urls#add", "Add a URL"}
	case o.Recent.Count == 0:
		return verdict{"good", "check", "Nothing needs you. Nothing has happened in the last 24 hours.", "", ""}
	}
	return verdict{"good", "check", fmt.Sprintf("Nothing needs you. The latest notification was accepted %s and has arrived.", ago(o.Recent.To, now)), "", ""}
}

func wereGivenUp(n counted) string {
	if n.N == 1 && !n.More {
		return "1 delivery was given up"
	}
	return n.String() + " deliveries were given up"
}

// signer says which key signs, or why none can.
func signer(env notification.Environment) (key notification.AccessKey, why string) {
	key, err := env.KeyForSigning()
	if err != nil {
		return key, err.Error()
	}
	return key, ""
}

// hooksOf lists the environment's URLs for people.
func hooksOf(v visitor) []registry.NotificationURL { return registry.NotificationURLs(v.env.Hooks) }

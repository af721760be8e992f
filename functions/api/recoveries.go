package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/request"
	"github.com/mediahooks/mediahooks/shared/web"
)

// The rates that a recovery may have. The usual one leaves a receiver that has
// just come back room for what is new.
const (
	usualPerSecond = 20
	mostPerSecond  = 500
)

// filterFields say which deliveries or events are meant, as in the lists.
var filterFields = []string{"status", "notification_type", "trigger_id", "uri", "public_id", "reason", "from", "to"}

// createRecovery begins a recovery, or with dry_run says what it would do.
func (a api) createRecovery(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	object, err := web.ReadObject(r)
	if err != nil {
		return err
	}
	object.Only(slices.Concat([]string{"dry_run", "max_per_second", "unmatched"}, filterFields)...)
	dry := object.Flag("dry_run")
	asked, err := a.readRecovery(object, caller)
	if err != nil {
		return err
	}
	if dry {
		count, err := a.recover.Count(r.Context(), asked)
		if err != nil {
			return err
		}
		web.WriteJSON(w, http.StatusOK, recoveryCount{
			true, count.Deliveries, count.URLs, int((count.Takes + time.Second - 1) / time.Second), count.Skipped, count.More,
		})
		return nil
	}
	begun, err := a.recover.Start(r.Context(), asked)
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusAccepted, showRecovery(begun))
	return nil
}

// readRecovery reads what is asked for.
func (a api) readRecovery(object *request.Object, caller web.Caller) (notification.Recovery, error) {
	asked := notification.Recovery{
		RecoveryKey: notification.RecoveryKey{CloudName: caller.Environment.CloudName, ID: ulid.Make().String()},
		Unmatched:   object.Flag("unmatched"), MaxPerSecond: usualPerSecond, By: caller.APIKey,
	}
	values := make(url.Values)
	for _, name := range slices.Concat([]string{"max_per_second"}, filterFields) {
		if text := textOf(object, name); text != "" {
			values.Set(name, text)
		}
	}
	f := &filter{values: values, cloudName: asked.CloudName, now: time.Now().UTC(), retention: a.retention}
	if text := f.text("max_per_second"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostPerSecond {
			f.fail("max_per_second", "must be a number from 1 to %d", mostPerSecond)
		}
		asked.MaxPerSecond = n
	}
	if asked.Unmatched {
		for _, name := range []string{"status", "uri", "reason"} {
			if values.Has(name) {
				f.fail(name, "cannot be given with unmatched, which asks for events that have no deliveries")
			}
		}
		if id := f.text("trigger_id"); id != "" && !hasTrigger(caller.Environment.Hooks, id) {
			f.fail("trigger_id", "there is no such trigger to tell")
		}
	} else {
		f.filter.Status = notification.Exhausted
		switch status := notification.Status(f.text("status")); status {
		case "":
		case notification.Exhausted, notification.Retrying, notification.Delivered:
			f.filter.Status = status
		default:
			f.fail("status", "must be exhausted, retrying or delivered")
		}
	}
	if err := object.Err(); err != nil {
		return asked, err
	}
	query, err := f.query()
	asked.Filter, asked.From, asked.To = query.LogFilter, query.From, query.To
	return asked, err
}

// textOf reads a field that may be a text or a number; what is neither is kept as
// a fault.
func textOf(object *request.Object, name string) string {
	raw := object.Raw(name)
	var n json.Number
	if len(raw) > 0 && raw[0] != '"' && json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return object.Text(name)
}

func hasTrigger(hooks notification.Hooks, id string) bool {
	return slices.ContainsFunc(hooks.Triggers, func(t notification.Trigger) bool { return t.ID == id })
}

func (a api) listRecoveries(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	f := a.readFilter(r, caller)
	query, err := f.query() // for max_results and next_cursor
	if err != nil {
		return err
	}
	list, next, err := a.recover.List(r.Context(), query.CloudName, query.Before, query.Limit)
	if err != nil {
		return err
	}
	answer := struct {
		Recoveries []recovery `json:"recoveries"`
		NextCursor string     `json:"next_cursor,omitempty"`
	}{[]recovery{}, next}
	for _, of := range list {
		answer.Recoveries = append(answer.Recoveries, showRecovery(of))
	}
	web.WriteJSON(w, http.StatusOK, answer)
	return nil
}

func recoveryKey(r *http.Request, caller web.Caller) notification.RecoveryKey {
	return notification.RecoveryKey{CloudName: caller.Environment.CloudName, ID: r.PathValue("id")}
}

func (a api) getRecovery(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	progress, err := a.recover.Progress(r.Context(), recoveryKey(r, caller))
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, struct {
		recovery
		Results map[notification.Status]int `json:"results"`
		More    bool                        `json:"more"`
	}{showRecovery(progress.Recovery), progress.Results, progress.More})
	return nil
}

func (a api) stopRecovery(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	stopped, err := a.recover.Stop(r.Context(), recoveryKey(r, caller))
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, showRecovery(stopped))
	return nil
}

func (a api) resumeRecovery(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	resumed, err := a.recover.Resume(r.Context(), recoveryKey(r, caller))
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusAccepted, showRecovery(resumed))
	return nil
}

// recoveryCount is what a recovery would do.
type recoveryCount struct {
	DryRun     bool                            `json:"dry_run"`
	Deliveries int                             `json:"deliveries"`
	URLs       int                             `json:"urls"`
	Seconds    int                             `json:"seconds"`
	Skipped    map[notification.SkipReason]int `json:"skipped"`
	More       bool                            `json:"more"`
}

// recovery is one as the API shows it.
type recovery struct {
	ID           string                          `json:"id"`
	Status       string                          `json:"status"`
	Unmatched    bool                            `json:"unmatched"`
	Filter       recoveryFilter                  `json:"filter"`
	MaxPerSecond int                             `json:"max_per_second"`
	By           string                          `json:"by"`
	Examined     int                             `json:"examined"`
	Queued       int                             `json:"queued"`
	Skipped      map[notification.SkipReason]int `json:"skipped"`
	ReachedAt    string                          `json:"reached_at,omitempty"`
	Failure      string                          `json:"failure,omitempty"`
	StartedAt    string                          `json:"started_at"`
	EndedAt      string                          `json:"ended_at,omitempty"`
	ExpiresAt    string                          `json:"expires_at"`
}

type recoveryFilter struct {
	Status           string `json:"status,omitempty"`
	NotificationType string `json:"notification_type,omitempty"`
	TriggerID        string `json:"trigger_id,omitempty"`
	URI              string `json:"uri,omitempty"`
	PublicID         string `json:"public_id,omitempty"`
	Reason           string `json:"reason,omitempty"`
	From             string `json:"from"`
	To               string `json:"to"`
}

func showRecovery(r notification.Recovery) recovery {
	shown := recovery{
		ID: r.ID, Status: string(r.Status), Unmatched: r.Unmatched, MaxPerSecond: r.MaxPerSecond, By: r.By,
		Filter: recoveryFilter{
			Status: string(r.Filter.Status), NotificationType: r.Filter.NotificationType, TriggerID: r.Filter.TriggerID,
			URI: r.Filter.URL, PublicID: r.Filter.PublicID, Reason: string(r.Filter.Reason), From: moment(r.From), To: moment(r.To),
		},
		Examined: r.Examined, Queued: r.Queued, Skipped: r.Skipped, ReachedAt: moment(history.Reached(r)), Failure: r.Failure,
		StartedAt: moment(r.StartedAt), EndedAt: moment(r.EndedAt), ExpiresAt: moment(r.ExpiresAt),
	}
	if shown.Skipped == nil {
		shown.Skipped = map[notification.SkipReason]int{}
	}
	return shown
}

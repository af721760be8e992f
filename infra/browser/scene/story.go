package scene

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/signature"
)

// The names of what pages are opened for; see world.marked.
const (
	markDelivered = "delivered"
	markRetrying  = "retrying"
	markHostile   = "hostile"
	markHeld      = "held"
	markUnmatched = "unmatched"
	markEvent     = "event"
	markRecovery  = "recovery"
	markStopped   = "stopped"
)

// day is what an ordinary day brings, in turn: mostly uploads and their results.
var day = []string{
	"upload", "eager", "upload", "resource_tags_changed", "upload", "eager", "rename", "upload", "delete", "upload",
	"resource_context_changed", "upload", "create_folder", "upload", "moderation", "upload", "eager",
}

// assets are what happens to, by the tables of a design studio.
var assets = []string{
	"campaigns/autumn/lamp-01", "products/chair-oak", "products/chair-walnut", "team/portrait-ada", "banners/café-opening",
	"products/table-round", "campaigns/winter/scarf-07", "press/logo-dark", "videos/atelier-tour",
}

// tell makes a day: an event every nine minutes, one a minute in its last half
// hour, and what became of each.
func (w *world) tell(ctx context.Context) {
	at := Now.Add(-26 * time.Hour)
	for i := 0; at.Before(Now.Add(-time.Minute)); i++ {
		w.happen(ctx, at, day[i%len(day)])
		step := 9 * time.Minute
		if at.After(Now.Add(-35 * time.Minute)) {
			step = 50 * time.Second
		}
		at = at.Add(step + time.Duration(w.chance.IntN(20_000))*time.Millisecond)
	}
	w.hold(ctx)
	w.unmatched(ctx)
	w.suppressed(ctx)
	w.recover(ctx)
	w.note(w.store.SetHealth(ctx, notification.OriginKey{CloudName: CloudName, Origin: "https://cms.acme.example"}, notification.Health{SlowSince: failingSince}))
	w.note(w.store.SetHealth(ctx, notification.OriginKey{CloudName: CloudName, Origin: "https://thumbs.acme.example"}, notification.Health{SlowSince: Now.Add(-7 * time.Hour)}))
}

// event begins an event of a type, told of its catalogue's example.
func (w *world) event(at time.Time, eventType string) notification.Event {
	publicID := assets[w.chance.IntN(len(assets))]
	body, err := payload.Compose(eventType, w.payload(eventType, publicID), payload.Context{TriggeredAt: at.Add(-80 * time.Millisecond), Source: "api", ID: APIKey}, payload.Form{})
	w.note(err)
	return notification.Event{
		CloudName: CloudName, ID: w.id(at), NotificationType: eventType, Body: payload.Pack(body), Status: notification.EventAccepted,
		Hash: []byte(w.hex(16)), PublicIDs: []string{publicID}, AcceptedAt: at, ExpiresAt: at.Add(retention),
	}
}

// payload is the type's first example, about another asset.
func (w *world) payload(eventType, publicID string) []byte {
	described, known := catalog.Find(eventType)
	if !known || len(described.Examples) == 0 {
		w.note(fmt.Errorf("no example of %s", eventType))
		return []byte(`{}`)
	}
	fields, err := payload.Fields(described.Examples[0].Payload)
	w.note(err)
	out := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			out = append(out, ',')
		}
		value := f.Raw
		if f.Name == "public_id" {
			value = fmt.Appendf(nil, "%q", publicID)
		}
		out = append(fmt.Appendf(out, "%q:", f.Name), value...)
	}
	return append(out, '}')
}

// happen has an event told to every endpoint that is for its type.
func (w *world) happen(ctx context.Context, at time.Time, eventType string) {
	event := w.event(at, eventType)
	var told []endpoint
	for _, e := range endpoints {
		if at.After(e.since) && (slices.Contains(e.types, eventType) || slices.Contains(e.types, notification.AllEvents)) {
			told = append(told, e)
			event.Targets = append(event.Targets, notification.Target{
				DeliveryID: w.id(at), URL: e.url, Why: notification.ByTrigger, TriggerID: w.trigger(e.url, eventType),
			})
		}
	}
	if eventType == "upload" && w.chance.IntN(12) == 0 {
		event.Targets = append(event.Targets, notification.Target{DeliveryID: w.id(at), URL: "https://upload-form.example/done", Why: notification.ByCall})
		told = append(told, endpoints[0])
	}
	w.insert(ctx, event)
	for i, target := range event.Targets {
		w.deliver(ctx, event, target, i == 0, told[i].attempts(w, at.Add(120*time.Millisecond)))
	}
	if len(told) > 2 {
		w.marked[markEvent] = event.ID
	}
}

func (w *world) trigger(url, eventType string) string {
	for _, t := range w.env.Hooks.Triggers {
		if t.URI == url && (t.EventType == eventType || t.EventType == notification.AllEvents) {
			return t.ID
		}
	}
	return ""
}

func (w *world) insert(ctx context.Context, event notification.Event) {
	_, failed := w.store.InsertEvents(ctx, []notification.Event{event})
	for _, err := range failed {
		w.note(err)
	}
	for _, err := range w.store.LogEvents(ctx, []notification.Event{event}) {
		w.note(err)
	}
}

// retryWaits are the waits before the second attempt and those after it.
var retryWaits = []time.Duration{3 * time.Minute, 6 * time.Minute, 9 * time.Minute}

// deliver records the attempts of a delivery, one after the other, each signed.
func (w *world) deliver(ctx context.Context, event notification.Event, target notification.Target, lead bool, attempts []notification.Attempt) {
	d := notification.Delivery{
		DeliveryKey: notification.DeliveryKey{CloudName: CloudName, DeliveryID: target.DeliveryID}, EventID: event.ID,
		NotificationType: event.NotificationType, URL: target.URL, Why: target.Why, TriggerID: target.TriggerID, Lead: lead,
		PublicIDs: event.PublicIDs, AcceptedAt: event.AcceptedAt, ExpiresAt: event.ExpiresAt,
	}
	body, err := payload.Unpack(event.Body)
	w.note(err)
	for _, a := range attempts {
		a.SigningKey, a.Timestamp = WebhooksKey, signature.Timestamp(event.AcceptedAt, a.StartedAt)
		a.Signature, err = signature.Sign(signature.SHA1, payload.WithSignatureKey(body, WebhooksKey), a.Timestamp, APISecret)
		w.note(err)
		d.Attempted(a)
		d.NextAt, d.NextLane = time.Time{}, ""
		switch {
		case a.Succeeded():
			d.Status = notification.Delivered
			w.marked[markDelivered] = d.DeliveryID
			w.paste(body, a)
		case a.Number > len(retryWaits):
			d.Status = notification.Exhausted
		default:
			d.Status, d.NextLane = notification.Retrying, a.Lane
			d.NextAt = a.StartedAt.Add(a.Duration + retryWaits[a.Number-1])
		}
		for _, err := range w.store.RecordAttempts(ctx, []notification.Delivery{d}) {
			w.note(err)
		}
	}
	if d.Status == notification.Retrying && d.AttemptCount > 1 {
		w.marked[markRetrying] = d.DeliveryID
	}
	if len(d.Attempts) > 0 && string(d.Attempts[0].Response) == hostile {
		w.marked[markHostile] = d.DeliveryID
	}
}

// hold has an upload wait for its transformations.
func (w *world) hold(ctx context.Context) {
	at := Now.Add(-11 * time.Minute)
	event := w.event(at, "upload")
	event.Status, event.HeldUntil, event.BatchID = notification.EventHeld, at.Add(time.Hour), w.hex(32)
	event.Eager = &notification.Eager{Requested: true, CallURL: true}
	event.LogID = w.id(at)
	w.insert(ctx, event)
	w.marked[markHeld] = event.ID
}

// unmatched is an event that no trigger was for.
func (w *world) unmatched(ctx context.Context) {
	at := Now.Add(-14 * time.Minute)
	event := w.event(at, "publish")
	event.LogID = w.id(at)
	event.Misfit = "public_ids: is required"
	w.insert(ctx, event)
	w.marked[markUnmatched] = event.ID
}

// suppressed is the deletion of a folder that was empty.
func (w *world) suppressed(ctx context.Context) {
	at := Now.Add(-31 * time.Minute)
	event := w.event(at, "delete_folder")
	event.Status, event.LogID = notification.EventSuppressed, w.id(at)
	w.insert(ctx, event)
}

// paste has somebody check a signature whose body her framework has printed anew.
func (w *world) paste(body []byte, a notification.Attempt) {
	var indented bytes.Buffer
	w.note(json.Indent(&indented, payload.WithSignatureKey(body, a.SigningKey), "", "  "))
	w.pasted = url.Values{
		"body": {indented.String()}, "timestamp": {strconv.FormatInt(a.Timestamp, 10)}, "signature": {a.Signature},
	}
}

// recover has begun one recovery, stopped another and brought one to its end.
func (w *world) recover(ctx context.Context) {
	for _, r := range []struct {
		mark             string
		status           notification.RecoveryStatus
		began, took      time.Duration
		filter           notification.LogFilter
		examined, queued int
		reached          time.Duration
		unmatched        bool
	}{
		{"", notification.RecoveryDone, 9 * 24 * time.Hour, 3 * time.Minute, notification.LogFilter{NotificationType: "publish"}, 212, 388, 0, true},
		{markStopped, notification.RecoveryStopped, 50 * time.Hour, 40 * time.Second, notification.LogFilter{Status: notification.Exhausted}, 900, 751, 60 * time.Hour, false},
		{markRecovery, notification.RecoveryRunning, 70 * time.Second, 0, notification.LogFilter{Status: notification.Exhausted, URL: endpoints[2].url}, 1204, 1187, 9 * time.Hour, false},
	} {
		began := Now.Add(-r.began)
		recovery := notification.Recovery{
			RecoveryKey: notification.RecoveryKey{CloudName: CloudName, ID: w.id(began)}, Status: r.status, Unmatched: r.unmatched, Filter: r.filter,
			From: began.Add(-3 * 24 * time.Hour), To: began, MaxPerSecond: 20, By: APIKey, Pages: r.examined / 50, Part: 1,
			Examined: r.examined, Queued: r.queued, Skipped: map[notification.SkipReason]int{}, StartedAt: began, ExpiresAt: began.Add(retention), Revision: 1,
		}
		if skipped := r.examined - r.queued; skipped > 0 {
			recovery.Skipped[notification.SkipEventExpired] = skipped
		}
		if r.reached > 0 {
			recovery.Cursor = w.id(Now.Add(-r.reached))
		}
		if r.status != notification.RecoveryRunning {
			recovery.EndedAt = began.Add(r.took)
		}
		w.note(w.store.InsertRecovery(ctx, recovery))
		if r.mark != "" {
			w.marked[r.mark] = recovery.ID
		}
	}
}

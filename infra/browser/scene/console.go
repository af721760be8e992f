package scene

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/mediahooks/mediahooks/shared/console"
	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/outbound"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/retry"
	"github.com/mediahooks/mediahooks/shared/web"
)

// Scene is the console over an environment in one state.
type Scene struct {
	Handler http.Handler
	// Store and Queue are what is behind it.
	Store *notificationtest.Store
	Queue *notificationtest.Queue
	Pages []Page
}

// Page is a page of the console to look at.
type Page struct {
	// Name is that of its pictures.
	Name, Path string
	// SignedOut is set on a page for those who are not signed in.
	SignedOut bool
	// Form is what is entered on it and sent, to the same path; nil for nothing.
	Form url.Values
	// Status is what it answers.
	Status int64
}

// sessionKey signs sessions.
type sessionKey struct{}

func (sessionKey) SessionKey(context.Context) ([]byte, error) {
	return []byte("the scene's key for sessions, and no other's"), nil
}

// noWorkflow leaves recoveries as they were begun.
type noWorkflow struct{}

func (noWorkflow) StartRecovery(context.Context, notification.RecoveryKey, int) error { return nil }

// New makes a scene.
func New(ctx context.Context, state State) (*Scene, error) {
	w, err := newWorld(ctx, state)
	if err != nil {
		return nil, err
	}
	guard, err := outbound.ParseGuard("", "")
	if err != nil {
		return nil, err
	}
	queue := notificationtest.NewQueue(w.clock.Now)
	// Changes wait for caches, which go by this clock.
	wait := func(_ context.Context, d time.Duration) error { w.clock.Advance(d); return nil }
	directory := registry.NewDirectory(w.store, w.clock.Now)
	log := slog.New(slog.DiscardHandler)
	past := history.Service{Records: w.store, Queue: queue, Guard: guard, Now: w.clock.Now}
	c := &console.Console{
		Directory: directory,
		Triggers:  registry.Triggers{Store: w.store, Guard: guard, URLLimit: 10, TriggerLimit: 300, Now: w.clock.Now, Wait: wait},
		Keys:      registry.Keys{Store: w.store, Vault: notificationtest.NewVault(), Now: w.clock.Now, Wait: wait},
		Settings:  registry.Settings{Store: w.store, Wait: wait},
		History:   past,
		Recover: history.Recover{
			Service: past, Environments: directory, Untold: w.store, Recoveries: w.store, Workflow: noWorkflow{}, Retention: retention,
		},
		Intake: intake.Service{
			Environments: directory, Presets: directory, Records: w.store, Queue: queue, Clock: notificationtest.NewHolds(w.clock.Now),
			Guard: guard, IDs: &intake.IDs{}, Now: w.clock.Now, HoldTimeout: time.Hour, Retention: retention,
		},
		Origins:  w.store,
		Sessions: &console.Sessions{Keys: sessionKey{}, Now: w.clock.Now},
		Logins:   &web.Logins{Count: func() {}, Now: w.clock.Now, Wait: wait},
		Stack: console.Stack{
			Name: "mediahooks", Region: "eu-central-1", Stage: "default", Version: "0.1.0", Success: "200",
			Schedule: retry.Schedule(retryWaits), Retention: retention, HoldTimeout: time.Hour,
		},
		Now: w.clock.Now, Log: log,
	}
	return &Scene{Handler: at("127.0.0.1:3000", c.Handler()), Store: w.store, Queue: queue, Pages: w.pages(state)}, nil
}

// at has requests name a host, so that commands on pages are the same on every
// port.
func at(host string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = host
		next.ServeHTTP(w, r)
	})
}

// pages are those that a state has.
func (w *world) pages(state State) []Page {
	const root = "/console"
	pages := []Page{
		{Name: "sign-in", Path: root + "/sign-in", SignedOut: true},
		{Name: "overview", Path: root},
		{Name: "urls", Path: root + "/urls"},
		{Name: "deliveries", Path: root + "/deliveries"},
		{Name: "deliveries-filtered", Path: root + "/deliveries?status=exhausted&reason=dns"},
		{Name: "events", Path: root + "/events"},
		{Name: "event-types", Path: root + "/event-types"},
		{Name: "event-type", Path: root + "/event-types/upload"},
		{Name: "signature", Path: root + "/signature"},
		{Name: "recoveries", Path: root + "/recoveries"},
		{Name: "recover", Path: root + "/recoveries/new?status=exhausted"},
		{Name: "settings", Path: root + "/settings"},
		{Name: "not-found", Path: root + "/nowhere", Status: http.StatusNotFound},
		{Name: "gone", Path: root + "/deliveries/01KGGVH71G3T9W6QH0ZC5V8N2M", Status: choose(state == Error, http.StatusInternalServerError, http.StatusNotFound)},
	}
	if state != Empty {
		failing := registry.NotificationURL{URI: endpoints[2].url}.ID()
		status := choose(state == Error, http.StatusInternalServerError, http.StatusOK)
		pages = append(pages,
			Page{Name: "url", Path: root + "/urls/" + failing},
			Page{Name: "url-edit", Path: root + "/urls/" + failing + "/edit"},
			Page{Name: "url-remove", Path: root + "/urls/" + failing + "/remove"},
			Page{Name: "delivery", Path: root + "/deliveries/" + w.marked[markRetrying], Status: status},
			Page{Name: "delivery-delivered", Path: root + "/deliveries/" + w.marked[markDelivered], Status: status},
			Page{Name: "delivery-hostile", Path: root + "/deliveries/" + w.marked[markHostile], Status: status},
			Page{Name: "recovery", Path: root + "/recoveries/" + w.marked[markRecovery], Status: status},
			Page{Name: "recovery-stopped", Path: root + "/recoveries/" + w.marked[markStopped], Status: status},
			Page{Name: "signature-checked", Path: root + "/signature", Form: w.pasted},
			Page{Name: "event", Path: root + "/event?event_id=" + w.marked[markEvent], Status: status},
			Page{Name: "event-held", Path: root + "/event?event_id=" + w.marked[markHeld], Status: status},
			Page{Name: "event-unmatched", Path: root + "/event?event_id=" + w.marked[markUnmatched], Status: status},
		)
	}
	for i := range pages {
		if pages[i].Status == 0 {
			pages[i].Status = http.StatusOK
		}
	}
	return pages
}

func choose(condition bool, yes, no int64) int64 {
	if condition {
		return yes
	}
	return no
}

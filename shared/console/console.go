// Package console is the edge for people: the pages of the web console, rendered
// on the server, below /console. It shows and does what the API does, by the same
// stages, and has no rules of its own but how a session is kept.
//
// Every view is a GET whose address has every filter; every change is a POST that
// is answered by a redirect. Nothing needs JavaScript. What others have written,
// receivers above all, is shown as text in which nothing is hidden.
package console

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/retry"
	"github.com/mediahooks/mediahooks/shared/web"
)

// Directory knows environments and their access keys.
type Directory interface {
	// Authenticate returns the environment of an access key, or a
	// *notification.Error of code Unauthorized.
	Authenticate(ctx context.Context, cloudName, apiKey, secret string) (notification.Environment, error)
	// Serving returns an environment, or a *notification.Error of code NotFound for
	// one that does not exist or is disabled.
	Serving(ctx context.Context, cloudName string) (notification.Environment, error)
}

// Origins keeps what is known of receivers' speed.
type Origins interface {
	// Health reads the health of origins; unknown ones are absent.
	Health(ctx context.Context, keys []notification.OriginKey) (map[notification.OriginKey]notification.Health, error)
}

// Stack is what is shown of the deployment, and what holds where an environment
// has decided nothing.
type Stack struct {
	Name, Region, Stage, Version string
	// Dashboard and Alarms are where operators look; empty for nowhere.
	Dashboard, Alarms      string
	Success                string
	Schedule               retry.Schedule
	Retention, HoldTimeout time.Duration
}

// Console serves the pages. All fields are required.
type Console struct {
	Directory Directory
	Triggers  registry.Triggers
	Keys      registry.Keys
	Settings  registry.Settings
	History   history.Service
	Recover   history.Recover
	Intake    intake.Service
	Origins   Origins
	Sessions  *Sessions
	Logins    *web.Logins
	Stack     Stack
	Now       func() time.Time
	Log       *slog.Logger
}

// root is the path below which everything is.
const root = "/console"

// Handler serves all pages and what they are made of.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+root+"/assets/{name}", serveAsset)
	mux.HandleFunc("GET "+root+"/sign-in", c.showSignIn)
	mux.HandleFunc("POST "+root+"/sign-in", c.signIn)
	mux.HandleFunc("POST "+root+"/sign-out", c.signOut)
	for pattern, serve := range map[string]page{
		"GET " + root:                               c.overview,
		"GET " + root + "/search":                   c.search,
		"GET " + root + "/urls":                     c.listURLs,
		"POST " + root + "/urls":                    c.addURL,
		"POST " + root + "/signing-key":             c.chooseSigningKey,
		"GET " + root + "/urls/{id}":                c.showURL,
		"GET " + root + "/urls/{id}/edit":           c.editURL,
		"POST " + root + "/urls/{id}/edit":          c.saveURL,
		"GET " + root + "/urls/{id}/remove":         c.askRemoveURL,
		"POST " + root + "/urls/{id}/remove":        c.removeURL,
		"POST " + root + "/urls/{id}/example":       c.sendExample,
		"GET " + root + "/deliveries":               c.listDeliveries,
		"GET " + root + "/deliveries/{id}":          c.showDelivery,
		"GET " + root + "/deliveries/{id}/{number}": c.downloadBody,
		"POST " + root + "/deliveries/{id}/resend":  c.resend,
		"GET " + root + "/events":                   c.listEvents,
		"GET " + root + "/event":                    c.showEvent,
		"GET " + root + "/event-types":              c.listEventTypes,
		"GET " + root + "/event-types/{name}":       c.showEventType,
		"GET " + root + "/signature":                c.showSignature,
		"POST " + root + "/signature":               c.checkSignature,
		"GET " + root + "/recoveries":               c.listRecoveries,
		"GET " + root + "/recoveries/new":           c.planRecovery,
		"POST " + root + "/recoveries":              c.startRecovery,
		"GET " + root + "/recoveries/{id}":          c.showRecovery,
		"POST " + root + "/recoveries/{id}/stop":    c.stopRecovery,
		"POST " + root + "/recoveries/{id}/resume":  c.resumeRecovery,
		"GET " + root + "/settings":                 c.showSettings,
		"POST " + root + "/settings":                c.saveSettings,
		root + "/":                                  noPage,
	} {
		mux.Handle(pattern, c.signedIn(serve))
	}
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(c.denyCrossOrigin))
	return protect(c.rescue(guard.Handler(mux)))
}

// page serves a request of somebody who is signed in. An error that it returns is
// shown.
type page func(w http.ResponseWriter, r *http.Request, v visitor) error

// visitor is who is signed in, and the environment as it is now.
type visitor struct {
	env    notification.Environment
	apiKey string
	now    time.Time
}

func noPage(http.ResponseWriter, *http.Request, visitor) error {
	return notification.Errorf(notification.NotFound, "There is no such page.")
}

// protect sets what browsers are told of every answer. Scripts, styles and
// pictures come from our own files alone, and nobody may frame a page.
func protect(next http.Handler) http.Handler {
	const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// rescue shows a panic as a fault of ours, and logs it.
func (c *Console) rescue(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if fault := recover(); fault != nil {
				c.Log.ErrorContext(r.Context(), "panic", "request_id", web.RequestID(r), "fault", fault)
				c.renderFault(w, r, visitor{now: c.Now()}, http.StatusInternalServerError, web.Message(nil, web.RequestID(r)).Message)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func (c *Console) denyCrossOrigin(w http.ResponseWriter, r *http.Request) {
	c.renderFault(w, r, visitor{now: c.Now()}, http.StatusForbidden,
		"This came from another site, so nothing was changed. Open the console itself, and do it there.")
}

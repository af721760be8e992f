package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	spec "github.com/mediahooks/mediahooks/infra/api"
	"github.com/mediahooks/mediahooks/shared/config"
	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/retry"
	"github.com/mediahooks/mediahooks/shared/telemetry"
	"github.com/mediahooks/mediahooks/shared/web"
)

// api serves the management calls.
type api struct {
	directory    *registry.Directory
	triggers     registry.Triggers
	presets      registry.Presets
	settings     registry.Settings
	account      *registry.Account
	environments registry.Environments
	keys         registry.Keys
	history      history.Service
	recover      history.Recover
	retention    time.Duration
	stack        stack
	logins       *web.Logins
	log          *slog.Logger
}

// stack is what is in force where an environment has decided nothing.
type stack struct {
	Success  string
	Schedule retry.Schedule
}

// routes lists all calls but the one for events, which the intake function
// serves.
func (a api) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, endpoint := range map[string]web.Endpoint{
		"GET /v1_1/{cloud_name}/ping":                ping,
		"GET /v1_1/{cloud_name}/triggers":            a.listTriggers,
		"POST /v1_1/{cloud_name}/triggers":           a.createTrigger,
		"PUT /v1_1/{cloud_name}/triggers/{id}":       a.updateTrigger,
		"DELETE /v1_1/{cloud_name}/triggers/{id}":    a.deleteTrigger,
		"POST /v1_1/{cloud_name}/triggers/{id}/test": a.testTrigger,

		"GET /v1_1/{cloud_name}/event_types":        listEventTypes,
		"GET /v1_1/{cloud_name}/event_types/{name}": getEventType,

		"GET /v1_1/{cloud_name}/upload_presets":           a.listPresets,
		"POST /v1_1/{cloud_name}/upload_presets":          a.createPreset,
		"GET /v1_1/{cloud_name}/upload_presets/{name}":    a.getPreset,
		"PUT /v1_1/{cloud_name}/upload_presets/{name}":    a.updatePreset,
		"DELETE /v1_1/{cloud_name}/upload_presets/{name}": a.deletePreset,

		"GET /v1_1/{cloud_name}/events":                           a.listEvents,
		"GET /v1_1/{cloud_name}/events/{event_id...}":             a.getEvent,
		"GET /v1_1/{cloud_name}/deliveries":                       a.listDeliveries,
		"GET /v1_1/{cloud_name}/deliveries/{delivery_id}":         a.getDelivery,
		"POST /v1_1/{cloud_name}/deliveries/{delivery_id}/resend": a.resend,

		"GET /v1_1/{cloud_name}/recoveries":              a.listRecoveries,
		"POST /v1_1/{cloud_name}/recoveries":             a.createRecovery,
		"GET /v1_1/{cloud_name}/recoveries/{id}":         a.getRecovery,
		"DELETE /v1_1/{cloud_name}/recoveries/{id}":      a.stopRecovery,
		"POST /v1_1/{cloud_name}/recoveries/{id}/resume": a.resumeRecovery,

		"GET /v1_1/{cloud_name}/notification_settings": a.getSettings,
		"PUT /v1_1/{cloud_name}/notification_settings": a.putSettings,
	} {
		mux.Handle(pattern, web.Authenticated(a.directory, a.logins, a.log, endpoint))
	}
	const subAccounts = " /v1_1/provisioning/accounts/{account_id}/sub_accounts"
	for pattern, endpoint := range map[string]web.AccountEndpoint{
		"GET" + subAccounts:                          a.listEnvironments,
		"POST" + subAccounts:                         a.createEnvironment,
		"GET" + subAccounts + "/{sub_account_id}":    a.getEnvironment,
		"PUT" + subAccounts + "/{sub_account_id}":    a.updateEnvironment,
		"DELETE" + subAccounts + "/{sub_account_id}": a.deleteEnvironment,

		"GET" + subAccounts + "/{sub_account_id}/access_keys":          a.listKeys,
		"POST" + subAccounts + "/{sub_account_id}/access_keys":         a.createKey,
		"DELETE" + subAccounts + "/{sub_account_id}/access_keys":       a.deleteKeyByName,
		"PUT" + subAccounts + "/{sub_account_id}/access_keys/{key}":    a.updateKey,
		"DELETE" + subAccounts + "/{sub_account_id}/access_keys/{key}": a.deleteKey,
	} {
		mux.Handle(pattern, web.OfAccount(a.account, a.logins, a.log, endpoint))
	}
	mux.HandleFunc("GET /openapi.yaml", openAPI)
	// The gateway's routes of the console do not take its address with a slash.
	mux.Handle("GET /console/{$}", http.RedirectHandler("/console", http.StatusMovedPermanently))
	// The gateway gives these to the intake function; here they are for the
	// Allow header of other methods.
	mux.HandleFunc("POST /v1_1/{cloud_name}/events", http.NotFound)
	mux.HandleFunc("POST /v1_1/{cloud_name}/triggers/{id}/example", http.NotFound)
	return mux
}

func ping(w http.ResponseWriter, _ *http.Request, _ web.Caller) error {
	web.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

func openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	_, _ = w.Write(spec.OpenAPI) // into memory
}

// records is all that is kept.
type records interface {
	registry.Store
	history.Records
	history.Untold
	history.Recoveries
}

// parts are what the rules are tied to.
type parts struct {
	store   records
	queue   history.Queue
	recover history.RecoveryWorkflow
	guard   registry.URLGuard
	vault   registry.Sealer
	account registry.AccountKeys
	metrics *telemetry.Metrics
	log     *slog.Logger
}

// reserve is for how long nothing but what is kept can be left of a deleted
// environment: a wait that had begun (a week), a lane's messages (4 days) and a
// dead-letter queue's (14).
const reserve = 28 * 24 * time.Hour

// newAPI ties the rules to their parts.
func newAPI(settings config.API, p parts) api {
	store, guard := p.store, p.guard
	schedule := retry.Schedule(settings.RetrySchedule)
	a := api{
		directory: registry.NewDirectory(store, time.Now),
		triggers: registry.Triggers{
			Store:        store,
			Guard:        guard,
			URLLimit:     settings.URLLimit,
			TriggerLimit: settings.Triggers(),
			Now:          time.Now,
			Wait:         wait,
		},
		presets:  registry.Presets{Store: store, Guard: guard, Now: time.Now, Wait: wait},
		settings: registry.Settings{Store: store, Wait: wait},
		account:  registry.NewAccount(settings.AccountID, p.account, time.Now, p.log),
		environments: registry.Environments{
			Store: store, Vault: p.vault, Now: time.Now, Wait: wait,
			Reserve: settings.Retention() + schedule.Total() + reserve,
		},
		keys:      registry.Keys{Store: store, Vault: p.vault, Now: time.Now, Wait: wait},
		history:   history.Service{Records: store, Queue: p.queue, Guard: guard, Now: time.Now},
		retention: settings.Retention(),
		stack:     stack{Success: settings.SuccessStatus, Schedule: schedule},
		logins: &web.Logins{
			Count: func() error { return p.metrics.Emit(telemetry.LoginFailed) }, Now: time.Now, Log: p.log,
		},
		log: p.log,
	}
	a.recover = history.Recover{
		Service: a.history, Environments: a.directory, Untold: store, Recoveries: store, Workflow: p.recover, Retention: a.retention,
	}
	return a
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

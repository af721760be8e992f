package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/config"
	"github.com/mediahooks/mediahooks/shared/console"
	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/retry"
	"github.com/mediahooks/mediahooks/shared/telemetry"
	"github.com/mediahooks/mediahooks/shared/web"
)

// records is all that is kept.
type records interface {
	registry.Store
	history.Records
	history.Recoveries
	intake.Records
	console.Origins
}

// lanes is where attempts are queued.
type lanes interface {
	history.Queue
	intake.Queue
}

// parts are what the rules are tied to.
type parts struct {
	store    records
	queue    lanes
	guard    registry.URLGuard
	sessions console.SessionKeys
	recover  history.RecoveryWorkflow
	metrics  *telemetry.Metrics
	log      *slog.Logger
	// wait is how a change waits for the caches; nil for a timer.
	wait func(context.Context, time.Duration) error
}

// newHandler ties the rules, which are the API's own, to their parts.
func newHandler(settings config.Console, p parts) http.Handler {
	directory := registry.NewDirectory(p.store, time.Now)
	past := history.Service{Records: p.store, Queue: p.queue, Guard: p.guard, Now: time.Now}
	wait := p.wait
	if wait == nil {
		wait = sleep
	}
	pages := &console.Console{
		Directory: directory,
		Triggers: registry.Triggers{
			Store: p.store, Guard: p.guard, URLLimit: settings.URLLimit, TriggerLimit: settings.Triggers(), Now: time.Now, Wait: wait,
		},
		Keys:     registry.Keys{Store: p.store, Now: time.Now, Wait: wait}, // which makes none: it has no vault
		Settings: registry.Settings{Store: p.store, Wait: wait},
		History:  past,
		Recover: history.Recover{
			Service: past, Environments: directory, Untold: p.store, Recoveries: p.store, Workflow: p.recover, Retention: settings.Retention(),
		},
		Intake: intake.Service{ // for examples, which name no preset and are never held
			Environments: directory, Presets: directory, Records: p.store, Queue: p.queue, Guard: p.guard,
			IDs: new(intake.IDs), Now: time.Now, HoldTimeout: settings.HoldTimeout, Retention: settings.Retention(),
		},
		Origins:  p.store,
		Sessions: &console.Sessions{Keys: p.sessions, Now: time.Now},
		Logins:   &web.Logins{Count: func() { p.metrics.Count(telemetry.LoginsFailed, 1) }, Now: time.Now},
		Stack: console.Stack{
			Name: settings.Stack, Region: settings.Region, Stage: settings.Stage, Version: config.Version,
			Success: settings.SuccessStatus, Schedule: retry.Schedule(settings.RetrySchedule),
			Retention: settings.Retention(), HoldTimeout: settings.HoldTimeout,
		},
		Now: time.Now,
		Log: p.log,
	}
	if settings.Stage != local {
		pages.Stack.Dashboard, pages.Stack.Alarms = cloudWatch(settings.Region, settings.Stack)
	}
	return named(pages.Handler())
}

// local is the stage of a stack that AWS's console knows nothing of.
const local = "local"

// cloudWatch returns where AWS's console shows a stack's dashboard and alarms.
func cloudWatch(region, stack string) (dashboard, alarms string) {
	host := "console.aws.amazon.com"
	switch {
	case strings.HasPrefix(region, "cn-"):
		host = "console.amazonaws.cn"
	case strings.HasPrefix(region, "us-gov-"):
		host = "console.amazonaws-us-gov.com"
	}
	page := "https://" + region + "." + host + "/cloudwatch/home?region=" + region
	return page + "#dashboards/dashboard/" + stack, page + "#alarmsV2:?search=" + stack
}

// named gives requests the host that their sender has named: the gateway's own
// name for itself is another where something stands before it.
func named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host := r.Header.Get("Host"); host != "" {
			r.Host = host
		}
		next.ServeHTTP(w, r)
	})
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mediahooks/mediahooks/infra/local/demo"
	"github.com/mediahooks/mediahooks/infra/local/stack"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
)

// What a receiver that was away has missed, at which rate it is recovered, and
// when somebody stops that for a while.
const (
	missed      = 5_000
	perSecond   = 50
	stoppedAt   = missed * 2 / 5
	stoppedFor  = 5 * time.Second
	printedEach = 5 * time.Second
)

// away is a receiver that fails until it is back, and counts what it gets.
type away struct {
	back     atomic.Bool
	mu       sync.Mutex
	attempts map[string]int // of each delivery
}

func (a *away) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // what it says does not matter here
	a.mu.Lock()
	defer a.mu.Unlock()
	a.attempts[r.Header.Get(notification.DeliveryHeader)]++
	if !a.back.Load() {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// shownRecovery is what the API says of a recovery.
type shownRecovery struct {
	ID, Status       string
	Examined, Queued int
	Skipped, Results map[string]int
}

// recoverMany has a recovery of 5,000 deliveries counted, begun, stopped, resumed
// and done on the local stack, prints its progress, and fails where one delivery
// was not attempted exactly once more.
func recoverMany(ctx context.Context, out io.Writer) error {
	local, err := stack.Start(ctx, stack.Options{
		Params: map[string]string{"RetrySchedule": ""}, Provision: demo.Provision,
	})
	if err != nil {
		return err
	}
	defer local.Close() //nolint:errcheck // the figures are printed
	receiver := &away{attempts: make(map[string]int)}
	server, hook, err := serve(receiver)
	if err != nil {
		return err
	}
	defer server.Close() //nolint:errcheck // as above
	c, by := newCaller(local), local.Credentials()
	if err := miss(ctx, c, by, hook, out); err != nil {
		return err
	}
	receiver.back.Store(true)

	asked := map[string]any{"uri": hook, "max_per_second": perSecond, "dry_run": true}
	var count struct {
		Deliveries, URLs, Seconds int
		More                      bool
	}
	if err := c.call(ctx, by, http.MethodPost, "/recoveries", asked, &count); err != nil {
		return err
	}
	fmt.Fprintf(out, "counted: %d deliveries to %d URL, %d s at %d a second; more: %t\n",
		count.Deliveries, count.URLs, count.Seconds, perSecond, count.More)
	asked["dry_run"] = false
	var r shownRecovery
	if err := c.call(ctx, by, http.MethodPost, "/recoveries", asked, &r); err != nil {
		return err
	}
	path := "/recoveries/" + r.ID
	began := time.Now()
	if _, err := watchRecovery(ctx, c, by, path, began, out, func(r shownRecovery) bool { return r.Queued >= stoppedAt }); err != nil {
		return err
	}
	if err := c.call(ctx, by, http.MethodDelete, path, nil, nil); err != nil {
		return err
	}
	fmt.Fprintf(out, "%4.0f s  DELETE %s\n", time.Since(began).Seconds(), path)
	stopped := time.Now()
	_, err = watchRecovery(ctx, c, by, path, began, out, func(r shownRecovery) bool {
		return time.Since(stopped) > stoppedFor && r.Results["delivered"] == r.Queued
	})
	if err != nil {
		return err
	}
	if err := c.call(ctx, by, http.MethodPost, path+"/resume", nil, nil); err != nil {
		return err
	}
	fmt.Fprintf(out, "%4.0f s  POST %s/resume\n", time.Since(began).Seconds(), path)
	r, err = watchRecovery(ctx, c, by, path, began, out, func(r shownRecovery) bool {
		return r.Status != "running" && r.Results["delivered"] == r.Queued
	})
	if err != nil {
		return err
	}
	return receiver.judge(r, out)
}

// miss reports the events that the receiver fails on, and waits until it has.
func miss(ctx context.Context, c caller, by registry.Credentials, hook string, out io.Writer) error {
	began := time.Now()
	for range missed / 100 {
		if err := c.report(ctx, by, strings.Fields(strings.Repeat(hook+" ", 100))); err != nil {
			return err
		}
	}
	for {
		exhausted := 0
		for cursor := ""; ; {
			var page struct {
				Deliveries []struct{ Status string }
				NextCursor string `json:"next_cursor"`
			}
			path := "/deliveries?status=exhausted&max_results=500&next_cursor=" + url.QueryEscape(cursor)
			if err := c.call(ctx, by, http.MethodGet, path, nil, &page); err != nil {
				return err
			}
			exhausted += len(page.Deliveries)
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
		if exhausted == missed {
			fmt.Fprintf(out, "missed: %d deliveries, exhausted after %.0f s\n", exhausted, time.Since(began).Seconds())
			return nil
		}
		if time.Since(began) > 5*time.Minute {
			return fmt.Errorf("after five minutes %d of %d deliveries are exhausted", exhausted, missed)
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

// watchRecovery prints the progress of a recovery until it is as wanted.
func watchRecovery(ctx context.Context, c caller, by registry.Credentials, path string, began time.Time, out io.Writer, done func(shownRecovery) bool) (shownRecovery, error) {
	var printed time.Time
	for {
		var r shownRecovery
		if err := c.call(ctx, by, http.MethodGet, path, nil, &r); err != nil {
			return r, err
		}
		ended := done(r)
		if ended || time.Since(printed) > printedEach {
			fmt.Fprintf(out, "%4.0f s  %s: examined %d, queued %d, skipped %v, results %v\n",
				time.Since(began).Seconds(), r.Status, r.Examined, r.Queued, r.Skipped, r.Results)
			printed = time.Now()
		}
		if ended {
			return r, nil
		}
		if time.Since(began) > 10*time.Minute {
			return r, fmt.Errorf("after ten minutes the recovery is %s", r.Status)
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return r, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// judge counts the receiver's side of it.
func (a *away) judge(r shownRecovery, out io.Writer) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	wrong := 0
	for _, n := range a.attempts {
		if n != 2 {
			wrong++
		}
	}
	fmt.Fprintf(out, "received: %d deliveries, %d of them other than once before and once after\n", len(a.attempts), wrong)
	if len(a.attempts) != missed || wrong > 0 || r.Status != "done" || r.Queued != missed {
		return fmt.Errorf("recovery %s is %s with %d of %d queued, %d deliveries wrong", r.ID, r.Status, r.Queued, missed, wrong)
	}
	return nil
}

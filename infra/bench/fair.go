package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/mediahooks/mediahooks/infra/local/stack"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/store"
	"github.com/mediahooks/mediahooks/shared/vault"
)

// fairness is what a quiet environment notices of a noisy one, on the local stack.
// The emulator has no fair queues, so that what is seen is the lanes' own doing.
type fairness struct {
	caller
	quiet, noisy registry.Credentials
	receiver     string
	mu           sync.Mutex
	arrived      map[string]time.Time
	count        atomic.Int64
}

// How the quiet environment is watched: an event every so often, for so long.
const (
	quietEvery = 250 * time.Millisecond
	quietFor   = 30 * time.Second
	// swallowed is how many events the black hole gets.
	swallowed = 10_000
	// trickleRate is how many events a second the other black hole gets: what this
	// machine carries without being busy with nothing else.
	trickleRate = 100
	// dyingRate is how many a second go to the origin that dies.
	dyingRate = 20
)

func fair(ctx context.Context, out io.Writer) error {
	f := &fairness{arrived: make(map[string]time.Time)}
	local, err := stack.Start(ctx, stack.Options{
		Provision: func(ctx context.Context, cfg aws.Config, outputs map[string]string) (registry.Credentials, error) {
			environments := registry.Environments{
				Store: store.New(dynamodb.NewFromConfig(cfg), outputs["TableName"], time.Now),
				Vault: vault.New(kms.NewFromConfig(cfg), outputs["SecretsKeyArn"]), Now: time.Now,
			}
			var err error
			if f.quiet, err = environments.Create(ctx, "quiet"); err != nil {
				return registry.Credentials{}, err
			}
			f.noisy, err = environments.Create(ctx, "noisy")
			return f.noisy, err
		},
	})
	if err != nil {
		return err
	}
	defer local.Close() //nolint:errcheck // the figures are printed
	f.caller = newCaller(local)
	receiver, url, err := serve(http.HandlerFunc(f.receive))
	if err != nil {
		return err
	}
	defer receiver.Close() //nolint:errcheck // as above
	f.receiver = url

	fmt.Fprintf(out, "%-76s %8s %8s %8s\n", "accepted to received, a quiet environment, 4 events/s", "p50 ms", "p99 ms", "of idle")
	// The emulator starts a process for each concurrent batch, which on AWS would
	// be other machines: they are started before anything is measured.
	warm, err := blackHole()
	if err != nil {
		return err
	}
	if _, err := f.watch(ctx, func() error {
		return errors.Join(f.flood(ctx, f.receiver+"/warm", swallowed/5), f.flood(ctx, warm, swallowed/50))
	}); err != nil {
		return err
	}
	idle, err := f.watch(ctx, nil)
	if err != nil {
		return err
	}
	show := func(what string, took []time.Duration) {
		p50, p99 := percentile(took, 50), percentile(took, 99)
		fmt.Fprintf(out, "%-76s %8.0f %8.0f %7.1fx\n", what, float64(p50)/1e6, float64(p99)/1e6, float64(p99)/float64(percentile(idle, 99)))
	}
	show("idle", idle)
	took, err := f.watch(ctx, func() error { return f.flood(ctx, f.receiver+"/flood", swallowed) })
	if err != nil {
		return err
	}
	show(fmt.Sprintf("another environment's endpoint answers %d events, all reported at once", swallowed), took)
	hole, err := blackHole()
	if err != nil {
		return err
	}
	took, err = f.watch(ctx, func() error { return f.flood(ctx, hole, swallowed) })
	if err != nil {
		return err
	}
	show(fmt.Sprintf("another environment's endpoint swallows %d events, all reported at once", swallowed), took)
	// By now nearly all of them stand on the slow lane, and no one reports any more.
	if took, err = f.watch(ctx, nil); err != nil {
		return err
	}
	show("the half minute after that, while the slow lane holds them", took)
	if hole, err = blackHole(); err != nil {
		return err
	}
	took, err = f.watch(ctx, func() error { return f.trickle(ctx, hole) })
	if err != nil {
		return err
	}
	show(fmt.Sprintf("another one's swallows %d events/s", trickleRate), took)
	dying := &dyingServer{}
	server, dyingURL, err := serve(dying)
	if err != nil {
		return err
	}
	defer server.Close() //nolint:errcheck // as above
	took, err = f.watch(ctx, func() error { return f.stream(ctx, dying, dyingURL) })
	if err != nil {
		return err
	}
	show(fmt.Sprintf("a proven endpoint dies under %d events/s (the worst case)", dyingRate), took)
	return nil
}

// watch reports events of the quiet environment for a while, and returns how long
// each took from its acceptance to its arrival. The disturbance runs beside it.
func (f *fairness) watch(ctx context.Context, disturb func() error) ([]time.Duration, error) {
	disturbed := make(chan error, 1)
	go func() {
		if disturb == nil {
			disturbed <- nil
			return
		}
		disturbed <- disturb()
	}()
	accepted := make(map[string]time.Time)
	for end := time.Now().Add(quietFor); time.Now().Before(end); {
		next := time.Now().Add(quietEvery)
		id := fmt.Sprintf("/quiet-%d", f.count.Add(1))
		if err := f.report(ctx, f.quiet, []string{f.receiver + id}); err != nil {
			return nil, err
		}
		accepted[id] = time.Now()
		select {
		case <-time.After(time.Until(next)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	var took []time.Duration
	for deadline := time.Now().Add(time.Minute); len(took) < len(accepted); {
		took = took[:0]
		f.mu.Lock()
		for id, at := range accepted {
			if arrived, ok := f.arrived[id]; ok {
				took = append(took, max(0, arrived.Sub(at)))
			}
		}
		f.mu.Unlock()
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%d of %d events arrived within a minute", len(took), len(accepted))
		}
		time.Sleep(100 * time.Millisecond)
	}
	return took, <-disturbed
}

func (f *fairness) receive(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // a sender that has gone needs no answer
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, again := f.arrived[r.URL.Path]; !again {
		f.arrived[r.URL.Path] = time.Now()
	}
	w.WriteHeader(http.StatusOK)
}

// flood reports n events for one URL, in lists of a hundred, four at a time.
func (f *fairness) flood(ctx context.Context, url string, n int) error {
	var group sync.WaitGroup
	var failed atomic.Pointer[error]
	left := atomic.Int64{}
	left.Store(int64(n / 100))
	for range 4 {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if err := f.report(ctx, f.noisy, strings.Fields(strings.Repeat(url+" ", 100))); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// trickle reports events for one URL at a steady rate.
func (f *fairness) trickle(ctx context.Context, url string) error {
	const lists = 10 // a second
	ticks := time.NewTicker(time.Second / lists)
	defer ticks.Stop()
	for end := time.Now().Add(quietFor); time.Now().Before(end); {
		if err := f.report(ctx, f.noisy, strings.Fields(strings.Repeat(url+" ", trickleRate/lists))); err != nil {
			return err
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// stream reports events for an endpoint that answers for ten seconds and then no
// more.
func (f *fairness) stream(ctx context.Context, endpoint *dyingServer, url string) error {
	ticks := time.NewTicker(time.Second / dyingRate)
	defer ticks.Stop()
	began := time.Now()
	for time.Since(began) < quietFor {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		endpoint.dead.Store(time.Since(began) > 10*time.Second)
		if err := f.report(ctx, f.noisy, []string{url + "/dying"}); err != nil {
			return err
		}
	}
	return nil
}

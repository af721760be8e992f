package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// round is one environment with its own table, queues and processes, in which
// everything goes wrong for a while.
type round struct {
	plan      plan
	name      string // the cloud_name, and the table's
	account   *account
	binaries  string
	environ   []string
	made      resources
	receivers *receivers
	started   time.Time
	counts    *Counts
	story     story
	// group is everything that is under way. calm ends all faults.
	group group
	calm  atomic.Bool
	must  atomic.Bool // the next invocation dies

	mu       sync.Mutex
	drawn    map[string]int
	idle     map[string][]*process
	busy     map[*process]*invocation
	promises map[string]*promise
	touched  time.Time
	errs     []error
	// leases keeps invocations from being begun while leases are ended.
	leases sync.Mutex
}

// longest is how long a round may take before what is not over counts as stuck.
const longest = 180 * time.Second

// storiesTold is for how many faults of a round it is told how they came.
const storiesTold = 3

// runRound makes one round and checks what came of it.
func runRound(ctx context.Context, a *account, binaries string, p plan) (*Counts, error) {
	r := &round{
		plan: p, name: fmt.Sprintf("round-%d", p.number), account: a, binaries: binaries, started: time.Now(), counts: newCounts(),
		drawn: make(map[string]int), idle: make(map[string][]*process), busy: make(map[*process]*invocation), promises: make(map[string]*promise),
		touched: time.Now(), story: story{began: time.Now(), lines: make(map[string][]string)},
	}
	r.counts.Rounds = 1
	var err error
	if r.receivers, err = openReceivers(r); err == nil {
		defer r.receivers.close()
		r.made, err = a.create(ctx, r.name, r.hooks())
	}
	if a.restarts {
		a.begun.Done()
	}
	if err != nil {
		return r.counts, err
	}
	r.environ = r.environment()
	r.storm(ctx)
	found, err := r.gather(ctx)
	if err != nil {
		return r.counts, errors.Join(append(r.errs, err)...)
	}
	faults := check(found, r.counts)
	if len(faults) == 0 && len(r.errs) == 0 {
		return r.counts, a.remove(ctx, r.made)
	}
	for i, fault := range faults {
		if i < storiesTold {
			fault = fmt.Errorf("%w%s", fault, r.story.of(fault))
		}
		r.errs = append(r.errs, fault)
	}
	return r.counts, errors.Join(r.errs...)
}

// storm lets everything happen, and returns when nothing does any more.
func (r *round) storm(ctx context.Context) {
	receiving, stop := context.WithCancel(ctx)
	var mappings sync.WaitGroup
	for _, m := range []*mapping{{function: delivery, queue: r.made.first}, {function: delivery, queue: r.made.slow}, {function: intake, queue: r.made.hold}} {
		m.round, m.slots = r, make(chan struct{}, atOnce)
		mappings.Go(func() { m.run(receiving) })
	}
	for _, c := range r.plan.calls {
		r.group.Go(func() { r.produce(c) })
	}
	r.settle(ctx)
	stop()
	mappings.Wait()
	r.group.Wait()
	r.reap(0)
}

// settle waits until nothing is under way and nothing is left on a queue. Dead
// letters are put back once, as an operator would do it, when the faults are over.
func (r *round) settle(ctx context.Context) {
	for time.Since(r.started) < longest && ctx.Err() == nil {
		r.reap(2 * time.Second)
		time.Sleep(200 * time.Millisecond)
		if r.account.away.Load() || r.group.Busy() || r.sinceTouched() < 700*time.Millisecond {
			continue
		}
		if r.counts.Killed() == 0 { // each round has its death
			r.must.Store(true)
			first := r.plan.calls[0]
			r.group.Go(func() { r.send(first, first.events, -3) })
			continue
		}
		left, err := r.left(ctx)
		switch {
		case err != nil:
			r.unreachable("GetQueueAttributes", err)
		case left.live > 0:
			time.Sleep(500 * time.Millisecond)
		case left.dead > 0:
			r.calm.Store(true)
			r.redrive(ctx)
		default:
			return
		}
	}
}

// hooks are the environment's triggers.
func (r *round) hooks() notification.Hooks {
	hooks := notification.Hooks{Version: 1}
	for i, t := range r.plan.triggers {
		hooks.Triggers = append(hooks.Triggers, notification.Trigger{
			ID: fmt.Sprintf("%032d", i+1), EventType: t.eventType, URI: r.receivers.urls[t.url],
		})
	}
	return hooks
}

func (r *round) environment() []string {
	return []string{
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		fmt.Sprintf("AWS_MAX_ATTEMPTS=%d", r.plan.sdkAttempts),
		"STAGE=faults", "STACK_NAME=faults", "LOG_LEVEL=info", "TABLE_NAME=" + r.made.table,
		"FIRST_QUEUE_URL=" + r.made.first.url, "SLOW_QUEUE_URL=" + r.made.slow.url, "HOLD_QUEUE_URL=" + r.made.hold.url,
		"HOLD_TIMEOUT=" + r.plan.holdTimeout.String(), "RETRY_SCHEDULE=" + r.plan.schedule, "ALLOWED_NETWORKS=127.0.0.0/8",
		"WAIT_WORKFLOW_ARN=" + r.made.machine, "SECRETS_KEY_ARN=" + r.account.keyARN,
		"GOGC=400", "GOMEMLIMIT=220MiB", // as template.yaml has them
	}
}

// next counts what has a name, from 1.
func (r *round) next(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drawn[name]++
	return r.drawn[name]
}

func (r *round) nextRequestID() string {
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", r.next("request"))
}

// promised takes note of what a producer was told.
func (r *round) promised(e event, deliveries map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.promises[e.id]
	if known == nil {
		known = &promise{event: e, deliveries: make(map[string]string)}
		r.promises[e.id] = known
	}
	for url, id := range deliveries {
		if before, ok := known.deliveries[url]; ok && before != id {
			r.errs = append(r.errs, fmt.Errorf("event %s: %s was promised as %s and as %s", e.id, url, before, id))
		}
		known.deliveries[url] = id
	}
}

// fail takes note of a fault that no check of the outcome would show.
func (r *round) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

// touch says that something has happened.
func (r *round) touch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.touched = time.Now()
}

func (r *round) sinceTouched() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.touched)
}

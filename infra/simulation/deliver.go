package main

import (
	"slices"
	"time"

	"github.com/mediahooks/mediahooks/shared/lane"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// What shared/delivery, shared/store and shared/registry keep to themselves.
const (
	healthFor   = time.Second
	recordEvery = 2 * time.Second
	probePlaces = 4
	probeFor    = 30 * time.Second
	settingsFor = 500 * time.Millisecond
	postTimeout = 20 * time.Second
)

// invocation is shared/delivery's way with a batch, step by step, with what each
// step waits for. What it decides, shared/lane decides.
type invocation struct {
	*simulation
	*routine
	process *process
	lane    notification.Lane
	under   int
	over    []*task
	wake    func() // while it waits for its attempts
}

type task struct {
	*message
	probes, waits *probe
	passed        bool
	ok, cut       bool
	took          time.Duration
	duration      time.Duration // with what came before the POST
	ended         time.Time
}

type probe struct {
	of      *endpoint
	until   time.Time
	ended   bool
	waiting []*task
}

func (v *invocation) deliver(batch []*message) {
	tasks, all := make([]*task, len(batch)), make([]task, len(batch))
	for i, m := range batch {
		tasks[i] = &all[i]
		tasks[i].message = m
	}
	if v.lanes {
		v.gate(tasks)
	}
	v.load(tasks)
	v.attemptAll(tasks)
}

func (v *invocation) gate(tasks []*task) {
	var keys []*endpoint
	for _, t := range tasks {
		if !slices.Contains(keys, t.to) {
			keys = append(keys, t.to)
		}
	}
	verdicts := v.judge(keys)
	if v.lane == notification.Slow {
		return // it only reads what is known
	}
	var passed []*task
	for i, key := range keys {
		if verdicts[i] == lane.Proven {
			continue
		}
		var of []*task
		for _, t := range tasks {
			if t.to == key {
				of = append(of, t)
			}
		}
		if verdicts[i] == lane.Unknown {
			passed = append(passed, v.findOut(key, of)...)
			continue
		}
		for _, t := range of {
			t.Message = lane.Divert(t.Message, v.time())
		}
		passed = append(passed, of...)
	}
	v.passOn(passed)
}

// judge goes by what the process has read within a second, and reads the rest.
func (v *invocation) judge(keys []*endpoint) []lane.Verdict {
	now := v.time()
	verdicts := make([]lane.Verdict, len(keys))
	var unread []int
	for i, key := range keys {
		known := v.process.known[key.index]
		if known.readAt.IsZero() || now.Sub(known.readAt) >= healthFor {
			unread = append(unread, i)
			continue
		}
		verdicts[i] = lane.Judge(known.Health, now)
	}
	if len(unread) == 0 {
		return verdicts
	}
	v.sleep(tableLatency.draw(v.draws))
	for _, i := range unread {
		health := v.table.health[keys[i].index]
		verdicts[i] = lane.Judge(health, now)
		if verdicts[i] != lane.Unknown {
			v.process.known[keys[i].index] = knownHealth{health, now}
		}
	}
	return verdicts
}

// findOut lets one task find out about an origin that nothing is known of; first
// attempts of its batch wait for it, the others are passed on.
func (v *invocation) findOut(key *endpoint, tasks []*task) (passed []*task) {
	now := v.time()
	p := &probe{of: key, until: now.Add(probeFor)}
	if !v.held {
		p.until = now.Add(2 * lane.SlowAfter)
	}
	v.sleep(tableLatency.draw(v.draws))
	won := v.table.probe(key, now, p.until)
	for i, t := range tasks {
		switch {
		case won && i == 0:
			t.probes = p
		case won && t.Attempt == 1:
			t.waits = p
		default:
			t.Message = lane.Pass(t.Message, now)
			passed = append(passed, t)
		}
	}
	return passed
}

func (v *invocation) passOn(tasks []*task) {
	if len(tasks) == 0 {
		return
	}
	v.sleep(queueLatency.draw(v.draws))
	for _, t := range tasks {
		t.passed = true
		v.figures.passed(t.Lane)
		v.send(t.message)
	}
}

// load reads the records of first attempts, and claims the others, all at once.
func (v *invocation) load(tasks []*task) {
	var longest time.Duration
	first := false
	for _, t := range tasks {
		if !t.passed && (t.Attempt > 1 || !first) {
			first = first || t.Attempt == 1
			longest = max(longest, tableLatency.draw(v.draws))
		}
	}
	if longest > 0 {
		v.sleep(longest)
	}
}

// attemptAll makes the attempts and settles them, every two seconds and at the end.
func (v *invocation) attemptAll(tasks []*task) {
	for _, t := range tasks {
		switch {
		case t.passed:
		case t.waits != nil:
			v.under++
			t.waits.waiting = append(t.waits.waiting, t)
		default:
			v.under++
			v.attempt(t)
		}
	}
	for v.under > 0 {
		v.await(recordEvery)
		over := v.over
		v.over = nil
		v.settle(over)
	}
	v.settle(v.over)
}

// await waits until all attempts are over, at most for a while.
func (v *invocation) await(d time.Duration) {
	resumed := false
	v.wake = func() {
		if !resumed {
			resumed = true
			v.resume()
		}
	}
	v.after(d, v.wake)
	v.park()
	v.wake = nil
}

func (v *invocation) made(t *task) {
	v.over = append(v.over, t)
	if v.under--; v.under == 0 && v.wake != nil {
		v.wake()
	}
}

// settle records attempts that are over, sends the retries that follow, and writes
// what was learnt.
func (v *invocation) settle(over []*task) {
	var tasks, passed, again []*task
	for _, t := range over {
		if t.waits != nil || t.cut {
			passed = append(passed, t)
		}
		if t.waits == nil {
			tasks = append(tasks, t)
		}
	}
	if len(tasks) > 0 {
		v.sleep(tableLatency.draw(v.draws))
	}
	for _, t := range tasks {
		if !t.cut && v.decide(t) {
			again = append(again, t)
		}
	}
	if len(again) > 0 {
		v.sleep(queueLatency.draw(v.draws))
		for _, t := range again {
			v.send(t.message)
		}
	}
	for _, t := range tasks {
		v.learned(t, t.took, true, v.sleep)
	}
	v.passOn(passed)
}

// decide says what follows from an attempt: it reports whether a retry does, and
// makes the message that one.
func (v *invocation) decide(t *task) (again bool) {
	v.figures.attempted(t, v.now)
	wait, again := v.schedule.Next(t.Attempt, 0)
	if t.ok || !again {
		v.end(t.message)
		return false
	}
	t.Attempt++
	t.DueAt, t.Passes = t.ended.Add(wait), 0
	if v.lanes {
		t.Lane = lane.AfterAttempt(notification.Attempt{Duration: t.duration})
	}
	return true
}

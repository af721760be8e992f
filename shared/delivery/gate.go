package delivery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mediahooks/mediahooks/shared/lane"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// The first lane is for origins that answer quickly, so that its places are free
// again at once. Whoever takes a message off it asks what is known of the origin:
// one that is proven is POSTed to; one that is slow is passed on to the slow lane,
// and so it costs the first lane milliseconds and not 20 s. Of an unknown origin,
// one message finds out, across all processes, while the others wait: those in the
// same batch for its result, those elsewhere for a second on the queue. The slow
// lane takes whatever comes, and a quick answer there is the way back.

// probeFor is how long a place for finding out is leased: until the attempt is
// over, which may take 20 s although it is known after one that the origin is slow.
// A place that was free by then would let an environment with many black holes hold
// more of the first lane than it may.
const probeFor = 30 * time.Second

// probe is the finding out about an unknown origin.
type probe struct {
	key   notification.OriginKey
	until time.Time
	// over is closed when it is known whether the origin is quick.
	over         chan struct{}
	ended, quick bool
}

// gate decides which of the first lane's tasks go on, and sends the others on
// their way. For the slow lane it only reads what is known, since an answer there
// is news or not according to that.
func (s Service) gate(ctx context.Context, tasks []*task) {
	byOrigin := make(map[notification.OriginKey][]*task)
	var keys []notification.OriginKey
	for _, t := range tasks {
		if !t.ready() {
			continue
		}
		key := originOf(t.message)
		if _, seen := byOrigin[key]; !seen {
			keys = append(keys, key)
			byOrigin[key] = nil
		}
		if t.message.Lane == notification.First {
			byOrigin[key] = append(byOrigin[key], t)
		}
	}
	if len(keys) == 0 {
		return
	}
	verdicts, err := s.Origins.judge(ctx, keys)
	var passed []*task
	for _, key := range keys {
		switch {
		case len(byOrigin[key]) == 0:
		case err != nil:
			for _, t := range byOrigin[key] {
				t.err = err
			}
		case verdicts[key] == lane.Slow:
			for _, t := range byOrigin[key] {
				t.message = lane.Divert(t.message, s.Now().UTC())
			}
			passed = append(passed, byOrigin[key]...)
		case verdicts[key] == lane.Unknown:
			passed = append(passed, s.findOut(ctx, key, byOrigin[key])...)
		}
	}
	s.passOn(ctx, passed)
}

// findOut lets one of the tasks find out about their origin, if no other process
// is about to, and first attempts wait for it. It returns the tasks that are to be
// passed on: a retry cannot wait here, since it would have to be claimed, and what
// is claimed cannot be passed on.
func (s Service) findOut(ctx context.Context, key notification.OriginKey, tasks []*task) (passed []*task) {
	now := s.Now().UTC()
	p := &probe{key: key, until: now.Add(probeFor), over: make(chan struct{})}
	won, err := s.Origins.records.Probe(ctx, key, now, p.until)
	if err != nil {
		for _, t := range tasks {
			t.err = fmt.Errorf("probe %s: %w", key.Origin, err)
		}
		return nil
	}
	for i, t := range tasks {
		switch {
		case won && i == 0:
			t.probes = p
		case won && t.message.Attempt == 1:
			t.waits = p
		default:
			t.message = lane.Pass(t.message, now)
			passed = append(passed, t)
		}
	}
	return passed
}

// sendBack puts messages back on their lanes that are early: those that carry the
// only copy of their notification wait in hops of what a queue can hold them for.
func (s Service) sendBack(ctx context.Context, tasks []*task) {
	var early []*task
	for _, t := range tasks {
		if t.ready() && t.message.LeftOut && t.message.DueAt.After(s.Now()) {
			early = append(early, t)
		}
	}
	s.passOn(ctx, early)
}

// passOn puts the messages of tasks back on a lane, which they name by now.
func (s Service) passOn(ctx context.Context, tasks []*task) {
	if len(tasks) == 0 {
		return
	}
	messages := make([]notification.Message, len(tasks))
	for i, t := range tasks {
		t.passed, messages[i] = true, t.message
	}
	for i, err := range s.Queue.Send(ctx, messages) {
		tasks[i].err = fmt.Errorf("pass on delivery %s: %w", messages[i].DeliveryID, err)
	}
}

func originOf(m notification.Message) notification.OriginKey {
	return notification.OriginKey{CloudName: m.CloudName, Origin: m.Origin}
}

// adopt gives each probe whose task is not going to be made to another that
// waits for it.
func adopt(tasks []*task) {
	for _, t := range tasks {
		if t.probes == nil || t.ready() {
			continue
		}
		heir := slices.IndexFunc(tasks, func(other *task) bool { return other.ready() && other.waits == t.probes })
		if heir < 0 {
			t.endProbe(false)
			continue
		}
		tasks[heir].probes, tasks[heir].waits, t.probes = t.probes, nil, nil
	}
}

// watched makes a POST, and returns when it was over. That an origin is slow is
// learned as soon as it is.
func (s Service) watched(ctx context.Context, t *task, post func()) (ended time.Time) {
	done, watching := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watching)
		select {
		case <-done:
		case <-s.After(lane.SlowAfter):
			t.endProbe(false)
			s.learn(ctx, t, lane.SlowAfter)
		}
	}()
	started := s.Now()
	post()
	ended = s.Now()
	close(done)
	<-watching // from here on nobody else has the task
	t.posted, t.took = true, ended.Sub(started)
	t.endProbe(t.took < lane.SlowAfter)
	return ended
}

// learn writes how long an attempt has taken, or has taken so far.
func (s Service) learn(ctx context.Context, t *task, took time.Duration) {
	if err := s.Origins.learn(ctx, originOf(t.message), took); err != nil {
		// Health is advice: no attempt fails because it could not be written.
		s.Log.WarnContext(ctx, "health not written", "cloud_name", t.message.CloudName, "error", err)
	}
}

// learned writes how long an attempt has taken, and gives the place of its probe
// back. It comes after the attempt's record: what dies in between repeats a POST.
func (s Service) learned(ctx context.Context, t *task) {
	s.learn(ctx, t, t.took)
	if p := t.probes; p != nil {
		t.probes = nil
		if err := s.Origins.records.EndProbe(ctx, p.key, p.until); err != nil {
			s.Log.WarnContext(ctx, "probe not ended", "cloud_name", t.message.CloudName, "error", err)
		}
	}
}

// endProbe tells those who wait for the task's probe, if it has one that is not
// over. The place of one that is not made is free again when its lease is over.
func (t *task) endProbe(quick bool) {
	if p := t.probes; p != nil && !p.ended {
		p.ended, p.quick = true, quick
		close(p.over)
	}
}

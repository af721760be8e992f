package main

import (
	"time"

	"github.com/mediahooks/mediahooks/shared/lane"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// attempt makes one POST: settings and key first, which a process reads at most
// twice a second, then the exchange.
func (v *invocation) attempt(t *task) {
	until := &v.process.settings[t.to.environment]
	wait := *until - settingsFor - v.now // while another task of the batch reads them
	if *until <= v.now {
		wait = tableLatency.draw(v.draws)
		*until = v.now + wait + settingsFor
	}
	wait = max(0, wait)
	v.after(wait, func() { v.post(t, wait) })
}

func (v *invocation) post(t *task, since time.Duration) {
	connect := time.Duration(connecting)
	used := &v.process.connected[t.to.index]
	if *used > 0 && v.now-*used < keptOpen {
		connect = 0
	}
	took, ok := t.to.answer(v.simulation, v.now+connect)
	took = min(connect+took, postTimeout)
	if took < postTimeout {
		*used = v.now + took // a connection that ran into the timeout is closed
	}
	if v.cutAfter > 0 && v.lane == notification.First && took > v.cutAfter {
		t.cut, took, ok = true, v.cutAfter, false
	}
	v.figures.posted(t, v.lane, v.now+connect+oneWay)
	if took >= lane.SlowAfter {
		// That an origin is slow is learned as soon as it is, beside the POST; the
		// probe keeps its place until that is recorded.
		v.after(lane.SlowAfter, func() {
			v.endProbe(t, false)
			v.start(func(r *routine) { v.learned(t, lane.SlowAfter, !v.held, r.sleep) })
		})
	}
	v.after(took, func() {
		t.took, t.ok, t.duration, t.ended = took, ok, since+took, v.time()
		if t.cut {
			t.Message = lane.Divert(t.Message, v.time())
		}
		v.endProbe(t, took < lane.SlowAfter)
		v.made(t)
	})
}

// endProbe lets those go on that wait for a task's probe.
func (v *invocation) endProbe(t *task, quick bool) {
	p := t.probes
	if p == nil || p.ended {
		return
	}
	p.ended = true
	for _, waiting := range p.waiting {
		if quick {
			waiting.waits = nil
			v.attempt(waiting)
			continue
		}
		waiting.Message = lane.Divert(waiting.Message, v.time())
		v.made(waiting)
	}
}

// learned writes how long an attempt has taken, where that is news, and gives the
// place of its probe back where that is over.
func (v *invocation) learned(t *task, took time.Duration, over bool, sleep func(time.Duration)) {
	known := &v.process.known[t.to.index]
	health, news := lane.Learn(known.Health, took, v.time())
	if news && v.lanes {
		*known = knownHealth{health, v.time()}
		sleep(tableLatency.draw(v.draws))
		v.table.health[t.to.index] = health
		v.figures.learned(t.to, health, v.now)
	}
	if p := t.probes; p != nil && over {
		t.probes = nil
		sleep(tableLatency.draw(v.draws))
		v.table.endProbe(p.of, p.until)
	}
}

package faults

import (
	"slices"
	"time"
)

// invoke hands an invocation to a process of the function, an idle one or a new
// one, as Lambda does.
func (r *round) invoke(function string, i *invocation) ([]byte, error) {
	i.death = r.drawDeath(function, r.next("death "+function), i.twin)
	p, err := r.take(function)
	if err != nil {
		return nil, err
	}
	r.begin(p, i)
	pid := p.cmd.Process.Pid
	r.story.tell(i.deliveries, "process %d is invoked, to die %s", pid, i.death)
	said, err := p.invoke(i)
	r.story.tell(i.deliveries, "process %d has answered %s, %v", pid, said, err)
	if err != nil || p.killed.Load() {
		p.end()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.busy, p)
	r.touched = time.Now()
	if !p.killed.Load() {
		p.since = time.Now()
		r.idle[function] = append(r.idle[function], p)
	}
	return said, err
}

// take returns a process that nobody else has.
func (r *round) take(function string) (*process, error) {
	r.mu.Lock()
	list := r.idle[function]
	if n := len(list); n > 0 {
		defer r.mu.Unlock()
		r.idle[function] = list[:n-1]
		return list[n-1], nil
	}
	r.mu.Unlock()
	return startProcess(r, function)
}

func (r *round) begin(p *process, i *invocation) {
	r.leases.Lock() // not while leases are ended that it might take
	defer r.leases.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy[p] = i
}

// hasInHand reports whether an invocation is under way for a delivery.
func (r *round) hasInHand(deliveryID string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range r.busy {
		if slices.Contains(i.deliveries, deliveryID) {
			return true
		}
	}
	return false
}

// reap ends processes that have had nothing to do for so long.
func (r *round) reap(idle time.Duration) {
	r.mu.Lock()
	var old []*process
	for function, list := range r.idle {
		r.idle[function] = slices.DeleteFunc(list, func(p *process) bool {
			if time.Since(p.since) < idle {
				return false
			}
			old = append(old, p)
			return true
		})
	}
	r.mu.Unlock()
	for _, p := range old {
		p.end()
	}
}

// diesAt kills the process that has made a POST, if that is its lot.
func (r *round) diesAt(when moment, deliveryID string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, i := range r.busy {
		if i.death.when == when && slices.Contains(i.deliveries, deliveryID) && i.posts.Add(1) == i.death.nth {
			p.kill(i)
			return true
		}
	}
	return false
}

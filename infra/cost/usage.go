package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/mediahooks/mediahooks/infra/calls"
)

// usage is what a part of the load has used of AWS.
type usage struct {
	deliveries int
	gateway    gatewayUse
	functions  map[string]functionUse // by label
	queues     queueUse
	table      tableUse
	kmsCalls   int
	waits      int // workflows started
	// egress is what was sent to receivers, in bytes.
	egress float64
	// metrics are those that the functions have made so far.
	metrics map[string]bool
}

// functionUse is what a function was billed for.
type functionUse struct {
	invocations int
	billed      time.Duration
	memory      int
	work        time.Duration // of processors
	said        logged
}

func (f functionUse) gbSeconds() float64 { return f.billed.Seconds() * float64(f.memory) / 1024 }

// queueUse is in requests of 64 KB.
type queueUse struct {
	sends, receives, deletes float64
	// fair are those of them that have to do with messages of a group.
	fair float64
}

// state is what was counted so far of what only ever grows.
type state struct {
	work map[string]time.Duration
	logs map[string]logged
}

func (r *rig) state(ctx context.Context) (state, error) {
	work, err := processTimes(r.own)
	if err != nil {
		return state{}, err
	}
	s := state{work: work, logs: make(map[string]logged)}
	for _, f := range r.functions {
		if s.logs[f.label], err = readLog(ctx, r.cfg, r.stack.Endpoint(), f.logGroup); err != nil {
			return state{}, err
		}
	}
	return s, nil
}

// measure counts what a part of the load uses.
func (r *rig) measure(ctx context.Context, deliveries int, do func(context.Context) error) (usage, error) {
	before, err := r.state(ctx)
	if err != nil {
		return usage{}, err
	}
	if _, err := r.recorder.Take(); err != nil {
		return usage{}, err
	}
	if _, err := r.meter.take(); err != nil {
		return usage{}, err
	}
	r.gateway.take()
	r.receiver.take()
	if err := do(ctx); err != nil {
		return usage{}, err
	}
	u := usage{deliveries: deliveries, gateway: r.gateway.take(), metrics: make(map[string]bool)}
	if u.table, err = r.meter.take(); err != nil {
		return usage{}, err
	}
	made, err := r.recorder.Take()
	if err != nil {
		return usage{}, err
	}
	posts := r.receiver.take()
	for _, p := range posts {
		u.egress += float64(p.bytes + postOverhead)
	}
	for _, c := range made {
		switch c.Service {
		case "kms":
			u.kmsCalls++
		case "states":
			u.waits++
		}
	}
	after, err := r.state(ctx)
	if err != nil {
		return usage{}, err
	}
	for _, l := range after.logs {
		for metric := range l.metrics {
			u.metrics[metric] = true
		}
	}
	if u.functions, err = r.functionsUse(before, after, made, posts); err != nil {
		return usage{}, err
	}
	u.queues, err = r.queuesUse(made, u.functions)
	return u, err
}

func (r *rig) functionsUse(before, after state, made []calls.Call, posts []post) (map[string]functionUse, error) {
	spans, err := waits(made, posts)
	if err != nil {
		return nil, err
	}
	found := make(map[string]functionUse)
	for _, f := range r.functions {
		use := functionUse{
			said:   after.logs[f.label].since(before.logs[f.label]),
			memory: f.memory, work: after.work[f.name] - before.work[f.name],
		}
		use.invocations = use.said.invocations
		if use.invocations == 0 {
			continue
		}
		if len(spans[f.name]) > use.invocations {
			return nil, fmt.Errorf("%s: %d invocations made calls, and %d are in its log", f.label, len(spans[f.name]), use.invocations)
		}
		each := use.work / time.Duration(use.invocations)
		for _, s := range spans[f.name] {
			use.billed += billed(waited(s), each, f.memory)
		}
		silent := use.invocations - len(spans[f.name])
		use.billed += time.Duration(silent) * billed(0, each, f.memory)
		found[f.label] = use
	}
	return found, nil
}

// queuesUse counts what functions send, and what event source mappings must have
// received and deleted: the emulator's make no calls. A batch is one receive and
// one delete.
func (r *rig) queuesUse(made []calls.Call, functions map[string]functionUse) (queueUse, error) {
	var q queueUse
	bytes := 0.0
	for _, c := range made {
		if c.Operation != "SendMessageBatch" {
			continue
		}
		var sent struct {
			Entries []struct{ MessageBody, MessageGroupID string }
		}
		if err := json.Unmarshal(c.Request, &sent); err != nil {
			return queueUse{}, fmt.Errorf("read SendMessageBatch: %w", err)
		}
		size, fair := 0, 0.0
		for _, entry := range sent.Entries {
			size += len(entry.MessageBody)
			if entry.MessageGroupID != "" {
				fair = 1
			}
		}
		q.sends += units(size, sqsChunk)
		q.fair += fair * units(size, sqsChunk)
		bytes += float64(size)
	}
	for _, f := range r.functions {
		if f.mapping == "" || f.label == "Intake" { // intake is invoked by the HTTP API; nothing is held
			continue
		}
		n := float64(functions[f.label].invocations)
		q.receives += n
		q.deletes += n
		q.fair += 2 * n
	}
	if each := bytes / max(1, q.receives); each > sqsChunk {
		return queueUse{}, fmt.Errorf("a batch has %.0f bytes, which is more than one request to receive", each)
	}
	return q, nil
}

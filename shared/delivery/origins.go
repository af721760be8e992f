package delivery

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/mediahooks/mediahooks/shared/lane"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// OriginRecords keeps what is known of origins, for all processes.
type OriginRecords interface {
	// Health reads the health of origins, strongly consistent. Those that nothing
	// is known of are absent from the result.
	Health(ctx context.Context, keys []notification.OriginKey) (map[notification.OriginKey]notification.Health, error)
	// SetHealth writes the health of an origin.
	SetHealth(ctx context.Context, key notification.OriginKey, health notification.Health) error
	// Probe leases one of the few places that an environment has for finding out
	// about its unknown origins, until a time. It reports false where the place
	// is taken at now.
	Probe(ctx context.Context, key notification.OriginKey, now, until time.Time) (bool, error)
	// EndProbe gives the place back that was leased until a time.
	EndProbe(ctx context.Context, key notification.OriginKey, until time.Time) error
}

// healthFor is how long a process may go by a health that it has read: a slow
// origin holds first-lane places for that much longer.
const healthFor = time.Second

// keptOrigins bounds what a process remembers.
const keptOrigins = 4096

// Origins is what a process knows of origins. It is safe for concurrent use.
type Origins struct {
	records OriginRecords
	now     func() time.Time

	mu    sync.Mutex
	known map[notification.OriginKey]knownHealth
}

type knownHealth struct {
	notification.Health
	readAt time.Time
}

// NewOrigins returns what a process that has just begun knows of origins.
func NewOrigins(records OriginRecords, now func() time.Time) *Origins {
	return &Origins{records: records, now: now, known: make(map[notification.OriginKey]knownHealth)}
}

// judge returns the verdict on each origin. That an origin is unknown is not
// remembered: it is about to change.
func (o *Origins) judge(ctx context.Context, keys []notification.OriginKey) (map[notification.OriginKey]lane.Verdict, error) {
	now := o.now()
	verdicts := make(map[notification.OriginKey]lane.Verdict, len(keys))
	var unread []notification.OriginKey
	for _, key := range keys {
		if known, fresh := o.remembered(key, now); fresh {
			verdicts[key] = lane.Judge(known, now)
		} else {
			unread = append(unread, key)
		}
	}
	if len(unread) == 0 {
		return verdicts, nil
	}
	read, err := o.records.Health(ctx, unread)
	if err != nil {
		return nil, fmt.Errorf("read health of %d origins: %w", len(unread), err)
	}
	for _, key := range unread {
		verdicts[key] = lane.Judge(read[key], now)
		if verdicts[key] != lane.Unknown {
			o.remember(key, read[key], now)
		}
	}
	return verdicts, nil
}

func (o *Origins) remembered(key notification.OriginKey, now time.Time) (health notification.Health, fresh bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	known := o.known[key]
	// By the wall clock: the monotonic one stands still while Lambda freezes a
	// process.
	age := now.Round(0).Sub(known.readAt.Round(0))
	return known.Health, !known.readAt.IsZero() && age >= 0 && age < healthFor
}

func (o *Origins) remember(key notification.OriginKey, health notification.Health, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.known) >= keptOrigins {
		clear(o.known)
	}
	o.known[key] = knownHealth{health, now}
}

// learn takes note of how long an attempt took, or has taken so far, and reports
// whether the origin is slow by it that was not before. What is new is written for
// the other processes.
func (o *Origins) learn(ctx context.Context, key notification.OriginKey, took time.Duration) (slowed bool, err error) {
	now := o.now().UTC()
	o.mu.Lock()
	known := o.known[key]
	health, news := lane.Learn(known.Health, took, now)
	if news {
		o.known[key] = knownHealth{health, now}
	}
	o.mu.Unlock()
	if !news {
		return false, nil
	}
	slowed = !health.SlowSince.IsZero()
	if err := o.records.SetHealth(ctx, key, health); err != nil {
		return slowed, fmt.Errorf("write health of %s: %w", key.Origin, err)
	}
	return slowed, nil
}

// Package scene makes what the console shows in pictures and page tests: an
// environment whose last day was eventful, one in which nothing has happened yet,
// and one whose record cannot be read, all on a clock that stands still. What it
// makes is the same each time.
package scene

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// State is what an environment is like.
type State string

// The states.
const (
	Empty State = "empty"
	Many  State = "many"
	// Error is Many, where what was accepted cannot be read.
	Error State = "error"
)

// States are all of them.
var States = []State{Empty, Many, Error}

// Who signs in.
const (
	CloudName = "acme"
	APIKey    = "614335564976464"
	APISecret = "scene-secret_0123456789"
	// WebhooksKey is dedicated for webhooks.
	WebhooksKey = "998877665544332"
)

// Now is when everything is looked at.
var Now = time.Date(2026, 11, 24, 14, 2, 11, 0, time.UTC)

// retention is how long records are kept.
const retention = 30 * 24 * time.Hour

// world is an environment being made.
type world struct {
	store  *notificationtest.Store
	clock  *notificationtest.Clock
	chance *rand.Rand
	env    notification.Environment
	// marked are the ids of what pages are named for.
	marked map[string]string
	// pasted is what somebody enters to have a signature checked.
	pasted url.Values
	err    error
}

// errUnread is why nothing of an Error scene can be read.
var errUnread = errors.New("read the record: the table does not answer")

// newWorld makes an environment in the given state.
func newWorld(ctx context.Context, state State) (*world, error) {
	clock := notificationtest.NewClock(Now)
	w := &world{
		store: notificationtest.NewStore(clock.Now), clock: clock, marked: make(map[string]string),
		chance: rand.New(rand.NewPCG(2026, 11)),
	}
	w.settle(state)
	if err := w.store.CreateEnvironment(ctx, w.env); err != nil {
		return nil, fmt.Errorf("make scene: %w", err)
	}
	if state != Empty {
		w.tell(ctx)
	}
	if w.err != nil {
		return nil, fmt.Errorf("make scene: %w", w.err)
	}
	if state == Error {
		w.store.OnCall(func(call notificationtest.Call) error {
			switch call.Op {
			case "Log", "Event", "Events", "Deliveries", "Health", "Recovery", "Recoveries", "RecoveryPages":
				return errUnread
			}
			return nil
		})
	}
	return w, nil
}

// settle makes the environment itself, with keys and notification URLs.
func (w *world) settle(state State) {
	hash := sha256.Sum256([]byte(APISecret))
	opened := Now.Add(-200 * 24 * time.Hour)
	w.env = notification.Environment{
		CloudName: CloudName, ID: "a1" + strings.Repeat("0", 30) + "16", Name: "Acme Studio", CreatedAt: opened, UpdatedAt: opened, Version: 1,
		Keys: []notification.AccessKey{
			{APIKey: APIKey, Name: "main", SecretHash: hash[:], Enabled: true, Root: true, CreatedAt: opened, UpdatedAt: opened},
		},
	}
	if state == Empty {
		return
	}
	w.env.Keys = append(w.env.Keys,
		notification.AccessKey{APIKey: WebhooksKey, Name: "webhooks", Enabled: true, Webhooks: true, CreatedAt: Now.Add(-34 * 24 * time.Hour), UpdatedAt: Now.Add(-34 * 24 * time.Hour)},
		notification.AccessKey{APIKey: "112233445566778", Name: "old pipeline", CreatedAt: opened, UpdatedAt: Now.Add(-90 * 24 * time.Hour)},
	)
	w.env.Hooks.Version = 1
	for _, e := range endpoints {
		since := e.since
		if since.IsZero() {
			since = opened.Add(time.Hour)
		}
		for _, eventType := range e.types {
			w.env.Hooks.Triggers = append(w.env.Hooks.Triggers, notification.Trigger{
				ID: w.hex(16), URI: e.url, EventType: eventType, CreatedAt: since, UpdatedAt: since,
			})
		}
	}
}

// hex returns hex digits of n bytes, the same in each run.
func (w *world) hex(n int) string {
	var digits strings.Builder
	for range n {
		fmt.Fprintf(&digits, "%02x", w.chance.IntN(256))
	}
	return digits.String()
}

// id returns a ULID of a time, the same in each run.
func (w *world) id(at time.Time) string {
	var id ulid.ULID
	w.note(id.SetTime(ulid.Timestamp(at)))
	entropy := make([]byte, 10)
	for i := range entropy {
		entropy[i] = byte(w.chance.IntN(256))
	}
	w.note(id.SetEntropy(entropy))
	return id.String()
}

// note keeps the first error.
func (w *world) note(err error) {
	if w.err == nil {
		w.err = err
	}
}

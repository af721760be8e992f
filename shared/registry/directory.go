package registry

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"sync"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// CacheTime is the longest that a process may go on with an environment that it
// has read. Whoever changes one waits that long before saying that it is done,
// so that a change is in force everywhere when it is answered.
const CacheTime = 500 * time.Millisecond

// cachedEnvironments bounds the cache; the environments in use within half a
// second are far fewer.
const cachedEnvironments = 4096

// Directory finds environments, from memory while they are fresh. It is safe
// for concurrent use.
type Directory struct {
	store Store
	now   func() time.Time

	mu      sync.Mutex
	entries map[string]*entry

	presetsMu sync.Mutex
	presets   map[presetName]presetEntry
}

type entry struct {
	mu     sync.Mutex // held while the environment is read
	readAt time.Time
	found  bool
	env    notification.Environment
}

// NewDirectory returns a directory over a store.
func NewDirectory(store Store, now func() time.Time) *Directory {
	return &Directory{store: store, now: now, entries: make(map[string]*entry), presets: make(map[presetName]presetEntry)}
}

// Environment returns an environment as it was at most CacheTime ago, be it
// disabled, or a *notification.Error of code NotFound. It is for work that was
// accepted already.
func (d *Directory) Environment(ctx context.Context, cloudName string) (notification.Environment, error) {
	env, err := d.record(ctx, cloudName)
	if err != nil {
		return notification.Environment{}, err
	}
	if !env.DeletedAt.IsZero() {
		return notification.Environment{}, unknown(cloudName)
	}
	return env, nil
}

// Serving returns an environment as Environment does, but knows none that is
// disabled. It is for what comes in.
func (d *Directory) Serving(ctx context.Context, cloudName string) (notification.Environment, error) {
	env, err := d.record(ctx, cloudName)
	if err != nil {
		return notification.Environment{}, err
	}
	if !env.Serves() {
		return notification.Environment{}, unknown(cloudName)
	}
	return env, nil
}

// record returns what is on record of an environment, be it disabled or deleted.
func (d *Directory) record(ctx context.Context, cloudName string) (notification.Environment, error) {
	env, found, err := d.lookUp(ctx, cloudName)
	if err != nil {
		return notification.Environment{}, err
	}
	if !found {
		return notification.Environment{}, unknown(cloudName)
	}
	return env, nil
}

// noSecret is a hash that no secret has.
var noSecret = make([]byte, sha256.Size)

func unknown(cloudName string) error {
	return notification.Errorf(notification.NotFound, "unknown cloud_name %q", cloudName)
}

// Authenticate returns the environment that an access key belongs to. Whatever
// is wrong, an unknown or disabled name, an unknown or disabled key or another
// secret, is answered by the same *notification.Error of code Unauthorized.
func (d *Directory) Authenticate(ctx context.Context, cloudName, apiKey, secret string) (notification.Environment, error) {
	env, _, err := d.lookUp(ctx, cloudName)
	if err != nil {
		return notification.Environment{}, err
	}
	known := notification.AccessKey{SecretHash: noSecret} // so that as much is compared for an unknown one
	for _, key := range env.Keys {
		if subtle.ConstantTimeCompare([]byte(key.APIKey), []byte(apiKey)) == 1 {
			known = key
		}
	}
	matches := subtle.ConstantTimeCompare(HashSecret(secret), known.SecretHash) == 1
	if !matches || !known.Enabled || !env.Serves() {
		return notification.Environment{}, unauthorized()
	}
	return env, nil
}

func unauthorized() error {
	return notification.Errorf(notification.Unauthorized, "Invalid credentials")
}

// HashSecret returns the digest by which a secret is recognised. Secrets are
// random and at least 128 bits long, so a plain SHA-256 cannot be searched.
func HashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

func (d *Directory) lookUp(ctx context.Context, cloudName string) (notification.Environment, bool, error) {
	if len(cloudName) > maxCloudName {
		return notification.Environment{}, false, nil // and more than a key may have
	}
	e := d.entry(cloudName)
	e.mu.Lock()
	defer e.mu.Unlock()
	now := d.now()
	if fresh(e.readAt, now) {
		return e.env, e.found, nil
	}
	env, found, err := d.store.Environment(ctx, cloudName)
	if err != nil {
		return notification.Environment{}, false, fmt.Errorf("read environment %s: %w", cloudName, err)
	}
	// The age counts from before the read: what was written since is not in it.
	e.env, e.found, e.readAt = env, found, now
	return env, found, nil
}

func (d *Directory) entry(cloudName string) *entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.entries[cloudName]
	if e == nil {
		if len(d.entries) >= cachedEnvironments {
			clear(d.entries)
		}
		e = &entry{}
		d.entries[cloudName] = e
	}
	return e
}

// Settings returns an environment's settings as they were at most CacheTime ago;
// one that is deleted has decided nothing.
func (d *Directory) Settings(ctx context.Context, cloudName string) (notification.Settings, error) {
	env, err := d.record(ctx, cloudName)
	return env.Settings, err
}

// fresh asks the wall clock as well as the monotonic one, which stands still
// while Lambda freezes a process.
func fresh(readAt, now time.Time) bool {
	wall := now.Round(0).Sub(readAt.Round(0))
	return !readAt.IsZero() && wall >= 0 && wall < CacheTime && now.Sub(readAt) < CacheTime
}

package registry

import (
	"context"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// AccountKeys reads the account key as it is at this moment.
type AccountKeys interface {
	AccountKey(ctx context.Context) (notification.AccountKey, error)
}

// AccountKeyTime is the longest that a process goes on with the account key that
// it has read, and so with one that was replaced.
const AccountKeyTime = 10 * time.Second

// accountKeyPause is how often a call that does not match has the key read anew,
// so that a new one serves at once, and guesses do not become calls.
const accountKeyPause = time.Second

// Account authenticates the account's own calls, those below
// /v1_1/provisioning/accounts. It is safe for concurrent use.
type Account struct {
	id   string
	keys AccountKeys
	now  func() time.Time
	log  *slog.Logger

	mu     sync.Mutex
	readAt time.Time // of the last time that it was tried
	keptAt time.Time // of the key that is kept
	known  hashedKey
}

// hashedKey is what is kept of the account key.
type hashedKey struct{ key, secret []byte }

// NewAccount returns the account of an ID.
func NewAccount(id string, keys AccountKeys, now func() time.Time, log *slog.Logger) *Account {
	return &Account{id: id, keys: keys, now: now, log: log}
}

// AuthenticateAccount judges the account key of a call. Whatever is wrong is
// answered by the same *notification.Error of code Unauthorized.
func (a *Account) AuthenticateAccount(ctx context.Context, accountID, apiKey, secret string) error {
	known, again, err := a.key(ctx, false)
	if err != nil {
		return err
	}
	ok := a.matches(known, accountID, apiKey, secret)
	if !ok && again {
		if known, _, err = a.key(ctx, true); err != nil {
			return err
		}
		ok = a.matches(known, accountID, apiKey, secret)
	}
	if !ok {
		return unauthorized()
	}
	return nil
}

// key returns the account key, read anew where it is too old, or for a call that
// does not match and was not preceded by another one just now. It reports whether
// that can be asked for.
func (a *Account) key(ctx context.Context, mismatch bool) (known hashedKey, again bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now().Round(0) // by the wall: a frozen process's other clock stands still
	fresh := within(a.keptAt, now, AccountKeyTime)
	if fresh && !mismatch {
		return a.known, !within(a.readAt, now, accountKeyPause), nil
	}
	if fresh && within(a.readAt, now, accountKeyPause) { // another call was first
		return a.known, false, nil
	}
	a.readAt = now
	read, err := a.keys.AccountKey(ctx)
	switch {
	case err == nil:
		a.known, a.keptAt = hashedKey{HashSecret(read.APIKey), HashSecret(read.APISecret)}, now
	case fresh: // the one that is kept goes on until its time is over
		a.log.WarnContext(ctx, "account key cannot be read", "error", err)
	default:
		return hashedKey{}, false, fmt.Errorf("read account key: %w", err)
	}
	return a.known, false, nil
}

// matches compares a call's credentials. Some SDKs take the secret out of
// CLOUDINARY_ACCOUNT_URL as it stands there, percent-encoded, and some decode it:
// the secret may hold any punctuation, so both are right. Each comparison is
// made, whatever the others say.
func (a *Account) matches(known hashedKey, accountID, apiKey, secret string) bool {
	decoded, err := url.PathUnescape(secret)
	if err != nil {
		decoded = secret
	}
	account := subtle.ConstantTimeCompare([]byte(accountID), []byte(a.id))
	key := subtle.ConstantTimeCompare(HashSecret(apiKey), known.key)
	plain := subtle.ConstantTimeCompare(HashSecret(secret), known.secret)
	encoded := subtle.ConstantTimeCompare(HashSecret(decoded), known.secret)
	return account&key&(plain|encoded) == 1
}

// within reports whether an instant is no longer ago than a duration.
func within(at, now time.Time, d time.Duration) bool {
	age := now.Sub(at)
	return !at.IsZero() && age >= 0 && age < d
}

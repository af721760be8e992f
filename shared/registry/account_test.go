package registry_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/registry"
)

// heldKey is the account key as the stack holds it at the moment.
type heldKey struct {
	key   notification.AccountKey
	reads int
	err   error
}

func (h *heldKey) AccountKey(context.Context) (notification.AccountKey, error) {
	h.reads++
	return h.key, h.err
}

func TestAccount(t *testing.T) {
	const punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ %41"
	held := &heldKey{key: notification.AccountKey{APIKey: "account", APISecret: punctuation}}
	clock := notificationtest.NewClock(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC))
	account := registry.NewAccount("id", held, clock.Now, slog.New(slog.NewTextHandler(io.Discard, nil)))
	for _, test := range []struct {
		name, id, key, secret string
		want                  bool
	}{
		{"right", "id", "account", punctuation, true},
		{"percent-encoded", "id", "account", "%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D~%20%2541", true},
		{"another account", "other", "account", punctuation, false},
		{"another key", "id", "other", punctuation, false},
		{"another secret", "id", "account", "x", false},
		{"nothing", "", "", "", false},
		{"no secret", "id", "account", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := account.AuthenticateAccount(t.Context(), test.id, test.key, test.secret)
			if test.want && err != nil {
				t.Errorf("refused: %v", err)
			}
			if !test.want {
				wantError(t, err, notification.Unauthorized, "Invalid credentials")
			}
		})
	}
	if held.reads != 1 {
		t.Errorf("the key was read %d times, want once", held.reads)
	}
}

// A key that was replaced is out of force within AccountKeyTime; the new one is in
// force at once, however many wrong calls there are.
func TestAccountKeyIsReplaced(t *testing.T) {
	held := &heldKey{key: notification.AccountKey{APIKey: "account", APISecret: "old"}}
	clock := notificationtest.NewClock(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC))
	account := registry.NewAccount("id", held, clock.Now, slog.New(slog.NewTextHandler(io.Discard, nil)))
	try := func(secret string) error { return account.AuthenticateAccount(t.Context(), "id", "account", secret) }
	for _, step := range []struct {
		name    string
		advance time.Duration
		stored  string
		secret  string
		serves  bool
		reads   int
	}{
		{"first", 0, "old", "old", true, 1},
		{"guess at once", 0, "old", "guess", false, 1},
		{"guess a second later", time.Second, "old", "guess", false, 2},
		{"guesses within the second", 999 * time.Millisecond, "old", "guess", false, 2},
		{"replaced", time.Millisecond, "new", "new", true, 3},
		{"the one before, in the same process", 0, "new", "old", false, 3},
		{"kept", registry.AccountKeyTime - time.Millisecond, "next", "new", true, 3},
		{"no longer", time.Millisecond, "next", "new", false, 4},
		{"the next", 0, "next", "next", true, 4},
		{"clock set back", -time.Hour, "next", "next", true, 5},
	} {
		clock.Advance(step.advance)
		held.key.APISecret = step.stored
		if err := try(step.secret); (err == nil) != step.serves || held.reads != step.reads {
			t.Errorf("%s: %v after %d reads, want it to serve: %t, after %d", step.name, err, held.reads, step.serves, step.reads)
		}
	}
	held.err = errors.New("throttled")
	clock.Advance(2 * time.Second)
	wantError(t, try("guess"), notification.Unauthorized, "Invalid credentials")
	if err := try("next"); err != nil {
		t.Errorf("a passing fault: %v", err)
	}
	clock.Advance(registry.AccountKeyTime)
	wantError(t, try("next"), notification.Internal, "read account key: throttled")
}

package registry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/registry"
)

func (b *bundle) keys() registry.Keys {
	return registry.Keys{Store: b.store, Vault: b.vault, Now: b.clock.Now, Wait: b.triggers.Wait}
}

// newKey adds a key a minute after the one before.
func (b *bundle) newKey(t *testing.T, name string, enabled bool) (notification.AccessKey, string) {
	t.Helper()
	b.clock.Advance(time.Minute)
	key, secret, err := b.keys().Create(t.Context(), b.env(t).ID, name, enabled)
	if err != nil {
		t.Fatal(err)
	}
	return key, secret
}

// signer returns the name of the key that signs, past the caches.
func (b *bundle) signer(t *testing.T) string {
	t.Helper()
	b.clock.Advance(registry.CacheTime)
	key, err := registry.Signers{Directory: b.directory, Vault: b.vault}.SigningKey(t.Context(), "demo")
	if err != nil {
		return err.Error()
	}
	for _, known := range b.env(t).Keys {
		if known.APIKey == key.APIKey {
			if !cmp.Equal(known.SecretHash, registry.HashSecret(key.Secret)) {
				t.Errorf("the secret of %s is another one's", known.Name)
			}
			return known.Name
		}
	}
	return "unknown"
}

func yes() *bool { b := true; return &b }
func no() *bool  { b := false; return &b }

func TestKeyRound(t *testing.T) {
	b := setup(t)
	b.waited = nil
	id := b.env(t).ID
	key, secret := b.newKey(t, "second", true)
	if len(key.APIKey) != 15 || len(secret) != 27 || key.Root || !key.Enabled || !b.env(t).Keys[0].Root {
		t.Errorf("key = %+v, secret of %d characters", key, len(secret))
	}
	b.clock.Advance(registry.CacheTime)
	if _, err := b.directory.Authenticate(t.Context(), "demo", key.APIKey, secret); err != nil {
		t.Errorf("the new key does not authenticate: %v", err)
	}
	unnamed, _ := b.newKey(t, "", false)
	if unnamed.Name == "" || unnamed.Enabled {
		t.Errorf("a key without a name: %+v", unnamed)
	}
	name := "renamed"
	updated, err := b.keys().Update(t.Context(), id, key.APIKey, registry.KeyChange{Name: &name, Webhooks: yes()})
	if err != nil || updated.Name != name || !updated.Webhooks || !updated.UpdatedAt.After(updated.CreatedAt) {
		t.Errorf("updated = %+v, %v", updated, err)
	}
	if err := b.keys().Delete(t.Context(), id, unnamed.APIKey); err != nil {
		t.Error(err)
	}
	if err := b.keys().DeleteByName(t.Context(), id, name); err != nil {
		t.Error(err)
	}
	b.clock.Advance(registry.CacheTime)
	_, err = b.directory.Authenticate(t.Context(), "demo", key.APIKey, secret)
	wantError(t, err, notification.Unauthorized, "Invalid credentials")
	// Each of the five answers came when every cache had forgotten.
	if diff := cmp.Diff(slices.Repeat([]time.Duration{registry.CacheTime}, 5), b.waited); diff != "" {
		t.Errorf("waited (-want +got):\n%s", diff)
	}
}

func TestWhichKeySigns(t *testing.T) {
	b := setup(t)
	id := b.env(t).ID
	first := b.env(t).Keys[0]
	second, _ := b.newKey(t, "second", true)
	third, _ := b.newKey(t, "third", true)
	update := func(key notification.AccessKey, change registry.KeyChange) {
		t.Helper()
		if _, err := b.keys().Update(t.Context(), id, key.APIKey, change); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(key notification.AccessKey) {
		t.Helper()
		if err := b.keys().Delete(t.Context(), id, key.APIKey); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"the oldest", func() {}, "main_key"},
		{"dedicated", func() { update(second, registry.KeyChange{Webhooks: yes()}) }, "second"},
		{"another dedicated", func() { update(third, registry.KeyChange{Webhooks: yes()}) }, "third"},
		{"the one before is no longer", func() { update(third, registry.KeyChange{Webhooks: no()}) }, "main_key"},
		{"the oldest disabled", func() { update(first, registry.KeyChange{Enabled: no()}) }, "second"},
		{"enabled again", func() { update(first, registry.KeyChange{Enabled: yes()}) }, "main_key"},
		{"dedicated and disabled", func() { update(third, registry.KeyChange{Webhooks: yes(), Enabled: no()}) }, notification.ErrSigningKeyDisabled.Error()},
		{"the dedicated one deleted", func() { remove(third) }, "main_key"},
		{"the oldest deleted", func() { remove(first) }, "second"},
	} {
		step.do()
		if got := b.signer(t); got != step.want {
			t.Errorf("%s: signs %s, want %s", step.name, got, step.want)
		}
	}
}

func TestKeyFaults(t *testing.T) {
	b := setup(t)
	ctx, id, first := t.Context(), b.env(t).ID, b.env(t).Keys[0].APIKey
	other, _ := b.newKey(t, "other", false)
	before := b.env(t)
	empty, long, taken := "", strings.Repeat("a", 256), "main_key"
	update := func(id, key string, change registry.KeyChange) error {
		_, err := b.keys().Update(ctx, id, key, change)
		return err
	}
	create := func(id, name string) error {
		_, _, err := b.keys().Create(ctx, id, name, true)
		return err
	}
	list := func(id string) error {
		_, err := b.keys().List(ctx, id, registry.ByName, false)
		return err
	}
	nobody := strings.Repeat("0", 34)
	for _, test := range []struct {
		name    string
		err     error
		code    notification.Code
		message string
	}{
		{"disable the last", update(id, first, registry.KeyChange{Enabled: no()}), notification.Conflict, "is the last enabled one of its environment and cannot be disabled"},
		{"delete the last", b.keys().Delete(ctx, id, first), notification.Conflict, "cannot be deleted"},
		{"delete the last by name", b.keys().DeleteByName(ctx, id, "main_key"), notification.Conflict, "cannot be deleted"},
		{"nothing to change", update(id, first, registry.KeyChange{}), notification.Invalid, "missing_attributes"},
		{"empty name", update(id, first, registry.KeyChange{Name: &empty}), notification.Invalid, "name: is required"},
		{"long name", update(id, first, registry.KeyChange{Name: &long}), notification.Invalid, "name: must be 1 to 255 bytes"},
		{"taken name", update(id, other.APIKey, registry.KeyChange{Name: &taken}), notification.Conflict, "name: another access key is named main_key"},
		{"create of a taken name", create(id, "main_key"), notification.Conflict, "name: another access key is named main_key"},
		{"create of a line", create(id, "a\nb"), notification.Invalid, "name: must be"},
		{"unknown key", update(id, "1", registry.KeyChange{Enabled: yes()}), notification.NotFound, "not found"},
		{"delete of an unknown key", b.keys().Delete(ctx, id, "1"), notification.NotFound, "not found"},
		{"delete of an unknown name", b.keys().DeleteByName(ctx, id, "x"), notification.NotFound, "not found"},
		{"delete of no name", b.keys().DeleteByName(ctx, id, ""), notification.Invalid, "name: is required"},
		{"unknown environment", list(nobody), notification.NotFound, "not found"},
		{"malformed environment", create("x", "a"), notification.NotFound, "not found"},
	} {
		t.Run(test.name, func(t *testing.T) { wantError(t, test.err, test.code, test.message) })
	}
	if diff := cmp.Diff(before, b.env(t)); diff != "" {
		t.Errorf("refused calls changed something (-want +got):\n%s", diff)
	}
	if err := b.keys().Delete(ctx, id, other.APIKey); err != nil { // a disabled one may go
		t.Error(err)
	}
}

func TestKeyLimit(t *testing.T) {
	b := setup(t)
	for i := range registry.MaxKeys - 1 {
		b.newKey(t, fmt.Sprint(i), true)
	}
	_, _, err := b.keys().Create(t.Context(), b.env(t).ID, "one more", true)
	wantError(t, err, notification.Invalid, "limit_reached: an environment has at most 50 access keys")
}

func TestKeyOrders(t *testing.T) {
	b := setup(t)
	b.newKey(t, "b", false)
	b.newKey(t, "a", true)
	for _, test := range []struct {
		by         registry.KeyOrder
		descending bool
		want       string
	}{
		{registry.ByCreatedAt, false, "main_key b a"},
		{registry.ByCreatedAt, true, "a b main_key"},
		{registry.ByName, false, "a b main_key"},
		{registry.ByName, true, "main_key b a"},
	} {
		listed, err := b.keys().List(t.Context(), b.env(t).ID, test.by, test.descending)
		var names []string
		for _, key := range listed {
			names = append(names, key.Name)
		}
		if err != nil || strings.Join(names, " ") != test.want {
			t.Errorf("by %s, descending %t: %v, %v, want %s", test.by, test.descending, names, err, test.want)
		}
	}
	for _, by := range []registry.KeyOrder{registry.ByEnabled, registry.ByAPIKey} {
		listed, err := b.keys().List(t.Context(), b.env(t).ID, by, true)
		sorted := slices.IsSortedFunc(listed, func(a, b notification.AccessKey) int {
			if by == registry.ByEnabled && a.Enabled != b.Enabled {
				return map[bool]int{true: -1, false: 1}[a.Enabled]
			}
			return strings.Compare(b.APIKey, a.APIKey)
		})
		if err != nil || len(listed) != 3 || !sorted {
			t.Errorf("by %s: %+v, %v", by, listed, err)
		}
	}
}

// A call that loses a race judges anew, over what the winner has left.
func TestKeyChangeLosesRace(t *testing.T) {
	b := setup(t)
	id, first := b.env(t).ID, b.env(t).Keys[0]
	second, _ := b.newKey(t, "second", true)
	raced := false
	b.store.OnCall(func(call notificationtest.Call) error {
		if call.Op == "ReplaceEnvironment" && !call.After && !raced {
			raced = true
			if _, err := b.keys().Update(t.Context(), id, second.APIKey, registry.KeyChange{Enabled: no()}); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	_, err := b.keys().Update(t.Context(), id, first.APIKey, registry.KeyChange{Enabled: no()})
	wantError(t, err, notification.Conflict, "is the last enabled one")
	b.store.OnCall(func(call notificationtest.Call) error {
		if call.Op == "ReplaceEnvironment" {
			return notification.ErrConflict
		}
		return nil
	})
	keys := b.keys()
	keys.Wait = func(context.Context, time.Duration) error { return context.DeadlineExceeded }
	_, err = keys.Update(t.Context(), id, first.APIKey, registry.KeyChange{Webhooks: yes()})
	wantError(t, err, notification.Unavailable, "are being changed by many calls at once")
}

func TestRewrap(t *testing.T) {
	b := setup(t)
	b.newKey(t, "second", true)
	if _, err := b.environments().Create(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	var asked []string
	n, err := b.keys().Rewrap(t.Context(), func(_ context.Context, cloudName, apiKey string, dataKey []byte) ([]byte, error) {
		if len(dataKey) == 0 || apiKey == "" {
			t.Errorf("%s: no data key of %q", cloudName, apiKey)
		}
		asked = append(asked, cloudName)
		return dataKey, nil
	})
	slices.Sort(asked)
	if diff := cmp.Diff([]string{"demo", "demo", "other"}, asked); err != nil || n != 3 || diff != "" {
		t.Errorf("rewrapped %d, %v (-want +got):\n%s", n, err, diff)
	}
	if got := b.signer(t); got != "main_key" {
		t.Errorf("signs %s", got)
	}
	denied := errors.New("denied")
	_, err = b.keys().Rewrap(t.Context(), func(context.Context, string, string, []byte) ([]byte, error) { return nil, denied })
	if !errors.Is(err, denied) {
		t.Errorf("error = %v", err)
	}
}

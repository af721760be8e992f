package registry_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/registry"
)

func TestSettingsChange(t *testing.T) {
	b := setup(t)
	settings := registry.Settings{Store: b.store, Wait: b.triggers.Wait}
	for _, step := range []struct {
		name string
		edit func(*notification.Settings)
		want notification.Settings
	}{
		{"the first", func(s *notification.Settings) { s.SignatureAlgorithm = "sha256" }, notification.Settings{Version: 1, SignatureAlgorithm: "sha256"}},
		{"another", func(s *notification.Settings) { s.RetrySchedule = []time.Duration{} }, notification.Settings{
			Version: 2, SignatureAlgorithm: "sha256", RetrySchedule: []time.Duration{},
		}},
		{"a version is not to be edited", func(s *notification.Settings) { s.Version, s.Success = 9, notification.Any2xx }, notification.Settings{
			Version: 3, SignatureAlgorithm: "sha256", RetrySchedule: []time.Duration{}, Success: notification.Any2xx,
		}},
	} {
		changed, err := settings.Change(t.Context(), "demo", step.edit)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if diff := cmp.Diff([]notification.Settings{step.want, step.want}, []notification.Settings{changed, b.env(t).Settings}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	// Each of the three answers came when every cache had forgotten.
	if diff := cmp.Diff([]time.Duration{registry.CacheTime, registry.CacheTime, registry.CacheTime}, b.waited); diff != "" {
		t.Errorf("waited (-want +got):\n%s", diff)
	}
	_, err := settings.Change(t.Context(), "other", func(*notification.Settings) {})
	wantError(t, err, notification.Unauthorized, "Invalid credentials")
}

// No change is lost among many: each adds a wait of its own.
func TestFiftySettingsAtOnce(t *testing.T) {
	b := setup(t)
	settings := registry.Settings{Store: b.store, Wait: atOnce}
	var calls sync.WaitGroup
	for i := range 50 {
		calls.Go(func() {
			_, err := settings.Change(t.Context(), "demo", func(s *notification.Settings) {
				s.RetrySchedule = append(s.RetrySchedule[:len(s.RetrySchedule):len(s.RetrySchedule)], time.Duration(i+1)*time.Second)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	seen := make(map[time.Duration]bool)
	got := b.env(t).Settings
	for _, wait := range got.RetrySchedule {
		seen[wait] = true
	}
	if len(seen) != 50 || got.Version != 50 {
		t.Errorf("version %d with %d waits", got.Version, len(seen))
	}
}

func TestSettingsChangeGivesUp(t *testing.T) {
	b := setup(t)
	b.store.OnCall(func(call notificationtest.Call) error {
		if call.Op == "ReplaceSettings" {
			return notification.ErrConflict
		}
		return nil
	})
	settings := registry.Settings{Store: b.store, Wait: func(context.Context, time.Duration) error { return context.DeadlineExceeded }}
	_, err := settings.Change(t.Context(), "demo", func(*notification.Settings) {})
	wantError(t, err, notification.Unavailable, "settings are being changed by many calls at once")
}

// The delivery function signs by the algorithm of the environment, and reads its
// settings together with its keys: neither costs a read of its own.
func TestSettingsInForce(t *testing.T) {
	b := setup(t)
	signers := registry.Signers{Directory: b.directory, Vault: b.vault}
	for _, algorithm := range []string{"", "sha1", "sha256"} {
		_, err := registry.Settings{Store: b.store, Wait: b.triggers.Wait}.Change(t.Context(), "demo", func(s *notification.Settings) {
			s.SignatureAlgorithm = algorithm
		})
		if err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(registry.CacheTime)
		before := b.store.Count("Environment")
		settings, err := b.directory.Settings(t.Context(), "demo")
		if err != nil || settings.SignatureAlgorithm != algorithm {
			t.Errorf("settings = %+v, %v", settings, err)
		}
		want := algorithm
		if want == "" {
			want = "sha1"
		}
		if key, err := signers.SigningKey(t.Context(), "demo"); err != nil || key.Algorithm != want {
			t.Errorf("signed by %q, %v, want %q", key.Algorithm, err, want)
		}
		if reads := b.store.Count("Environment") - before; reads != 1 {
			t.Errorf("%d reads, want 1", reads)
		}
	}
	_, err := b.directory.Settings(t.Context(), "other")
	wantError(t, err, notification.NotFound, `unknown cloud_name "other"`)
}

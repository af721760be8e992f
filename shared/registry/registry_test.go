package registry_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/registry"
)

// anyURL is a guard that refuses what contains "bad".
type anyURL struct{}

func (anyURL) CheckURL(field, url string) error {
	if strings.Contains(url, "bad") {
		return notification.Errorf(notification.Invalid, "%s: is bad", field)
	}
	return nil
}

// bundle is an environment "demo" and what works on it.
type bundle struct {
	clock     *notificationtest.Clock
	store     *notificationtest.Store
	vault     *notificationtest.Vault
	directory *registry.Directory
	triggers  registry.Triggers
	creds     registry.Credentials
	waited    []time.Duration
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{clock: notificationtest.NewClock(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC))}
	b.store = notificationtest.NewStore(b.clock.Now)
	b.vault = notificationtest.NewVault()
	b.directory = registry.NewDirectory(b.store, b.clock.Now)
	b.triggers = registry.Triggers{
		Store: b.store, Guard: anyURL{}, URLLimit: 10, TriggerLimit: 300, Now: b.clock.Now,
		Wait: func(_ context.Context, d time.Duration) error { b.waited = append(b.waited, d); return nil },
	}
	var err error
	b.creds, err = b.environments().Create(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bundle) environments() registry.Environments {
	return registry.Environments{Store: b.store, Vault: b.vault, Now: b.clock.Now}
}

// env reads the environment past all caches.
func (b *bundle) env(t *testing.T) notification.Environment {
	t.Helper()
	env, found, err := b.store.Environment(t.Context(), "demo")
	if err != nil || !found {
		t.Fatalf("environment: found %t, %v", found, err)
	}
	return env
}

func wantError(t *testing.T, err error, code notification.Code, message string) {
	t.Helper()
	if err == nil || notification.CodeOf(err) != code || !strings.Contains(err.Error(), message) {
		t.Errorf("error = %v (%s), want %s with %q", err, notification.CodeOf(err), code, message)
	}
}

func TestCreateEnvironment(t *testing.T) {
	b := setup(t)
	env := b.env(t)
	if len(env.ID) != 34 || len(env.Keys) != 1 || !env.Keys[0].Enabled || len(b.creds.APIKey) != 15 || len(b.creds.APISecret) != 27 {
		t.Errorf("environment = %+v, credentials of %d and %d characters", env, len(b.creds.APIKey), len(b.creds.APISecret))
	}
	if strings.Contains(fmt.Sprintf("%s %v", env.Keys[0].SealedSecret, env), b.creds.APISecret) {
		t.Error("the stored environment holds the secret in clear")
	}
	_, err := b.environments().Create(t.Context(), "demo")
	wantError(t, err, notification.Conflict, "cloud_name: demo is taken")
	for _, name := range []string{"", "Demo", "a_b", "-a", "a b", strings.Repeat("a", 65)} {
		_, err := b.environments().Create(t.Context(), name)
		wantError(t, err, notification.Invalid, "cloud_name: must be")
	}
}

func TestAuthenticate(t *testing.T) {
	b := setup(t)
	for _, test := range []struct {
		name, cloud, key, secret string
		want                     bool
	}{
		{"right", "demo", b.creds.APIKey, b.creds.APISecret, true},
		{"unknown environment", "other", b.creds.APIKey, b.creds.APISecret, false},
		{"unknown key", "demo", "1", b.creds.APISecret, false},
		{"wrong secret", "demo", b.creds.APIKey, b.creds.APISecret + "x", false},
		{"nothing given", "demo", "", "", false},
		{"key without secret", "demo", b.creds.APIKey, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			env, err := b.directory.Authenticate(t.Context(), test.cloud, test.key, test.secret)
			if test.want {
				if err != nil || env.CloudName != "demo" {
					t.Errorf("environment %q, %v", env.CloudName, err)
				}
				return
			}
			wantError(t, err, notification.Unauthorized, "Invalid credentials")
		})
	}
}

// Whatever is wrong takes the same reads, when nothing is in memory and when all
// is.
func TestRefusalsCostTheSame(t *testing.T) {
	b := setup(t)
	disabled := b.env(t)
	disabled.CloudName, disabled.ID, disabled.Disabled = "disabled", "disabled", true
	disabled.Keys[0].Enabled = false
	if err := b.store.CreateEnvironment(t.Context(), disabled); err != nil {
		t.Fatal(err)
	}
	reads := 0
	b.store.OnCall(func(call notificationtest.Call) error {
		if !call.After {
			reads++
		}
		return nil
	})
	for _, test := range []struct{ name, cloud, key, secret string }{
		{"wrong secret", "demo", b.creds.APIKey, "wrong"},
		{"unknown key", "demo", "1", b.creds.APISecret},
		{"nothing", "demo", "", ""},
		{"unknown environment", "nowhere", b.creds.APIKey, b.creds.APISecret},
		{"disabled environment and key", "disabled", b.creds.APIKey, b.creds.APISecret},
	} {
		b.clock.Advance(registry.CacheTime)
		for _, want := range []int{1, 0} {
			reads = 0
			_, err := b.directory.Authenticate(t.Context(), test.cloud, test.key, test.secret)
			wantError(t, err, notification.Unauthorized, "Invalid credentials")
			if reads != want {
				t.Errorf("%s: %d reads, want %d", test.name, reads, want)
			}
		}
	}
}

func TestAuthenticateDisabledKey(t *testing.T) {
	b := setup(t)
	env := b.env(t)
	env.CloudName, env.Keys[0].Enabled = "disabled", false
	if err := b.store.CreateEnvironment(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	_, err := b.directory.Authenticate(t.Context(), "disabled", b.creds.APIKey, b.creds.APISecret)
	wantError(t, err, notification.Unauthorized, "Invalid credentials")
}

func TestDirectoryForgetsInTime(t *testing.T) {
	b := setup(t)
	read := func() { //nolint:thelper // the test's own step
		if _, err := b.directory.Environment(t.Context(), "demo"); err != nil {
			t.Fatal(err)
		}
	}
	start := b.store.Count("Environment")
	for _, step := range []struct {
		name    string
		advance time.Duration
		reads   int
	}{
		{"first look", 0, 1},
		{"at once again", 0, 1},
		{"just fresh", registry.CacheTime - 1, 1},
		{"no longer", 1, 2},
		{"clock set back", -time.Hour, 3},
	} {
		b.clock.Advance(step.advance)
		read()
		if got := b.store.Count("Environment") - start; got != step.reads {
			t.Errorf("%s: %d reads of the store, want %d", step.name, got, step.reads)
		}
	}
	_, err := b.directory.Environment(t.Context(), "other")
	wantError(t, err, notification.NotFound, `unknown cloud_name "other"`)
}

func TestDirectoryKeepsNoFault(t *testing.T) {
	b := setup(t)
	b.store.OnCall(func(notificationtest.Call) error { return errors.New("throttled") })
	if _, err := b.directory.Environment(t.Context(), "demo"); err == nil || !strings.Contains(err.Error(), "read environment demo: throttled") {
		t.Fatalf("error = %v", err)
	}
	b.store.OnCall(nil)
	if _, err := b.directory.Environment(t.Context(), "demo"); err != nil {
		t.Fatal(err)
	}
}

func TestSigningKey(t *testing.T) {
	b := setup(t)
	signers := registry.Signers{Directory: b.directory, Vault: b.vault}
	key, err := signers.SigningKey(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	want := notification.SigningKey{APIKey: b.creds.APIKey, Secret: b.creds.APISecret, Algorithm: "sha1"}
	if diff := cmp.Diff(want, key); diff != "" {
		t.Errorf("key (-want +got):\n%s", diff)
	}
	b.vault.OnCall(func(notificationtest.Call) error { return errors.New("denied") })
	if _, err := signers.SigningKey(t.Context(), "demo"); err == nil || strings.Contains(err.Error(), b.creds.APISecret) {
		t.Errorf("error = %v", err)
	}
}

func TestTriggerRound(t *testing.T) {
	b := setup(t)
	created, err := b.triggers.Create(t.Context(), "demo", "https://a.example/1", "upload")
	if err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Minute)
	updated, err := b.triggers.Update(t.Context(), "demo", created.ID, registry.Update{URI: "https://a.example/2", EventType: "upload"})
	if err != nil {
		t.Fatal(err)
	}
	want := created
	want.URI, want.UpdatedAt = "https://a.example/2", created.UpdatedAt.Add(time.Minute)
	if diff := cmp.Diff([]notification.Trigger{want, want}, []notification.Trigger{updated, b.env(t).Hooks.Triggers[0]}); diff != "" {
		t.Errorf("updated (-want +got):\n%s", diff)
	}
	if err := b.triggers.Delete(t.Context(), "demo", created.ID); err != nil {
		t.Fatal(err)
	}
	if left := b.env(t).Hooks.Triggers; len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	// Each of the three answers came when every cache had forgotten.
	if diff := cmp.Diff([]time.Duration{registry.CacheTime, registry.CacheTime, registry.CacheTime}, b.waited); diff != "" {
		t.Errorf("waited (-want +got):\n%s", diff)
	}
}

func TestTriggerFaults(t *testing.T) {
	b := setup(t)
	one, err := b.triggers.Create(t.Context(), "demo", "https://a.example/1", "upload")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.triggers.Create(t.Context(), "demo", "https://a.example/2", "upload"); err != nil {
		t.Fatal(err)
	}
	before := b.env(t)
	unknown := strings.Repeat("0", 32)
	create := func(uri, eventType string) error {
		_, err := b.triggers.Create(t.Context(), "demo", uri, eventType)
		return err
	}
	update := func(id string, u registry.Update) error {
		_, err := b.triggers.Update(t.Context(), "demo", id, u)
		return err
	}
	for _, test := range []struct {
		name    string
		err     error
		code    notification.Code
		message string
	}{
		{"no uri", create("", "upload"), notification.Invalid, "uri: is required"},
		{"no event type", create("https://a.example", ""), notification.Invalid, "event_type: is required"},
		{"unknown event type", create("https://a.example", "a"), notification.Invalid, "Invalid value a for parameter event_type"},
		{"bad uri", create("https://bad.example", "all"), notification.Invalid, "uri: is bad"},
		{"duplicate", create("https://a.example/1", "upload"), notification.Conflict, "record_already_exists"},
		{"update to a duplicate", update(one.ID, registry.Update{URI: "https://a.example/2"}), notification.Conflict, "record_already_exists"},
		{"update of nothing", update(one.ID, registry.Update{}), notification.Invalid, "missing_attributes"},
		{"update of the type alone", update(one.ID, registry.Update{EventType: "upload"}), notification.Invalid, "missing_attributes"},
		{"update of the type", update(one.ID, registry.Update{URI: "https://a.example/3", EventType: "all"}), notification.Invalid, "event_type: is upload and cannot be changed"},
		{"update to a bad uri", update(one.ID, registry.Update{URI: "http://bad"}), notification.Invalid, "new_uri: is bad"},
		{"update of an unknown one", update(unknown, registry.Update{URI: "https://a.example"}), notification.NotFound, "record_not_found"},
		{"update by a malformed id", update("x", registry.Update{URI: "https://a.example"}), notification.Invalid, "invalid_or_malformed_attribute"},
		{"delete of an unknown one", b.triggers.Delete(t.Context(), "demo", unknown), notification.NotFound, "record_not_found"},
		{"delete by a malformed id", b.triggers.Delete(t.Context(), "demo", "../x"), notification.Invalid, "invalid_or_malformed_attribute"},
	} {
		t.Run(test.name, func(t *testing.T) { wantError(t, test.err, test.code, test.message) })
	}
	if diff := cmp.Diff(before, b.env(t)); diff != "" {
		t.Errorf("a refused call changed the environment (-before +after):\n%s", diff)
	}
	if err := update(one.ID, registry.Update{Confirmed: true}); err != nil {
		t.Errorf("update of attributes that are so already: %v", err)
	}
}

func TestTriggerLists(t *testing.T) {
	b := setup(t)
	for _, eventType := range []string{"upload", "all", "delete"} {
		if _, err := b.triggers.Create(t.Context(), "demo", "https://a.example", eventType); err != nil {
			t.Fatal(err)
		}
	}
	env := b.env(t)
	for _, test := range []struct {
		eventType string
		want      []string
	}{
		{"", []string{"upload", "all", "delete"}},
		{"all", []string{"all"}},
		{"delete", []string{"delete"}},
		{"rename", nil},
	} {
		triggers, err := b.triggers.List(env, test.eventType)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, trigger := range triggers {
			got = append(got, trigger.EventType)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("of type %q (-want +got):\n%s", test.eventType, diff)
		}
	}
	_, err := b.triggers.List(env, "a")
	wantError(t, err, notification.Invalid, "Invalid value a for parameter event_type")
}

// Every pair of ten URLs and all types fits, and not one more.
func TestLimits(t *testing.T) {
	b := setup(t)
	types := append(catalog.EventTypes(), notification.AllEvents)
	b.triggers.TriggerLimit = len(types) * b.triggers.URLLimit
	for i := range b.triggers.URLLimit {
		for _, eventType := range types {
			if _, err := b.triggers.Create(t.Context(), "demo", fmt.Sprintf("https://a.example/%d", i), eventType); err != nil {
				t.Fatalf("url %d, %s: %v", i, eventType, err)
			}
		}
	}
	_, err := b.triggers.Create(t.Context(), "demo", "https://a.example/10", "upload")
	wantError(t, err, notification.Invalid, "limit_reached")

	first := b.env(t).Hooks.Triggers[0]
	_, err = b.triggers.Update(t.Context(), "demo", first.ID, registry.Update{URI: "https://a.example/10"})
	wantError(t, err, notification.Invalid, "limit_reached")

	b.triggers.TriggerLimit = 5
	if err := b.triggers.Delete(t.Context(), "demo", first.ID); err != nil {
		t.Errorf("delete with a lowered limit: %v", err)
	}
	_, err = b.triggers.Create(t.Context(), "demo", "https://a.example/1", first.EventType)
	if notification.CodeOf(err) != notification.Conflict {
		t.Errorf("a duplicate is told before the limit: %v", err)
	}
	_, err = b.triggers.Create(t.Context(), "demo", first.URI, first.EventType)
	wantError(t, err, notification.Invalid, "limit_reached")
}

func TestFiftyCallsAtOnce(t *testing.T) {
	for _, test := range []struct {
		name string
		url  func(i int) string
		made int
		code notification.Code
	}{
		{"distinct URLs meet the limit", func(i int) string { return fmt.Sprintf("https://a.example/%d", i) }, 10, notification.Invalid},
		{"one URL is made once", func(int) string { return "https://a.example" }, 1, notification.Conflict},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := setup(t)
			b.triggers.Wait = func(context.Context, time.Duration) error { return nil }
			errs := make([]error, 50)
			var calls sync.WaitGroup
			for i := range errs {
				calls.Go(func() { _, errs[i] = b.triggers.Create(t.Context(), "demo", test.url(i), "upload") })
			}
			calls.Wait()
			made := 0
			for _, err := range errs {
				switch {
				case err == nil:
					made++
				case notification.CodeOf(err) != test.code:
					t.Errorf("error = %v", err)
				}
			}
			if stored := len(b.env(t).Hooks.Triggers); made != test.made || stored != test.made {
				t.Errorf("%d calls succeeded and %d triggers are stored, want %d", made, stored, test.made)
			}
		})
	}
}

// A writer that always loses gives up with its context, and says what to do.
func TestGivesUpWithItsContext(t *testing.T) {
	b := setup(t)
	b.store.OnCall(func(call notificationtest.Call) error {
		if call.Op == "ReplaceHooks" {
			return notification.ErrConflict
		}
		return nil
	})
	tries := 0
	b.triggers.Wait = func(context.Context, time.Duration) error {
		if tries++; tries == 20 {
			return context.DeadlineExceeded
		}
		return nil
	}
	_, err := b.triggers.Create(t.Context(), "demo", "https://a.example", "upload")
	wantError(t, err, notification.Unavailable, "try again")
}

// A name that is longer than any key of the store is unknown like any other.
func TestNameLongerThanAKey(t *testing.T) {
	b := setup(t)
	reads := b.store.Count("Environment")
	name := strings.Repeat("a", 3000)
	if _, err := b.directory.Authenticate(t.Context(), name, "1", "2"); notification.CodeOf(err) != notification.Unauthorized {
		t.Errorf("error = %v", err)
	}
	if _, err := b.directory.Environment(t.Context(), name); notification.CodeOf(err) != notification.NotFound {
		t.Errorf("error = %v", err)
	}
	if n := b.store.Count("Environment") - reads; n != 0 {
		t.Errorf("%d reads", n)
	}
}

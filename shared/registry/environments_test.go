package registry_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/registry"
)

// provisioned returns the environments of a stack that runs.
func (b *bundle) provisioned() registry.Environments {
	e := b.environments()
	e.Wait, e.Reserve = b.triggers.Wait, 30*24*time.Hour
	return e
}

func TestMakeEnvironment(t *testing.T) {
	b := setup(t)
	b.waited = nil
	made, first, err := b.provisioned().Make(t.Context(), registry.NewEnvironment{
		Name: "Acme & Söhne", CloudName: "acme", Description: "d", CustomAttributes: []byte(`{"a":1}`), Disabled: true,
	})
	if err != nil || made.Name != "Acme & Söhne" || !made.Disabled || made.Keys[0].APIKey != first.APIKey || !made.Keys[0].Root {
		t.Fatalf("made = %+v, %v", made, err)
	}
	found, err := b.provisioned().Get(t.Context(), made.ID)
	if diff := cmp.Diff(made, found); err != nil || diff != "" {
		t.Errorf("get, %v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]time.Duration{registry.CacheTime}, b.waited); diff != "" {
		t.Errorf("waited (-want +got):\n%s", diff)
	}
	for _, test := range []struct {
		name    string
		with    registry.NewEnvironment
		code    notification.Code
		message string
	}{
		{"no name", registry.NewEnvironment{CloudName: "a"}, notification.Invalid, "name: is required"},
		{"long description", registry.NewEnvironment{Name: "a", Description: strings.Repeat("d", 1001)}, notification.Invalid, "description: must be at most 1000 bytes"},
		{"attributes of a list", registry.NewEnvironment{Name: "a", CustomAttributes: []byte("[]")}, notification.Invalid, "custom_attributes: must be an object"},
		{
			"large attributes", registry.NewEnvironment{Name: "a", CustomAttributes: []byte(`{"a":"` + strings.Repeat("a", 4096) + `"}`)},
			notification.Invalid, "custom_attributes: must be at most 4096 bytes",
		},
		{"reserved name", registry.NewEnvironment{Name: "a", CloudName: "provisioning"}, notification.Invalid, "cloud_name: provisioning is not free"},
		{"taken", registry.NewEnvironment{Name: "a", CloudName: "acme"}, notification.Conflict, "cloud_name: acme is taken"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := b.provisioned().Make(t.Context(), test.with)
			wantError(t, err, test.code, test.message)
		})
	}
	b.vault.OnCall(func(notificationtest.Call) error { return errors.New("denied") })
	if _, _, err := b.provisioned().Make(t.Context(), registry.NewEnvironment{Name: "a"}); err == nil || notification.CodeOf(err) != notification.Internal {
		t.Errorf("without a vault: %v", err)
	}
}

func TestCloudNamesFromNames(t *testing.T) {
	b := setup(t)
	for _, test := range []struct{ name, want string }{
		{"Acme", "acme"},
		{"Acme", "acme-"}, // and something random
		{"  Product 3, Application  ", ""},
		{"Product 3: Ünïcode", "product-3-n-code"},
		{"日本", ""},
		{"provisioning", "provisioning-"},
		{strings.Repeat("long ", 40), "long-long-"},
	} {
		made, _, err := b.provisioned().Make(t.Context(), registry.NewEnvironment{Name: test.name})
		if strings.TrimSpace(test.name) != test.name {
			if strings.HasPrefix(test.name, " ") {
				wantError(t, err, notification.Invalid, "name: must be")
				continue
			}
			test.name = strings.TrimSpace(test.name)
			made, _, err = b.provisioned().Make(t.Context(), registry.NewEnvironment{Name: test.name})
		}
		exact := test.want != "" && !strings.HasSuffix(test.want, "-")
		if err != nil || !strings.HasPrefix(made.CloudName, test.want) || exact && made.CloudName != test.want || len(made.CloudName) > 64 {
			t.Errorf("%q becomes %q, %v, want %q", test.name, made.CloudName, err, test.want)
		}
	}
}

func TestListEnvironments(t *testing.T) {
	b := setup(t)
	ids := map[string]string{"demo": b.env(t).ID}
	for _, with := range []registry.NewEnvironment{{Name: "Zebra", CloudName: "alpha"}, {Name: "Alpine", CloudName: "mountain", Disabled: true}} {
		b.clock.Advance(time.Minute)
		made, _, err := b.provisioned().Make(t.Context(), with)
		if err != nil {
			t.Fatal(err)
		}
		ids[with.CloudName] = made.ID
	}
	for _, test := range []struct {
		name   string
		filter registry.Filter
		want   string
	}{
		{"all", registry.Filter{}, "demo alpha mountain"},
		{"enabled", registry.Filter{Enabled: yes()}, "demo alpha"},
		{"disabled", registry.Filter{Enabled: no()}, "mountain"},
		{"prefix of a name or a cloud_name", registry.Filter{Prefix: "AL"}, "alpha mountain"},
		{"prefix and enabled", registry.Filter{Prefix: "al", Enabled: yes()}, "alpha"},
		{"cloud_names", registry.Filter{CloudNames: []string{"mountain", "x"}}, "mountain"},
		{"ids, whatever else", registry.Filter{IDs: []string{ids["mountain"], ids["demo"], "x"}, Prefix: "z", Enabled: yes()}, "demo mountain"},
		{"nothing", registry.Filter{Prefix: "nobody"}, ""},
	} {
		listed, err := b.provisioned().List(t.Context(), test.filter)
		var names []string
		for _, env := range listed {
			names = append(names, env.CloudName)
			if len(env.Keys) != 1 || env.Keys[0].APIKey == "" || env.Keys[0].SealedSecret != nil {
				t.Errorf("%s: keys of %s: %+v", test.name, env.CloudName, env.Keys)
			}
		}
		if err != nil || strings.Join(names, " ") != test.want {
			t.Errorf("%s: %v, %v, want %s", test.name, names, err, test.want)
		}
	}
}

func TestUpdateEnvironment(t *testing.T) {
	b := setup(t)
	id := b.env(t).ID
	name, same, other, empty := "Another", "demo", "x", ""
	attributes := []byte(`{"b":2}`)
	update := func(change registry.EnvironmentChange) error {
		_, err := b.provisioned().Update(t.Context(), id, change)
		return err
	}
	b.clock.Advance(time.Hour)
	if err := update(registry.EnvironmentChange{Name: &name, CloudName: &same, Description: &other, CustomAttributes: &attributes}); err != nil {
		t.Fatal(err)
	}
	env := b.env(t)
	if env.Name != name || env.Description != other || string(env.CustomAttributes) != `{"b":2}` || !env.UpdatedAt.After(env.CreatedAt) || len(env.Keys) != 1 {
		t.Errorf("updated = %+v", env)
	}
	wantError(t, update(registry.EnvironmentChange{}), notification.Invalid, "missing_attributes")
	wantError(t, update(registry.EnvironmentChange{CloudName: &other}), notification.Invalid, "cloud_name: is demo and cannot be changed")
	wantError(t, update(registry.EnvironmentChange{Name: &empty}), notification.Invalid, "name: is required")
}

// A disabled environment is as if it did not exist for whoever calls or reports,
// has no key to sign with, and keeps what it had accepted.
func TestDisabledEnvironment(t *testing.T) {
	b := setup(t)
	id := b.env(t).ID
	enable := func(flag *bool) {
		t.Helper()
		if _, err := b.provisioned().Update(t.Context(), id, registry.EnvironmentChange{Enabled: flag}); err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(registry.CacheTime)
	}
	enable(no())
	_, err := b.directory.Authenticate(t.Context(), "demo", b.creds.APIKey, b.creds.APISecret)
	wantError(t, err, notification.Unauthorized, "Invalid credentials")
	_, err = b.directory.Serving(t.Context(), "demo")
	wantError(t, err, notification.NotFound, `unknown cloud_name "demo"`)
	if env, err := b.directory.Environment(t.Context(), "demo"); err != nil || env.ID != id {
		t.Errorf("for what was accepted: %+v, %v", env, err)
	}
	if _, err := b.triggers.Create(t.Context(), "demo", "https://a.example", "all"); notification.CodeOf(err) != notification.Unauthorized {
		t.Errorf("a trigger for a call that began before: %v", err)
	}
	if got := b.signer(t); got != notification.ErrNoSigningKey.Error() {
		t.Errorf("signs %s", got)
	}
	enable(yes())
	if _, err := b.directory.Authenticate(t.Context(), "demo", b.creds.APIKey, b.creds.APISecret); err != nil {
		t.Error(err)
	}
	if got := b.signer(t); got != "main_key" {
		t.Errorf("signs %s", got)
	}
}

func TestDeleteEnvironment(t *testing.T) {
	b := setup(t)
	ctx, id := t.Context(), b.env(t).ID
	if _, err := b.triggers.Create(ctx, "demo", "https://a.example", "all"); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		preset := notification.UploadPreset{CloudName: "demo", Name: strings.Repeat("p", i+1), Settings: []byte("{}"), Version: 1}
		if err := b.store.PutUploadPreset(ctx, preset); err != nil {
			t.Fatal(err)
		}
	}
	// The first call dies when the environment is disabled already.
	b.store.OnCall(func(call notificationtest.Call) error {
		if call.Op == "DeleteEnvironment" {
			return context.DeadlineExceeded
		}
		return nil
	})
	if err := b.provisioned().Delete(ctx, id); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("error = %v", err)
	}
	if !b.env(t).Disabled {
		t.Error("half deleted, and not disabled")
	}
	b.store.OnCall(nil)
	if err := b.provisioned().Delete(ctx, id); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(registry.CacheTime)
	wantError(t, b.provisioned().Delete(ctx, id), notification.NotFound, "not found")
	_, err := b.directory.Authenticate(ctx, "demo", b.creds.APIKey, b.creds.APISecret)
	wantError(t, err, notification.Unauthorized, "Invalid credentials")
	for name, find := range map[string]func(context.Context, string) (notification.Environment, error){
		"for what comes in": b.directory.Serving, "for what was accepted": b.directory.Environment,
	} {
		if _, err := find(ctx, "demo"); notification.CodeOf(err) != notification.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What it still has on the lanes has no key, and the stack's settings.
	if got := b.signer(t); got != notification.ErrNoSigningKey.Error() {
		t.Errorf("signs %s", got)
	}
	if settings, err := b.directory.Settings(ctx, "demo"); err != nil || !settings.Equal(notification.Settings{}) {
		t.Errorf("settings = %+v, %v", settings, err)
	}
	_, err = b.environments().Create(ctx, "demo")
	wantError(t, err, notification.Conflict, "cloud_name: demo is taken")
	b.clock.Advance(30 * 24 * time.Hour)
	if _, err := b.environments().Create(ctx, "demo"); err != nil {
		t.Fatal(err)
	}
	presets, _, err := b.store.ListUploadPresets(ctx, "demo", "", 10)
	if env := b.env(t); err != nil || len(presets) > 0 || len(env.Hooks.Triggers) > 0 || env.ID == id {
		t.Errorf("the new one has %d presets and %+v, %v", len(presets), env, err)
	}
}

package notificationtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

var keyTests = map[string]func(*testing.T, storeTest){
	"own fields change":               testEnvironmentReplaced,
	"keys come, change and go":        testKeysReplaced,
	"of another version":              testEnvironmentConflict,
	"of another environment":          testEnvironmentStranger,
	"triggers and settings stay":      testEnvironmentKeepsOthers,
	"many replace the same version":   testEnvironmentOneWinner,
	"found by id":                     testEnvironmentByID,
	"listed":                          testEnvironmentsListed,
	"deleted":                         testEnvironmentDeleted,
	"deleted as another version":      testEnvironmentDeletedConflict,
	"deleted, and its name reserved":  testEnvironmentReserved,
	"deleted, and nothing comes back": testEnvironmentNotInherited,
}

func (s storeTest) mustChange(t *testing.T, before notification.Environment, edit func(*notification.Environment)) notification.Environment {
	t.Helper()
	after := cloneEnvironment(before)
	after.Version++
	edit(&after)
	if err := s.ReplaceEnvironment(t.Context(), before, after); err != nil {
		t.Fatal(err)
	}
	return after
}

func testEnvironmentReplaced(t *testing.T, s storeTest) {
	env := s.newEnvironment(1)
	env.Version = 0 // as one from before there were versions
	s.mustCreate(t, env)
	env = s.mustChange(t, env, func(env *notification.Environment) {
		env.Name, env.Description, env.CustomAttributes, env.Disabled = "another", "", nil, true
		env.UpdatedAt = env.UpdatedAt.Add(time.Hour)
	})
	s.wantEnvironment(t, env)
	env = s.mustChange(t, env, func(env *notification.Environment) {
		env.Description, env.CustomAttributes, env.Disabled = awkward, []byte(`{}`), false
	})
	s.wantEnvironment(t, env)
}

func testKeysReplaced(t *testing.T, s storeTest) {
	env := s.newEnvironment(3)
	s.mustCreate(t, env)
	env = s.mustChange(t, env, func(env *notification.Environment) {
		added := env.Keys[2]
		added.APIKey, added.CreatedAt = "added", added.CreatedAt.Add(time.Hour)
		env.Keys[1].Name, env.Keys[1].Enabled, env.Keys[1].Webhooks = "changed", true, false
		env.Keys[1].DataKey = []byte("another")
		env.Keys = append(env.Keys[1:2:2], env.Keys[2], added)
	})
	s.wantEnvironment(t, env)
	env = s.mustChange(t, env, func(env *notification.Environment) { env.Keys = nil })
	s.wantEnvironment(t, env)
}

func testEnvironmentConflict(t *testing.T, s storeTest) {
	env := s.newEnvironment(2)
	s.mustCreate(t, env)
	after := s.mustChange(t, env, func(env *notification.Environment) { env.Keys[0].Name = "winner" })
	loser := cloneEnvironment(env)
	loser.Version++
	loser.Name, loser.Keys = "loser", loser.Keys[1:]
	if err := s.ReplaceEnvironment(t.Context(), env, loser); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	s.wantEnvironment(t, after)
}

func testEnvironmentStranger(t *testing.T, s storeTest) {
	env := s.newEnvironment(1)
	replace := func(env notification.Environment) error {
		after := env
		after.Version++
		return s.ReplaceEnvironment(t.Context(), env, after)
	}
	if err := replace(env); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("of none: got %v, want ErrConflict", err)
	}
	s.mustCreate(t, env)
	other := env
	other.ID = "another"
	if err := replace(other); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("of one of another id: got %v, want ErrConflict", err)
	}
	s.wantEnvironment(t, env)
}

func testEnvironmentKeepsOthers(t *testing.T, s storeTest) {
	env := s.newEnvironment(1)
	s.mustCreate(t, env)
	env.Hooks = notification.Hooks{Version: 1, Triggers: []notification.Trigger{s.trigger(1, 1)}}
	settings := notification.Settings{Version: 2, Success: notification.Any2xx}
	before := env // as it was read, before the two that follow
	if err := errors.Join(s.ReplaceHooks(t.Context(), s.cloud, env.Hooks), s.ReplaceSettings(t.Context(), s.cloud, settings)); err != nil {
		t.Fatal(err)
	}
	env = s.mustChange(t, before, func(env *notification.Environment) { env.Name = "another" })
	env.Settings = settings
	s.wantEnvironment(t, env)
}

func testEnvironmentOneWinner(t *testing.T, s storeTest) {
	env := s.newEnvironment(2)
	s.mustCreate(t, env)
	var replaced atomic.Int32
	together(10, func(i int) {
		after := cloneEnvironment(env)
		after.Version++
		after.Name, after.Keys[0].Name = fmt.Sprint(i), fmt.Sprint(i)
		switch err := s.ReplaceEnvironment(t.Context(), env, after); {
		case err == nil:
			replaced.Add(1)
		case !errors.Is(err, notification.ErrConflict):
			t.Errorf("got %v, want ErrConflict", err)
		}
	})
	got, _, err := s.Environment(t.Context(), s.cloud)
	if err != nil || replaced.Load() != 1 || got.Name != got.Keys[0].Name {
		t.Errorf("replaced %d times, by %q and %q, %v", replaced.Load(), got.Name, got.Keys[0].Name, err)
	}
}

func testEnvironmentByID(t *testing.T, s storeTest) {
	env := s.newEnvironment(1)
	s.mustCreate(t, env)
	for id, want := range map[string]string{env.ID: s.cloud, env.ID + "x": ""} {
		cloudName, found, err := s.CloudName(t.Context(), id)
		if err != nil || found != (want != "") || cloudName != want {
			t.Errorf("%s is of %q, %t, %v, want %q", id, cloudName, found, err, want)
		}
	}
}

// listed finds this test's environments among all.
func (s storeTest) listed(t *testing.T) []notification.Environment {
	t.Helper()
	all, err := s.ListEnvironments(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(env notification.Environment) bool { return !strings.HasPrefix(env.CloudName, s.cloud) })
	slices.SortFunc(all, func(a, b notification.Environment) int { return strings.Compare(a.CloudName, b.CloudName) })
	return all
}

func testEnvironmentsListed(t *testing.T, s storeTest) {
	env := s.newEnvironment(2)
	s.mustCreate(t, env)
	other := s.newEnvironment(1)
	other.CloudName += "-more"
	other.ID += " too"
	s.mustCreate(t, other)
	env = s.mustChange(t, env, func(env *notification.Environment) { env.Disabled, env.Keys[0].Enabled = true, false })
	var want []notification.Environment
	for _, env := range []notification.Environment{env, other} {
		env.Settings, env.Hooks = notification.Settings{}, notification.Hooks{}
		keys := env.Keys
		env.Keys = nil
		for _, key := range keys {
			env.Keys = append(env.Keys, notification.AccessKey{APIKey: key.APIKey, Enabled: key.Enabled})
		}
		want = append(want, env)
	}
	wantEqual(t, "list", want, s.listed(t))
}

func (s storeTest) mustDelete(t *testing.T, env notification.Environment) (at, reservedUntil time.Time) {
	t.Helper()
	at, reservedUntil = s.clock.Now().UTC(), s.clock.Now().Add(time.Hour)
	if err := s.DeleteEnvironment(t.Context(), env, at, reservedUntil); err != nil {
		t.Fatal(err)
	}
	return at, reservedUntil
}

func testEnvironmentDeleted(t *testing.T, s storeTest) {
	env := s.newEnvironment(3)
	env.Hooks = notification.Hooks{Version: 1, Triggers: []notification.Trigger{s.trigger(1, 1)}}
	s.mustCreate(t, env)
	at, _ := s.mustDelete(t, env)
	s.wantEnvironment(t, notification.Environment{
		CloudName: s.cloud, ID: env.ID, CreatedAt: env.CreatedAt, DeletedAt: at, Version: env.Version + 1,
	})
	if _, found, err := s.CloudName(t.Context(), env.ID); found || err != nil {
		t.Errorf("its id is found: %t, %v", found, err)
	}
	wantEqual(t, "list", []notification.Environment{}, s.listed(t))
	err := s.ReplaceSettings(t.Context(), s.cloud, notification.Settings{Version: 1})
	if notification.CodeOf(err) != notification.NotFound {
		t.Errorf("settings of a deleted environment: %v, want NotFound", err)
	}
}

func testEnvironmentDeletedConflict(t *testing.T, s storeTest) {
	env := s.newEnvironment(1)
	s.mustCreate(t, env)
	after := s.mustChange(t, env, func(env *notification.Environment) { env.Name = "another" })
	now := s.clock.Now()
	if err := s.DeleteEnvironment(t.Context(), env, now, now.Add(time.Hour)); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	s.wantEnvironment(t, after)
}

func testEnvironmentReserved(t *testing.T, s storeTest) {
	env := s.newEnvironment(1)
	s.mustCreate(t, env)
	_, until := s.mustDelete(t, env)
	again := s.newEnvironment(2)
	again.ID += " again"
	s.clock.AdvanceTo(until.Add(-time.Second))
	if err := s.CreateEnvironment(t.Context(), again); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("before its time: got %v, want ErrConflict", err)
	}
	s.clock.AdvanceTo(until)
	if _, found, err := s.Environment(t.Context(), s.cloud); found || err != nil {
		t.Errorf("what is left is found: %t, %v", found, err)
	}
	s.mustCreate(t, again)
	s.wantEnvironment(t, again)
}

func testEnvironmentNotInherited(t *testing.T, s storeTest) {
	env := s.newEnvironment(2)
	env.Hooks = notification.Hooks{Version: 1, Triggers: []notification.Trigger{s.trigger(1, 1)}}
	s.mustCreate(t, env)
	_, until := s.mustDelete(t, env)
	// A call that had read the environment before writes after.
	if err := s.ReplaceHooks(t.Context(), s.cloud, notification.Hooks{Version: 1, Triggers: []notification.Trigger{s.trigger(2, 2)}}); err != nil {
		t.Fatal(err)
	}
	s.clock.AdvanceTo(until)
	again := notification.Environment{CloudName: s.cloud, ID: env.ID + " again", CreatedAt: s.clock.Now().UTC(), Version: 1}
	s.mustCreate(t, again)
	s.wantEnvironment(t, again)
}

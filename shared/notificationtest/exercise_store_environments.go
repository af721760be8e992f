package notificationtest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

var environmentTests = map[string]func(*testing.T, storeTest){
	"unknown":                            testEnvironmentUnknown,
	"round trip":                         testEnvironmentRoundTrip,
	"keys come oldest first":             testEnvironmentKeyOrder,
	"name is taken":                      testEnvironmentTaken,
	"many create the same":               testEnvironmentCreatedOnce,
	"triggers keep their order":          testHooksOrder,
	"triggers at the limit":              testHooksLimit,
	"triggers of another version":        testHooksConflict,
	"triggers repeated":                  testHooksRepeat,
	"triggers removed":                   testHooksRemoved,
	"many replace the same version":      testHooksOneWinner,
	"many add triggers":                  testHooksNoneLost,
	"environments do not see each other": testEnvironmentsApart,
}

func (s storeTest) newEnvironment(keys int) notification.Environment {
	env := notification.Environment{
		CloudName:        s.cloud,
		ID:               "id of " + s.cloud,
		Name:             awkward,
		Description:      "description " + awkward,
		CustomAttributes: []byte(`{"a":1}`),
		CreatedAt:        s.clock.Now().Add(1),
		UpdatedAt:        s.clock.Now().Add(2),
		Version:          1,
		Settings:         notification.Settings{Version: 1, SignatureAlgorithm: "sha256"},
	}
	for i := range keys {
		env.Keys = append(env.Keys, notification.AccessKey{
			APIKey:       fmt.Sprintf("%015d", i),
			Name:         awkward,
			SecretHash:   []byte{byte(i), 1},
			SealedSecret: []byte{byte(i), 2},
			DataKey:      []byte{byte(i), 0, 0xff},
			Root:         i == 0,
			Enabled:      i%2 == 0,
			Webhooks:     i == 1,
			CreatedAt:    s.clock.Now().Add(time.Duration(i)),
			UpdatedAt:    s.clock.Now().Add(time.Duration(i) * time.Hour),
		})
	}
	return env
}

func (s storeTest) mustCreate(t *testing.T, env notification.Environment) {
	t.Helper()
	if err := s.CreateEnvironment(t.Context(), env); err != nil {
		t.Fatal(err)
	}
}

func (s storeTest) wantEnvironment(t *testing.T, want notification.Environment) {
	t.Helper()
	got, found, err := s.Environment(t.Context(), want.CloudName)
	if err != nil || !found {
		t.Fatalf("read environment: %t, %v", found, err)
	}
	wantEqual(t, "environment", want, got)
}

// trigger returns a trigger whose id is made of the two numbers.
func (s storeTest) trigger(url, eventType int) notification.Trigger {
	return notification.Trigger{
		ID:        fmt.Sprintf("%016x%016x", url, eventType),
		URI:       fmt.Sprintf("https://example.com/%d?a=b&c=%s", url, awkward),
		EventType: fmt.Sprintf("type%d", eventType),
		CreatedAt: s.clock.Now().Add(time.Duration(eventType)),
		UpdatedAt: s.clock.Now().Add(time.Duration(url) * time.Second),
	}
}

func testEnvironmentUnknown(t *testing.T, s storeTest) {
	_, found, err := s.Environment(t.Context(), s.cloud)
	if found || err != nil {
		t.Errorf("got %t, %v, want false and no error", found, err)
	}
}

func testEnvironmentRoundTrip(t *testing.T, s storeTest) {
	env := s.newEnvironment(3)
	env.Hooks = notification.Hooks{Version: 4, Triggers: []notification.Trigger{s.trigger(1, 1)}}
	s.mustCreate(t, env)
	s.wantEnvironment(t, env)
}

func testEnvironmentKeyOrder(t *testing.T, s storeTest) {
	env := s.newEnvironment(4)
	want := env
	want.Keys = []notification.AccessKey{env.Keys[2], env.Keys[0], env.Keys[1], env.Keys[3]}
	want.Keys[0].CreatedAt = s.clock.Now().Add(-time.Hour)
	want.Keys[3].CreatedAt = want.Keys[2].CreatedAt // a tie: the smaller id first
	env.Keys = []notification.AccessKey{want.Keys[3], want.Keys[1], want.Keys[0], want.Keys[2]}
	s.mustCreate(t, env)
	s.wantEnvironment(t, want)
}

func testEnvironmentTaken(t *testing.T, s storeTest) {
	env := s.newEnvironment(1)
	s.mustCreate(t, env)
	other := s.newEnvironment(3)
	other.ID = "another"
	if err := s.CreateEnvironment(t.Context(), other); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	s.wantEnvironment(t, env) // and none of the other's keys
}

func testEnvironmentCreatedOnce(t *testing.T, s storeTest) {
	var created atomic.Int32
	together(10, func(i int) {
		env := s.newEnvironment(1)
		env.ID = fmt.Sprint(s.cloud, i)
		env.Keys[0].APIKey = env.ID
		switch err := s.CreateEnvironment(t.Context(), env); {
		case err == nil:
			created.Add(1)
		case !errors.Is(err, notification.ErrConflict):
			t.Errorf("got %v, want ErrConflict", err)
		}
	})
	env, found, err := s.Environment(t.Context(), s.cloud)
	if err != nil || !found || created.Load() != 1 {
		t.Fatalf("created %d times, found %t, %v", created.Load(), found, err)
	}
	if len(env.Keys) != 1 || env.Keys[0].APIKey != env.ID {
		t.Errorf("environment %s has the keys %v", env.ID, env.Keys)
	}
}

func testHooksOrder(t *testing.T, s storeTest) {
	env := s.newEnvironment(1)
	s.mustCreate(t, env)
	env.Hooks = notification.Hooks{Version: 1, Triggers: []notification.Trigger{
		s.trigger(2, 9), s.trigger(1, 5), s.trigger(2, 1), s.trigger(3, 1), s.trigger(1, 1),
	}}
	if err := s.ReplaceHooks(t.Context(), s.cloud, env.Hooks); err != nil {
		t.Fatal(err)
	}
	s.wantEnvironment(t, env)
}

func testHooksLimit(t *testing.T, s storeTest) {
	env := s.newEnvironment(1)
	s.mustCreate(t, env)
	env.Hooks.Version = 1
	for url := range 10 {
		for eventType := range 31 {
			env.Hooks.Triggers = append(env.Hooks.Triggers, s.trigger(url, eventType))
		}
	}
	if err := s.ReplaceHooks(t.Context(), s.cloud, env.Hooks); err != nil {
		t.Fatal(err)
	}
	s.wantEnvironment(t, env)
}

func testHooksConflict(t *testing.T, s storeTest) {
	env := s.newEnvironment(1)
	s.mustCreate(t, env)
	replace := func(version int64, trigger int) error {
		return s.ReplaceHooks(t.Context(), s.cloud, notification.Hooks{
			Version: version, Triggers: []notification.Trigger{s.trigger(trigger, 0)},
		})
	}
	for _, step := range []struct {
		name     string
		version  int64
		conflict bool
	}{
		{"second before the first", 2, true},
		{"first", 1, false},
		{"first again, with other triggers", 1, true},
		{"third before the second", 3, true},
		{"second", 2, false},
		{"third", 3, false},
		{"second again, with other triggers", 2, true},
	} {
		err := replace(step.version, len(step.name))
		if step.conflict && !errors.Is(err, notification.ErrConflict) || !step.conflict && err != nil {
			t.Errorf("%s: got %v, want a conflict: %t", step.name, err, step.conflict)
		}
	}
	env.Hooks = notification.Hooks{Version: 3, Triggers: []notification.Trigger{s.trigger(len("third"), 0)}}
	s.wantEnvironment(t, env)
}

func testHooksRepeat(t *testing.T, s storeTest) {
	hooks := notification.Hooks{Version: 1, Triggers: []notification.Trigger{s.trigger(1, 1)}}
	for range 2 { // the answer to the first was lost
		if err := s.ReplaceHooks(t.Context(), s.cloud, hooks); err != nil {
			t.Fatal(err)
		}
	}
}

func testHooksRemoved(t *testing.T, s storeTest) {
	env := s.newEnvironment(1)
	s.mustCreate(t, env)
	for _, hooks := range []notification.Hooks{
		{Version: 1, Triggers: []notification.Trigger{s.trigger(1, 1)}},
		{Version: 2},
	} {
		if err := s.ReplaceHooks(t.Context(), s.cloud, hooks); err != nil {
			t.Fatal(err)
		}
	}
	env.Hooks.Version = 2
	s.wantEnvironment(t, env)
}

func testHooksOneWinner(t *testing.T, s storeTest) {
	s.mustCreate(t, s.newEnvironment(1))
	for version := int64(1); version <= 2; version++ {
		var replaced atomic.Int32
		together(writers, func(i int) {
			err := s.ReplaceHooks(t.Context(), s.cloud, notification.Hooks{
				Version: version, Triggers: []notification.Trigger{s.trigger(i, 1)},
			})
			switch {
			case err == nil:
				replaced.Add(1)
			case !errors.Is(err, notification.ErrConflict):
				t.Errorf("got %v, want ErrConflict", err)
			}
		})
		if replaced.Load() != 1 {
			t.Errorf("version %d was written %d times", version, replaced.Load())
		}
	}
}

func testHooksNoneLost(t *testing.T, s storeTest) {
	const n = 8
	s.mustCreate(t, s.newEnvironment(1))
	together(n, func(i int) {
		for {
			env, _, err := s.Environment(t.Context(), s.cloud)
			if err != nil {
				t.Error(err)
				return
			}
			env.Hooks.Version++
			env.Hooks.Triggers = append(env.Hooks.Triggers, s.trigger(i, 1))
			err = s.ReplaceHooks(t.Context(), s.cloud, env.Hooks)
			if err == nil {
				return
			}
			if !errors.Is(err, notification.ErrConflict) {
				t.Error(err)
				return
			}
		}
	})
	env, _, err := s.Environment(t.Context(), s.cloud)
	if err != nil {
		t.Fatal(err)
	}
	if env.Hooks.Version != n || len(env.Hooks.URLs()) != n {
		t.Errorf("version %d with %d URLs, want %d with as many", env.Hooks.Version, len(env.Hooks.URLs()), n)
	}
}

func testEnvironmentsApart(t *testing.T, s storeTest) {
	env := s.newEnvironment(1)
	s.mustCreate(t, env)
	other := s.newEnvironment(2)
	other.CloudName += "-more" // the other's name begins with this one's
	other.ID += " too"
	s.mustCreate(t, other)
	s.wantEnvironment(t, env)
	s.wantEnvironment(t, other)
}

package registry_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
)

const hookA, hookB = "https://a.example/hook", "https://b.example/hook"

// ofURL finds a URL as it is now.
func ofURL(t *testing.T, triggers registry.Triggers, uri string) registry.NotificationURL {
	t.Helper()
	env, found, err := triggers.Store.Environment(t.Context(), "demo")
	if err != nil || !found {
		t.Fatal(found, err)
	}
	for _, u := range registry.NotificationURLs(env.Hooks) {
		if u.URI == uri {
			return u
		}
	}
	return registry.NotificationURL{}
}

func TestURLs(t *testing.T) {
	triggers := setup(t).triggers
	ctx := t.Context()
	check := func(err error, code notification.Code, part string) {
		t.Helper()
		if notification.CodeOf(err) != code || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want %s with %q", err, code, part)
		}
	}
	if err := triggers.AddURL(ctx, "demo", hookA, []string{"upload", "rename", "upload"}); err != nil {
		t.Fatal(err)
	}
	a := ofURL(t, triggers, hookA)
	if got := a.EventTypes(); !slices.Equal(got, []string{"upload", "rename"}) || !a.Takes("rename") || a.Takes("delete") {
		t.Fatalf("linked to %v", got)
	}
	check(triggers.AddURL(ctx, "demo", hookA, []string{"delete"}), notification.Conflict, "uri: this URL is there already")
	check(triggers.AddURL(ctx, "demo", hookB, nil), notification.Invalid, "event_type: choose at least one")
	check(triggers.AddURL(ctx, "demo", hookB, []string{"none"}), notification.Invalid, "Invalid value none")
	check(triggers.AddURL(ctx, "demo", "", []string{"all"}), notification.Invalid, "uri: is required")

	// Its triggers keep their ids when it moves, and another URL is no matter.
	if err := triggers.AddURL(ctx, "demo", hookB, []string{"all"}); err != nil {
		t.Fatal(err)
	}
	const moved = "https://a.example/moved"
	if err := triggers.EditURL(ctx, "demo", a.ID(), a.Revision(), moved, []string{"rename", "delete"}); err != nil {
		t.Fatal(err)
	}
	after := ofURL(t, triggers, moved)
	if after.Triggers[0].ID != a.Triggers[1].ID || !slices.Equal(after.EventTypes(), []string{"rename", "delete"}) || len(ofURL(t, triggers, hookA).Triggers) > 0 {
		t.Errorf("moved: %+v", after)
	}
	check(triggers.EditURL(ctx, "demo", a.ID(), a.Revision(), moved, []string{"all"}), notification.NotFound, "not there")
	check(triggers.EditURL(ctx, "demo", after.ID(), a.Revision(), moved, []string{"all"}), notification.Conflict, "somebody has changed")

	// Onto a URL that has the type already: refused as a whole.
	b := ofURL(t, triggers, hookB)
	check(triggers.EditURL(ctx, "demo", b.ID(), b.Revision(), moved, []string{"all", "delete"}), notification.Conflict, "record_already_exists")
	if got := ofURL(t, triggers, hookB); got.Revision() != b.Revision() {
		t.Errorf("half of it was saved: %+v", got)
	}
	check(triggers.RemoveURL(ctx, "demo", b.ID(), "stale"), notification.Conflict, "somebody has changed")
	if err := triggers.RemoveURL(ctx, "demo", b.ID(), b.Revision()); err != nil || len(ofURL(t, triggers, hookB).Triggers) > 0 {
		t.Errorf("remove: %v", err)
	}
}

// A URL with many types moves although the environment is at its limit: the old and
// the new one never count together.
func TestMoveAtTheLimit(t *testing.T) {
	triggers := setup(t).triggers
	triggers.URLLimit = 2
	for _, uri := range []string{hookA, hookB} {
		if err := triggers.AddURL(t.Context(), "demo", uri, []string{"upload", "rename", "delete"}); err != nil {
			t.Fatal(err)
		}
	}
	a := ofURL(t, triggers, hookA)
	if err := triggers.EditURL(t.Context(), "demo", a.ID(), a.Revision(), "https://c.example/", []string{"upload", "rename", "move"}); err != nil {
		t.Error(err)
	}
	if err := triggers.AddURL(t.Context(), "demo", "https://d.example/", []string{"all"}); notification.CodeOf(err) != notification.Invalid {
		t.Errorf("a third URL: %v", err)
	}
}

func TestSignWith(t *testing.T) {
	store := setup(t).triggers.Store
	env, _, err := store.Environment(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	keys := registry.Keys{Store: store, Now: time.Now, Wait: func(context.Context, time.Duration) error { return nil }}
	first := env.Keys[0].APIKey
	if err := keys.SignWith(t.Context(), env.ID, first, ""); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		key, seen string
		want      notification.Code
	}{{first, "", notification.Conflict}, {"", "another", notification.Conflict}, {"unknown", first, notification.NotFound}} {
		if err := keys.SignWith(t.Context(), env.ID, test.key, test.seen); notification.CodeOf(err) != test.want {
			t.Errorf("%+v: %v", test, err)
		}
	}
	if err := keys.SignWith(t.Context(), env.ID, "", first); err != nil {
		t.Error(err)
	}
	after, _, err := store.Environment(t.Context(), "demo")
	if err := errors.Join(err); err != nil || after.Keys[0].Webhooks {
		t.Errorf("%+v, %v", after.Keys[0], err)
	}
}

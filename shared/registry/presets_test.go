package registry_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/registry"
)

// presets work on the bundle, and wait as its triggers do.
func (b *bundle) presets() registry.Presets {
	return registry.Presets{Store: b.store, Guard: anyURL{}, Now: b.clock.Now, Wait: b.triggers.Wait}
}

// atOnce is a Wait for many goroutines.
func atOnce(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// change is what a call says that has the given object.
func change(t *testing.T, object string) registry.PresetChange {
	t.Helper()
	fields, err := payload.Fields([]byte(object))
	if err != nil {
		t.Fatal(err)
	}
	return registry.PresetChange{Settings: fields}
}

func withURL(c registry.PresetChange, url string) registry.PresetChange {
	c.NotificationURL = &url
	return c
}

func TestPresetRound(t *testing.T) {
	b, yes := setup(t), true
	start := b.clock.Now()
	first := withURL(change(t, `{"tags":"a","notification_url":"https://a.example/1","width":1.0}`), "https://a.example/1")
	first.Unsigned = &yes
	created, err := b.presets().Create(t.Context(), "demo", "web", first)
	if err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Minute)
	second := withURL(change(t, `{"notification_url":"https://a.example/2","tags":null,"a\"<b":[ 1 ]}`), "https://a.example/2")
	updated, err := b.presets().Update(t.Context(), "demo", "web", second)
	if err != nil {
		t.Fatal(err)
	}
	want := notification.UploadPreset{
		CloudName: "demo", Name: "web", Unsigned: true, NotificationURL: "https://a.example/2",
		Settings:  []byte(`{"notification_url":"https://a.example/2","width":1.0,"a\"\u003cb":[ 1 ]}`),
		CreatedAt: start, UpdatedAt: start.Add(time.Minute), Version: 2,
	}
	read, err := b.presets().Get(t.Context(), "demo", "web")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]notification.UploadPreset{want, want}, []notification.UploadPreset{updated, read}); diff != "" {
		t.Errorf("updated (-want +got):\n%s", diff)
	}
	if created.Version != 1 || !created.UpdatedAt.Equal(start) {
		t.Errorf("created = %+v", created)
	}
	gone := withURL(change(t, `{"notification_url":""}`), "")
	if updated, err = b.presets().Update(t.Context(), "demo", "web", gone); err != nil || updated.NotificationURL != "" || strings.Contains(string(updated.Settings), "url") {
		t.Errorf("without a URL: %+v, %v", updated, err)
	}
	if err := b.presets().Delete(t.Context(), "demo", "web"); err != nil {
		t.Fatal(err)
	}
	_, err = b.presets().Get(t.Context(), "demo", "web")
	wantError(t, err, notification.NotFound, "Can't find upload preset named web")
	// Each of the four answers came when every cache had forgotten.
	if diff := cmp.Diff([]time.Duration{registry.CacheTime, registry.CacheTime, registry.CacheTime, registry.CacheTime}, b.waited); diff != "" {
		t.Errorf("waited (-want +got):\n%s", diff)
	}
}

func TestPresetNames(t *testing.T) {
	b := setup(t)
	for _, name := range []string{"a", "web-1_x.y~z", "été", "日本 1", "...", "a;b=c&d+e@f:g,h!'()*$\\", strings.Repeat("a", 255)} {
		created, err := b.presets().Create(t.Context(), "demo", name, registry.PresetChange{})
		if err != nil || created.Name != name {
			t.Errorf("%q: %q, %v", name, created.Name, err)
		}
	}
	for _, name := range []string{
		"a/b", "/", "a?b", "a#b", "100%", "a\nb", "a\x00", "a\u2028b", "a\u00a0b", "\xff", " a", "a ", ".", "..", strings.Repeat("a", 256), strings.Repeat("é", 128),
	} {
		_, err := b.presets().Create(t.Context(), "demo", name, registry.PresetChange{})
		wantError(t, err, notification.Invalid, "name: must be 1 to 255 bytes")
		before := b.store.Count("UploadPresets")
		_, err = b.presets().Get(t.Context(), "demo", name)
		wantError(t, err, notification.NotFound, "Can't find upload preset named ")
		wantError(t, b.presets().Delete(t.Context(), "demo", name), notification.NotFound, "Can't find upload preset named ")
		if after := b.store.Count("UploadPresets"); after != before {
			t.Errorf("%q was looked for", name)
		}
	}
	made := regexp.MustCompile(`^[a-z0-9]{8}$`)
	names := make(map[string]bool)
	for range 20 {
		created, err := b.presets().Create(t.Context(), "demo", "", registry.PresetChange{})
		if err != nil || !made.MatchString(created.Name) || names[created.Name] {
			t.Fatalf("made %q, %v", created.Name, err)
		}
		names[created.Name] = true
	}
}

func TestPresetFaults(t *testing.T) {
	b := setup(t)
	if _, err := b.presets().Create(t.Context(), "demo", "web", change(t, `{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	create := func(name string, c registry.PresetChange) error {
		_, err := b.presets().Create(t.Context(), "demo", name, c)
		return err
	}
	update := func(name string, c registry.PresetChange) error {
		_, err := b.presets().Update(t.Context(), "demo", name, c)
		return err
	}
	large := change(t, `{"b":"`+strings.Repeat("b", 32<<10-len(`{"a":1,"b":""}`))+`"}`)
	if err := update("web", large); err != nil {
		t.Errorf("as large as may be: %v", err)
	}
	before, err := b.presets().Get(t.Context(), "demo", "web")
	if err != nil {
		t.Fatal(err)
	}
	_, _, badCursor := b.presets().List(t.Context(), "demo", "a/b", 10)
	for _, test := range []struct {
		name    string
		err     error
		code    notification.Code
		message string
	}{
		{"taken", create("web", registry.PresetChange{}), notification.Conflict, "Preset web already exists"},
		{"bad URL", create("other", withURL(registry.PresetChange{}, "http://bad")), notification.Invalid, "notification_url: is bad"},
		{"update to a bad URL", update("web", withURL(registry.PresetChange{}, "http://bad")), notification.Invalid, "notification_url: is bad"},
		{"update beyond the size", update("web", change(t, `{"c":1}`)), notification.Invalid, "settings: must be at most 32768 bytes"},
		{"update of an unknown one", update("other", registry.PresetChange{}), notification.NotFound, "Can't find upload preset named other"},
		{"delete of an unknown one", b.presets().Delete(t.Context(), "demo", "other"), notification.NotFound, "Can't find upload preset named other"},
		{"in another environment", b.presets().Delete(t.Context(), "other", "web"), notification.NotFound, "Can't find upload preset named web"},
		{"list after what is no name", badCursor, notification.Invalid, "next_cursor: is not one"},
	} {
		t.Run(test.name, func(t *testing.T) { wantError(t, test.err, test.code, test.message) })
	}
	after, err := b.presets().Get(t.Context(), "demo", "web")
	if diff := cmp.Diff(before, after); err != nil || diff != "" {
		t.Errorf("a refused call changed the preset, %v (-before +after):\n%s", err, diff)
	}
}

func TestPresetList(t *testing.T) {
	b := setup(t)
	for _, name := range []string{"c", "a", "b"} {
		if _, err := b.presets().Create(t.Context(), "demo", name, registry.PresetChange{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		after string
		limit int
		want  []string
		next  string
	}{
		{"", 10, []string{"a", "b", "c"}, ""},
		{"", 3, []string{"a", "b", "c"}, ""},
		{"", 2, []string{"a", "b"}, "b"},
		{"b", 2, []string{"c"}, ""},
		{"c", 2, nil, ""},
	} {
		page, next, err := b.presets().List(t.Context(), "demo", test.after, test.limit)
		var names []string
		for _, preset := range page {
			names = append(names, preset.Name)
		}
		if diff := cmp.Diff(test.want, names); err != nil || next != test.next || diff != "" {
			t.Errorf("%d after %q: next %q, %v (-want +got):\n%s", test.limit, test.after, next, err, diff)
		}
	}
}

// Of fifty calls that create the same preset, with the same content at the same
// time, one succeeds.
func TestFiftyPresetsAtOnce(t *testing.T) {
	b := setup(t)
	presets := b.presets()
	presets.Wait = atOnce
	errs := make([]error, 50)
	var calls sync.WaitGroup
	for i := range errs {
		calls.Go(func() { _, errs[i] = presets.Create(t.Context(), "demo", "web", registry.PresetChange{}) })
	}
	calls.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else {
			wantError(t, err, notification.Conflict, "already exists")
		}
	}
	if made != 1 {
		t.Errorf("%d calls created it, want 1", made)
	}
}

// No change is lost among many.
func TestFiftyPresetChangesAtOnce(t *testing.T) {
	b := setup(t)
	presets := b.presets()
	presets.Wait = atOnce
	if _, err := presets.Create(t.Context(), "demo", "web", registry.PresetChange{}); err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	for i := range 50 {
		one := change(t, fmt.Sprintf(`{"field-%d":%d}`, i, i))
		calls.Go(func() {
			if _, err := presets.Update(t.Context(), "demo", "web", one); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	preset, err := presets.Get(t.Context(), "demo", "web")
	if err != nil {
		t.Fatal(err)
	}
	fields, err := payload.Fields(preset.Settings)
	if err != nil || len(fields) != 50 || preset.Version != 51 {
		t.Errorf("version %d with %d fields, %v", preset.Version, len(fields), err)
	}
}

func TestPresetChangeGivesUp(t *testing.T) {
	b := setup(t)
	if _, err := b.presets().Create(t.Context(), "demo", "web", registry.PresetChange{}); err != nil {
		t.Fatal(err)
	}
	b.store.OnCall(func(call notificationtest.Call) error {
		if call.Op == "PutUploadPreset" {
			return notification.ErrConflict
		}
		return nil
	})
	presets := b.presets()
	presets.Wait = func(context.Context, time.Duration) error { return context.DeadlineExceeded }
	_, err := presets.Update(t.Context(), "demo", "web", registry.PresetChange{})
	wantError(t, err, notification.Unavailable, "upload presets are being changed by many calls at once")
}

// The directory reads each preset at most once within the cache's time, all that
// it needs in one call, and remembers those that are not there.
func TestDirectoryOfPresets(t *testing.T) {
	b := setup(t)
	for _, name := range []string{"one", "two"} {
		if _, err := b.presets().Create(t.Context(), "demo", name, withURL(registry.PresetChange{}, "https://a.example/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	start := b.store.Count("UploadPresets")
	for _, step := range []struct {
		name    string
		advance time.Duration
		names   []string
		want    []string
		reads   int
	}{
		{"nothing asked", 0, nil, nil, 0},
		{"what cannot be a name", 0, []string{"", "a/b", strings.Repeat("a", 2000)}, nil, 0},
		{"two at once", 0, []string{"one", "none"}, []string{"one"}, 1},
		{"at once again", 0, []string{"none", "one"}, []string{"one"}, 1},
		{"one more", 0, []string{"one", "two", "none"}, []string{"one", "two"}, 2},
		{"just fresh", registry.CacheTime - 1, []string{"one", "two", "none"}, []string{"one", "two"}, 2},
		{"no longer", 1, []string{"none", "one", "two"}, []string{"one", "two"}, 3},
		{"clock set back", -time.Hour, []string{"one"}, []string{"one"}, 4},
	} {
		b.clock.Advance(step.advance)
		found, err := b.directory.UploadPresets(t.Context(), "demo", step.names)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		var got []string
		for name, preset := range found {
			if preset.Name != name || preset.NotificationURL != "https://a.example/"+name {
				t.Errorf("%s: %q is %+v", step.name, name, preset)
			}
			got = append(got, name)
		}
		if diff := cmp.Diff(step.want, got, cmpopts.SortSlices(strings.Compare)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
		if reads := b.store.Count("UploadPresets") - start; reads != step.reads {
			t.Errorf("%s: %d reads of the store, want %d", step.name, reads, step.reads)
		}
	}
	if found, err := b.directory.UploadPresets(t.Context(), "other", []string{"one"}); err != nil || len(found) > 0 {
		t.Errorf("another environment has %v, %v", found, err)
	}
}

func TestDirectoryOfPresetsKeepsNoFault(t *testing.T) {
	b := setup(t)
	if _, err := b.presets().Create(t.Context(), "demo", "one", registry.PresetChange{}); err != nil {
		t.Fatal(err)
	}
	b.store.OnCall(func(notificationtest.Call) error { return errors.New("throttled") })
	if _, err := b.directory.UploadPresets(t.Context(), "demo", []string{"one"}); err == nil || !strings.Contains(err.Error(), "read upload presets of demo: throttled") {
		t.Fatalf("error = %v", err)
	}
	b.store.OnCall(nil)
	if found, err := b.directory.UploadPresets(t.Context(), "demo", []string{"one"}); err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v", found, err)
	}
}

// However many presets are asked for, few are kept.
func TestDirectoryOfPresetsIsBounded(t *testing.T) {
	b := setup(t)
	for i := range 2000 {
		if _, err := b.directory.UploadPresets(t.Context(), "demo", []string{fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	before := b.store.Count("UploadPresets")
	for i := range 2000 {
		if _, err := b.directory.UploadPresets(t.Context(), "demo", []string{fmt.Sprint(1999 - i)}); err != nil {
			t.Fatal(err)
		}
	}
	if kept := 2000 - (b.store.Count("UploadPresets") - before); kept > 512 {
		t.Errorf("%d of 2000 presets were kept", kept)
	}
}

// A preset that another call changes meanwhile is deleted all the same.
func TestPresetDeletedAsItIs(t *testing.T) {
	b := setup(t)
	if _, err := b.presets().Create(t.Context(), "demo", "web", registry.PresetChange{}); err != nil {
		t.Fatal(err)
	}
	meddled := false
	b.store.OnCall(func(call notificationtest.Call) error {
		if call.Op == "DeleteUploadPreset" && !meddled {
			meddled = true
			if _, err := b.presets().Update(t.Context(), "demo", "web", change(t, `{"a":1}`)); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if err := b.presets().Delete(t.Context(), "demo", "web"); err != nil {
		t.Fatal(err)
	}
	_, err := b.presets().Get(t.Context(), "demo", "web")
	wantError(t, err, notification.NotFound, "Can't find upload preset named web")
	if n := b.store.Count("DeleteUploadPreset"); n != 2 {
		t.Errorf("%d deletions, want 2", n)
	}
}

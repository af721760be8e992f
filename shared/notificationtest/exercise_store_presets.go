package notificationtest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

var presetTests = map[string]func(*testing.T, storeTest){
	"round trip":           testPresetRoundTrip,
	"another version":      testPresetConflict,
	"many create the same": testPresetCreatedOnce,
	"pages":                testPresetPages,
	"pages of large ones":  testPresetLarge,
	"delete":               testPresetDelete,
	"not in the way":       testPresetsApart,
}

var settingsTests = map[string]func(*testing.T, storeTest){
	"every field":             testSettingsFields,
	"another version":         testSettingsConflict,
	"many replace the same":   testSettingsOneWinner,
	"an unknown environment":  testSettingsUnknown,
	"schedules empty and own": testSettingsSchedules,
}

func (s storeTest) newPreset(name string) notification.UploadPreset {
	return notification.UploadPreset{
		CloudName: s.cloud, Name: name, Unsigned: true, NotificationURL: "https://preset.example/" + awkward,
		Settings:  []byte(`{"folder":"a"}`),
		CreatedAt: s.clock.Now().Add(1).UTC(), UpdatedAt: s.clock.Now().Add(2).UTC(), Version: 1,
	}
}

func (s storeTest) mustPut(t *testing.T, preset notification.UploadPreset) {
	t.Helper()
	if err := s.PutUploadPreset(t.Context(), preset); err != nil {
		t.Fatal(err)
	}
}

func (s storeTest) wantPresets(t *testing.T, names []string, want ...notification.UploadPreset) {
	t.Helper()
	got, err := s.UploadPresets(t.Context(), s.cloud, names)
	if err != nil {
		t.Fatal(err)
	}
	wanted := make(map[string]notification.UploadPreset)
	for _, preset := range want {
		wanted[preset.Name] = preset
	}
	wantEqual(t, "presets", wanted, got)
}

func testPresetRoundTrip(t *testing.T, s storeTest) {
	value := reflect.ValueOf(s.newPreset("x"))
	for i := range value.NumField() {
		if value.Field(i).IsZero() {
			t.Errorf("field %s is not tested", value.Type().Field(i).Name)
		}
	}
	one, two := s.newPreset("one"), s.newPreset(awkward)
	two.NotificationURL, two.Unsigned = "", false
	s.mustPut(t, one)
	s.mustPut(t, two)
	s.wantPresets(t, []string{"one", "one", awkward, "unknown"}, one, two)
	s.wantPresets(t, nil)
	next := one
	next.Version, next.NotificationURL, next.UpdatedAt = 2, "https://preset.example/next", one.UpdatedAt.Add(time.Second)
	s.mustPut(t, next)
	s.wantPresets(t, []string{"one"}, next)
}

func testPresetConflict(t *testing.T, s storeTest) {
	first := s.newPreset("p")
	s.mustPut(t, first)
	// Somebody else may have written the same: that is no reason to call it ours.
	if err := s.PutUploadPreset(t.Context(), first); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("the same again: %v", err)
	}
	for _, version := range []int64{1, 3} {
		other := first
		other.Version, other.NotificationURL = version, "https://other.example"
		if err := s.PutUploadPreset(t.Context(), other); !errors.Is(err, notification.ErrConflict) {
			t.Errorf("version %d: %v", version, err)
		}
	}
	gone := s.newPreset("gone")
	gone.Version = 2
	if err := s.PutUploadPreset(t.Context(), gone); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("version 2 of none: %v", err)
	}
	s.wantPresets(t, []string{"p", "gone"}, first)
}

func testPresetCreatedOnce(t *testing.T, s storeTest) {
	var won atomic.Int64
	together(writers, func(int) {
		switch err := s.PutUploadPreset(t.Context(), s.newPreset("wanted")); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, notification.ErrConflict):
			t.Error(err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d created it, want 1", won.Load())
	}
}

func testPresetPages(t *testing.T, s storeTest) {
	var all []notification.UploadPreset
	for i := range 25 {
		preset := s.newPreset(fmt.Sprintf("p%02d", i))
		s.mustPut(t, preset)
		all = append(all, preset)
	}
	for _, size := range []int{1, 7, 25, 100} {
		got, pages := s.allPresets(t, size)
		wantEqual(t, fmt.Sprint("pages of ", size), all, got)
		if want := (len(all) + size - 1) / size; pages != want {
			t.Errorf("%d pages of %d, want %d", pages, size, want)
		}
	}
	page, more, err := s.ListUploadPresets(t.Context(), s.cloud, "p03x", 1)
	if err != nil || !more {
		t.Fatalf("more: %t, %v", more, err)
	}
	wantEqual(t, "after a name that is not there", all[4:5], page)
}

// allPresets lists all presets of an environment, in pages.
func (s storeTest) allPresets(t *testing.T, size int) (all []notification.UploadPreset, pages int) {
	t.Helper()
	for after, more := "", true; more; pages++ {
		var page []notification.UploadPreset
		var err error
		page, more, err = s.ListUploadPresets(t.Context(), s.cloud, after, size)
		if err != nil || len(page) > size || len(page) == 0 {
			t.Fatalf("%d presets, %v", len(page), err)
		}
		all, after = append(all, page...), page[len(page)-1].Name
	}
	return all, pages
}

// Presets as large as they may be come in more pages than were asked for, and
// none is left out.
func testPresetLarge(t *testing.T, s storeTest) {
	var all []notification.UploadPreset
	for i := range 40 {
		preset := s.newPreset(fmt.Sprintf("p%02d", i))
		preset.Settings = bytes.Repeat([]byte("x"), 32<<10)
		s.mustPut(t, preset)
		all = append(all, preset)
	}
	got, pages := s.allPresets(t, 500)
	wantEqual(t, "large presets", all, got)
	t.Logf("%d pages", pages)
}

func testPresetDelete(t *testing.T, s storeTest) {
	preset := s.newPreset("p")
	s.mustPut(t, preset)
	for range 2 { // the second is the repeat of a call whose answer was lost
		if err := s.DeleteUploadPreset(t.Context(), preset); err != nil {
			t.Fatal(err)
		}
		s.wantPresets(t, []string{"p"})
	}
	again, next := preset, preset
	again.CreatedAt = again.CreatedAt.Add(time.Second)
	s.mustPut(t, again)
	next.Version = 2
	for _, other := range []notification.UploadPreset{preset, next} {
		if err := s.DeleteUploadPreset(t.Context(), other); !errors.Is(err, notification.ErrConflict) {
			t.Errorf("one that is another by now: %v", err)
		}
	}
	s.wantPresets(t, []string{"p"}, again)
}

// Presets do not show in their environment, nor in another's list.
func testPresetsApart(t *testing.T, s storeTest) {
	env := s.newEnvironment(1)
	s.mustCreate(t, env)
	s.mustPut(t, s.newPreset("p"))
	s.wantEnvironment(t, env)
	if list, more, err := s.ListUploadPresets(t.Context(), s.cloud+"-more", "", 10); err != nil || more || len(list) > 0 {
		t.Errorf("another environment lists %+v, %t, %v", list, more, err)
	}
}

func (s storeTest) fullSettings(version int64) notification.Settings {
	return notification.Settings{
		Version: version, SignatureAlgorithm: "sha256", IncludeClientIP: true, FolderMode: notification.FixedFolders,
		Success: notification.Any2xx, RetrySchedule: []time.Duration{time.Second, time.Hour}, LeaveOutPayloads: true,
	}
}

func testSettingsFields(t *testing.T, s storeTest) {
	value := reflect.ValueOf(s.fullSettings(1))
	for i := range value.NumField() {
		if value.Field(i).IsZero() {
			t.Errorf("field %s is not tested", value.Type().Field(i).Name)
		}
	}
	env := s.newEnvironment(1)
	env.Settings = notification.Settings{}
	s.mustCreate(t, env)
	for version := int64(1); version <= 3; version++ {
		env.Settings = s.fullSettings(version)
		for range 2 { // the second is the repeat of a write whose answer was lost
			if err := s.ReplaceSettings(t.Context(), s.cloud, env.Settings); err != nil {
				t.Fatal(err)
			}
		}
		s.wantEnvironment(t, env)
	}
}

func testSettingsConflict(t *testing.T, s storeTest) {
	env := s.newEnvironment(0)
	env.Settings = s.fullSettings(2)
	s.mustCreate(t, env)
	for _, version := range []int64{1, 2, 4} {
		other := s.fullSettings(version)
		other.Success = notification.Only200
		if err := s.ReplaceSettings(t.Context(), s.cloud, other); !errors.Is(err, notification.ErrConflict) {
			t.Errorf("version %d over 2: %v", version, err)
		}
	}
	s.wantEnvironment(t, env)
}

func testSettingsOneWinner(t *testing.T, s storeTest) {
	env := s.newEnvironment(0)
	env.Settings = notification.Settings{}
	s.mustCreate(t, env)
	var won atomic.Int64
	together(writers, func(i int) {
		settings := notification.Settings{Version: 1, RetrySchedule: []time.Duration{time.Duration(i+1) * time.Second}}
		switch err := s.ReplaceSettings(t.Context(), s.cloud, settings); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, notification.ErrConflict):
			t.Error(err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d replaced them, want 1", won.Load())
	}
}

func testSettingsUnknown(t *testing.T, s storeTest) {
	for _, version := range []int64{1, 2} {
		if err := s.ReplaceSettings(t.Context(), s.cloud, s.fullSettings(version)); notification.CodeOf(err) != notification.NotFound {
			t.Errorf("error = %v", err)
		}
	}
	if _, found, err := s.Environment(t.Context(), s.cloud); found || err != nil {
		t.Errorf("an environment came to be: %t, %v", found, err)
	}
}

// No schedule of one's own is another thing than one without retries.
func testSettingsSchedules(t *testing.T, s storeTest) {
	env := s.newEnvironment(0)
	env.Settings = notification.Settings{}
	s.mustCreate(t, env)
	for i, schedule := range [][]time.Duration{{}, nil, {time.Minute}, nil} {
		settings := notification.Settings{Version: int64(i + 1), RetrySchedule: schedule}
		if err := s.ReplaceSettings(t.Context(), s.cloud, settings); err != nil {
			t.Fatal(err)
		}
		got, _, err := s.Environment(t.Context(), s.cloud)
		if err != nil || !got.Settings.Equal(settings) {
			t.Errorf("settings = %+v, %v, want %+v", got.Settings, err, settings)
		}
	}
}

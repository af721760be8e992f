package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/store"
)

func newPreset(name string) notification.UploadPreset {
	now := time.Now().UTC()
	return notification.UploadPreset{CloudName: "presets", Name: name, Settings: []byte(`{}`), CreatedAt: now, UpdatedAt: now, Version: 1}
}

// The client asks again when an answer is lost, and then meets its own write:
// that one counts, and one of somebody else does not, however alike.
func TestLostAnswersOfPresets(t *testing.T) {
	table := losingTable()
	for _, name := range []string{"lost-1", "lost-2"} {
		preset := newPreset(name)
		for preset.Version = 1; preset.Version <= 5; preset.Version++ {
			if err := table.PutUploadPreset(t.Context(), preset); err != nil {
				t.Errorf("%s, version %d: %v", name, preset.Version, err)
			}
			if err := table.PutUploadPreset(t.Context(), preset); !errors.Is(err, notification.ErrConflict) {
				t.Errorf("%s, version %d again: %v", name, preset.Version, err)
			}
		}
		preset.Version--
		if err := table.DeleteUploadPreset(t.Context(), preset); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLostAnswersOfSettings(t *testing.T) {
	table := losingTable()
	if err := table.CreateEnvironment(t.Context(), notification.Environment{CloudName: "lost-settings", ID: "id", CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	for version := int64(1); version <= 5; version++ {
		settings := notification.Settings{Version: version, RetrySchedule: []time.Duration{time.Duration(version) * time.Second}}
		if err := table.ReplaceSettings(t.Context(), "lost-settings", settings); err != nil {
			t.Errorf("version %d: %v", version, err)
		}
	}
}

// An event that names a preset costs one read, and a page one query.
func TestCallsOfPresets(t *testing.T) {
	calls := &notificationtest.Calls{}
	table := store.New(dynamodb.New(client.Options(), func(o *dynamodb.Options) {
		calls.Client, o.HTTPClient = o.HTTPClient, calls
	}), tableName, time.Now)
	one := newPreset("one")
	for _, test := range []struct {
		name string
		do   func() error
		want map[string]int
	}{
		{"create", func() error { return table.PutUploadPreset(t.Context(), one) }, map[string]int{"PutItem": 1}},
		{"read three", func() error {
			_, err := table.UploadPresets(t.Context(), "presets", []string{"one", "two", "three"})
			return err
		}, map[string]int{"BatchGetItem": 1}},
		{"list", func() error {
			_, _, err := table.ListUploadPresets(t.Context(), "presets", "", 10)
			return err
		}, map[string]int{"Query": 1}},
		{"delete", func() error { return table.DeleteUploadPreset(t.Context(), one) }, map[string]int{"DeleteItem": 1}},
	} {
		calls.Take()
		if err := test.do(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, calls.Take()); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", test.name, diff)
		}
	}
}

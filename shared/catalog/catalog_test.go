package catalog_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/catalog"
)

// cloudinary is the enum of event_type in Cloudinary's own API description.
const cloudinary = `all access_control_changed bulk_refresh_auto_fetch create_folder delete delete_by_token
	delete_folder eager error explode generate_archive info invalidate_custom_cdn moderation moderation_summary move
	move_or_rename_asset_folder multi publish rename report resource_context_changed resource_display_name_changed
	resource_metadata_changed resource_tags_changed restore_asset_version sprite upload`

func TestEventTypes(t *testing.T) {
	want := strings.Fields(cloudinary)[1:]
	want = append(want, "related_assets", "proof_status_changed")
	slices.Sort(want)
	if diff := cmp.Diff(want, catalog.EventTypes()); diff != "" {
		t.Errorf("event types (-want +got):\n%s", diff)
	}
	for _, name := range want {
		if !catalog.IsEventType(name) || !catalog.IsTriggerType(name) {
			t.Errorf("%s is not a type of events and triggers", name)
		}
	}
}

func TestAllIsForTriggersOnly(t *testing.T) {
	if catalog.IsEventType("all") || !catalog.IsTriggerType("all") {
		t.Error("all must be a type of triggers and not of events")
	}
}

func TestTakesNotificationURL(t *testing.T) {
	for _, test := range []struct {
		name, eventType, method string
		want                    bool
	}{
		{"upload", "upload", "upload", true},
		{"explicit reports an upload", "upload", "explicit", true},
		{"collage as an upload", "upload", "create_collage", true},
		{"collage as a multi", "multi", "create_collage", true},
		{"explode", "explode", "explode", true},
		{"archive", "generate_archive", "generate_archive", true},
		{"sprite", "sprite", "sprite", true},
		{"multi", "multi", "multi", true},
		{"failed sprite", "error", "sprite", true},
		{"method left out", "upload", "", true},
		{"type without such a method", "delete", "", false},
		{"method without the parameter", "rename", "rename", false},
		{"method that does not cause the type", "delete", "upload", false},
		{"unknown type", "nonsense", "upload", false},
		{"unknown method", "upload", "nonsense", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := catalog.TakesNotificationURL(test.eventType, test.method); got != test.want {
				t.Errorf("TakesNotificationURL(%q, %q) = %t, want %t", test.eventType, test.method, got, test.want)
			}
		})
	}
}

func TestTakesEager(t *testing.T) {
	for _, test := range []struct {
		eventType, method string
		want              bool
	}{
		{"upload", "", true},
		{"upload", "upload", true},
		{"upload", "explicit", true},
		{"upload", "create_collage", false},
		{"upload", "nonsense", false},
		{"eager", "", false},
		{"eager", "upload", false},
		{"info", "upload", false},
		{"explode", "explode", false},
		{"nonsense", "", false},
	} {
		if got := catalog.TakesEager(test.eventType, test.method); got != test.want {
			t.Errorf("TakesEager(%q, %q) = %t, want %t", test.eventType, test.method, got, test.want)
		}
		if got := catalog.TakesUploadPreset(test.eventType, test.method); got != test.want {
			t.Errorf("TakesUploadPreset(%q, %q) = %t, want %t", test.eventType, test.method, got, test.want)
		}
	}
}

func TestInFixedFolders(t *testing.T) {
	absent := []string{"delete_folder", "move", "move_or_rename_asset_folder", "resource_display_name_changed"}
	for _, name := range catalog.EventTypes() {
		if got, want := catalog.InFixedFolders(name), !slices.Contains(absent, name); got != want {
			t.Errorf("InFixedFolders(%q) = %t, want %t", name, got, want)
		}
	}
	if catalog.InFixedFolders("nonsense") || catalog.InFixedFolders("all") {
		t.Error("what is no event type exists nowhere")
	}
}

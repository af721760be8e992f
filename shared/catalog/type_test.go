package catalog_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/catalog"
)

// byItself are the types that no method and no action causes.
var byItself = []string{"bulk_refresh_auto_fetch"}

func TestEveryTypeHasEverything(t *testing.T) {
	seven := []string{"upload", "explicit", "explode", "generate_archive", "sprite", "multi", "create_collage"}
	sentence := regexp.MustCompile(`^[A-Z][^.]+\.$`)
	method := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	var names, taken []string
	for _, described := range catalog.Types() {
		names = append(names, described.Name)
		t.Run(described.Name, func(t *testing.T) {
			if !sentence.MatchString(described.Description) {
				t.Errorf("description %q is not a sentence", described.Description)
			}
			caused := len(described.Methods)+len(described.ConsoleActions) > 0
			if caused == slices.Contains(byItself, described.Name) {
				t.Errorf("caused by methods %q and actions %q", described.Methods, described.ConsoleActions)
			}
			for _, name := range described.Methods {
				if !method.MatchString(name) {
					t.Errorf("method %q", name)
				}
			}
			for _, name := range described.NotificationURLMethods {
				taken = append(taken, name)
				if !slices.Contains(seven, name) || !slices.Contains(described.Methods, name) {
					t.Errorf("%s takes a notification_url but is none of the seven, or of the type's methods", name)
				}
				if !catalog.TakesNotificationURL(described.Name, name) {
					t.Errorf("TakesNotificationURL disagrees about %s", name)
				}
			}
			if want := slices.Contains([]string{"eager", "upload"}, described.Name); described.EagerNotificationURL != want {
				t.Errorf("eager_notification_url: %t", described.EagerNotificationURL)
			}
			if described.FixedFolders != catalog.InFixedFolders(described.Name) {
				t.Errorf("fixed folders: %t", described.FixedFolders)
			}
			if !json.Valid(described.Schema) || len(described.Examples) == 0 {
				t.Errorf("schema %.20s, %d examples", described.Schema, len(described.Examples))
			}
		})
	}
	if diff := cmp.Diff(catalog.EventTypes(), names); diff != "" {
		t.Errorf("types (-EventTypes +Types):\n%s", diff)
	}
	for _, name := range seven {
		if !slices.Contains(taken, name) {
			t.Errorf("no type is caused by %s and takes its notification_url", name)
		}
	}
}

func TestFind(t *testing.T) {
	for _, want := range catalog.Types() {
		got, found := catalog.Find(want.Name)
		if !found {
			t.Fatalf("%s is not found", want.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Find(%q) (-want +got):\n%s", want.Name, diff)
		}
	}
	for _, name := range []string{"all", "", "nonsense"} {
		if _, found := catalog.Find(name); found {
			t.Errorf("Find(%q) finds something", name)
		}
	}
}

// kinds are the responses that Cloudinary's document shows, and our example of
// each.
//
// Source: Cloudinary, Webhook notifications, Notification response examples and
// Eager notification response.
var kinds = []struct{ kind, eventType, title string }{
	{"Tags", "resource_tags_changed", "Tags of two assets are changed"},
	{"Context", "resource_context_changed", "One value is added, one removed, one changed"},
	{"Metadata, no previous metadata", "resource_metadata_changed", "An asset gets its first metadata"},
	{"Metadata, with previous metadata", "resource_metadata_changed", "Metadata is changed"},
	{"Rename", "rename", "A public ID is changed"},
	{"Change display name", "resource_display_name_changed", "A display name is changed"},
	{"Create asset folder", "create_folder", "A folder is created"},
	{"Move between asset folders", "move", "An asset is moved"},
	{"Move an asset folder", "move_or_rename_asset_folder", "A folder is moved"},
	{"Delete an asset", "delete", "Two assets are deleted"},
	{"Delete an asset folder", "delete_folder", "A folder is deleted"},
	{"Sprite generation", "sprite", "A sprite of icons is made"},
	{"Multi generation", "multi", "An animation is made"},
	{"Explode", "explode", "A leaflet of two pages is exploded"},
	{"Create collage", "upload", "A collage is made"},
	{"Upload (simple)", "upload", "A simple upload"},
	{"Upload (complex)", "upload", "An upload with add-ons, metadata and eager transformations"},
	{"Access control", "access_control_changed", "An asset is public for a season"},
	{"Image inserted from Media Library widget", "upload", "An image is inserted from the Media Library widget"},
	{"Eager transformations completed", "eager", "Eager transformations are done"},
	{"Eager transformation failed", "eager", "One eager transformation has failed"},
}

func TestEveryKindOfResponseHasAnExample(t *testing.T) {
	if len(kinds) != 21 {
		t.Errorf("%d kinds", len(kinds))
	}
	for _, test := range kinds {
		t.Run(test.kind, func(t *testing.T) {
			described, found := catalog.Find(test.eventType)
			if !found || !slices.ContainsFunc(described.Examples, func(e catalog.Example) bool { return e.Title == test.title }) {
				t.Errorf("%s has no example %q", test.eventType, test.title)
			}
		})
	}
}

// Every file is some type's, and every title is there once.
func TestFilesAndTableAgree(t *testing.T) {
	used := make(map[string]int)
	titles := make(map[string]int)
	for _, described := range catalog.Types() {
		used[string(described.Schema)]++
		for _, example := range described.Examples {
			used[string(example.Payload)]++
			titles[example.Title]++
		}
	}
	for title, n := range titles {
		if n > 1 || title == "" || strings.HasSuffix(title, ".") {
			t.Errorf("title %q, %d times", title, n)
		}
	}
	for _, folder := range []string{"schemas", "examples"} {
		names, err := filepath.Glob(filepath.Join(folder, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			content := string(bytes.TrimSpace(data))
			if used[content] != 1 {
				t.Errorf("%s is used %d times", name, used[content])
			}
			delete(used, content)
		}
	}
	for content := range used {
		t.Errorf("no file has %.60s", content)
	}
}

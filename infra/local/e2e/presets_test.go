package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/cloudinary/cloudinary-go/v2"
	sdkapi "github.com/cloudinary/cloudinary-go/v2/api"
	"github.com/cloudinary/cloudinary-go/v2/api/admin"
	"github.com/cloudinary/cloudinary-go/v2/api/uploader"
	"github.com/google/go-cmp/cmp"
)

// The Go SDK's own admin client does the whole round, for names that have to be
// escaped in a path too.
func TestPresetsBySDK(t *testing.T) {
	sdk, err := cloudinary.NewFromURL(local.CloudinaryURL())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sdk-preset", "été @ home, v1.2; a+b=c&d"} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			create := admin.CreateUploadPresetParams{
				Name: name, Unsigned: sdkapi.Bool(true),
				UploadParams: uploader.UploadParams{
					Tags: sdkapi.CldAPIArray{"a", "b"}, UseFilename: sdkapi.Bool(true), NotificationURL: "https://shop.example/hooks/preset",
				},
			}
			created, err := sdk.Admin.CreateUploadPreset(ctx, create)
			if err != nil || created.Error.Message != "" || created.Message != "created" || created.Name != name {
				t.Fatalf("create: %+v, %v", created, err)
			}
			again, err := sdk.Admin.CreateUploadPreset(ctx, create)
			if err != nil || !strings.Contains(again.Error.Message, "already exists") {
				t.Errorf("create again: %+v, %v", again, err)
			}
			updated, err := sdk.Admin.UpdateUploadPreset(ctx, admin.UpdateUploadPresetParams{
				Name: name, Unsigned: sdkapi.Bool(false), UploadParams: uploader.UploadParams{Tags: sdkapi.CldAPIArray{"c"}},
			})
			if err != nil || updated.Error.Message != "" || updated.Message != "updated" {
				t.Errorf("update: %+v, %v", updated, err)
			}
			found, err := sdk.Admin.GetUploadPreset(ctx, admin.GetUploadPresetParams{Name: name})
			want := &admin.GetUploadPresetResult{Name: name, Settings: map[string]any{
				"tags": "c", "use_filename": true, "notification_url": "https://shop.example/hooks/preset",
			}}
			if diff := cmp.Diff(want, found); err != nil || diff != "" {
				t.Errorf("get, %v (-want +got):\n%s", err, diff)
			}
			listed, err := sdk.Admin.ListUploadPresets(ctx, admin.ListUploadPresetsParams{MaxResults: 500})
			if err != nil || len(listed.Presets) != 1 || listed.Presets[0].Name != name || listed.Presets[0].Unsigned {
				t.Errorf("list: %+v, %v", listed, err)
			}
			deleted, err := sdk.Admin.DeleteUploadPreset(ctx, admin.DeleteUploadPresetParams{Name: name})
			if err != nil || deleted.Message != "deleted" {
				t.Errorf("delete: %+v, %v", deleted, err)
			}
			gone, err := sdk.Admin.GetUploadPreset(ctx, admin.GetUploadPresetParams{Name: name})
			if err != nil || gone.Error.Message != "Can't find upload preset named "+name {
				t.Errorf("get at the end: %+v, %v", gone, err)
			}
		})
	}
}

// The npm SDK knows few statuses by heart, and sends forms with fields of its own
// making.
func TestPresetsByNPM(t *testing.T) {
	node := exec.CommandContext(t.Context(), "node", "presets.js")
	node.Dir = "../clients"
	node.Env = append(os.Environ(), "CLOUDINARY_URL="+local.CloudinaryURL())
	out, err := node.Output()
	if err != nil {
		t.Fatalf("node presets.js (make test installs what it needs): %v\n%s", err, out)
	}
	want := `{"created":"created","name":"npm preset",` +
		`"found":{"name":"npm preset","unsigned":true,"settings":{"notification_url":"https://shop.example/hooks/npm","use_filename":"1","tags":"a,b"}},` +
		`"updated":"updated","listed":[{"name":"npm preset","unsigned":false,` +
		`"settings":{"notification_url":"https://shop.example/hooks/npm","use_filename":"1","tags":"a,b","folder":"f"}}],` +
		`"deleted":"deleted","gone":404}`
	if diff := cmp.Diff(want, strings.TrimSpace(string(out))); diff != "" {
		t.Errorf("what the npm SDK got (-want +got):\n%s", diff)
	}
}

// addPreset creates an upload preset and removes it with the test.
func addPreset(t *testing.T, name, url string) {
	t.Helper()
	if got := call(t, "POST", "/upload_presets", fmt.Sprintf(`{"name":%q,"notification_url":%q}`, name, url)); got.status != 200 {
		t.Fatalf("create preset: %d %s", got.status, got.body)
	}
	t.Cleanup(func() { cleanUp(t, "DELETE", "/upload_presets/"+name, "") })
}

func TestPresetPages(t *testing.T) {
	var want []string
	for i := range 12 {
		name := fmt.Sprintf("page-%02d", i)
		addPreset(t, name, "https://shop.example/hooks/page")
		want = append(want, name)
	}
	for _, test := range []struct {
		name  string
		query string
		pages int
	}{
		{"usual size", "", 2},
		{"five a page", "max_results=5&", 3},
		{"all at once", "max_results=12&", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			pages := 0
			for cursor := ""; pages == 0 || cursor != ""; pages++ {
				var page struct {
					Presets    []struct{ Name string }
					NextCursor string `json:"next_cursor"`
				}
				call(t, "GET", "/upload_presets?"+test.query+"next_cursor="+cursor, "").decode(t, &page)
				for _, preset := range page.Presets {
					got = append(got, preset.Name)
				}
				cursor = page.NextCursor
			}
			if diff := cmp.Diff(want, got); diff != "" || pages != test.pages {
				t.Errorf("%d pages, want %d (-want +got):\n%s", pages, test.pages, diff)
			}
		})
	}
}

func TestFiftyPresetsAtOnce(t *testing.T) {
	answers := make([]answer, 50)
	var calls sync.WaitGroup
	for i := range answers {
		calls.Go(func() { answers[i] = call(t, "POST", "/upload_presets", `{"name":"wanted","folder":"same"}`) })
	}
	calls.Wait()
	t.Cleanup(func() { cleanUp(t, "DELETE", "/upload_presets/wanted", "") })
	made := 0
	for _, a := range answers {
		switch a.status {
		case 200:
			made++
		case 409:
		default:
			t.Errorf("answer = %d %s", a.status, a.body)
		}
	}
	if made != 1 {
		t.Errorf("%d calls created it, want 1", made)
	}
}

// A preset's URL is told of the uploads that used it, in addition; a change is in
// force when it is answered.
func TestPresetIsTold(t *testing.T) {
	name := "told"
	upload := func() []string {
		t.Helper()
		var uris []string
		for _, d := range report(t, fmt.Sprintf(`{"event_id":%q,"notification_type":"upload","payload":{},"upload_preset":%q}`, eventID(), name)).Deliveries {
			uris = append(uris, d.Why+" "+d.URI)
		}
		return uris
	}
	addTrigger(t, "https://shop.example/hooks/trigger", "upload")
	want := func(step string, uris ...string) {
		t.Helper()
		if diff := cmp.Diff(append([]string{"trigger https://shop.example/hooks/trigger"}, uris...), upload()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step, diff)
		}
	}
	want("before")
	addPreset(t, name, "https://shop.example/hooks/one")
	want("created", "preset https://shop.example/hooks/one")
	if got := call(t, "PUT", "/upload_presets/"+name, `{"notification_url":"https://shop.example/hooks/two"}`); got.status != 200 {
		t.Fatalf("update: %d %s", got.status, got.body)
	}
	want("updated", "preset https://shop.example/hooks/two")
	if got := call(t, "PUT", "/upload_presets/"+name, `{"notification_url":null}`); got.status != 200 {
		t.Fatalf("update: %d %s", got.status, got.body)
	}
	want("without a URL")
}

func TestRefusedPresetCalls(t *testing.T) {
	addPreset(t, "there", "https://shop.example/hooks/there")
	for _, test := range []struct {
		name, method, path, body string
		status                   int
		message                  string
	}{
		{"taken", "POST", "/upload_presets", `{"name":"there"}`, 409, "Preset there already exists"},
		{"metadata address", "POST", "/upload_presets", `{"name":"a","notification_url":"http://169.254.169.254/"}`, 400, "notification_url: "},
		{"not http", "PUT", "/upload_presets/there", `{"notification_url":"ftp://shop.example"}`, 400, "notification_url: "},
		{"name with a slash", "POST", "/upload_presets", `{"name":"a/b"}`, 400, "name: must be"},
		{"name too long", "POST", "/upload_presets", `{"name":"` + strings.Repeat("a", 256) + `"}`, 400, "name: must be"},
		{"name of another type", "POST", "/upload_presets", `{"name":1}`, 400, "name: must be a string"},
		{"unsigned of another type", "POST", "/upload_presets", `{"name":"a","unsigned":"perhaps"}`, 400, "unsigned: must be true or false"},
		{"settings too large", "POST", "/upload_presets", `{"name":"a","context":"` + strings.Repeat("a", 32<<10) + `"}`, 400, "settings: must be at most"},
		{"body too large", "POST", "/upload_presets", `{"name":"a","context":"` + strings.Repeat("a", 64<<10) + `"}`, 413, "body: must be at most"},
		{"malformed", "POST", "/upload_presets", `{"name"`, 400, "invalid JSON"},
		{"unknown", "GET", "/upload_presets/nobody", "", 404, "Can't find upload preset named nobody"},
		{"update of an unknown one", "PUT", "/upload_presets/nobody", `{"folder":"a"}`, 404, "Can't find upload preset named nobody"},
		{"delete of an unknown one", "DELETE", "/upload_presets/nobody", "", 404, "Can't find upload preset named nobody"},
		{"page too large", "GET", "/upload_presets?max_results=501", "", 400, "max_results: must be"},
		{"malformed cursor", "GET", "/upload_presets?next_cursor=%25", "", 400, "next_cursor: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := call(t, test.method, test.path, test.body)
			if got.status != test.status || !strings.Contains(got.message(t), test.message) {
				t.Errorf("answer = %d %s, want %d with %q", got.status, got.body, test.status, test.message)
			}
		})
	}
}

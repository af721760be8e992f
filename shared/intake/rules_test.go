package intake_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// The document's list of methods that take a notification_url, and of those that
// take eager_notification_url; everywhere else the field is refused by its name.
func TestPerCallURLs(t *testing.T) {
	takes := map[string]string{ // method: the type of its event
		"upload": "upload", "explicit": "upload", "explode": "explode", "generate_archive": "generate_archive",
		"sprite": "sprite", "multi": "multi", "create_collage": "multi",
	}
	report := func(eventType, method, field string) string {
		value := `"https://call.example/x"`
		if field == "eager_async" {
			value = "true"
		}
		body := fmt.Sprintf(`{"notification_type":%q,"payload":{},%q:%s`, eventType, field, value)
		if method != "" {
			body += fmt.Sprintf(`,"method":%q`, method)
		}
		return body + "}"
	}
	refused := func(body, field string) bool {
		_, err := intake.ReadCall(demo, []byte(body))
		if err == nil {
			return false
		}
		if notification.CodeOf(err) != notification.Invalid || !strings.HasPrefix(err.Error(), field+": is not a parameter of the method behind ") {
			t.Errorf("%s: error = %v", body, err)
		}
		return true
	}
	for method, eventType := range takes {
		if refused(report(eventType, method, "notification_url"), "notification_url") {
			t.Errorf("%s takes no notification_url", method)
		}
		eager := method == "upload" || method == "explicit"
		for _, field := range []string{"eager_notification_url", "eager_async", "eager", "upload_preset"} {
			if refused(report(eventType, method, field), field) == eager {
				t.Errorf("%s takes %s: %t, want %t", method, field, !eager, eager)
			}
		}
	}
	for _, eventType := range []string{"rename", "delete", "move", "create_folder", "resource_tags_changed", "publish"} {
		for _, field := range []string{"notification_url", "eager_notification_url", "eager", "eager_async", "upload_preset"} {
			if !refused(report(eventType, "", field), field) {
				t.Errorf("an event of type %s takes %s", eventType, field)
			}
		}
	}
}

func TestEagerFieldForms(t *testing.T) {
	for value, want := range map[string]bool{
		`"w_300"`: true, `["w_300"]`: true, `[{"width":300}]`: true, `{"width":300}`: true, `true`: true,
		`""`: false, `[]`: false, `{}`: false, `false`: false, `null`: false,
	} {
		call, err := intake.ReadCall(demo, []byte(`{"notification_type":"upload","payload":{},"eager":`+value+`}`))
		if err != nil {
			t.Fatal(err)
		}
		if eager := call.Reports[0].Eager; (eager != nil && eager.Requested) != want {
			t.Errorf("eager %s asks for transformations: %t, want %t", value, !want, want)
		}
	}
}

func TestContextOfReports(t *testing.T) {
	for _, test := range []struct{ name, field, want string }{
		{"a console user", `"triggered_by":{"source":"ui","id":"ada@shop.example"}`, `"triggered_by":{"source":"ui","id":"ada@shop.example"}`},
		{"another access key", `"triggered_by":{"source":"api","id":"999"}`, `"triggered_by":{"source":"api","id":"999"}`},
		{"the calling key", `"method":"upload"`, `"triggered_by":{"source":"api","id":"123"}`},
		{"microseconds", `"triggered_at":"2026-01-01T00:00:00.1234567Z"`, `"triggered_at":"2026-01-01T00:00:00.123456Z"`},
		{"whole seconds", `"triggered_at":"2026-01-01T01:00:00+01:00"`, `"triggered_at":"2026-01-01T00:00:00.000000Z"`},
		{"now", `"method":"upload"`, `"triggered_at":"2026-02-03T04:05:06.789012Z"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := setup()
			if _, err := b.accept(t, `{"notification_type":"upload","payload":{},`+test.field+`}`); err != nil {
				t.Fatal(err)
			}
			if body := unpack(t, b.store.AllEvents()[0].Body); !strings.Contains(body, test.want) {
				t.Errorf("body = %s, want %s in it", body, test.want)
			}
		})
	}
	for _, id := range []string{"ada", "Ada <ada@shop.example>", "ada@", "@shop.example", "a b@shop.example"} {
		_, err := intake.ReadCall(demo, fmt.Appendf(nil, `{"notification_type":"upload","payload":{},"triggered_by":{"source":"ui","id":%q}}`, id))
		if err == nil || err.Error() != "triggered_by.id: must be an email address where source is ui" {
			t.Errorf("console user %q: error = %v", id, err)
		}
	}
}

func TestClientIP(t *testing.T) {
	for _, test := range []struct {
		name, fields, payload string
		included              bool
		want                  string
	}{
		{"asked for", `"client_ip":"203.0.113.7"`, `{"a":1}`, true, `"a":1,"requester_ip":"203.0.113.7"`},
		{"IPv6", `"client_ip":"2001:db8::1"`, `{"a":1}`, true, `"a":1,"requester_ip":"2001:db8::1"`},
		{"not asked for", `"client_ip":"203.0.113.7"`, `{"a":1}`, false, `"a":1`},
		{"in the payload, asked for", `"method":"upload"`, `{"requester_ip":"203.0.113.9"}`, true, `"requester_ip":"203.0.113.9"`},
		{"in the payload, not asked for", `"method":"upload"`, `{"requester_ip":"203.0.113.9","a":1}`, false, `"a":1`},
		{"in both", `"client_ip":"203.0.113.7"`, `{"requester_ip":"203.0.113.9","a":1}`, true, `"a":1,"requester_ip":"203.0.113.7"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := setup()
			b.env.Settings.IncludeClientIP = test.included
			if _, err := b.accept(t, `{"notification_type":"upload","payload":`+test.payload+`,`+test.fields+`}`); err != nil {
				t.Fatal(err)
			}
			want := `{"notification_type":"upload",` + test.want + `,"notification_context":`
			if body := unpack(t, b.store.AllEvents()[0].Body); !strings.HasPrefix(body, want) {
				t.Errorf("body = %s, want it to begin %s", body, want)
			}
		})
	}
	for _, bad := range []string{"203.0.113", "shop.example", "203.0.113.7:80", "fe80::1%eth0", "1"} {
		_, err := intake.ReadCall(demo, fmt.Appendf(nil, `{"notification_type":"upload","payload":{},"client_ip":%q}`, bad))
		if err == nil || err.Error() != "client_ip: must be an IP address" {
			t.Errorf("client_ip %q: error = %v", bad, err)
		}
	}
}

func TestFixedFolders(t *testing.T) {
	for _, test := range []struct{ name, eventType, payload, wantBody, wantErr string }{
		{"folder stays", "upload", `{"folder":"f","asset_folder":"f","display_name":"d"}`, `{"notification_type":"upload","folder":"f",`, ""},
		{"resources", "delete", `{"resources":[{"public_id":"p","display_name":"d"}]}`, `{"notification_type":"delete","resources":[{"public_id":"p"}],`, ""},
		{"a move is a rename", "move", `{"from_public_id":"a/p","to_public_id":"b/p"}`,
			`{"notification_type":"rename","from_public_id":"a/p","to_public_id":"b/p",`, ""},
		{"a move between asset folders", "move", `{"resources":{}}`, "",
			"payload.from_public_id: is required: in fixed folder mode a move is a rename"},
		{"half a rename", "move", `{"from_public_id":"a"}`, "", "payload.to_public_id: is required: in fixed folder mode a move is a rename"},
		{"display name", "resource_display_name_changed", `{}`, "", "notification_type: resource_display_name_changed does not exist in fixed folder mode"},
		{"folder moved", "move_or_rename_asset_folder", `{}`, "", "notification_type: move_or_rename_asset_folder does not exist in fixed folder mode"},
		{"folder deleted", "delete_folder", `{}`, "", "notification_type: delete_folder does not exist in fixed folder mode"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := setup()
			b.env.Settings.FolderMode = notification.FixedFolders
			b.env.Hooks.Triggers = append(b.env.Hooks.Triggers, notification.Trigger{ID: "t9", URI: "https://a.example/rename", EventType: "rename"})
			call, err := intake.ReadCall(demo, fmt.Appendf(nil, `{"notification_type":%q,"payload":%s}`, test.eventType, test.payload))
			if err != nil {
				t.Fatal(err)
			}
			_, err = b.Accept(t.Context(), b.env, caller, call.Reports)
			if test.wantErr != "" {
				if notification.CodeOf(err) != notification.Invalid || err.Error() != test.wantErr {
					t.Errorf("error = %v, want %s", err, test.wantErr)
				}
				if len(b.store.AllEvents()) > 0 {
					t.Error("an event was stored")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			event := b.store.AllEvents()[0]
			if body := unpack(t, event.Body); !strings.HasPrefix(body, test.wantBody) {
				t.Errorf("body = %s, want it to begin %s", body, test.wantBody)
			}
			if renamed := strings.Contains(test.wantBody, `"rename"`); renamed != (event.NotificationType == "rename" && len(event.Targets) == 2) {
				t.Errorf("event is a %s for %d targets", event.NotificationType, len(event.Targets))
			}
		})
	}
	b := setup()
	if _, err := b.accept(t, `{"notification_type":"move","payload":{"asset_folder":"f","resources":{}}}`); err != nil {
		t.Fatal(err)
	}
	if body := unpack(t, b.store.AllEvents()[0].Body); !strings.HasPrefix(body, `{"notification_type":"move","asset_folder":"f",`) {
		t.Errorf("with dynamic folders, body = %s", body)
	}
}

func TestDeleteFolder(t *testing.T) {
	const folder = `{"event_id":"del","notification_type":"delete_folder","payload":{"folder_path":"a/b","folder_name":"b"},` +
		`"triggered_by":{"source":"ui","id":"ada@shop.example"}`
	t.Run("with assets", func(t *testing.T) {
		b := setup()
		report := folder + `,"assets":[{"asset_id":"1","public_id":"x", "version":1.0},{"public_id":"y"},{"public_id":"y"}]}`
		results, err := b.accept(t, report)
		if err != nil || len(results) != 1 || results[0].Status != intake.Accepted || len(results[0].Targets) != 1 {
			t.Fatalf("results = %+v, %v", results, err)
		}
		if len(results[0].Derived) != 2 {
			t.Fatalf("%d derived events, want one for each asset: %+v", len(results[0].Derived), results[0].Derived)
		}
		for i, child := range results[0].Derived {
			event, found, err := b.store.Event(t.Context(), "demo", child.EventID)
			if err != nil || !found || event.ParentID != "del" || event.NotificationType != "delete" || len(event.Targets) != 2 {
				t.Fatalf("derived event %q = %+v, %t, %v", child.EventID, event, found, err)
			}
			want := `{"notification_type":"delete","resources":[` + []string{`{"asset_id":"1","public_id":"x","version":1}`, `{"public_id":"y"}`}[i] + `],"notification_context":`
			if body := unpack(t, event.Body); !strings.HasPrefix(body, want) || !strings.Contains(body, "ada@shop.example") {
				t.Errorf("body = %s, want it to begin %s", body, want)
			}
		}
		sent := len(b.queue.Waiting())
		again, err := b.accept(t, report)
		if err != nil || again[0].Status != intake.Duplicate || again[0].Derived[0].Status != intake.Duplicate ||
			again[0].Derived[0].EventID != results[0].Derived[0].EventID || len(b.store.AllEvents()) != 3 {
			t.Errorf("repeat = %+v, %v", again, err)
		}
		if sent != 5 { // one for the folder, two for each asset
			t.Errorf("%d messages, want 5", sent)
		}
	})
	t.Run("without", func(t *testing.T) {
		b := setup()
		results, err := b.accept(t, folder+"}")
		if err != nil || results[0].Status != intake.Accepted || len(results[0].Derived) != 0 || len(b.queue.Waiting()) != 1 {
			t.Errorf("results = %+v, %v", results, err)
		}
	})
	t.Run("with an empty list", func(t *testing.T) {
		b := setup()
		results, err := b.accept(t, folder+`,"assets":[]}`)
		if err != nil || results[0].Status != intake.Suppressed || len(b.queue.Waiting()) > 0 {
			t.Errorf("results = %+v, %v", results, err)
		}
		if event := b.store.AllEvents()[0]; event.Status != notification.EventSuppressed || len(event.Targets) > 0 {
			t.Errorf("event = %+v", event)
		}
		if again, err := b.accept(t, folder+`,"assets":[]}`); err != nil || again[0].Status != intake.Duplicate || len(b.queue.Waiting()) > 0 {
			t.Errorf("repeat = %+v, %v", again, err)
		}
	})
	for _, test := range []struct{ assets, want string }{
		{`[{"public_id":"x"},{"asset_id":"1"}]`, "assets[1].public_id: is required"},
		{`["x"]`, "assets[0]: invalid JSON at byte 0: must be an object"},
		{`{}`, "assets: invalid JSON at byte 0: must be an array"},
		{`[{"public_id":1}]`, "assets[0].public_id: must be a string"},
		{`[` + strings.Repeat(`{"public_id":"x"},`, intake.MaxAssets) + `{"public_id":"x"}]`, "assets: must be at most 1000"},
	} {
		if _, err := intake.ReadCall(demo, []byte(folder+`,"assets":`+test.assets+`}`)); err == nil || err.Error() != test.want {
			t.Errorf("assets %.40s: error = %v, want %s", test.assets, err, test.want)
		}
	}
	if _, err := intake.ReadCall(demo, []byte(`{"notification_type":"upload","payload":{},"assets":[]}`)); err == nil ||
		err.Error() != "assets: belongs to delete_folder" {
		t.Errorf("assets of an upload: error = %v", err)
	}
}

// A long parent keeps its children apart and within what an event_id may be.
func TestDerivedIDs(t *testing.T) {
	ids := make(map[string]bool)
	for _, parent := range []string{strings.Repeat("p", 127) + "1", strings.Repeat("p", 127) + "2", "p"} {
		b := setup()
		results, err := b.accept(t, fmt.Sprintf(
			`{"event_id":%q,"notification_type":"delete_folder","payload":{},"assets":[{"public_id":"x"},{"public_id":"y"}]}`, parent))
		if err != nil {
			t.Fatal(err)
		}
		for _, child := range results[0].Derived {
			if ids[child.EventID] || len(child.EventID) > 128 {
				t.Errorf("derived id %q", child.EventID)
			}
			ids[child.EventID] = true
		}
	}
}

func TestUploadPresets(t *testing.T) {
	r := newRig("UP")
	results, err := r.accept(t, `{"events":[
		{"notification_type":"upload","payload":{},"upload_preset":"web"},
		{"notification_type":"upload","payload":{},"upload_preset":"unknown"},
		{"notification_type":"upload","payload":{},"upload_preset":"web","notification_url":"`+urlOf["P"]+`"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	var why []string
	for _, result := range results {
		for _, target := range result.Targets {
			why = append(why, string(target.Why))
		}
		why = append(why, ";")
	}
	if got := strings.Join(why, " "); got != "trigger preset ; trigger ; trigger per_call ;" {
		t.Errorf("targets = %s", got)
	}
}

// Whatever does not fit its schema is told like any other, with a remark.
func TestMisfits(t *testing.T) {
	b := setup()
	results, err := b.accept(t, `{"notification_type":"upload","payload":{"public_id":7,"new_field":[]}}`)
	if err != nil || results[0].Status != intake.Accepted || !strings.Contains(results[0].Misfit, "public_id") || len(b.queue.Waiting()) != 2 {
		t.Errorf("result = %+v, %v", results, err)
	}
	if b.store.AllEvents()[0].Misfit != results[0].Misfit {
		t.Error("the record lacks the remark")
	}
	results, err = b.accept(t, `{"notification_type":"upload","payload":{"public_id":"p","new_field":[]}}`)
	if err != nil || results[0].Misfit != "" {
		t.Errorf("result = %+v, %v", results, err)
	}
}

// Ways in without an environment in their path read it from the events.
func TestOrigins(t *testing.T) {
	const event = `"notification_type":"rename","payload":{}`
	for _, test := range []struct {
		name      string
		origin    intake.Origin
		body      string
		cloud, id string
		wantErr   string
	}{
		{"named by the event", intake.Origin{DefaultID: "x"}, `{"cloud_name":"a",` + event + `}`, "a", "x", ""},
		{"own id", intake.Origin{DefaultID: "x"}, `{"cloud_name":"a","event_id":"y",` + event + `}`, "a", "y", ""},
		{"no name", intake.Origin{}, `{` + event + `}`, "", "", "cloud_name: is required"},
		{"named by the list", intake.Origin{DefaultID: "x"}, `{"cloud_name":"a","events":[{` + event + `}]}`, "a", "x-0", ""},
		{"named by the list's events", intake.Origin{DefaultID: "x"}, `{"events":[{"cloud_name":"a",` + event + `},{"cloud_name":"a",` + event + `}]}`, "a", "x-0", ""},
		{"two names", intake.Origin{}, `{"events":[{"cloud_name":"a",` + event + `},{"cloud_name":"b",` + event + `}]}`, "", "",
			"events[1].cloud_name: is not the environment of this call"},
		{"another beside the list", demo, `{"cloud_name":"a","events":[{` + event + `}]}`, "", "", "cloud_name: is not the environment of this call"},
	} {
		t.Run(test.name, func(t *testing.T) {
			call, err := intake.ReadCall(test.origin, []byte(test.body))
			if test.wantErr != "" {
				if err == nil || err.Error() != test.wantErr {
					t.Errorf("error = %v, want %s", err, test.wantErr)
				}
				return
			}
			if err != nil || call.CloudName != test.cloud || call.Reports[0].EventID != test.id {
				t.Errorf("call = %+v, %v", call, err)
			}
		})
	}
}

func TestCallerTellsTheTime(t *testing.T) {
	b := setup()
	call, err := intake.ReadCall(demo, []byte(`{"notification_type":"rename","payload":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if _, err := b.Accept(t.Context(), b.env, intake.Caller{Source: "eventbridge", ID: "shop.media", At: at}, call.Reports); err != nil {
		t.Fatal(err)
	}
	const want = `"notification_context":{"triggered_at":"2026-01-02T03:04:05.000000Z","triggered_by":{"source":"eventbridge","id":"shop.media"}}`
	body := unpack(t, b.store.AllEvents()[0].Body)
	if !strings.HasSuffix(body, want) || !json.Valid([]byte(body+"}")) {
		t.Errorf("body = %s", body)
	}
}

package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/cloudinary/cloudinary-go/v2"
	"github.com/cloudinary/cloudinary-go/v2/api/admin"

	api "github.com/mediahooks/mediahooks/infra/api"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// The Go SDK's own admin client does the whole round.
func TestTriggersBySDK(t *testing.T) {
	sdk, err := cloudinary.NewFromURL(local.CloudinaryURL())
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	created, err := sdk.Admin.CreateTrigger(ctx, admin.CreateTriggerParams{URI: "https://shop.example/hooks/sdk", EventType: "upload"})
	if err != nil || created.Error.Message != "" || len(created.ID) != 32 || created.URIType != "webhook" {
		t.Fatalf("create: %+v, %v", created, err)
	}
	listed, err := sdk.Admin.ListTriggers(ctx, admin.ListTriggersParams{})
	if err != nil || len(listed.Triggers) != 1 || listed.Triggers[0].ID != created.ID || listed.Triggers[0].EventType != "upload" {
		t.Fatalf("list: %+v, %v", listed, err)
	}
	again, err := sdk.Admin.CreateTrigger(ctx, admin.CreateTriggerParams{URI: "https://shop.example/hooks/sdk", EventType: "upload"})
	if err != nil || again.Error.Message != "record_already_exists" {
		t.Errorf("create again: %+v, %v", again, err)
	}
	updated, err := sdk.Admin.UpdateTrigger(ctx, admin.UpdateTriggerParams{TriggerID: created.ID, URI: "https://shop.example/hooks/moved", EventType: "upload"})
	if err != nil || updated.Error.Message != "" || updated.URI != "https://shop.example/hooks/moved" || updated.ID != created.ID {
		t.Errorf("update: %+v, %v", updated, err)
	}
	deleted, err := sdk.Admin.DeleteTrigger(ctx, admin.DeleteTriggerParams{TriggerID: created.ID})
	if err != nil || deleted.Message != "ok" {
		t.Errorf("delete: %+v, %v", deleted, err)
	}
	gone, err := sdk.Admin.DeleteTrigger(ctx, admin.DeleteTriggerParams{TriggerID: created.ID})
	if err != nil || gone.Error.Message != "record_not_found" {
		t.Errorf("delete again: %+v, %v", gone, err)
	}
	listed, err = sdk.Admin.ListTriggers(ctx, admin.ListTriggersParams{})
	if err != nil || listed.Triggers == nil || len(listed.Triggers) != 0 {
		t.Errorf("list at the end: %+v, %v", listed, err)
	}
}

func TestRefusedCalls(t *testing.T) {
	c := local.Credentials()
	id := addTrigger(t, "https://shop.example/hooks/refused", "rename")
	for _, test := range []struct {
		name, key, secret, method, path, body string
		status                                int
		message                               string
	}{
		{"ping", c.APIKey, c.APISecret, "GET", "/v1_1/demo/ping", "", 200, ""},
		{"no credentials", "", "", "GET", "/v1_1/demo/triggers", "", 401, "Invalid credentials"},
		{"wrong secret", c.APIKey, "x", "GET", "/v1_1/demo/triggers", "", 401, "Invalid credentials"},
		{"wrong key", "1", c.APISecret, "GET", "/v1_1/demo/triggers", "", 401, "Invalid credentials"},
		{"unknown environment", c.APIKey, c.APISecret, "GET", "/v1_1/other/triggers", "", 401, "Invalid credentials"},
		{"wrong secret for events", c.APIKey, "x", "POST", "/v1_1/demo/events", "{}", 401, "Invalid credentials"},
		{"unknown filter", c.APIKey, c.APISecret, "GET", "/v1_1/demo/triggers?event_type=a", "", 400, "Invalid value a for parameter event_type"},
		{"duplicate", c.APIKey, c.APISecret, "POST", "/v1_1/demo/triggers", `{"uri":"https://shop.example/hooks/refused","event_type":"rename"}`, 409, "record_already_exists"},
		{"not http", c.APIKey, c.APISecret, "POST", "/v1_1/demo/triggers", `{"uri":"ftp://shop.example","event_type":"all"}`, 400, "uri: "},
		{"metadata address", c.APIKey, c.APISecret, "POST", "/v1_1/demo/triggers", `{"uri":"http://169.254.169.254/","event_type":"all"}`, 400, "uri: "},
		{"over-long URL", c.APIKey, c.APISecret, "POST", "/v1_1/demo/triggers", `{"uri":"https://shop.example/` + strings.Repeat("a", 2048) + `","event_type":"all"}`, 400, "uri: "},
		{"unknown event type", c.APIKey, c.APISecret, "POST", "/v1_1/demo/triggers", `{"uri":"https://shop.example","event_type":"uploads"}`, 400, "Invalid value uploads"},
		{"wrong type", c.APIKey, c.APISecret, "POST", "/v1_1/demo/triggers", `{"uri":1,"event_type":"all"}`, 400, "uri: must be a string"},
		{"malformed", c.APIKey, c.APISecret, "POST", "/v1_1/demo/triggers", `{"uri"`, 400, "invalid JSON"},
		{"nothing to update", c.APIKey, c.APISecret, "PUT", "/v1_1/demo/triggers/" + id, `{}`, 400, "missing_attributes"},
		{"unknown id", c.APIKey, c.APISecret, "PUT", "/v1_1/demo/triggers/" + strings.Repeat("0", 32), `{"new_uri":"https://shop.example"}`, 404, "record_not_found"},
		{"malformed id", c.APIKey, c.APISecret, "DELETE", "/v1_1/demo/triggers/x", ``, 400, "invalid_or_malformed_attribute"},
		{"no such path", c.APIKey, c.APISecret, "GET", "/v1_1/demo/nothing", "", 404, "no such path"},
		{"no such method", c.APIKey, c.APISecret, "PATCH", "/v1_1/demo/triggers", "{}", 405, "method PATCH is not allowed"},
		{"event of no type", c.APIKey, c.APISecret, "POST", "/v1_1/demo/events", `{"payload":{}}`, 400, "notification_type: is required"},
		{"event with a fault inside", c.APIKey, c.APISecret, "POST", "/v1_1/demo/events", `{"events":[{"notification_type":"upload","payload":{"a":[1,{"b":1e999}]}}]}`, 400, "events[0].payload.a[1].b"},
		{"event too large", c.APIKey, c.APISecret, "POST", "/v1_1/demo/events", `{"notification_type":"upload","payload":{"a":"` + strings.Repeat("a", 256<<10) + `"}}`, 413, "body: must be at most"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := callAs(t, test.key, test.secret, test.method, test.path, test.body)
			if got.status != test.status || test.message != "" && !strings.Contains(got.message(t), test.message) {
				t.Errorf("answer = %d %s, want %d with %q", got.status, got.body, test.status, test.message)
			}
		})
	}
}

func TestDescriptionIsServed(t *testing.T) {
	res, err := http.Get(local.APIURL() + "/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 || string(body) != string(api.OpenAPI) {
		t.Errorf("%s, %d bytes, %v", res.Status, len(body), err)
	}
}

// Fifty calls at once: of one pair, one is made; of many URLs, as many as the
// limit allows.
func TestFiftyTriggersAtOnce(t *testing.T) {
	for _, test := range []struct {
		name    string
		url     func(i int) string
		made    int
		refusal int
	}{
		{"one pair", func(int) string { return "https://shop.example/hooks/one" }, 1, 409},
		{"fifty URLs", func(i int) string { return fmt.Sprintf("https://shop.example/hooks/%d", i) }, 10, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			answers := make([]answer, 50)
			var calls sync.WaitGroup
			for i := range answers {
				calls.Go(func() {
					answers[i] = call(t, "POST", "/triggers", fmt.Sprintf(`{"uri":%q,"event_type":"delete"}`, test.url(i)))
				})
			}
			calls.Wait()
			made := 0
			for _, a := range answers {
				switch a.status {
				case 201:
					made++
				case test.refusal:
				default:
					t.Errorf("answer = %d %s", a.status, a.body)
				}
			}
			var listed struct {
				Triggers []struct{ ID, URI string }
				Total    int
			}
			call(t, "GET", "/triggers?event_type=delete", "").decode(t, &listed)
			if made != test.made || listed.Total != test.made {
				t.Errorf("%d were made and %d are listed, want %d", made, listed.Total, test.made)
			}
			for _, trigger := range listed.Triggers {
				if got := call(t, "DELETE", "/triggers/"+trigger.ID, ""); got.status != 200 {
					t.Errorf("delete: %d %s", got.status, got.body)
				}
			}
		})
	}
}

// A change is in force when it is answered, in both directions.
func TestChangeIsInForceWhenAnswered(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	for i := range 3 {
		id := addTrigger(t, receiver.URL(fmt.Sprintf("/%d", i)), "move")
		if got := report(t, fmt.Sprintf(`{"event_id":%q,"notification_type":"move","payload":{}}`, eventID())); len(got.Deliveries) != 1 {
			t.Errorf("right after creation: %d deliveries, want 1", len(got.Deliveries))
		}
		if got := call(t, "DELETE", "/triggers/"+id, ""); got.status != 200 {
			t.Fatalf("delete: %d %s", got.status, got.body)
		}
		if got := report(t, fmt.Sprintf(`{"event_id":%q,"notification_type":"move","payload":{}}`, eventID())); len(got.Deliveries) != 0 {
			t.Errorf("right after deletion: %d deliveries, want 0", len(got.Deliveries))
		}
	}
	receiver.Wait(t, 3)
}

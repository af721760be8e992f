package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// TestExamples sends an example of every event type that has one to one of two
// triggers: it alone is told.
func TestExamples(t *testing.T) {
	receiver, other := notificationtest.NewReceiver(t), notificationtest.NewReceiver(t)
	trigger := addTrigger(t, receiver.URL("/all"), "all")
	addTrigger(t, other.URL("/all"), "all")
	sent := 0
	for _, described := range catalog.Types() {
		if len(described.Examples) == 0 {
			continue
		}
		a := call(t, "POST", "/triggers/"+trigger+"/example", `{"event_type":"`+described.Name+`"}`)
		if a.status != http.StatusAccepted {
			t.Fatalf("%s: %d %s", described.Name, a.status, a.body)
		}
		sent++
	}
	told := make(map[string]bool)
	for _, request := range receiver.Wait(t, sent) {
		var body struct {
			NotificationType string `json:"notification_type"`
			Context          struct {
				TriggeredBy struct{ Source string } `json:"triggered_by"`
			} `json:"notification_context"`
		}
		if err := json.Unmarshal(request.Body, &body); err != nil {
			t.Fatal(err)
		}
		if body.Context.TriggeredBy.Source != "example" {
			t.Errorf("%s: triggered by %q", body.NotificationType, body.Context.TriggeredBy.Source)
		}
		told[body.NotificationType] = true
	}
	if len(told) != sent || len(other.Requests()) > 0 {
		t.Errorf("%d types of %d arrived, and %d at another trigger's URL", len(told), sent, len(other.Requests()))
	}
	mine := addTrigger(t, receiver.URL("/rename"), "rename")
	if a := call(t, "POST", "/triggers/"+mine+"/example", `{"event_type":"upload"}`); a.status != http.StatusBadRequest ||
		!strings.Contains(a.message(t), "the trigger is for rename alone") {
		t.Errorf("another type: %d %s", a.status, a.body)
	}
}

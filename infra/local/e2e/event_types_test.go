package e2e_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/catalog"
)

func TestEventTypes(t *testing.T) {
	var list struct {
		EventTypes []struct{ Name string } `json:"event_types"`
	}
	call(t, "GET", "/event_types", "").decode(t, &list)
	var names []string
	for _, listed := range list.EventTypes {
		names = append(names, listed.Name)
	}
	if diff := cmp.Diff(catalog.EventTypes(), names); diff != "" {
		t.Errorf("event types (-catalogue +answer):\n%s", diff)
	}
	if one := call(t, "GET", "/event_types/eager", ""); one.status != http.StatusOK {
		t.Errorf("one event type: %d %s", one.status, one.body)
	}
	if unknown := call(t, "GET", "/event_types/all", ""); unknown.status != http.StatusNotFound || unknown.message(t) != "record_not_found" {
		t.Errorf("unknown event type: %d %s", unknown.status, unknown.body)
	}
}

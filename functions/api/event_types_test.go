package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	spec "github.com/mediahooks/mediahooks/infra/api"
	"github.com/mediahooks/mediahooks/shared/catalog"
)

// The list is the whole catalogue, and has the shape that the API's description
// gives it; one event type is shown alike alone and in the list.
func TestEventTypes(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(spec.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	described := doc.Components.Schemas["EventTypeDescription"].Value
	s := newServer(t)
	var answer struct {
		EventTypes []map[string]any `json:"event_types"`
		Total      int              `json:"total"`
	}
	body := s.serve(t, "event-types.json").Body
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(body, "null,") || strings.Contains(body, ":null") {
		t.Error("the list holds a null")
	}
	var names []string
	for _, listed := range answer.EventTypes {
		if err := described.VisitJSON(listed); err != nil {
			t.Errorf("%v: %v", listed["name"], err)
		}
		name, _ := listed["name"].(string)
		names = append(names, name)
		if name == "eager" {
			var alone map[string]any
			if err := json.Unmarshal([]byte(s.serve(t, "event-type.json").Body), &alone); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(listed, alone); diff != "" {
				t.Errorf("eager (-in the list +alone):\n%s", diff)
			}
		}
	}
	if diff := cmp.Diff(catalog.EventTypes(), names); diff != "" || answer.Total != len(names) {
		t.Errorf("%d event types (-catalogue +answer):\n%s", answer.Total, diff)
	}
}

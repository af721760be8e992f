package api_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	api "github.com/mediahooks/mediahooks/infra/api"
	"github.com/mediahooks/mediahooks/shared/catalog"
)

func load(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestDescriptionIsValid(t *testing.T) {
	if err := load(t).Validate(t.Context()); err != nil {
		t.Error(err)
	}
}

// The gateway has a route for each call of the description, and no others but
// those of the console, whose pages are no calls, and the one that catches the
// rest.
func TestRoutesAreDescribed(t *testing.T) {
	src, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				RouteKey string `yaml:"RouteKey"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(src, &template); err != nil {
		t.Fatal(err)
	}
	var deployed, described []string
	for _, resource := range template.Resources {
		key := resource.Properties.RouteKey
		if _, path, _ := strings.Cut(key, " "); path == "/console" || strings.HasPrefix(path, "/console/") {
			continue
		}
		if key != "" && key != "$default" {
			// A + takes what has slashes, which the gateway decodes.
			deployed = append(deployed, strings.ReplaceAll(key, "+}", "}"))
		}
	}
	for path, item := range load(t).Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	slices.Sort(deployed)
	slices.Sort(described)
	if diff := cmp.Diff(described, deployed); diff != "" {
		t.Errorf("routes (-openapi.yaml +template.yaml):\n%s", diff)
	}
}

// Whatever a call takes, it can be answered with these.
func TestAnswersOfAllCalls(t *testing.T) {
	for path, item := range load(t).Paths.Map() {
		for method, o := range item.Operations() {
			want := []string{"500"}
			if o.Security == nil || len(*o.Security) > 0 {
				want = append(want, "401", "429")
			}
			if o.RequestBody != nil {
				want = append(want, "400", "413")
			}
			for _, status := range want {
				if o.Responses.Value(status) == nil {
					t.Errorf("%s %s: its responses lack %s", method, path, status)
				}
			}
		}
	}
}

// docs/api.md is for people, and has every call.
func TestCallsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	short := strings.NewReplacer("/v1_1/{cloud_name}", "", "/v1_1/provisioning/accounts/{account_id}", "",
		"{sub_account_id}", "{id}", "{key}", "{api_key}")
	for path, item := range load(t).Paths.Map() {
		for method := range item.Operations() {
			call := "`" + method + " " + short.Replace(path)
			if !strings.Contains(string(page), call+"`") && !strings.Contains(string(page), call+"?") {
				t.Errorf("docs/api.md lacks %s`, for %s %s", call, method, path)
			}
		}
	}
}

func TestEventTypesAreTheCatalogues(t *testing.T) {
	var listed []string
	for _, value := range load(t).Components.Schemas["EventType"].Value.Enum {
		name, ok := value.(string)
		if !ok {
			t.Errorf("%v is no string", value)
		}
		listed = append(listed, name)
	}
	if diff := cmp.Diff(catalog.EventTypes(), listed); diff != "" {
		t.Errorf("event types (-catalogue +openapi.yaml):\n%s", diff)
	}
}

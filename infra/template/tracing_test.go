package template_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// Where traces are on, every function and workflow sends them, and may; where they
// are off, none may.
func TestTracing(t *testing.T) {
	src, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type resource struct {
		Type       string `yaml:"Type"`
		Properties struct {
			Role     yaml.Node   `yaml:"Role"`
			Roles    []yaml.Node `yaml:"Roles"`
			Tracing  yaml.Node   `yaml:"Tracing"`
			Policy   policy      `yaml:",inline"` // of an AWS::IAM::Policy
			Policies []policy    `yaml:"Policies"`
		} `yaml:"Properties"`
	}
	var doc struct {
		Globals struct {
			Function struct {
				Tracing yaml.Node `yaml:"Tracing"`
			} `yaml:"Function"`
		} `yaml:"Globals"`
		Resources map[string]resource `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(src, &doc); err != nil {
		t.Fatal(err)
	}
	if got := doc.Globals.Function.Tracing; got.Tag != "!Ref" || got.Value != "Tracing" {
		t.Errorf("Globals.Function.Tracing is %s %s, want !Ref Tracing", got.Tag, got.Value)
	}
	may := map[string][]string{} // by role: what it may send to X-Ray
	for name, r := range doc.Resources {
		roles := []string{name}
		for _, role := range r.Properties.Roles {
			roles = append(roles, role.Value)
		}
		for _, p := range append(r.Properties.Policies, r.Properties.Policy) {
			for _, statement := range p.PolicyDocument.Statement {
				actions := traceActions(t, name, statement)
				for _, role := range roles {
					may[role] = append(may[role], actions...)
				}
			}
		}
	}
	send := []string{"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
	checked := 0
	for name, r := range doc.Resources {
		want := send
		switch r.Type {
		case "AWS::Serverless::Function":
			if !r.Properties.Tracing.IsZero() {
				t.Errorf("%s has a Tracing of its own", name)
			}
		case "AWS::Serverless::StateMachine":
			// Source: Step Functions developer guide, X-Ray tracing, IAM policies.
			want = append([]string{"xray:GetSamplingRules", "xray:GetSamplingTargets"}, send...)
			var tracing struct {
				Enabled yaml.Node `yaml:"Enabled"`
			}
			if err := r.Properties.Tracing.Decode(&tracing); err != nil || tracing.Enabled.Tag != "!If" || tracing.Enabled.Content[0].Value != "IsTraced" {
				t.Errorf("%s: Tracing.Enabled goes by %s, not by !If [IsTraced, ...]: %v", name, tracing.Enabled.Tag, err)
			}
		default:
			continue
		}
		role := strings.TrimSuffix(r.Properties.Role.Value, ".Arn")
		got := slices.Sorted(slices.Values(may[role]))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, with the role %s (-want +got):\n%s", name, role, diff)
		}
		checked++
	}
	if checked == 0 {
		t.Error("the template has neither functions nor workflows")
	}
}

// traceActions returns the calls of X-Ray that a statement allows where IsTraced. A
// statement that allows them in any case is a fault.
func traceActions(t *testing.T, name string, statement yaml.Node) []string {
	t.Helper()
	var s struct {
		Action yaml.Node `yaml:"Action"`
	}
	conditional := statement.Tag == "!If" && statement.Content[0].Value == "IsTraced"
	if conditional {
		statement = *statement.Content[1]
	}
	if statement.Kind != yaml.MappingNode { // !If of something else
		return nil
	}
	if err := statement.Decode(&s); err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, action := range append([]*yaml.Node{&s.Action}, s.Action.Content...) {
		if strings.HasPrefix(action.Value, "xray:") {
			actions = append(actions, action.Value)
		}
	}
	if len(actions) > 0 && !conditional {
		t.Errorf("%s may call %v where traces are off too", name, actions)
	}
	return actions
}

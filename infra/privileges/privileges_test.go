package privileges_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
	"github.com/mediahooks/mediahooks/infra/privileges"
)

// neverMade are the calls that a function's code leads to and that it does not
// make, with the reason. Their actions are not allowed.
var neverMade = map[string]map[privileges.Operation]string{
	"ConsoleFunction": {
		{Service: "dynamodb", Name: "BatchExecuteStatement"}: "it reports one event at a time, an example, which is a PutItem",
	},
}

// Each role has the actions that its functions may come to call, and no others.
// The end-to-end tests hold the resources.
func TestRolesHaveWhatTheCodeCalls(t *testing.T) {
	root, err := workspace.Root()
	if err != nil {
		t.Fatal(err)
	}
	roles, err := readTemplate(root)
	if err != nil {
		t.Fatal(err)
	}
	code, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(roles.functions) < 5 {
		t.Errorf("%d functions in template.yaml", len(roles.functions))
	}
	for name, f := range roles.functions {
		t.Run(name, func(t *testing.T) {
			operations := code.operations(f.pkg)
			if len(operations) == 0 {
				t.Fatalf("no call of AWS is found in %s", f.pkg)
			}
			for operation, reason := range neverMade[name] {
				at := slices.Index(operations, operation)
				if at < 0 {
					t.Fatalf("%s is not even found, so that nobody needs to know: %s", operation, reason)
				}
				operations = slices.Delete(operations, at, at+1)
			}
			for _, fault := range privileges.Judge(roles.actions[f.role], operations, f.served) {
				t.Errorf("%s: %s", f.role, fault)
			}
		})
	}
}

// So has the role of each workflow what its definition calls.
func TestWorkflowsHaveWhatTheyCall(t *testing.T) {
	root, err := workspace.Root()
	if err != nil {
		t.Fatal(err)
	}
	roles, err := readTemplate(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(roles.workflows) == 0 {
		t.Error("template.yaml has no workflow")
	}
	for name, w := range roles.workflows {
		definition, err := os.ReadFile(filepath.Join(root, w.definition))
		if err != nil {
			t.Fatal(err)
		}
		operations, err := privileges.OperationsOf(definition)
		if err != nil {
			t.Fatalf("%s: %v", w.definition, err)
		}
		for _, fault := range privileges.Judge(roles.actions[w.role], operations, w.served) {
			t.Errorf("%s: %s: %s", name, w.role, fault)
		}
	}
}

// What the search finds is known for one function; where it goes blind, so does
// the test above.
func TestReach(t *testing.T) {
	root, err := workspace.Root()
	if err != nil {
		t.Fatal(err)
	}
	code, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []privileges.Operation{
		{Service: "dynamodb", Name: "BatchExecuteStatement"}, // through delivery.Records
		{Service: "dynamodb", Name: "BatchGetItem"},
		{Service: "dynamodb", Name: "GetItem"},
		{Service: "dynamodb", Name: "Query"}, // through registry.Directory
		{Service: "dynamodb", Name: "UpdateItem"},
		{Service: "kms", Name: "Decrypt"},
		{Service: "sqs", Name: "SendMessageBatch"},
		{Service: "states", Name: "StartExecution"}, // through an interface of the adapter's own
	}
	if diff := cmp.Diff(want, code.operations(module+"functions/delivery")); diff != "" {
		t.Errorf("calls of the delivery function (-want +got):\n%s", diff)
	}
}

func TestJudge(t *testing.T) {
	put, send := privileges.Operation{Service: "dynamodb", Name: "PutItem"}, privileges.Operation{Service: "sqs", Name: "SendMessageBatch"}
	statements := privileges.Operation{Service: "dynamodb", Name: "BatchExecuteStatement"}
	for _, test := range []struct {
		name       string
		actions    []string
		operations []privileges.Operation
		served     []string
		want       []string
	}{
		{"exactly", []string{"dynamodb:PutItem", "sqs:SendMessage"}, []privileges.Operation{put, send}, nil, nil},
		{"not allowed", []string{"dynamodb:PutItem"}, []privileges.Operation{put, send}, nil,
			[]string{"sqs:SendMessageBatch is called, and not allowed: add sqs:SendMessage"}},
		{"never called", []string{"dynamodb:PutItem", "sqs:SendMessage"}, []privileges.Operation{put}, nil,
			[]string{"sqs:SendMessage is allowed, and never called"}},
		{"one of several", []string{"dynamodb:PartiQLInsert"}, []privileges.Operation{statements}, nil, nil},
		{"none of several", nil, []privileges.Operation{statements}, nil,
			[]string{"dynamodb:BatchExecuteStatement is called, and not allowed: add dynamodb:PartiQLDelete or dynamodb:PartiQLInsert or dynamodb:PartiQLSelect or dynamodb:PartiQLUpdate"}},
		{"what AWS does", []string{"logs:PutLogEvents"}, nil, []string{"logs:PutLogEvents"}, nil},
		{"what AWS cannot do", nil, nil, []string{"logs:PutLogEvents"}, []string{"logs:PutLogEvents is what AWS does in this role, and not allowed"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := privileges.Judge(test.actions, test.operations, test.served)
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	grants := []privileges.Grant{
		{Role: "ApiRole", Action: "dynamodb:Query", Resource: "arn:table/t"},
		{Role: "ApiRole", Action: "dynamodb:Query", Resource: "arn:table/t/index/open"},
		{Role: "ApiRole", Action: "logs:PutLogEvents", Resource: "arn:log-group:g:*"},
	}
	denied, idle := privileges.Compare(grants, []privileges.Use{
		{Role: "ApiRole", Action: "dynamodb:Query", Resource: "arn:table/t", By: "ApiFunction"},
		{Role: "ApiRole", Action: "dynamodb:Query", Resource: "arn:table/other", By: "ApiFunction"},
		{Role: "ApiRole", Action: "dynamodb:Query", Resource: "arn:table/other", By: "ApiFunction"},
		{Role: "IntakeRole", Action: "dynamodb:Query", Resource: "arn:table/t", By: "IntakeFunction"},
		{Role: "ApiRole", Action: "logs:PutLogEvents", Resource: "arn:log-group:g:log-stream:s", By: "Lambda"},
	})
	if diff := cmp.Diff([]string{
		"ApiRole: ApiFunction needs dynamodb:Query on arn:table/other",
		"IntakeRole: IntakeFunction needs dynamodb:Query on arn:table/t",
	}, denied); diff != "" {
		t.Errorf("denied (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ApiRole: nothing has needed dynamodb:Query on arn:table/t/index/open"}, idle); diff != "" {
		t.Errorf("idle (-want +got):\n%s", diff)
	}
}

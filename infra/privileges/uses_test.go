package privileges

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/infra/calls"
)

// example is a stack with a function and a workflow.
func example() *Stack {
	s := &Stack{
		region: "us-east-1", account: "123456789012",
		roles: map[string]string{"stack-Api-1": "ApiRole"}, names: map[string]string{"stack-Api-1": "ApiFunction"},
	}
	s.machines = []machine{{s, "WaitRole", "WaitWorkflow", "arn:aws:states:us-east-1:123456789012:stateMachine:wait", []task{
		{"arn:aws:states:::sqs:sendMessage", map[string]any{"QueueUrl.$": "$.queue_url", "MessageBody.$": "$.message"}},
		{"arn:aws:states:::lambda:invoke", map[string]any{"FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:recovery"}},
		{"arn:aws:states:::states:startExecution", map[string]any{"StateMachineArn.$": "$$.StateMachine.Id"}},
	}}}
	return s
}

func TestUsesOf(t *testing.T) {
	const at = ":us-east-1:123456789012:"
	for _, test := range []struct {
		service, operation, request string
		want                        []string // action and resource
	}{
		{"dynamodb", "PutItem", `{"TableName":"t"}`, []string{"dynamodb:PutItem", "arn:aws:dynamodb" + at + "table/t"}},
		{"dynamodb", "Query", `{"TableName":"t","IndexName":"open"}`, []string{"dynamodb:Query", "arn:aws:dynamodb" + at + "table/t/index/open"}},
		{"dynamodb", "BatchGetItem", `{"RequestItems":{"t":{}}}`, []string{"dynamodb:BatchGetItem", "arn:aws:dynamodb" + at + "table/t"}},
		{"dynamodb", "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"t"}},{"ConditionCheck":{"TableName":"t"}}]}`, []string{
			"dynamodb:PutItem", "arn:aws:dynamodb" + at + "table/t", "dynamodb:ConditionCheckItem", "arn:aws:dynamodb" + at + "table/t"}},
		{"dynamodb", "BatchExecuteStatement", `{"Statements":[{"Statement":"INSERT INTO \"t\" VALUE {}"},{"Statement":"UPDATE \"t\" SET x=?"}]}`, []string{
			"dynamodb:PartiQLInsert", "arn:aws:dynamodb" + at + "table/t", "dynamodb:PartiQLUpdate", "arn:aws:dynamodb" + at + "table/t"}},
		{"sqs", "SendMessageBatch", `{"QueueUrl":"http://127.0.0.1:1/123456789012/first"}`, []string{"sqs:SendMessage", "arn:aws:sqs" + at + "first"}},
		{"kms", "Decrypt", `{"KeyId":"k"}`, []string{"kms:Decrypt", "arn:aws:kms" + at + "key/k"}},
		{"secretsmanager", "GetSecretValue", `{"SecretId":"arn:aws:secretsmanager:s"}`, []string{"secretsmanager:GetSecretValue", "arn:aws:secretsmanager:s"}},
		{"states", "StartExecution", `{"stateMachineArn":"arn:aws:states:m"}`, []string{"states:StartExecution", "arn:aws:states:m"}},
		{"states", "StopExecution", `{"executionArn":"arn:aws:states:e"}`, []string{"states:StopExecution", "arn:aws:states:e"}},
	} {
		uses, err := example().usesOf(calls.Call{Function: "stack-Api-1", Service: test.service, Operation: test.operation, Request: []byte(test.request)})
		var got []string
		for _, u := range uses {
			if u.Role != "ApiRole" || u.By != "ApiFunction" {
				t.Errorf("%s: %+v", test.operation, u)
			}
			got = append(got, u.Action, u.Resource)
		}
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s %s: %v (-want +got):\n%s", test.operation, test.request, err, diff)
		}
	}
	// What is not understood must not pass for nothing.
	for _, c := range []calls.Call{
		{Function: "another", Service: "sqs", Operation: "SendMessage", Request: []byte(`{"QueueUrl":"/q"}`)},
		{Function: "stack-Api-1", Service: "sqs", Operation: "ListQueues", Request: []byte(`{}`)},
		{Function: "stack-Api-1", Service: "kms", Operation: "ReEncrypt", Request: []byte(`{"KeyId":"k"}`)},
		{Function: "stack-Api-1", Service: "dynamodb", Operation: "ExecuteStatement", Request: []byte(`{"Statement":"MERGE \"t\""}`)},
		{Function: "stack-Api-1", Service: "dynamodb", Operation: "PutItem", Request: []byte(`no JSON`)},
	} {
		if uses, err := example().usesOf(c); err == nil {
			t.Errorf("%s: %v", c.Operation, uses)
		}
	}
}

func TestWorkflowUses(t *testing.T) {
	start := func(arn, input string) calls.Call {
		return calls.Call{Service: "states", Operation: "StartExecution", Request: []byte(`{"stateMachineArn":"` + arn + `","input":"` + input + `"}`)}
	}
	m := example().machines[0]
	got, err := m.uses([]calls.Call{
		start("arn:another", `{}`),
		start(m.arn, `{\"queue_url\":\"http://q/123456789012/slow\",\"message\":\"{}\"}`),
	})
	want := []Use{
		{"WaitRole", "sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:slow", "WaitWorkflow"},
		{"WaitRole", "lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:recovery", "WaitWorkflow"},
		{"WaitRole", "states:StartExecution", m.arn, "WaitWorkflow"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := m.uses([]calls.Call{start(m.arn, `{}`)}); err == nil {
		t.Error("a queue that no input names was passed over")
	}
}

func TestOperationsOf(t *testing.T) {
	got, err := OperationsOf([]byte(`{"States":{
		"Wait":{"Type":"Wait"},
		"Each":{"Type":"Map","ItemProcessor":{"States":{"Get":{"Type":"Task","Resource":"arn:${Partition}:states:::aws-sdk:dynamodb:getItem"}}}}}}`))
	if diff := cmp.Diff([]Operation{{"dynamodb", "GetItem"}}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, resource := range []string{"arn:aws:states:::ecs:runTask.sync", "arn:aws:states:::http:invoke:x", "elsewhere"} {
		if o, err := integration(resource); err == nil {
			t.Errorf("%s is %s", resource, o)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"*", "anything", true}, {"a*", "ab", true}, {"a*", "ba", false},
		{"a*c", "abc", true}, {"a*c", "ab", false}, {"a*b*c", "a1b2c", true}, {"a*b*c", "a1c", false}, {"a*a", "a", false},
	} {
		if got := matches(test.pattern, test.text); got != test.want {
			t.Errorf("%s matches %s: %t", test.pattern, test.text, got)
		}
	}
}

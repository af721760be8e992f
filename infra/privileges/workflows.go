package privileges

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/mediahooks/mediahooks/infra/calls"
)

// machine is a state machine, whose calls nobody can record: what they are stands
// in its definition, and the rest in the inputs that it was started with.
type machine struct {
	stack     *Stack
	role      string
	name, arn string
	tasks     []task
}

// task is a state that calls AWS.
type task struct {
	Resource   string
	Parameters map[string]any
}

// addMachine reads a state machine, and what AWS does for it in its role.
func (s *Stack) addMachine(ctx context.Context, client *sfn.Client, logical, arn string, byRole map[string]string) error {
	m, err := client.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &arn})
	if err != nil {
		return err
	}
	role := roleOf(aws.ToString(m.RoleArn), byRole)
	// The emulator does not say whether it logs; template.yaml does, and is held
	// against it by this package's own test.
	s.served(role, LogDeliverer, "*", "Step Functions for "+logical)
	var definition any
	if err := json.Unmarshal([]byte(aws.ToString(m.Definition)), &definition); err != nil {
		return err
	}
	tasks, err := tasksIn(definition)
	if err != nil {
		return err
	}
	s.machines = append(s.machines, machine{s, role, logical, arn, tasks})
	return nil
}

// tasksIn finds the tasks of a definition, also within maps and parallel states.
func tasksIn(node any) ([]task, error) {
	var tasks []task
	below := []any{}
	switch n := node.(type) {
	case map[string]any:
		if n["Type"] == "Task" {
			text, err := json.Marshal(n)
			if err != nil {
				return nil, err
			}
			var t task
			if err := json.Unmarshal(text, &t); err != nil {
				return nil, err
			}
			return []task{t}, nil
		}
		for value := range maps.Values(n) {
			below = append(below, value)
		}
	case []any:
		below = n
	}
	for _, value := range below {
		found, err := tasksIn(value)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, found...)
	}
	return tasks, nil
}

// OperationsOf returns the calls that a workflow's definition makes. What stands in
// for the partition is AWS's.
func OperationsOf(definition []byte) ([]Operation, error) {
	var node any
	if err := json.Unmarshal(bytes.ReplaceAll(definition, []byte("${Partition}"), []byte("aws")), &node); err != nil {
		return nil, err
	}
	tasks, err := tasksIn(node)
	if err != nil {
		return nil, err
	}
	var operations []Operation
	for _, t := range tasks {
		o, err := integration(t.Resource)
		if err != nil {
			return nil, err
		}
		operations = append(operations, o)
	}
	return operations, nil
}

// uses are what the tasks have done in the executions that were started.
func (m machine) uses(made []calls.Call) ([]Use, error) {
	var uses []Use
	for _, c := range made {
		var start struct {
			StateMachineARN string `json:"stateMachineArn"`
			Input           string `json:"input"`
		}
		if c.Operation != "StartExecution" || json.Unmarshal(c.Request, &start) != nil || start.StateMachineARN != m.arn {
			continue
		}
		var input map[string]any
		if err := json.Unmarshal([]byte(start.Input), &input); err != nil {
			return nil, fmt.Errorf("read an input of %s: %w", m.name, err)
		}
		for _, t := range m.tasks {
			found, err := m.usesOf(t, input)
			if err != nil {
				return nil, fmt.Errorf("read a task of %s: %w", m.name, err)
			}
			uses = append(uses, found...)
		}
	}
	return uses, nil
}

func (m machine) usesOf(t task, input map[string]any) ([]Use, error) {
	operation, err := integration(t.Resource)
	if err != nil {
		return nil, err
	}
	parameters := make(map[string]any)
	for name, value := range t.Parameters {
		path, _ := value.(string)
		bare, isPath := strings.CutSuffix(name, ".$")
		switch {
		case !isPath:
			parameters[name] = value
		case path == "$$.StateMachine.Id":
			parameters[bare] = m.arn
		case strings.HasPrefix(path, "$.") && input[path[2:]] != nil:
			parameters[bare] = input[path[2:]]
		}
	}
	if strings.HasPrefix(t.Resource, "arn:aws:lambda:") {
		parameters["FunctionName"] = t.Resource
	}
	text, err := json.Marshal(parameters)
	if err != nil {
		return nil, err
	}
	var r request
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, err
	}
	resources, err := m.stack.resources(operation, r)
	if err != nil {
		return nil, err
	}
	var uses []Use
	for _, resource := range resources {
		for _, action := range operation.Actions() {
			uses = append(uses, Use{m.role, action, resource, m.name})
		}
	}
	return uses, nil
}

// integration is the operation that a task's resource stands for:
// arn:aws:states:::sqs:sendMessage, arn:aws:states:::aws-sdk:dynamodb:getItem, or
// a function.
func integration(resource string) (Operation, error) {
	if strings.HasPrefix(resource, "arn:aws:lambda:") {
		return Operation{"lambda", "InvokeFunction"}, nil
	}
	name, ok := strings.CutPrefix(resource, "arn:aws:states:::")
	parts := strings.Split(strings.TrimPrefix(name, "aws-sdk:"), ":")
	if !ok || len(parts) != 2 || strings.Contains(parts[1], ".") {
		return Operation{}, fmt.Errorf("%s: what it needs is not known here", resource)
	}
	o := Operation{parts[0], strings.ToUpper(parts[1][:1]) + parts[1][1:]}
	switch {
	case o.Service == "lambda" && o.Name == "Invoke":
		o.Name = "InvokeFunction"
	case o.Service == "sfn":
		o.Service = "states"
	}
	return o, nil
}

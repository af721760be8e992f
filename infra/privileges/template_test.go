package privileges_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mediahooks/mediahooks/infra/privileges"
)

// template is what template.yaml says of roles and of who has them.
type template struct {
	// functions are by name, and actions are those of each role.
	functions map[string]function
	workflows map[string]workflow
	actions   map[string][]string
}

// workflow is a state machine of the template.
type workflow struct {
	role, definition string
	served           []string
}

// function is a function of the template.
type function struct {
	pkg, role string
	// served are the actions that AWS needs in the role.
	served []string
}

// readTemplate reads template.yaml. It refuses what would give a role more than
// can be seen there.
func readTemplate(root string) (template, error) {
	src, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		return template{}, err
	}
	var doc struct {
		Resources map[string]struct {
			Type       string               `yaml:"Type"`
			Properties map[string]yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return template{}, err
	}
	t := template{functions: make(map[string]function), workflows: make(map[string]workflow), actions: make(map[string][]string)}
	for name, r := range doc.Resources {
		switch r.Type {
		case "AWS::Serverless::Function":
			f, err := readFunction(r.Properties)
			if err != nil {
				return template{}, fmt.Errorf("%s: %w", name, err)
			}
			t.functions[name] = f
		case "AWS::Serverless::StateMachine":
			role, definition := r.Properties["Role"], r.Properties["DefinitionUri"]
			w := workflow{strings.TrimSuffix(role.Value, ".Arn"), definition.Value, slices.Clone(privileges.WorkflowTracer)}
			if logging := r.Properties["Logging"]; hasKey(logging, "Destinations") {
				w.served = append(w.served, privileges.LogDeliverer...)
			}
			t.workflows[name] = w
		case "AWS::IAM::Role":
			if _, managed := r.Properties["ManagedPolicyArns"]; managed {
				return template{}, fmt.Errorf("%s: spell out what the managed policies allow", name)
			}
			policies := r.Properties["Policies"]
			t.actions[name] = append(t.actions[name], actionsIn(&policies)...)
		case "AWS::IAM::Policy":
			document, roles := r.Properties["PolicyDocument"], r.Properties["Roles"]
			for _, role := range roles.Content {
				t.actions[role.Value] = append(t.actions[role.Value], actionsIn(&document)...)
			}
		}
	}
	for role, actions := range t.actions {
		slices.Sort(actions)
		t.actions[role] = slices.Compact(actions)
		if i := slices.IndexFunc(actions, func(action string) bool { return strings.Contains(action, "*") }); i >= 0 {
			return template{}, fmt.Errorf("%s: name the actions of %s", role, actions[i])
		}
	}
	return t, nil
}

func readFunction(properties map[string]yaml.Node) (function, error) {
	for _, name := range []string{"Policies", "Connectors"} {
		if _, ok := properties[name]; ok {
			return function{}, fmt.Errorf("%s: spell the role out", name)
		}
	}
	code, role := properties["CodeUri"], properties["Role"]
	f := function{
		pkg:    module + "functions/" + strings.Trim(strings.TrimPrefix(code.Value, "bin/"), "/"),
		role:   strings.TrimSuffix(role.Value, ".Arn"),
		served: append(slices.Clone(privileges.LogWriter), privileges.Tracer...),
	}
	if f.role == role.Value || role.Tag != "!GetAtt" {
		return function{}, fmt.Errorf("Role %s %s: must be !GetAtt of a role of the template", role.Tag, role.Value)
	}
	var events map[string]struct {
		Type string `yaml:"Type"`
	}
	if node, ok := properties["Events"]; ok {
		if err := node.Decode(&events); err != nil {
			return function{}, err
		}
	}
	for _, event := range events {
		if event.Type == "SQS" {
			f.served = append(f.served, privileges.QueuePoller...)
		}
	}
	if _, ok := properties["EventInvokeConfig"]; ok && hasKey(properties["EventInvokeConfig"], "OnFailure") {
		f.served = append(f.served, privileges.FailureSender...)
	}
	return f, nil
}

// actionsIn finds every action that statements below a node allow, whatever they
// depend on.
func actionsIn(node *yaml.Node) (actions []string) {
	if node.Kind == yaml.MappingNode {
		var s struct {
			Effect string    `yaml:"Effect"`
			Action yaml.Node `yaml:"Action"`
		}
		if node.Decode(&s) == nil && s.Effect == "Allow" {
			if s.Action.Kind == yaml.ScalarNode {
				return []string{s.Action.Value}
			}
			for _, action := range s.Action.Content {
				actions = append(actions, action.Value)
			}
			return actions
		}
	}
	for _, below := range node.Content {
		actions = append(actions, actionsIn(below)...)
	}
	return actions
}

func hasKey(node yaml.Node, key string) bool {
	for i, below := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 && below.Value == key || hasKey(*below, key) {
			return true
		}
	}
	return false
}

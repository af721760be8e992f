package privileges

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mediahooks/mediahooks/infra/calls"
)

// Hold holds recorded calls, and what AWS does, against the policies. Denied are
// uses that no grant allows, idle are grants that nothing has used.
func (s *Stack) Hold(made []calls.Call) (denied, idle []string, err error) {
	uses := slices.Clone(s.uses)
	for _, c := range made {
		found, err := s.usesOf(c)
		if err != nil {
			return nil, nil, err
		}
		uses = append(uses, found...)
	}
	for _, m := range s.machines {
		found, err := m.uses(made)
		if err != nil {
			return nil, nil, err
		}
		uses = append(uses, found...)
	}
	denied, idle = Compare(s.grants, uses)
	return denied, idle, nil
}

// Compare holds uses against grants.
func Compare(grants []Grant, uses []Use) (denied, idle []string) {
	used := make(map[Grant]bool)
	refused := make(map[string]bool)
	for _, u := range uses {
		allowed := false
		for _, g := range grants {
			if g.Role == u.Role && matches(g.Action, u.Action) && matches(g.Resource, u.Resource) {
				used[g], allowed = true, true
			}
		}
		if !allowed {
			refused[fmt.Sprintf("%s: %s needs %s on %s", u.Role, u.By, u.Action, u.Resource)] = true
		}
	}
	for _, g := range grants {
		if !used[g] {
			idle = append(idle, fmt.Sprintf("%s: nothing has needed %s on %s", g.Role, g.Action, g.Resource))
		}
	}
	slices.Sort(idle)
	return slices.Sorted(maps.Keys(refused)), slices.Compact(idle)
}

// matches compares with a pattern, in which a star stands for anything.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	last := len(parts) - 1
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	for _, part := range parts[1:last] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return strings.HasSuffix(text, parts[last])
}

// request has the fields of all requests that name a resource.
type request struct {
	TableName, IndexName string
	RequestItems         map[string]json.RawMessage
	Statement            string
	Statements           []struct{ Statement string }
	TransactItems        []map[string]struct{ TableName string }
	QueueURL             string `json:"QueueUrl"`
	KeyID                string `json:"KeyId"`
	SecretID             string `json:"SecretId"`
	StateMachineARN      string `json:"stateMachineArn"`
	ExecutionARN         string `json:"executionArn"`
	FunctionName         string
}

// usesOf returns what a call is in the eyes of IAM.
func (s *Stack) usesOf(c calls.Call) ([]Use, error) {
	role, known := s.roles[c.Function]
	if !known {
		return nil, fmt.Errorf("%s %s was called by %s, which is no function of the stack", c.Service, c.Operation, c.Function)
	}
	var r request
	if err := json.Unmarshal(c.Request, &r); err != nil {
		return nil, fmt.Errorf("read %s %s: %w", c.Service, c.Operation, err)
	}
	use := func(action, resource string) Use { return Use{role, action, resource, s.names[c.Function]} }
	var uses []Use
	switch operation := (Operation{c.Service, c.Operation}); {
	case len(r.TransactItems) > 0:
		for _, items := range r.TransactItems {
			for kind, of := range items {
				action, ok := inTransaction[kind]
				if !ok {
					return nil, fmt.Errorf("read %s: what %s needs is not known here", operation, kind)
				}
				uses = append(uses, use(action, s.table(of.TableName, "")))
			}
		}
	case r.Statement != "" || len(r.Statements) > 0:
		for _, text := range append(r.Statements, struct{ Statement string }{r.Statement}) {
			if text.Statement == "" {
				continue
			}
			action, table, err := statement(text.Statement)
			if err != nil {
				return nil, err
			}
			uses = append(uses, use(action, s.table(table, "")))
		}
	case len(operation.Actions()) > 1:
		return nil, fmt.Errorf("read %s: which of %v it needs is not known here", operation, operation.Actions())
	default:
		resources, err := s.resources(operation, r)
		if err != nil {
			return nil, err
		}
		for _, resource := range resources {
			uses = append(uses, use(operation.Actions()[0], resource))
		}
	}
	return uses, nil
}

// inTransaction are the actions of what a transaction is made of.
var inTransaction = map[string]string{
	"Put": "dynamodb:PutItem", "Update": "dynamodb:UpdateItem", "Delete": "dynamodb:DeleteItem",
	"ConditionCheck": "dynamodb:ConditionCheckItem", "Get": "dynamodb:GetItem",
}

// statement returns the action of a PartiQL statement, and its table.
func statement(text string) (action, table string, err error) {
	verbs := map[string]string{"INSERT": "PartiQLInsert", "UPDATE": "PartiQLUpdate", "DELETE": "PartiQLDelete", "SELECT": "PartiQLSelect"}
	verb, _, _ := strings.Cut(text, " ")
	parts := strings.SplitN(text, `"`, 3)
	if verbs[verb] == "" || len(parts) < 3 || strings.HasPrefix(parts[2], ".") {
		return "", "", fmt.Errorf("read statement %q: what it needs is not known here", text)
	}
	return "dynamodb:" + verbs[verb], parts[1], nil
}

func (s *Stack) table(name, index string) string {
	if index != "" {
		name += "/index/" + index
	}
	return s.arn("dynamodb", "table/"+name)
}

// resources are the ARNs that a request names.
func (s *Stack) resources(o Operation, r request) ([]string, error) {
	switch {
	case r.TableName != "":
		return []string{s.table(r.TableName, r.IndexName)}, nil
	case len(r.RequestItems) > 0:
		var all []string
		for name := range r.RequestItems {
			all = append(all, s.table(name, ""))
		}
		return all, nil
	case r.QueueURL != "":
		return []string{s.queue(r.QueueURL)}, nil
	case r.FunctionName != "":
		return []string{s.whole("lambda", "function:", r.FunctionName)}, nil
	case r.KeyID != "":
		return []string{s.whole("kms", "key/", r.KeyID)}, nil
	case r.SecretID != "":
		return []string{s.whole("secretsmanager", "secret:", r.SecretID)}, nil
	case r.StateMachineARN != "":
		return []string{r.StateMachineARN}, nil
	case r.ExecutionARN != "":
		return []string{r.ExecutionARN}, nil
	}
	return nil, fmt.Errorf("read %s: which resource it names is not known here", o)
}

// whole is the ARN of what may be named without.
func (s *Stack) whole(service, kind, name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return s.arn(service, kind+name)
}

func (s *Stack) queue(queueURL string) string {
	return s.arn("sqs", queueURL[strings.LastIndex(queueURL, "/")+1:])
}

package privileges

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

// Grant allows a role an action on the resources of a pattern.
type Grant struct{ Role, Action, Resource string }

// Use is something done in a role, by a function, a workflow or AWS itself.
type Use struct{ Role, Action, Resource, By string }

// Stack is a deployed stack, as far as its roles go. Roles, functions and
// workflows have the names of the template.
type Stack struct {
	grants []Grant
	// uses are those of AWS itself.
	uses []Use
	// roles are the roles of functions, by physical name; names are theirs.
	roles, names map[string]string
	machines     []machine
	// region and account stand in its ARNs.
	region, account string
}

// Open reads a stack.
func Open(ctx context.Context, cfg aws.Config, stackName string) (*Stack, error) {
	listed, err := cloudformation.NewFromConfig(cfg).DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{StackName: &stackName})
	if err != nil {
		return nil, fmt.Errorf("list the resources of %s: %w", stackName, err)
	}
	s := &Stack{region: cfg.Region, roles: make(map[string]string), names: make(map[string]string)}
	byRole := make(map[string]string) // logical by physical
	for _, r := range listed.StackResources {
		if aws.ToString(r.ResourceType) == "AWS::IAM::Role" {
			name := aws.ToString(r.PhysicalResourceId)
			byRole[name] = aws.ToString(r.LogicalResourceId)
			grants, err := readGrants(ctx, cfg, name, byRole[name])
			if err != nil {
				return nil, err
			}
			s.grants = append(s.grants, grants...)
		}
	}
	for _, r := range listed.StackResources {
		logical, physical := aws.ToString(r.LogicalResourceId), aws.ToString(r.PhysicalResourceId)
		switch aws.ToString(r.ResourceType) {
		case "AWS::Lambda::Function":
			err = s.addFunction(ctx, lambda.NewFromConfig(cfg), logical, physical, byRole)
		case "AWS::StepFunctions::StateMachine":
			err = s.addMachine(ctx, sfn.NewFromConfig(cfg), logical, physical, byRole)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", logical, err)
		}
	}
	return s, nil
}

// addFunction reads a function, and what AWS does for it in its role.
func (s *Stack) addFunction(ctx context.Context, client *lambda.Client, logical, physical string, byRole map[string]string) error {
	c, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &physical})
	if err != nil {
		return err
	}
	role := roleOf(aws.ToString(c.Role), byRole)
	s.roles[physical], s.names[physical] = role, logical
	s.account = strings.Split(aws.ToString(c.FunctionArn), ":")[4]
	group := "/aws/lambda/" + physical
	if c.LoggingConfig != nil && c.LoggingConfig.LogGroup != nil {
		group = *c.LoggingConfig.LogGroup
	}
	s.served(role, LogWriter, s.arn("logs", "log-group:"+group+":log-stream:any"), "Lambda for "+logical)
	mappings, err := client.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{FunctionName: &physical})
	if err != nil {
		return err
	}
	for _, m := range mappings.EventSourceMappings {
		s.served(role, QueuePoller, aws.ToString(m.EventSourceArn), "the event source mapping of "+logical)
	}
	configs, err := client.ListFunctionEventInvokeConfigs(ctx, &lambda.ListFunctionEventInvokeConfigsInput{FunctionName: &physical})
	if err != nil {
		return err
	}
	for _, config := range configs.FunctionEventInvokeConfigs {
		if d := config.DestinationConfig; d != nil && d.OnFailure != nil && d.OnFailure.Destination != nil {
			s.served(role, FailureSender, *d.OnFailure.Destination, "Lambda for what "+logical+" has failed at")
		}
	}
	return nil
}

func (s *Stack) served(role string, actions []string, resource, by string) {
	for _, action := range actions {
		s.uses = append(s.uses, Use{role, action, resource, by})
	}
}

func (s *Stack) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + s.region + ":" + s.account + ":" + resource
}

func roleOf(arn string, byRole map[string]string) string {
	return byRole[arn[strings.LastIndex(arn, "/")+1:]]
}

// readGrants reads what the policies of a role allow.
func readGrants(ctx context.Context, cfg aws.Config, physical, logical string) ([]Grant, error) {
	var list struct {
		Names []string `xml:"ListRolePoliciesResult>PolicyNames>member"`
	}
	if err := callIAM(ctx, cfg, url.Values{"Action": {"ListRolePolicies"}, "RoleName": {physical}}, &list); err != nil {
		return nil, fmt.Errorf("list policies of %s: %w", logical, err)
	}
	var grants []Grant
	for _, name := range list.Names {
		var policy struct {
			Document string `xml:"GetRolePolicyResult>PolicyDocument"`
		}
		if err := callIAM(ctx, cfg, url.Values{"Action": {"GetRolePolicy"}, "RoleName": {physical}, "PolicyName": {name}}, &policy); err != nil {
			return nil, fmt.Errorf("read policy %s of %s: %w", name, logical, err)
		}
		text, err := url.PathUnescape(policy.Document)
		if err != nil {
			return nil, fmt.Errorf("read policy %s of %s: %w", name, logical, err)
		}
		found, err := grantsIn(text, logical)
		if err != nil {
			return nil, fmt.Errorf("read policy %s of %s: %w", name, logical, err)
		}
		grants = append(grants, found...)
	}
	return grants, nil
}

// grantsIn reads a policy document.
func grantsIn(text, role string) ([]Grant, error) {
	var document struct {
		Statement []struct {
			Effect           string
			Action, Resource oneOrMore
		}
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return nil, err
	}
	var grants []Grant
	for _, statement := range document.Statement {
		if statement.Effect != "Allow" {
			continue
		}
		for _, action := range statement.Action {
			for _, resource := range statement.Resource {
				grants = append(grants, Grant{role, action, resource})
			}
		}
	}
	return grants, nil
}

// oneOrMore is a text or a list of them.
type oneOrMore []string

// UnmarshalJSON reads either.
func (o *oneOrMore) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		*o = []string{""}
		return json.Unmarshal(data, &(*o)[0])
	}
	return json.Unmarshal(data, (*[]string)(o))
}

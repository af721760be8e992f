package account

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// guards are the alarms, by their logical ids, that say that a deployment was a
// mistake, those first that say it soonest and are sure of it. CloudFormation takes
// five at most.
var guards = []string{"IntakeFailing", "FunctionErrors", "RecordsNotWritten", "ReceiversAffected", "FirstDeadLetterNotEmpty", "IntakeFailureNotEmpty"}

const maxGuards = 5

// guardTag is a tag of a guarded stack. A change of the guard alone would be none
// for CloudFormation, which refuses an update that changes nothing.
const guardTag = "rolls-back-within-minutes"

// Guard has CloudFormation watch a stack's alarms during each update and for some
// minutes after it, and roll the update back, as a whole, when one of them goes
// off. It keeps that for every update to come, sam deploy's too; 0 minutes end it.
// Guard returns the names of the alarms. The update that it makes is over when
// the minutes are.
//
// Source: CloudFormation user guide, Roll back your CloudFormation stack on alarm
// breach with rollback triggers.
func Guard(ctx context.Context, cfg aws.Config, stackName string, minutes int) (alarms []string, err error) {
	client := cloudformation.NewFromConfig(cfg)
	found, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stackName})
	if err != nil {
		return nil, fmt.Errorf("read the stack %s: %w", stackName, err)
	}
	stack := found.Stacks[0]
	id, err := arn.Parse(aws.ToString(stack.StackId))
	if err != nil {
		return nil, fmt.Errorf("read the stack %s: id %q: %w", stackName, aws.ToString(stack.StackId), err)
	}
	var triggers []types.RollbackTrigger
	if minutes > 0 {
		there := map[string]types.StackResourceSummary{}
		if err := listAlarms(ctx, client, stackName, there); err != nil {
			return nil, err
		}
		for _, name := range guards {
			alarm, ok := there[name]
			if !ok || len(triggers) == maxGuards {
				continue
			}
			alarms = append(alarms, aws.ToString(alarm.PhysicalResourceId))
			id.Service, id.Resource = "cloudwatch", "alarm:"+aws.ToString(alarm.PhysicalResourceId)
			triggers = append(triggers, types.RollbackTrigger{Type: alarm.ResourceType, Arn: aws.String(id.String())})
		}
		if len(triggers) == 0 {
			return nil, fmt.Errorf("the stack %s has none of the alarms %s", stackName, strings.Join(guards, ", "))
		}
	}
	update := &cloudformation.UpdateStackInput{
		StackName: &stackName, UsePreviousTemplate: aws.Bool(true),
		Capabilities: []types.Capability{types.CapabilityCapabilityIam, types.CapabilityCapabilityAutoExpand},
		Tags: append(slices.DeleteFunc(stack.Tags, func(t types.Tag) bool { return aws.ToString(t.Key) == guardTag }),
			types.Tag{Key: aws.String(guardTag), Value: aws.String(strconv.Itoa(minutes))}),
		RollbackConfiguration: &types.RollbackConfiguration{MonitoringTimeInMinutes: aws.Int32(int32(minutes)), RollbackTriggers: triggers},
	}
	if triggers == nil { // an empty list ends it, none would keep it
		update.RollbackConfiguration.RollbackTriggers = []types.RollbackTrigger{}
	}
	for _, p := range stack.Parameters {
		update.Parameters = append(update.Parameters, types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
	}
	if _, err := client.UpdateStack(ctx, update); err != nil {
		return nil, fmt.Errorf("update the stack %s: %w", stackName, err)
	}
	return alarms, nil
}

// listAlarms finds the alarms of a stack and of those nested in it, by their
// logical ids.
func listAlarms(ctx context.Context, client *cloudformation.Client, stackName string, found map[string]types.StackResourceSummary) error {
	pages := cloudformation.NewListStackResourcesPaginator(client, &cloudformation.ListStackResourcesInput{StackName: &stackName})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the resources of %s: %w", stackName, err)
		}
		for _, resource := range page.StackResourceSummaries {
			switch aws.ToString(resource.ResourceType) {
			case "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm":
				found[aws.ToString(resource.LogicalResourceId)] = resource
			case "AWS::CloudFormation::Stack":
				if err := listAlarms(ctx, client, aws.ToString(resource.PhysicalResourceId), found); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

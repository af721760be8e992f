package account_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/infra/account"
)

// cloudFormation answers as CloudFormation would of a stack with a nested one, and
// keeps what it is asked to update.
type cloudFormation struct {
	t       *testing.T
	alarms  []string
	updates []url.Values
}

func (c *cloudFormation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		c.t.Error(err)
	}
	resource := func(logical, physical, kind string) string {
		return fmt.Sprintf("<member><LogicalResourceId>%s</LogicalResourceId><PhysicalResourceId>%s</PhysicalResourceId><ResourceType>%s</ResourceType></member>", logical, physical, kind)
	}
	var said string
	switch action := r.Form.Get("Action"); action {
	case "DescribeStacks":
		said = `<Stacks><member><StackName>mediahooks-prod</StackName>
			<StackId>arn:aws-cn:cloudformation:cn-north-1:123456789012:stack/mediahooks-prod/0f1e</StackId>
			<Parameters><member><ParameterKey>Stage</ParameterKey><ParameterValue>prod</ParameterValue></member></Parameters>
			<Tags><member><Key>stage</Key><Value>prod</Value></member><member><Key>rolls-back-within-minutes</Key><Value>3</Value></member></Tags>
			</member></Stacks>`
	case "ListStackResources":
		if r.Form.Get("StackName") == "nested" {
			said = resource("FunctionErrors", "mediahooks-prod-function-errors", "AWS::CloudWatch::Alarm") +
				resource("ReceiversAffected", "mediahooks-prod-receivers-affected", "AWS::CloudWatch::CompositeAlarm")
		} else {
			said = resource("Operations", "nested", "AWS::CloudFormation::Stack") + resource("Table", "mediahooks-prod-Table", "AWS::DynamoDB::Table")
		}
		for _, name := range c.alarms {
			said += resource(name, "mediahooks-prod-"+name, "AWS::CloudWatch::Alarm")
		}
		said = "<StackResourceSummaries>" + said + "</StackResourceSummaries>"
	case "UpdateStack":
		c.updates = append(c.updates, r.Form)
		said = "<StackId>x</StackId>"
	default:
		c.t.Errorf("unexpected %s", action)
	}
	action := r.Form.Get("Action")
	fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", action, said)
}

func config(t *testing.T, handler http.Handler) aws.Config {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return aws.Config{
		Region: "cn-north-1", BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	}
}

// The guard changes nothing of the stack but itself, and takes the five alarms that
// say it best.
func TestGuard(t *testing.T) {
	c := &cloudFormation{t: t, alarms: []string{"ApiLoginsFailed", "FirstDeadLetterNotEmpty", "IntakeFailing", "IntakeFailureNotEmpty", "RecordsNotWritten"}}
	alarms, err := account.Guard(t.Context(), config(t, c), "mediahooks-prod", 15)
	if err != nil || len(c.updates) != 1 {
		t.Fatalf("%v, %d updates", err, len(c.updates))
	}
	want := []string{
		"mediahooks-prod-IntakeFailing", "mediahooks-prod-function-errors", "mediahooks-prod-RecordsNotWritten",
		"mediahooks-prod-receivers-affected", "mediahooks-prod-FirstDeadLetterNotEmpty",
	}
	if diff := cmp.Diff(want, alarms); diff != "" {
		t.Errorf("alarms (-want +got):\n%s", diff)
	}
	update := map[string]string{}
	for name, values := range c.updates[0] {
		if strings.HasPrefix(name, "RollbackConfiguration.RollbackTriggers.member.") && !strings.Contains(name, ".member.4.") {
			continue
		}
		update[name] = strings.Join(values, " ")
	}
	delete(update, "Version")
	if diff := cmp.Diff(map[string]string{
		"Action": "UpdateStack", "StackName": "mediahooks-prod", "UsePreviousTemplate": "true",
		"Capabilities.member.1": "CAPABILITY_IAM", "Capabilities.member.2": "CAPABILITY_AUTO_EXPAND",
		"Parameters.member.1.ParameterKey": "Stage", "Parameters.member.1.UsePreviousValue": "true",
		"Tags.member.1.Key": "stage", "Tags.member.1.Value": "prod", "Tags.member.2.Key": "rolls-back-within-minutes", "Tags.member.2.Value": "15",
		"RollbackConfiguration.MonitoringTimeInMinutes":        "15",
		"RollbackConfiguration.RollbackTriggers.member.4.Arn":  "arn:aws-cn:cloudwatch:cn-north-1:123456789012:alarm:mediahooks-prod-receivers-affected",
		"RollbackConfiguration.RollbackTriggers.member.4.Type": "AWS::CloudWatch::CompositeAlarm",
	}, update); diff != "" {
		t.Errorf("update (-want +got):\n%s", diff)
	}
}

// To end the guard is to say that there are no alarms; to say nothing would keep it.
func TestGuardEnds(t *testing.T) {
	c := &cloudFormation{t: t}
	if _, err := account.Guard(t.Context(), config(t, c), "mediahooks-prod", 0); err != nil {
		t.Fatal(err)
	}
	form := c.updates[0]
	if form.Get("RollbackConfiguration.MonitoringTimeInMinutes") != "0" || !form.Has("RollbackConfiguration.RollbackTriggers") {
		t.Errorf("update %v", form)
	}
}

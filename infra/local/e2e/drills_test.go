package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/infra/local/demo"
	"github.com/mediahooks/mediahooks/infra/watch"
	"github.com/mediahooks/mediahooks/infra/watch/emf"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	packing "github.com/mediahooks/mediahooks/shared/payload"
)

// drills make the condition of each alarm happen. They return what AWS would have
// measured of it, with the dimensions as the template has them.
var drills = map[string]func(t *testing.T) []emf.Point{
	"dead-letter-not-empty-first":  deadLetter("FirstDeadLetterQueue"),
	"dead-letter-not-empty-slow":   deadLetter("SlowDeadLetterQueue"),
	"dead-letter-not-empty-hold":   deadLetter("HoldDeadLetterQueue"),
	"dead-letter-not-empty-events": deadLetter("EventDeadLetterQueue"),
	"dead-letter-not-empty-intake": deadLetter("IntakeFailureQueue"),
	"logins-failed-api":            wrongLogins("GET", "/v1_1/demo/ping", ""),
	"logins-failed-intake":         wrongLogins("POST", "/v1_1/demo/events", `{"notification_type":"upload","payload":{}}`),
	"logins-failed-console":        wrongSignIns,
	"first-lane-delayed":           lateMessage,
	"deliveries-exhausted":         deadReceiver,
	"intake-failing":               withoutTable,
	"function-errors":              strangeInvocation,
	"function-throttled":           withoutConcurrency,
	"records-not-written":          withoutInserts,
	"workflow-failed":              brokenWait,
	"signing-key-unusable":         disabledKey,
	"address-blocked":              privateAddress,
	"deliveries-overdue":           lostRetry,
	"nothing-accepted":             func(*testing.T) []emf.Point { return nil },
	"many-origins-failing":         manyDeadHosts,
}

func byAWS(namespace, name string, value float64, dimension, of string) []emf.Point {
	return []emf.Point{{Namespace: namespace, Name: name, Dimensions: map[string]string{dimension: of}, Values: []float64{value}}}
}

// deadLetter puts a message into a dead-letter queue, and says how many are there.
func deadLetter(queue string) func(t *testing.T) []emf.Point {
	return func(t *testing.T) []emf.Point {
		cfg, err := local.AWSConfig(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		client, url := sqs.NewFromConfig(cfg), aws.String(local.Outputs()[queue+"Url"])
		if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("{}")}); err != nil {
			t.Fatal(err)
		}
		out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
			QueueUrl: url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages},
		})
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.ParseFloat(out.Attributes["ApproximateNumberOfMessages"], 64)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: url}); err != nil {
			t.Fatal(err)
		}
		return byAWS("AWS/SQS", "ApproximateNumberOfMessagesVisible", n, "QueueName", queue+".QueueName")
	}
}

// wrongLogins makes a hundred calls with wrong credentials, each from an address of
// its own, or they would be slowed down.
func wrongLogins(method, path, body string) func(t *testing.T) []emf.Point {
	return func(t *testing.T) []emf.Point {
		for range 100 {
			if got := callFrom(t, stranger(), local.Credentials().APIKey, "wrong", method, path, body); got.status != http.StatusUnauthorized {
				t.Fatalf("%s %s: %d %s", method, path, got.status, got.body)
			}
		}
		return nil
	}
}

// wrongSignIns signs in at the console as nobody may.
func wrongSignIns(t *testing.T) []emf.Point {
	form := url.Values{"cloud_name": {demo.CloudName}, "api_key": {local.Credentials().APIKey}, "api_secret": {"wrong"}}.Encode()
	for range 100 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, local.APIURL()+"/console/sign-in", strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(req.Header, stranger())
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusUnauthorized {
			t.Fatalf("sign in: %s, %v", res.Status, err)
		}
	}
	return nil
}

// handed hands the delivery function a message of the demo's that nobody has sent.
func handed(t *testing.T, url string, due time.Time) {
	t.Helper()
	body, err := json.Marshal(notification.Message{
		CloudName: demo.CloudName, EventID: eventID(), DeliveryID: ulid.Make().String(), Attempt: 1, Lane: notification.First, DueAt: due,
		Origin: notification.OriginOf(url), NotificationType: "upload", URL: url, Why: notification.ByCall, AcceptedAt: due,
		Body: packing.Pack([]byte(`{"notification_type":"upload"`)),
	})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := json.Marshal(map[string]any{"Records": []map[string]string{{"messageId": "drill", "eventSource": "aws:sqs", "body": string(body)}}})
	if err != nil {
		t.Fatal(err)
	}
	if out := invokeFunction(t, "DeliveryFunctionName", batch); out.FunctionError != nil {
		t.Fatalf("deliver: %s", out.Payload)
	}
}

func invokeFunction(t *testing.T, output string, event []byte) *lambda.InvokeOutput {
	t.Helper()
	out, err := functions(t).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(local.Outputs()[output]), Payload: event})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func functions(t *testing.T) *lambda.Client {
	t.Helper()
	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return lambda.NewFromConfig(cfg)
}

func lateMessage(t *testing.T) []emf.Point {
	receiver := notificationtest.NewReceiver(t)
	handed(t, receiver.URL("/late"), time.Now().Add(-2*time.Minute).UTC())
	return nil
}

func deadReceiver(t *testing.T) []emf.Point {
	receiver := notificationtest.NewReceiver(t)
	receiver.Answer(func(int, notificationtest.Request) notificationtest.Reply {
		return notificationtest.Reply{StatusCode: http.StatusInternalServerError}
	})
	r := report(t, fmt.Sprintf(`{"notification_type":"upload","payload":{},"notification_url":%q}`, receiver.URL("/dead")))
	if d := settled(t, r.Deliveries[0].DeliveryID); d.Status != notification.Exhausted {
		t.Fatalf("delivery is %s", d.Status)
	}
	return nil
}

// noTable is the name of a table that does not exist.
const noTable = "no-such-table"

// withoutTable gives the intake function a table that does not exist, for a dozen
// calls.
func withoutTable(t *testing.T) []emf.Point {
	client, name := functions(t), aws.String(local.Outputs()["IntakeFunctionName"])
	was, err := client.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: name})
	if err != nil {
		t.Fatal(err)
	}
	table := was.Environment.Variables["TABLE_NAME"]
	set := func(table string) {
		was.Environment.Variables["TABLE_NAME"] = table
		_, err := client.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
			FunctionName: name, Environment: &lambdatypes.Environment{Variables: was.Environment.Variables},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	set(noTable)
	defer set(table)
	faults := 0.0
	const calls = 12
	for range calls {
		if got := call(t, "POST", "/events", `{"notification_type":"upload","payload":{}}`); got.status >= http.StatusInternalServerError {
			faults++
		}
	}
	return append(byAWS("AWS/ApiGateway", "Count", calls, "ApiId", "ApiId"), byAWS("AWS/ApiGateway", "5xx", faults, "ApiId", "ApiId")...)
}

func strangeInvocation(t *testing.T) []emf.Point {
	event, err := os.ReadFile("../../../events/recovery/stranger.json")
	if err != nil {
		t.Fatal(err)
	}
	failed := 0.0
	if out := invokeFunction(t, "RecoveryFunctionName", event); out.FunctionError != nil {
		failed = 1
	}
	return byAWS("AWS/Lambda", "Errors", failed, "FunctionName", "RecoveryFunction")
}

func withoutConcurrency(t *testing.T) []emf.Point {
	client, name := functions(t), aws.String(local.Outputs()["RecoveryFunctionName"])
	_, err := client.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(0)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := client.DeleteFunctionConcurrency(t.Context(), &lambda.DeleteFunctionConcurrencyInput{FunctionName: name}); err != nil {
			t.Fatal(err)
		}
	}()
	refused := 0.0
	_, err = client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: name, Payload: []byte(`{}`)}, func(o *lambda.Options) { o.RetryMaxAttempts = 1 })
	if _, is := errors.AsType[*lambdatypes.TooManyRequestsException](err); is {
		refused = 1
	}
	return byAWS("AWS/Lambda", "Throttles", refused, "FunctionName", "RecoveryFunction")
}

// withoutInserts forbids the delivery role to insert records meanwhile.
func withoutInserts(t *testing.T) []emf.Point {
	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"dynamodb:PartiQLInsert","Resource":"*"}]}`
	config, err := functions(t).GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{
		FunctionName: aws.String(local.Outputs()["DeliveryFunctionName"]),
	})
	if err != nil {
		t.Fatal(err)
	}
	role := aws.ToString(config.Role)
	role = role[strings.LastIndex(role, "/")+1:]
	iam(t, "PutRolePolicy", "RoleName", role, "PolicyName", "drill", "PolicyDocument", policy)
	defer iam(t, "DeleteRolePolicy", "RoleName", role, "PolicyName", "drill")
	receiver := notificationtest.NewReceiver(t)
	handed(t, receiver.URL("/unrecorded"), time.Now().UTC())
	return nil
}

func brokenWait(t *testing.T) []emf.Point {
	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := sfn.NewFromConfig(cfg)
	started, err := client.StartExecution(t.Context(), &sfn.StartExecutionInput{
		StateMachineArn: aws.String(local.Outputs()["WaitWorkflowArn"]), Input: aws.String(`{"drill":true}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		out, err := client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: started.ExecutionArn})
		if err != nil {
			t.Fatal(err)
		}
		if out.Status == sfntypes.ExecutionStatusFailed {
			return byAWS("AWS/States", "ExecutionsFailed", 1, "StateMachineArn", "WaitWorkflow")
		}
	}
	t.Fatal("the execution has not failed after half a minute")
	return nil
}

// unhurried is a new environment without retries.
func unhurried(t *testing.T, cloudName string) tenant {
	t.Helper()
	n := newTenant(t, cloudName)
	if got := n.call(t, "PUT", "/notification_settings", `{"retry_schedule":""}`); got.status != http.StatusOK {
		t.Fatalf("settings: %d %s", got.status, got.body)
	}
	return n
}

func disabledKey(t *testing.T) []emf.Point {
	s := signing{unhurried(t, "drill-keys"), notificationtest.NewReceiver(t)}
	key := s.newKey(t, "webhooks")
	s.change(t, "PUT", "/access_keys/"+key.APIKey, `{"dedicated_for":"webhooks"}`)
	s.change(t, "PUT", "/access_keys/"+key.APIKey, `{"enabled":false}`)
	s.report(t, s.Credentials)
	return nil
}

func privateAddress(t *testing.T) []emf.Point {
	setSettings(t, `{"retry_schedule":""}`) // there is no event to read for a later attempt
	handed(t, "http://10.11.12.13/hook", time.Now().UTC())
	return nil
}

func lostRetry(t *testing.T) []emf.Point {
	key := lose(t, notification.First)
	sweep(t)
	settled(t, key.DeliveryID)
	return nil
}

func manyDeadHosts(t *testing.T) []emf.Point {
	n, since := unhurried(t, "drill-hosts"), seen(t)
	for range 10 {
		body := fmt.Sprintf(`{"notification_type":"upload","payload":{},"notification_url":%q}`, deadURL(t))
		if got := n.call(t, "POST", "/events", body); got.status != http.StatusAccepted {
			t.Fatalf("report event: %d %s", got.status, got.body)
		}
	}
	drained(t)
	hosts := make(map[string]bool)
	for deadline := time.Now().Add(30 * time.Second); len(hosts) < 10 && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		for _, text := range linesSince(t, since) {
			var line struct {
				Message, Reason string
				URLOrigin       string `json:"url_origin"`
			}
			if json.Unmarshal([]byte(text), &line) == nil && line.Message == "delivery attempted" && line.Reason != "" {
				hosts[line.URLOrigin] = true
			}
		}
	}
	return []emf.Point{{Name: watch.UniqueContributors, Values: []float64{float64(len(hosts))}}}
}

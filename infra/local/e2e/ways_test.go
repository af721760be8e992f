package e2e_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// putEvent puts an event on the stack's bus and returns the id that EventBridge
// gives it.
func putEvent(t *testing.T, detail string) string {
	t.Helper()
	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := eventbridge.NewFromConfig(cfg).PutEvents(t.Context(), &eventbridge.PutEventsInput{
		Entries: []eventbridgetypes.PutEventsRequestEntry{{
			EventBusName: aws.String(local.Outputs()["EventBusName"]), Source: aws.String("example.media.uploads"),
			DetailType: aws.String("Mediahooks Event"), Detail: aws.String(detail),
		}},
	})
	if err != nil || out.FailedEntryCount != 0 {
		t.Fatalf("put event: %+v, %v", out, err)
	}
	return aws.ToString(out.Entries[0].EventId)
}

// invoke invokes the intake function directly and returns what it answers, and
// the error that it failed with.
func invoke(t *testing.T, how lambdatypes.InvocationType, payload string) (answered, failed string) {
	t.Helper()
	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := lambda.NewFromConfig(cfg).Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String(local.Outputs()["IntakeFunctionName"]), InvocationType: how, Payload: []byte(payload),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(out.Payload), aws.ToString(out.FunctionError)
}

// invoked decodes the answer to a direct invocation.
func invoked(t *testing.T, payload string) reported {
	t.Helper()
	answered, failed := invoke(t, lambdatypes.InvocationTypeRequestResponse, payload)
	if failed != "" {
		t.Fatalf("invoke: %s: %s", failed, answered)
	}
	var r reported
	if err := json.Unmarshal([]byte(answered), &r); err != nil {
		t.Fatalf("%v in %s", err, answered)
	}
	return r
}

// triggeredBy reads what a notification says of who caused it.
func triggeredBy(t *testing.T, body []byte) (source, id string) {
	t.Helper()
	var n struct {
		Context struct {
			By struct{ Source, ID string } `json:"triggered_by"`
		} `json:"notification_context"`
	}
	if err := json.Unmarshal(body, &n); err != nil {
		t.Fatal(err)
	}
	return n.Context.By.Source, n.Context.By.ID
}

// An event on the bus arrives as a signed notification. Reported again over HTTP
// by the id that EventBridge gave it, it is a duplicate.
func TestWaysBus(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	addTrigger(t, receiver.URL("/bus"), "upload")
	event := `"notification_type":"upload","payload":{"public_id":"by-bus"}`
	id := putEvent(t, `{"cloud_name":"demo",`+event+`}`)
	got := receiver.Wait(t, 1)[0]
	timestamp, err := strconv.ParseInt(got.Header.Get("X-Cld-Timestamp"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	verifiedByGo(t, got, timestamp)
	if source, who := triggeredBy(t, got.Body); source != "eventbridge" || who != "example.media.uploads" {
		t.Errorf("triggered by %s %s", source, who)
	}
	again := report(t, fmt.Sprintf(`{"event_id":%q,%s}`, id, event))
	if again.Status != "duplicate" || len(again.Deliveries) != 1 || again.Deliveries[0].DeliveryID != got.Header.Get("X-Mediahooks-Delivery") {
		t.Errorf("again over HTTP: %+v", again)
	}
}

// What nobody can accept is acknowledged: it leaves no event behind, and nothing
// in the failure queue.
func TestWaysRefused(t *testing.T) {
	for name, test := range map[string]struct{ event, want string }{
		"invalid":             {`{"cloud_name":"demo","notification_type":"uploaded","payload":{}}`, "notification_type: Invalid value uploaded"},
		"unknown environment": {`{"cloud_name":"nowhere","notification_type":"upload","payload":{}}`, `unknown cloud_name "nowhere"`},
		"no environment":      {`{"notification_type":"upload","payload":{}}`, "cloud_name: is required"},
		"no event":            {`[]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			answered, failed := invoke(t, lambdatypes.InvocationTypeRequestResponse, test.event)
			var body struct{ Error struct{ Message string } }
			if err := json.Unmarshal([]byte(answered), &body); err != nil || failed != "" || body.Error.Message == "" ||
				!strings.Contains(body.Error.Message, test.want) {
				t.Errorf("answered %s, failed %q, want %q", answered, failed, test.want)
			}
		})
	}
}

func TestWaysDirect(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	addTrigger(t, receiver.URL("/direct"), "rename")
	id := eventID()
	event := fmt.Sprintf(`{"event_id":%q,"cloud_name":"demo","notification_type":"rename","payload":{"from_public_id":"a","to_public_id":"b"}}`, id)
	first := invoked(t, event)
	if first.EventID != id || first.Status != "accepted" || len(first.Deliveries) != 1 {
		t.Fatalf("answer = %+v", first)
	}
	if source, _ := triggeredBy(t, receiver.Wait(t, 1)[0].Body); source != "lambda" {
		t.Errorf("triggered by %s", source)
	}
	// The same by every other way is a duplicate.
	second := report(t, event)
	if diff := cmp.Diff(first.Deliveries, second.Deliveries); second.Status != "duplicate" || diff != "" {
		t.Errorf("over HTTP it is %s:\n%s", second.Status, diff)
	}
	putEvent(t, event)
	if _, failed := invoke(t, lambdatypes.InvocationTypeEvent, event); failed != "" {
		t.Errorf("asynchronous: %s", failed)
	}
	// Asynchronously, another one.
	other := eventID()
	if _, failed := invoke(t, lambdatypes.InvocationTypeEvent, strings.Replace(event, id, other, 1)); failed != "" {
		t.Errorf("asynchronous: %s", failed)
	}
	receiver.Wait(t, 2)
	drained(t)
	if n := len(receiver.Requests()); n != 2 {
		t.Errorf("%d notifications, want one of each event", n)
	}
	if record := settled(t, first.Deliveries[0].DeliveryID); record.Status != notification.Delivered {
		t.Errorf("the delivery is %s", record.Status)
	}
}

// The bus's events and asynchronous invocations that fail for a fault of ours
// end in a queue. A malformed HTTP request of nobody's makes one here.
func TestWaysFailure(t *testing.T) {
	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mark := eventID()
	invoke(t, lambdatypes.InvocationTypeEvent, fmt.Sprintf(`{"requestContext":{"http":{}},"rawPath":{"mark":%q}}`, mark))
	queue := sqs.NewFromConfig(cfg)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		out, err := queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: aws.String(local.Outputs()["IntakeFailureQueueUrl"]), WaitTimeSeconds: 1, MaxNumberOfMessages: 10,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, message := range out.Messages {
			if !strings.Contains(*message.Body, mark) {
				t.Errorf("another failure: %s", *message.Body)
				continue
			}
			return
		}
	}
	t.Error("the failure queue stays empty")
}

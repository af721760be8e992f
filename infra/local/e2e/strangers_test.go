package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// A message that names another environment than its record sends nothing, changes
// nothing, is left on its queue, and ends in the dead-letter queue, which has an
// alarm. The queue's policy keeps everybody from sending one; here it is lifted.
// The slow lane takes all at once, where the first may pass them on.
func TestMessageOfAnotherEnvironment(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	a, b := newTenant(t, "strangers-a"), newTenant(t, "strangers-b")
	var event reported
	a.call(t, "POST", "/events", fmt.Sprintf(`{"notification_type":"upload","payload":{},"notification_url":%q}`, receiver.URL("/a"))).decode(t, &event)
	own := settledOf(t, a.CloudName, event.Deliveries[0].DeliveryID)
	drained(t)

	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client, queue := sqs.NewFromConfig(cfg), aws.String(local.Outputs()["SlowQueueUrl"])
	was, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: queue, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNamePolicy, types.QueueAttributeNameVisibilityTimeout},
	})
	if err != nil || was.Attributes["Policy"] == "" {
		t.Fatalf("queue attributes: %v, %v", was, err)
	}
	set := func(attributes map[string]string) {
		if _, err := client.SetQueueAttributes(context.Background(), &sqs.SetQueueAttributesInput{QueueUrl: queue, Attributes: attributes}); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { set(was.Attributes) })
	set(map[string]string{"Policy": "", "VisibilityTimeout": "1"}) // or five receipts take a quarter of an hour

	// By an event's reference, as the first attempt and as a later one.
	ids := make(map[string]bool)
	for attempt := 1; attempt <= 2; attempt++ {
		body, err := json.Marshal(notification.Message{
			CloudName: b.CloudName, EventID: event.EventID, DeliveryID: own.DeliveryID, Attempt: attempt,
			Lane: notification.Slow, DueAt: time.Now(), Origin: receiver.URL(""),
		})
		if err != nil {
			t.Fatal(err)
		}
		sent, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue, MessageBody: aws.String(string(body))})
		if err != nil {
			t.Fatal(err)
		}
		ids[aws.ToString(sent.MessageId)] = true
	}
	dead := aws.String(local.Outputs()["SlowDeadLetterQueueUrl"])
	left := make(map[string]bool)
	for end := time.Now().Add(time.Minute); len(left) < len(ids); {
		if time.Now().After(end) {
			t.Fatalf("%d of %d messages are in the dead-letter queue", len(left), len(ids))
		}
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: dead, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			left[aws.ToString(m.MessageId)] = true
			if _, err := client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: dead, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff(ids, left); diff != "" {
		t.Errorf("dead letters (-sent +there):\n%s", diff)
	}
	if n := len(receiver.Requests()); n != 1 {
		t.Errorf("%d notifications, want the environment's own", n)
	}
	if diff := cmp.Diff(own, record(t, own.DeliveryKey)); diff != "" {
		t.Errorf("the record was changed (-before +after):\n%s", diff)
	}
	if d := record(t, notification.DeliveryKey{CloudName: b.CloudName, DeliveryID: own.DeliveryID}); d.DeliveryID != "" {
		t.Errorf("the other environment has a record: %+v", d)
	}
	for _, line := range logLines(t, "SlowDeliveryLogGroupName") {
		for id := range ids {
			if strings.Contains(line, id) && strings.Contains(line, `"message":"message left on queue"`) {
				delete(ids, id)
			}
		}
	}
	if len(ids) != 0 {
		t.Errorf("the log has no message left on queue with the ids %v", ids)
	}
}

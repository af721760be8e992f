package e2e_test

import (
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/mediahooks/mediahooks/infra/local/demo"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// TestSweep has the schedule's invocation of the recovery function bring back what
// was lost.
func TestSweep(t *testing.T) {
	for _, lane := range []notification.Lane{notification.First, notification.Slow} {
		t.Run(string(lane), func(t *testing.T) {
			key := lose(t, lane)
			sweep(t)
			if d := settled(t, key.DeliveryID); d.Status != notification.Delivered || d.AttemptCount != 2 || d.Attempts[1].Lane != lane {
				t.Errorf("got %+v, want it delivered by its second attempt, on lane %s", d, lane)
			}
		})
	}
}

// lose has somebody purge the lanes while a retry waits on one of them, an hour
// ago. On the slow one are those of attempts that took a second or more.
func lose(t *testing.T, lane notification.Lane) notification.DeliveryKey {
	t.Helper()
	receiver := notificationtest.NewReceiver(t)
	receiver.Answer(func(n int, _ notificationtest.Request) notificationtest.Reply {
		if n > 1 {
			return notificationtest.Reply{StatusCode: http.StatusOK}
		}
		reply := notificationtest.Reply{StatusCode: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"900"}}}
		if lane == notification.Slow {
			reply.Hold = slowly()
		}
		return reply
	})
	drained(t)
	r := report(t, `{"notification_type":"upload","payload":{"public_id":"lost"},"notification_url":"`+receiver.URL("/hook")+`"}`)
	key := notification.DeliveryKey{CloudName: demo.CloudName, DeliveryID: r.Deliveries[0].DeliveryID}
	waiting := retrying(t, key)
	if waiting.NextLane != lane {
		t.Fatalf("the retry is on lane %s, want %s", waiting.NextLane, lane)
	}

	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, queue := range []string{"FirstQueueUrl", "SlowQueueUrl"} {
		if _, err := sqs.NewFromConfig(cfg).PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: aws.String(local.Outputs()[queue])}); err != nil {
			t.Fatal(err)
		}
	}
	sweep(t)
	if d := record(t, key); d.AttemptCount != waiting.AttemptCount {
		t.Fatalf("a sweep made attempt %d of a delivery that is not late", d.AttemptCount)
	}

	// The record is made an hour older.
	past := time.Now().UTC().Add(-time.Hour)
	_, err = dynamodb.NewFromConfig(cfg).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(local.Outputs()["TableName"]), Key: itemOf(t, key),
		UpdateExpression: aws.String("SET next_at = :past, open_at = :in_words"),
		ExpressionAttributeValues: map[string]dynamodbtypes.AttributeValue{
			":past":     &dynamodbtypes.AttributeValueMemberN{Value: strconv.FormatInt(past.UnixNano(), 10)},
			":in_words": &dynamodbtypes.AttributeValueMemberS{Value: past.Format("2006-01-02T15:04:05.000000000Z")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sweep invokes the recovery function as the schedule does.
func sweep(t *testing.T) {
	t.Helper()
	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	event, err := os.ReadFile("../../../events/recovery/scheduled.json")
	if err != nil {
		t.Fatal(err)
	}
	out, err := lambda.NewFromConfig(cfg).Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String(local.Outputs()["RecoveryFunctionName"]), Payload: event,
	})
	if err != nil || out.FunctionError != nil {
		t.Fatalf("sweep: %v, %s", err, out.Payload)
	}
}

// record reads the record of a delivery.
func record(t *testing.T, key notification.DeliveryKey) notification.Delivery {
	t.Helper()
	found, err := table.Deliveries(t.Context(), []notification.DeliveryKey{key})
	if err != nil {
		t.Fatal(err)
	}
	return found[key]
}

// retrying waits until a delivery has failed once, and returns its record.
func retrying(t *testing.T, key notification.DeliveryKey) notification.Delivery {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if d := record(t, key); d.Status == notification.Retrying {
			return d
		}
	}
	t.Fatalf("delivery %s is not retrying after a minute", key.DeliveryID)
	return notification.Delivery{}
}

// itemOf finds the key of a delivery's item.
func itemOf(t *testing.T, key notification.DeliveryKey) map[string]dynamodbtypes.AttributeValue {
	t.Helper()
	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := dynamodb.NewFromConfig(cfg).Scan(t.Context(), &dynamodb.ScanInput{
		TableName: aws.String(local.Outputs()["TableName"]), IndexName: aws.String("open"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range out.Items {
		if sk, ok := item["sk"].(*dynamodbtypes.AttributeValueMemberS); ok && sk.Value == key.DeliveryID {
			return map[string]dynamodbtypes.AttributeValue{"pk": item["pk"], "sk": item["sk"]}
		}
	}
	t.Fatalf("the index has no delivery %s", key.DeliveryID)
	return nil
}

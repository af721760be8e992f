package stack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/mediahooks/mediahooks/infra/local/demo"
	"github.com/mediahooks/mediahooks/infra/local/stack"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// TestRolesSuffice has every function do its work with the permissions of its
// role and no others: a trigger, an event, a first attempt that fails, a retry
// through the queue's delay, one through the workflow, and success.
func TestRolesSuffice(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	receiver.AnswerInTurn(http.StatusServiceUnavailable, http.StatusServiceUnavailable, http.StatusOK)
	s := start(t, stack.Options{
		Auth:      true,
		Params:    map[string]string{"RetrySchedule": "1s,16m"},
		WaitScale: 0.001,
		Provision: demo.Provision,
	})
	post(t, s, "/triggers", map[string]string{"event_type": "upload", "uri": receiver.URL("/hook")}, nil)
	var accepted struct {
		Deliveries []struct {
			ID string `json:"delivery_id"`
		} `json:"deliveries"`
	}
	post(t, s, "/events", json.RawMessage(`{"notification_type":"upload","payload":{"public_id":"dog"}}`), &accepted)
	if len(accepted.Deliveries) != 1 {
		t.Fatalf("got %d deliveries, want 1", len(accepted.Deliveries))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cfg, err := s.AWSConfig(ctx)
	if err != nil {
		t.Fatal(err)
	}
	key := notification.DeliveryKey{CloudName: demo.CloudName, DeliveryID: accepted.Deliveries[0].ID}
	d, err := demo.Settled(ctx, cfg, s.Outputs(), key)
	if err != nil {
		t.Fatal(err)
	}
	if d.Status != notification.Delivered || d.AttemptCount != 3 {
		t.Errorf("got %s after %d attempts, want delivered after 3: %+v", d.Status, d.AttemptCount, d)
	}

	// The root of the account may do anything, but not this.
	for _, queue := range []string{"FirstQueueUrl", "SlowQueueUrl", "HoldQueueUrl"} {
		_, err = sqs.NewFromConfig(cfg).SendMessage(ctx, &sqs.SendMessageInput{
			QueueUrl: aws.String(s.Outputs()[queue]), MessageBody: aws.String("{}"),
		})
		if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("a message from elsewhere to %s: got %v, want AccessDenied", queue, err)
		}
	}
}

// TestTwoAtOnce runs two stacks side by side, as two clones of the project do.
func TestTwoAtOnce(t *testing.T) {
	first := start(t, stack.Options{Provision: demo.Provision})
	second := start(t, stack.Options{Provision: demo.Provision})
	if first.APIURL() == second.APIURL() || first.Endpoint() == second.Endpoint() {
		t.Fatalf("both are at %s and %s", first.APIURL(), first.Endpoint())
	}
	post(t, first, "/triggers", map[string]string{"event_type": "all", "uri": "http://127.0.0.1:9/"}, nil)
	for s, want := range map[*stack.Stack]int{first: 1, second: 0} {
		var list struct {
			Total int `json:"total"`
		}
		call(t, s, http.MethodGet, "/triggers", nil, &list)
		if list.Total != want {
			t.Errorf("%s has %d triggers, want %d", s.APIURL(), list.Total, want)
		}
	}
}

func start(t *testing.T, o stack.Options) *stack.Stack {
	t.Helper()
	o.Progress = func(step string, took time.Duration) { t.Logf("%s took %s", step, took.Round(time.Millisecond)) }
	s, err := stack.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func post(t *testing.T, s *stack.Stack, path string, body, answer any) {
	t.Helper()
	call(t, s, http.MethodPost, path, body, answer)
}

func call(t *testing.T, s *stack.Stack, method, path string, body, answer any) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.APIURL()+"/v1_1/demo"+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(s.Credentials().APIKey, s.Credentials().APISecret)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %s %s %v", method, path, res.Status, got, err)
	}
	if answer != nil {
		if err := json.Unmarshal(got, answer); err != nil {
			t.Fatalf("%s %s: %s: %v", method, path, got, err)
		}
	}
}

package workflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/mediahooks/mediahooks/shared/delivery"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/workflow"
)

var _ delivery.Workflow = (*workflow.Waits)(nil)

// starter keeps the last call, and answers with an error.
type starter struct {
	in  *sfn.StartExecutionInput
	err error
}

func (s *starter) StartExecution(_ context.Context, in *sfn.StartExecutionInput, _ ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error) {
	s.in = in
	return &sfn.StartExecutionOutput{}, s.err
}

var message = notification.Message{
	CloudName: "demo", EventID: "e#1", DeliveryID: "01KGGVH71G0000000000000001", Attempt: 3, Lane: notification.Slow,
	DueAt: time.Date(2026, 2, 3, 4, 5, 6, 789_000_001, time.UTC), URL: "https://a.example/t0k3n", Body: []byte("secret body"),
}

func start(s *starter, m notification.Message) error {
	return workflow.New(s, "machine", map[notification.Lane]string{notification.Slow: "slow-url"}).WaitThenSend(context.Background(), m)
}

func TestInput(t *testing.T) {
	s := &starter{}
	if err := start(s, message); err != nil {
		t.Fatal(err)
	}
	if *s.in.Name != "01KGGVH71G0000000000000001-3" || *s.in.StateMachineArn != "machine" {
		t.Errorf("execution %s of %s", *s.in.Name, *s.in.StateMachineArn)
	}
	var input struct {
		DueAt    string `json:"due_at"`
		QueueURL string `json:"queue_url"`
		Message  string `json:"message"`
	}
	if err := json.Unmarshal([]byte(*s.in.Input), &input); err != nil {
		t.Fatal(err)
	}
	if input.DueAt != "2026-02-03T04:05:06.790Z" || input.QueueURL != "slow-url" {
		t.Errorf("input = %+v", input)
	}
	var sent notification.Message
	if err := json.Unmarshal([]byte(input.Message), &sent); err != nil {
		t.Fatal(err)
	}
	if !sent.IsReference() || sent.DeliveryID != message.DeliveryID || sent.EventID != message.EventID || sent.Attempt != 3 || sent.Lane != notification.Slow {
		t.Errorf("message = %+v", sent)
	}
	if strings.Contains(*s.in.Input, "t0k3n") || strings.Contains(*s.in.Input, "body") {
		t.Errorf("the input holds more than a reference: %s", *s.in.Input)
	}
}

func TestErrors(t *testing.T) {
	for _, test := range []struct {
		name    string
		err     error
		lane    notification.Lane
		wantErr string
	}{
		{"asked twice is asked once", &types.ExecutionAlreadyExists{}, notification.Slow, ""},
		{"refused", errors.New("throttled"), notification.Slow, "wait for attempt 3 of delivery 01KGGVH71G0000000000000001: throttled"},
		{"no such lane", nil, "fast", `no lane "fast"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := message
			m.Lane = test.lane
			err := start(&starter{err: test.err}, m)
			if test.wantErr == "" && err != nil || test.wantErr != "" && (err == nil || !strings.Contains(err.Error(), test.wantErr)) {
				t.Errorf("error = %v, want %q", err, test.wantErr)
			}
		})
	}
}

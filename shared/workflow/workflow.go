// Package workflow holds messages back for longer than a queue can, with a Step
// Functions state machine that waits and then sends to the queue itself. What
// goes in is a reference: no URL and no body is ever in a workflow's history.
package workflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// API is what is used of a Step Functions client.
type API interface {
	StartExecution(context.Context, *sfn.StartExecutionInput, ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error)
}

// Waits starts executions of the state machine in infra/workflows/wait.asl.json.
// It is safe for concurrent use.
type Waits struct {
	client  API
	machine string
	urls    map[notification.Lane]string
}

// New returns the waits of the state machine with that ARN, which send to the
// given queue URLs.
func New(client API, machineARN string, urls map[notification.Lane]string) *Waits {
	return &Waits{client: client, machine: machineARN, urls: urls}
}

// input is what the state machine reads.
type input struct {
	DueAt    string `json:"due_at"`
	QueueURL string `json:"queue_url"`
	Message  string `json:"message"`
}

// WaitThenSend starts the wait for a message. To ask twice for the same attempt
// of a delivery is to ask once: the execution is named after it, and a name is
// taken for 90 days after its execution has ended.
func (w *Waits) WaitThenSend(ctx context.Context, m notification.Message) error {
	url := w.urls[m.Lane]
	if url == "" {
		return fmt.Errorf("wait for attempt %d of delivery %s: no lane %q", m.Attempt, m.DeliveryID, m.Lane)
	}
	message, err := json.Marshal(m.Reference())
	if err != nil {
		return fmt.Errorf("wait for attempt %d of delivery %s: encode message: %w", m.Attempt, m.DeliveryID, err)
	}
	in, err := json.Marshal(input{DueAt: timestamp(m.DueAt), QueueURL: url, Message: string(message)})
	if err != nil {
		return fmt.Errorf("wait for attempt %d of delivery %s: encode input: %w", m.Attempt, m.DeliveryID, err)
	}
	name, text := executionName(m), string(in)
	_, err = w.client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &w.machine, Name: &name, Input: &text})
	if _, again := errors.AsType[*types.ExecutionAlreadyExists](err); again {
		return nil
	}
	if err != nil {
		return fmt.Errorf("wait for attempt %d of delivery %s: %w", m.Attempt, m.DeliveryID, err)
	}
	return nil
}

// timestamp writes a time as a Wait state reads it, in milliseconds that are
// rounded up, so that no message is early.
func timestamp(t time.Time) string {
	up := t.Add(time.Millisecond - 1).Truncate(time.Millisecond)
	return up.UTC().Format("2006-01-02T15:04:05.000Z")
}

// maxName is the longest name of an execution, in characters. What is not a
// letter, digit, hyphen or underscore is replaced: Step Functions takes a few
// more characters, but its logs and metrics do not.
//
// Source: Step Functions API reference, StartExecution.
const maxName = 80

// executionName names the attempt of a delivery. The number is never cut off.
func executionName(m notification.Message) string {
	number := "-" + strconv.Itoa(m.Attempt)
	id := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r == '-', r == '_':
			return r
		}
		return '_'
	}, m.DeliveryID)
	return id[:min(len(id), maxName-len(number))] + number
}

package notificationtest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Workflow holds messages back for as long as they ask, and then lets them be
// received from its queue.
type Workflow struct {
	Faults
	queue *Queue

	mu      sync.Mutex
	started []notification.Message
}

// NewWorkflow returns a workflow that sends to the given queue.
func NewWorkflow(queue *Queue) *Workflow { return &Workflow{queue: queue} }

// WaitThenSend starts the wait for a message, once for each attempt of a
// delivery. What arrives is the message's reference.
func (w *Workflow) WaitThenSend(ctx context.Context, message notification.Message) error {
	w.called("WaitThenSend")
	return w.effect(ctx, Call{Op: "WaitThenSend", Key: message.DeliveryID}, func() error {
		if message.Lane != notification.First && message.Lane != notification.Slow {
			return fmt.Errorf("wait then send: no lane %q", message.Lane)
		}
		reference := message.Reference()
		body, err := json.Marshal(reference)
		if err != nil {
			return fmt.Errorf("wait then send: encode message: %w", err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, s := range w.started {
			if s.DeliveryID == message.DeliveryID && s.Attempt == message.Attempt {
				return nil
			}
		}
		w.started = append(w.started, reference)
		w.queue.put(message.Lane, body, message.DueAt)
		return nil
	})
}

// Started returns the messages of all waits that were started, in order.
func (w *Workflow) Started() []notification.Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.started)
}

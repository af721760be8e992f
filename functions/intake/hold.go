package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-lambda-go/events"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// release takes up a batch of the hold queue: clocks of held events that have
// come to the end of their time, or of a hop towards it. Those that it names in
// its answer stay on the queue, and are dead letters after five times.
func (h handler) release(ctx context.Context, raw json.RawMessage) (events.SQSEventResponse, error) {
	var batch events.SQSEvent
	if err := json.Unmarshal(raw, &batch); err != nil {
		return events.SQSEventResponse{}, fmt.Errorf("read batch: %w", err)
	}
	faults := make([]error, len(batch.Records))
	var group sync.WaitGroup
	for i, record := range batch.Records {
		group.Go(func() { faults[i] = h.releaseOne(ctx, record) })
	}
	group.Wait()
	answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}} // Lambda takes null for a fault
	for i, err := range faults {
		if err == nil {
			continue
		}
		id := batch.Records[i].MessageId
		h.log.ErrorContext(ctx, "hold left on queue", "message_id", id, "error", err)
		answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
	}
	return answer, nil
}

func (h handler) releaseOne(ctx context.Context, record events.SQSMessage) error {
	var hold notification.Hold
	if err := json.Unmarshal([]byte(record.Body), &hold); err != nil {
		return fmt.Errorf("read hold: %w", err)
	}
	if hold.CloudName == "" || hold.EventID == "" || hold.BatchID == "" || hold.Until.IsZero() {
		return errors.New("hold is not one of ours: it lacks a field")
	}
	if err := h.service.Release(ctx, hold); err != nil {
		return err
	}
	h.log.InfoContext(ctx, "hold taken up", "way", string(byHold), "cloud_name", hold.CloudName, "event_id", hold.EventID,
		"batch_id", hold.BatchID, "held_until", hold.Until)
	return nil
}

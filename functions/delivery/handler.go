package main

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/aws/aws-lambda-go/events"

	"github.com/mediahooks/mediahooks/shared/delivery"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// handler takes up batches of SQS messages.
type handler struct {
	service delivery.Service
}

// deliver carries out a batch. The messages that it names in its answer become
// visible again after the queue's timeout; after five times they are dead
// letters, which only faults of ours can cause.
func (h handler) deliver(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	var messages []notification.Message
	var ids []string
	answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	stays := func(id string, err error) {
		h.service.Log.ErrorContext(ctx, "message left on queue", "message_id", id, "error", err)
		answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
	}
	for _, record := range batch.Records {
		var m notification.Message
		if err := json.Unmarshal([]byte(record.Body), &m); err != nil {
			stays(record.MessageId, err)
			continue
		}
		// Without a number, which SQS never leaves out, it counts as received once.
		m.Received, _ = strconv.Atoi(record.Attributes["ApproximateReceiveCount"])
		messages, ids = append(messages, m), append(ids, record.MessageId)
	}
	for i, err := range h.service.Deliver(ctx, messages) {
		stays(ids[i], err)
	}
	return answer, nil
}

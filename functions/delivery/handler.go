package main

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"

	"github.com/mediahooks/mediahooks/shared/delivery"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/telemetry"
)

// handler takes up batches of SQS messages.
type handler struct {
	service delivery.Service
	metrics *telemetry.Metrics
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
		messages, ids = append(messages, m), append(ids, record.MessageId)
	}
	report := h.service.Deliver(ctx, messages)
	for i, id := range ids {
		if err := report.Failed[i]; err != nil {
			stays(id, err)
		}
	}
	measure(h.metrics, report)
	h.metrics.Count(telemetry.MessagesLeft, len(answer.BatchItemFailures))
	return answer, nil
}

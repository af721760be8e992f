package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"

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
	var records []events.SQSMessage
	answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	stays := func(record events.SQSMessage, m notification.Message, err error) {
		h.logLeft(ctx, record, m, err)
		answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: record.MessageId})
	}
	for _, record := range batch.Records {
		var m notification.Message
		if err := json.Unmarshal([]byte(record.Body), &m); err != nil {
			stays(record, m, err)
			continue
		}
		// Without a number, which SQS never leaves out, it counts as received once.
		m.Received, _ = strconv.Atoi(record.Attributes["ApproximateReceiveCount"])
		messages, records = append(messages, m), append(records, record)
	}
	report := h.service.Deliver(ctx, messages)
	for i, record := range records {
		if err := report.Failed[i]; err != nil {
			stays(record, messages[i], err)
		}
	}
	measure(h.metrics, report)
	h.metrics.Count(telemetry.MessagesLeft, len(answer.BatchItemFailures))
	return answer, nil
}

// logLeft writes the line of a message that stays on its queue, with the ids that it
// names, as far as ours are long: it may be a stranger's.
func (h handler) logLeft(ctx context.Context, record events.SQSMessage, m notification.Message, err error) {
	const longest = 128
	attrs := []slog.Attr{slog.String("message_id", record.MessageId)}
	for _, id := range []struct{ key, value string }{
		{"cloud_name", m.CloudName}, {"event_id", m.EventID}, {"delivery_id", m.DeliveryID},
	} {
		if id.value != "" && len(id.value) <= longest {
			attrs = append(attrs, slog.String(id.key, id.value))
		}
	}
	if n, err := strconv.Atoi(record.Attributes["ApproximateReceiveCount"]); err == nil {
		attrs = append(attrs, slog.Int("receives", n))
	}
	h.service.Log.LogAttrs(ctx, slog.LevelError, "message left on queue", append(attrs, slog.Any("error", err))...)
}

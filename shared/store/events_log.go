package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// LogEvents writes the row that stands for an event in lists, for each of the
// events that has a LogID. To find it there is a success. It returns an error for
// each that was not written, by index.
func (t *Table) LogEvents(ctx context.Context, events []notification.Event) (failed map[int]error) {
	var statements []types.BatchStatementRequest
	var places []int
	var rows []key
	var last time.Time
	for i, event := range events {
		if event.LogID == "" {
			continue
		}
		k, ok := deliveryKey(notification.DeliveryKey{CloudName: event.CloudName, DeliveryID: event.LogID})
		if !ok {
			failed = fail(failed, i, notification.Errorf(notification.Invalid, "log id %q is not a ULID", event.LogID))
			continue
		}
		statements = append(statements, newItem(k, 8).
			text("event_id", event.ID).
			text("notification_type", event.NotificationType).
			texts("public_ids", event.PublicIDs).
			time("accepted_at", event.AcceptedAt).
			expiry(event.ExpiresAt).
			insertInto(t.name))
		rows, places = append(rows, k), append(places, i)
		if event.ExpiresAt.After(last) {
			last = event.ExpiresAt
		}
	}
	if len(statements) == 0 {
		return failed
	}
	unmarked := t.markHours(ctx, rows, last)
	for at, err := range t.execute(ctx, statements) {
		if unmarked[rows[at].pk] != nil {
			err = unmarked[rows[at].pk]
		}
		if err != nil && !errors.Is(err, errTaken) {
			failed = fail(failed, places[at], fmt.Errorf("log event %s: %w", events[places[at]].ID, err))
		}
	}
	return failed
}

// headFields are the attributes of an event that a list needs: all but its body.
var headFields = []string{
	"pk", "sk", "notification_type", "method", "targets", "batch_id", "misfit", "parent_id", "accepted_at", "expires_at",
	"status", "eager", "held_until", "released_at", "release", "revision", "public_ids", "log_id", "left_out",
}

// EventHeads reads any number of events without their bodies and hashes. Those
// that do not exist, or have expired, are absent from the result.
func (t *Table) EventHeads(ctx context.Context, names []notification.EventKey) (map[notification.EventKey]notification.Event, error) {
	return t.events(ctx, names, headFields)
}

// Reopen has a delivery attempted once more, and then by the schedule anew: it is
// retrying after d.AttemptCount attempts, and due then. It returns
// notification.ErrConflict where another attempt is on record by now, or one is
// under way.
func (t *Table) Reopen(ctx context.Context, d notification.Delivery, due time.Time, lane notification.Lane) error {
	k, ok := deliveryKey(d.DeliveryKey)
	if !ok {
		return noRecord(d.DeliveryKey)
	}
	d.Status, d.NextAt = notification.Retrying, due
	open, openAt := openKey(k, d)
	_, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.name,
		Key:       k.attributes(),
		UpdateExpression: aws.String("SET #status = :retrying, next_at = :due, next_lane = :lane, schedule_from = :count, " +
			"open_in = :open, open_at = :open_at"),
		ConditionExpression:      aws.String("attempt_count = :count AND (attribute_not_exists(leased_until) OR leased_until <= :now)"),
		ExpressionAttributeNames: map[string]string{"#status": "status"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":retrying": text(string(notification.Retrying)),
			":due":      number(nanoseconds(due)),
			":lane":     text(string(lane)),
			":count":    number(int64(d.AttemptCount)),
			":open":     text(open),
			":open_at":  text(openAt),
			":now":      number(nanoseconds(t.now())),
		},
	})
	if _, moved := errors.AsType[*types.ConditionalCheckFailedException](err); moved {
		err = notification.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("reopen delivery %s: %w", d.DeliveryID, err)
	}
	return nil
}

// projection names attributes for a read, each by a placeholder: some are
// reserved words.
func projection(names []string) (expression string, placeholders map[string]string) {
	placeholders = make(map[string]string, len(names))
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = "#" + name
		placeholders[parts[i]] = name
	}
	return strings.Join(parts, ","), placeholders
}

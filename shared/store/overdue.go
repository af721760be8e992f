package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Overdue hands the retrying deliveries of all environments that were due at or
// before an instant to visit, the most overdue of each shard first, in pages of
// at most 100. It ends with the first error that visit returns.
//
// The index lags behind the records by some milliseconds, so each is read anew:
// what visit gets is retrying, and was due, at the time of the reading.
func (t *Table) Overdue(ctx context.Context, at time.Time, visit func([]notification.Delivery) error) error {
	for shard := range shards {
		input := &dynamodb.QueryInput{
			TableName:              &t.name,
			IndexName:              aws.String(openIndex),
			KeyConditionExpression: aws.String(openPartition + " = :partition AND " + openSort + " <= :at"),
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":partition": text(duePartition(shard)),
				":at":        text(instant(at)),
			},
			Limit: aws.Int32(maxKeys),
		}
		for {
			out, err := t.client.Query(ctx, input)
			if err != nil {
				return fmt.Errorf("read overdue deliveries: %w", err)
			}
			found, err := t.overdue(ctx, out.Items, at)
			if err != nil {
				return fmt.Errorf("read overdue deliveries: %w", err)
			}
			if len(found) > 0 {
				if err := visit(found); err != nil {
					return err
				}
			}
			if len(out.LastEvaluatedKey) == 0 {
				break
			}
			input.ExclusiveStartKey = out.LastEvaluatedKey
		}
	}
	return nil
}

// overdue reads the records that items of the index stand for, and drops those
// that are no longer overdue.
func (t *Table) overdue(ctx context.Context, items []map[string]types.AttributeValue, at time.Time) ([]notification.Delivery, error) {
	keys := keysOf(items)
	records, err := t.read(ctx, keys)
	if err != nil {
		return nil, err
	}
	var found []notification.Delivery
	for _, k := range keys {
		attributes, ok := records[k]
		if !ok {
			continue
		}
		d, err := readDelivery(deliveryOf(k), attributes)
		if err != nil {
			return nil, fmt.Errorf("delivery %s: %w", k.sk, err)
		}
		f := fields{attributes: attributes}
		if d.Status == notification.Retrying && !t.expired(d.ExpiresAt) && f.text(openSort) <= instant(at) {
			found = append(found, d)
		}
	}
	return found, nil
}

// PutOff keeps a retrying delivery out of Overdue until an instant. It does
// nothing where another attempt than d.AttemptCount is on record by now.
func (t *Table) PutOff(ctx context.Context, d notification.Delivery, until time.Time) error {
	k, ok := deliveryKey(d.DeliveryKey)
	if !ok {
		return noRecord(d.DeliveryKey)
	}
	_, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:           &t.name,
		Key:                 k.attributes(),
		UpdateExpression:    aws.String("SET open_at = :until"),
		ConditionExpression: aws.String("attempt_count = :count AND #status = :retrying"),
		ExpressionAttributeNames: map[string]string{
			"#status": "status", // a reserved word
		},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":until":    text(instant(until)),
			":count":    number(int64(d.AttemptCount)),
			":retrying": text(string(notification.Retrying)),
		},
	})
	if _, moved := errors.AsType[*types.ConditionalCheckFailedException](err); moved {
		return nil
	}
	if err != nil {
		return fmt.Errorf("put off delivery %s: %w", d.DeliveryID, err)
	}
	return nil
}

package store

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// transact makes writes, all or none. It returns notification.ErrConflict where a
// condition is not met, or another transaction is faster all the time. A
// transaction costs twice what its writes do, which is why only environments and
// their keys take one: they change by hand. The client names each transaction, so
// that a repeat of one whose answer was lost is no other.
func (t *Table) transact(ctx context.Context, writes []types.TransactWriteItem) error {
	for repeat := 0; ; repeat++ {
		_, err := t.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
		switch {
		case err == nil:
			return nil
		case ok && hasReason(canceled, "ConditionalCheckFailed"):
			return notification.ErrConflict
		case !ok || !hasReason(canceled, "TransactionConflict"):
			return err
		case repeat == maxRepeats:
			return errors.Join(notification.ErrConflict, err)
		}
		// Another transaction has an item of ours in hand.
		if err := pause(ctx, repeat); err != nil {
			return err
		}
	}
}

func hasReason(canceled *types.TransactionCanceledException, code string) bool {
	return slices.ContainsFunc(canceled.CancellationReasons, func(r types.CancellationReason) bool {
		return aws.ToString(r.Code) == code
	})
}

// putNew writes an item where there is none of its key.
func (t *Table) putNew(it item) types.TransactWriteItem {
	return t.putOn(it, "attribute_not_exists(pk)", nil)
}

// putOn writes an item on a condition, which may be empty.
func (t *Table) putOn(it item, condition string, values map[string]types.AttributeValue) types.TransactWriteItem {
	put := &types.Put{TableName: &t.name, Item: it.attributes(), ExpressionAttributeValues: values}
	if condition != "" {
		put.ConditionExpression = &condition
	}
	return types.TransactWriteItem{Put: put}
}

func (t *Table) remove(k key) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: &t.name, Key: k.attributes()}}
}

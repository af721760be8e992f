// Package store keeps environments, events and deliveries in one DynamoDB
// table, for the stages that declare what they need of it. It knows keys,
// conditions and DynamoDB's limits, and no business rules: which write may
// replace which is said by the caller, in a version or a number of attempts.
//
// A record that has expired reads as absent, whether or not DynamoDB has removed
// it yet, which it does within days.
package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// API is what is used of a DynamoDB client.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	BatchExecuteStatement(context.Context, *dynamodb.BatchExecuteStatementInput, ...func(*dynamodb.Options)) (*dynamodb.BatchExecuteStatementOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Table is the table. It is safe for concurrent use.
type Table struct {
	client API
	name   string
	now    func() time.Time
	marks  marks
}

// New returns the table of that name. The clock decides what has expired.
func New(client API, tableName string, now func() time.Time) *Table {
	return &Table{client: client, name: tableName, now: now, marks: marks{made: make(map[string]bool)}}
}

// What is asked again when DynamoDB has answered only a part of a batch: a few
// times, after a random wait of at most firstPause, twice that, and so on. The
// client has its own retries for calls that fail as a whole.
const (
	maxRepeats = 4
	firstPause = 50 * time.Millisecond
	// inFlight bounds the calls that one batch makes at the same time.
	inFlight = 4
)

// pause waits before repeat number n, counted from 0.
func pause(ctx context.Context, n int) error {
	timer := time.NewTimer(rand.N(firstPause << n))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// expired reports whether a record that expires then is to be treated as
// absent. The zero time never expires.
func (t *Table) expired(at time.Time) bool {
	return !at.IsZero() && at.Unix() <= t.now().Unix()
}

// putIfFree writes an item where none is stored under its key, or only one that
// has expired. Otherwise it reports false, and the attributes of the item that
// is there.
func (t *Table) putIfFree(ctx context.Context, it item) (there map[string]types.AttributeValue, stored bool, err error) {
	return t.putIf(ctx, it, "attribute_not_exists(pk) OR expires_at <= :now",
		map[string]types.AttributeValue{":now": number(t.now().Unix())})
}

func (t *Table) putIf(ctx context.Context, it item, condition string, values map[string]types.AttributeValue) (there map[string]types.AttributeValue, stored bool, err error) {
	_, err = t.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &t.name,
		Item:                                it.attributes(),
		ConditionExpression:                 &condition,
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if failure, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return failure.Item, false, nil
	}
	return nil, err == nil, err
}

// updateIf updates an item on a condition. It returns the item as it is
// afterwards, or as it was; where the condition is not met it reports false, and
// the item as it is, nil for one that does not exist.
func (t *Table) updateIf(ctx context.Context, k key, update, condition string, values map[string]types.AttributeValue, returns types.ReturnValue) (attributes map[string]types.AttributeValue, updated bool, err error) {
	out, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &t.name,
		Key:                                 k.attributes(),
		UpdateExpression:                    &update,
		ConditionExpression:                 &condition,
		ExpressionAttributeValues:           values,
		ReturnValues:                        returns,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if failure, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return failure.Item, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return out.Attributes, true, nil
}

// get reads one item, strongly consistent; nil for one that does not exist.
func (t *Table) get(ctx context.Context, k key) (map[string]types.AttributeValue, error) {
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &t.name,
		Key:            k.attributes(),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

// rounds sorts the indices of a batch by how often their key came before, so
// that no batch holds a key twice, which DynamoDB refuses or decides at random.
func rounds(n int, keyOf func(i int) key) [][]int {
	seen := make(map[key]int, n)
	var rounds [][]int
	for i := range n {
		k := keyOf(i)
		round := seen[k]
		seen[k]++
		if round == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[round] = append(rounds[round], i)
	}
	return rounds
}

func fail(failed map[int]error, i int, err error) map[int]error {
	if failed == nil {
		failed = make(map[int]error)
	}
	failed[i] = err
	return failed
}

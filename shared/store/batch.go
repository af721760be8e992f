package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"
)

// Limits of one call. An item is at most 400 KB, and BatchExecuteStatement
// takes 25 statements: as JSON, with binary values in base64, that is at most
// 13.4 MB of the 16 MB that a request may have, so statements need not be
// counted in bytes. BatchGetItem takes 100 keys, answers at most 16 MB, and
// names the keys that it left out.
//
// Sources: DynamoDB API reference, BatchExecuteStatement, BatchStatementRequest
// (8,192 characters of statement, parameters not counted) and BatchGetItem;
// developer guide, Quotas.
const (
	maxStatements = 25
	maxKeys       = 100
)

// errTaken says that a statement's key was taken, or its condition not met.
var errTaken = errors.New("another state is stored")

// execute runs statements, each on its own: what one comes to says nothing
// about the others. Throttled ones are repeated. The result has an entry for
// each statement, nil for one that took effect. One whose error is not errTaken
// may have taken effect all the same, if its answer was lost.
func (t *Table) execute(ctx context.Context, statements []types.BatchStatementRequest) []error {
	errs := make([]error, len(statements))
	pending := make([]int, len(statements))
	for i := range pending {
		pending[i] = i
	}
	for repeat := 0; ; repeat++ {
		again := make([]bool, len(statements))
		var group errgroup.Group
		group.SetLimit(inFlight)
		for chunk := range slices.Chunk(pending, maxStatements) {
			group.Go(func() error {
				t.executeChunk(ctx, statements, chunk, errs, again)
				return nil
			})
		}
		_ = group.Wait() // no part of it returns an error
		var left []int
		for _, i := range pending {
			if again[i] {
				left = append(left, i)
			}
		}
		if len(left) == 0 || repeat == maxRepeats || pause(ctx, repeat) != nil {
			return errs
		}
		pending = left
	}
}

// executeChunk runs the statements of the given indices in one call, and sets
// their errors and whether to run them again.
func (t *Table) executeChunk(ctx context.Context, statements []types.BatchStatementRequest, chunk []int, errs []error, again []bool) {
	batch := make([]types.BatchStatementRequest, len(chunk))
	for at, i := range chunk {
		batch[at] = statements[i]
	}
	out, err := t.client.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{Statements: batch})
	if err == nil && len(out.Responses) != len(batch) {
		err = fmt.Errorf("%d answers to %d statements", len(out.Responses), len(batch))
	}
	for at, i := range chunk {
		if err != nil {
			errs[i] = err
			continue
		}
		errs[i], again[i] = statementError(out.Responses[at].Error)
	}
}

// statementError turns the error of one statement into ours, and tells whether
// it may pass. An internal server error may hide that the statement took
// effect, so its repeat can find its own work and call it taken.
func statementError(e *types.BatchStatementError) (err error, passing bool) {
	if e == nil {
		return nil, false
	}
	switch e.Code {
	case types.BatchStatementErrorCodeEnumDuplicateItem,
		types.BatchStatementErrorCodeEnumConditionalCheckFailed:
		return errTaken, false
	case types.BatchStatementErrorCodeEnumProvisionedThroughputExceeded,
		types.BatchStatementErrorCodeEnumRequestLimitExceeded,
		types.BatchStatementErrorCodeEnumThrottlingError,
		types.BatchStatementErrorCodeEnumTransactionConflict,
		types.BatchStatementErrorCodeEnumInternalServerError:
		passing = true
	}
	return fmt.Errorf("%s: %s", e.Code, aws.ToString(e.Message)), passing
}

// read reads items, strongly consistent. Those that do not exist are absent
// from the result.
func (t *Table) read(ctx context.Context, keys []key) (map[key]map[string]types.AttributeValue, error) {
	return t.readPart(ctx, keys, nil)
}

// readPart reads of each item the named attributes, pk and sk among them; nil for
// all.
func (t *Table) readPart(ctx context.Context, keys []key, attributes []string) (map[key]map[string]types.AttributeValue, error) {
	found := make(map[key]map[string]types.AttributeValue, len(keys))
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for chunk := range slices.Chunk(distinct(keys), maxKeys) {
		group.Go(func() error {
			return t.readChunk(ctx, chunk, attributes, func(k key, attributes map[string]types.AttributeValue) {
				mu.Lock()
				defer mu.Unlock()
				found[k] = attributes
			})
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return found, nil
}

func (t *Table) readChunk(ctx context.Context, keys []key, attributes []string, found func(key, map[string]types.AttributeValue)) error {
	left := make([]map[string]types.AttributeValue, len(keys))
	for i, k := range keys {
		left[i] = k.attributes()
	}
	wanted := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	if len(attributes) > 0 {
		expression, names := projection(attributes)
		wanted.ProjectionExpression, wanted.ExpressionAttributeNames = &expression, names
	}
	for fruitless := 0; ; {
		wanted.Keys = left
		out, err := t.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{t.name: wanted},
		})
		if err != nil {
			return err
		}
		for _, attributes := range out.Responses[t.name] {
			f := fields{attributes: attributes}
			found(key{f.text("pk"), f.text("sk")}, attributes)
		}
		unprocessed := out.UnprocessedKeys[t.name].Keys
		switch {
		case len(unprocessed) == 0:
			return nil
		case len(unprocessed) < len(left):
			fruitless = 0
		case fruitless == maxRepeats:
			return fmt.Errorf("%d keys stay unprocessed after %d calls", len(left), maxRepeats+1)
		default:
			fruitless++
		}
		left = unprocessed
		if err := pause(ctx, fruitless); err != nil {
			return err
		}
	}
}

// distinct drops keys that come again, which BatchGetItem refuses.
func distinct(keys []key) []key {
	seen := make(map[key]bool, len(keys))
	var once []key
	for _, k := range keys {
		if !seen[k] {
			seen[k] = true
			once = append(once, k)
		}
	}
	return once
}

package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Environment reads an environment with its access keys, the oldest first, and
// its triggers in their order, strongly consistent. It returns false, and no
// error, for one that does not exist. One that is deleted does, with DeletedAt
// set, while its name is reserved.
func (t *Table) Environment(ctx context.Context, cloudName string) (notification.Environment, bool, error) {
	env := notification.Environment{CloudName: cloudName}
	found := false
	input := &dynamodb.QueryInput{
		TableName:              &t.name,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :first AND :last"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk":    text(environmentPartition(cloudName)),
			":first": text(environmentSort),
			":last":  text(triggersSort),
		},
	}
	for {
		out, err := t.client.Query(ctx, input)
		if err != nil {
			return notification.Environment{}, false, fmt.Errorf("read environment %s: %w", cloudName, err)
		}
		for _, attributes := range out.Items {
			isEnvironment, err := t.readEnvironmentItem(&env, attributes)
			if err != nil {
				return notification.Environment{}, false, fmt.Errorf("read environment %s: %w", cloudName, err)
			}
			found = found || isEnvironment
		}
		if len(out.LastEvaluatedKey) == 0 {
			break
		}
		input.ExclusiveStartKey = out.LastEvaluatedKey
	}
	if !found {
		return notification.Environment{}, false, nil
	}
	slices.SortFunc(env.Keys, func(a, b notification.AccessKey) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.APIKey, b.APIKey))
	})
	return env, true, nil
}

// CreateEnvironment writes a new environment with its access keys, and its
// triggers where it has any, all or nothing. It returns
// notification.ErrConflict where the name is taken or reserved.
func (t *Table) CreateEnvironment(ctx context.Context, env notification.Environment) error {
	writes := []types.TransactWriteItem{
		// Over a reservation that has run out.
		t.putOn(environmentItem(env), "attribute_not_exists(pk) OR expires_at <= :now",
			map[string]types.AttributeValue{":now": number(t.now().Unix())}),
		t.putNew(listedItem(env)),
	}
	for _, k := range env.Keys {
		writes = append(writes, t.putNew(accessKeyItem(env.CloudName, k)))
	}
	if env.Hooks.Version > 0 {
		writes = append(writes, t.putNew(triggersItem(env.CloudName, env.Hooks)))
	} else {
		// Should a call have written any while the one before was deleted.
		writes = append(writes, t.remove(triggersKey(env.CloudName)))
	}
	if err := t.transact(ctx, writes); err != nil {
		return fmt.Errorf("create environment %s: %w", env.CloudName, err)
	}
	return nil
}

// ReplaceHooks writes the triggers of an environment over version
// hooks.Version-1 (0: none were ever written). It returns
// notification.ErrConflict where another version is there. To find there the
// very triggers that were to be written is a success: it is the repeat of a
// write whose answer was lost.
func (t *Table) ReplaceHooks(ctx context.Context, cloudName string, hooks notification.Hooks) error {
	condition, values := "attribute_not_exists(pk)", map[string]types.AttributeValue(nil)
	if hooks.Version > 1 {
		condition = "version = :before"
		values = map[string]types.AttributeValue{":before": number(hooks.Version - 1)}
	}
	attributes, stored, err := t.putIf(ctx, triggersItem(cloudName, hooks), condition, values)
	if err != nil {
		return fmt.Errorf("replace triggers of %s: %w", cloudName, err)
	}
	if stored {
		return nil
	}
	there, err := readTriggers(attributes)
	if err == nil && sameHooks(there, hooks) {
		return nil
	}
	return fmt.Errorf("replace triggers of %s: %w", cloudName, errors.Join(notification.ErrConflict, err))
}

func sameHooks(a, b notification.Hooks) bool {
	return a.Version == b.Version && slices.EqualFunc(a.Triggers, b.Triggers, func(x, y notification.Trigger) bool {
		return x.ID == y.ID && x.URI == y.URI && x.EventType == y.EventType &&
			x.CreatedAt.Equal(y.CreatedAt) && x.UpdatedAt.Equal(y.UpdatedAt)
	})
}

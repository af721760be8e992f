package store

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// CloudName finds the environment of an ID, strongly consistent. It returns false,
// and no error, for one that does not exist or is deleted.
func (t *Table) CloudName(ctx context.Context, id string) (cloudName string, found bool, err error) {
	attributes, err := t.get(ctx, key{environmentsPartition, id})
	if err != nil {
		return "", false, fmt.Errorf("find environment %s: %w", id, err)
	}
	f := fields{attributes: attributes}
	cloudName = f.text("cloud_name")
	return cloudName, attributes != nil, f.err
}

// ListEnvironments reads all environments but the deleted, in no order and
// strongly consistent, without their triggers and settings. Of their keys APIKey
// and Enabled are there.
func (t *Table) ListEnvironments(ctx context.Context) ([]notification.Environment, error) {
	pages := dynamodb.NewQueryPaginator(t.client, &dynamodb.QueryInput{
		TableName:                 &t.name,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(environmentsPartition)},
	})
	var all []notification.Environment
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list environments: %w", err)
		}
		for _, attributes := range page.Items {
			env, err := readListedItem(attributes)
			if err != nil {
				return nil, fmt.Errorf("list environments: %w", err)
			}
			all = append(all, env)
		}
	}
	return all, nil
}

// ReplaceEnvironment writes an environment's own fields and its keys, all or
// nothing, over version after.Version-1, as which it was read as before. It
// returns notification.ErrConflict where another version is there. Of the keys,
// those that differ are written.
func (t *Table) ReplaceEnvironment(ctx context.Context, before, after notification.Environment) error {
	writes := []types.TransactWriteItem{t.updateOwn(after), t.putOn(listedItem(after), "", nil)}
	kept := make(map[string]bool, len(after.Keys))
	for _, k := range after.Keys {
		kept[k.APIKey] = true
		i := indexOfKey(before.Keys, k.APIKey)
		switch {
		case i < 0:
			writes = append(writes, t.putNew(accessKeyItem(after.CloudName, k)))
		case !sameKey(before.Keys[i], k):
			writes = append(writes, t.putOn(accessKeyItem(after.CloudName, k), "", nil))
		}
	}
	for _, k := range before.Keys {
		if !kept[k.APIKey] {
			writes = append(writes, t.remove(accessKeyKey(after.CloudName, k.APIKey)))
		}
	}
	if err := t.transact(ctx, writes); err != nil {
		return fmt.Errorf("replace environment %s: %w", after.CloudName, err)
	}
	return nil
}

// updateOwn writes an environment's own fields over the version before, and
// leaves its settings as they are.
func (t *Table) updateOwn(env notification.Environment) types.TransactWriteItem {
	values := map[string]types.AttributeValue{":before": number(env.Version - 1), ":id": text(env.ID)}
	names := make(map[string]string)
	var set []string
	unset := []string{"description", "custom_attributes", "disabled"} // unless they follow
	for _, a := range ownFields(env) {
		names["#"+a.name], values[":"+a.name] = a.name, a.value
		set = append(set, "#"+a.name+" = :"+a.name)
		unset = slices.DeleteFunc(unset, func(name string) bool { return name == a.name })
	}
	update := "SET " + strings.Join(set, ", ")
	if len(unset) > 0 {
		update += " REMOVE " + strings.Join(unset, ", ")
	}
	condition := "version = :before AND id = :id"
	if env.Version == 1 { // a zero is not stored
		condition = "attribute_not_exists(version) AND id = :id"
		delete(values, ":before")
	}
	return types.TransactWriteItem{Update: &types.Update{
		TableName:                 &t.name,
		Key:                       environmentKey(env.CloudName).attributes(),
		UpdateExpression:          &update,
		ConditionExpression:       &condition,
		ExpressionAttributeNames:  names,
		ExpressionAttributeValues: values,
	}}
}

// DeleteEnvironment removes an environment with its keys, triggers and settings,
// all or nothing, as it was read. Its name is reserved until an instant. It
// returns notification.ErrConflict where another version of it is there.
func (t *Table) DeleteEnvironment(ctx context.Context, env notification.Environment, at, reservedUntil time.Time) error {
	condition := "version = :version AND id = :id"
	values := map[string]types.AttributeValue{":version": number(env.Version), ":id": text(env.ID)}
	if env.Version == 0 {
		condition = "attribute_not_exists(version) AND id = :id"
		delete(values, ":version")
	}
	writes := []types.TransactWriteItem{
		t.putOn(tombstoneItem(env, at, reservedUntil), condition, values),
		t.remove(key{environmentsPartition, env.ID}),
		t.remove(triggersKey(env.CloudName)),
	}
	for _, k := range env.Keys {
		writes = append(writes, t.remove(accessKeyKey(env.CloudName, k.APIKey)))
	}
	if err := t.transact(ctx, writes); err != nil {
		return fmt.Errorf("delete environment %s: %w", env.CloudName, err)
	}
	return nil
}

func indexOfKey(keys []notification.AccessKey, apiKey string) int {
	return slices.IndexFunc(keys, func(k notification.AccessKey) bool { return k.APIKey == apiKey })
}

func sameKey(a, b notification.AccessKey) bool {
	return a.APIKey == b.APIKey && a.Name == b.Name && a.Enabled == b.Enabled && a.Webhooks == b.Webhooks && a.Root == b.Root &&
		bytes.Equal(a.SecretHash, b.SecretHash) && bytes.Equal(a.SealedSecret, b.SealedSecret) && bytes.Equal(a.DataKey, b.DataKey) &&
		a.CreatedAt.Equal(b.CreatedAt) && a.UpdatedAt.Equal(b.UpdatedAt)
}

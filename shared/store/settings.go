package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// ReplaceSettings writes the settings of an environment over version
// settings.Version-1 (0: none were ever written). It returns
// notification.ErrConflict where another version is there, and a
// *notification.Error of code NotFound where there is no such environment. To
// find there the very settings that were to be written is a success: it is the
// repeat of a write whose answer was lost.
func (t *Table) ReplaceSettings(ctx context.Context, cloudName string, settings notification.Settings) error {
	condition := "attribute_exists(pk) AND attribute_not_exists(settings) AND attribute_not_exists(deleted_at)"
	values := map[string]types.AttributeValue{":settings": settingsItem(settings).asDocument()}
	if settings.Version > 1 {
		condition = "settings.version = :before"
		values[":before"] = number(settings.Version - 1)
	}
	_, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &t.name,
		Key:                                 environmentKey(cloudName).attributes(),
		UpdateExpression:                    aws.String("SET settings = :settings"),
		ConditionExpression:                 &condition,
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	failure, failed := errors.AsType[*types.ConditionalCheckFailedException](err)
	_, meets := errors.AsType[*types.TransactionConflictException](err) // a change of the environment or its keys
	switch {
	case err == nil:
		return nil
	case meets:
		return fmt.Errorf("replace settings of %s: %w", cloudName, notification.ErrConflict)
	case !failed:
		return fmt.Errorf("replace settings of %s: %w", cloudName, err)
	case failure.Item == nil || failure.Item["deleted_at"] != nil:
		return notification.Errorf(notification.NotFound, "unknown cloud_name %q", cloudName)
	}
	var there notification.Settings
	f := fields{attributes: failure.Item}
	f.within("settings", func(f *fields) { there = readSettings(f) })
	if f.err == nil && there.Equal(settings) {
		return nil
	}
	return fmt.Errorf("replace settings of %s: %w", cloudName, errors.Join(notification.ErrConflict, f.err))
}

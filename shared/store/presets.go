package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// UploadPresets reads the upload presets of the given names, strongly
// consistent. Those that do not exist are absent from the result.
func (t *Table) UploadPresets(ctx context.Context, cloudName string, names []string) (map[string]notification.UploadPreset, error) {
	keys := make([]key, len(names))
	for i, name := range names {
		keys[i] = presetKey(cloudName, name)
	}
	items, err := t.read(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read upload presets of %s: %w", cloudName, err)
	}
	found := make(map[string]notification.UploadPreset, len(items))
	for _, attributes := range items {
		preset, err := readPreset(cloudName, attributes)
		if err != nil {
			return nil, fmt.Errorf("read upload presets of %s: %w", cloudName, err)
		}
		found[preset.Name] = preset
	}
	return found, nil
}

// ListUploadPresets reads upload presets in the order of their names, those
// after a name, at most limit.
func (t *Table) ListUploadPresets(ctx context.Context, cloudName, after string, limit int) ([]notification.UploadPreset, error) {
	input := &dynamodb.QueryInput{
		TableName:              &t.name,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :pk AND begins_with(sk, :prefix)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": text(environmentPartition(cloudName)), ":prefix": text(presetSort),
		},
	}
	if after != "" {
		input.ExclusiveStartKey = presetKey(cloudName, after).attributes()
	}
	var presets []notification.UploadPreset
	for len(presets) < limit {
		input.Limit = aws.Int32(int32(limit - len(presets)))
		out, err := t.client.Query(ctx, input)
		if err != nil {
			return nil, fmt.Errorf("list upload presets of %s: %w", cloudName, err)
		}
		for _, attributes := range out.Items {
			preset, err := readPreset(cloudName, attributes)
			if err != nil {
				return nil, fmt.Errorf("list upload presets of %s: %w", cloudName, err)
			}
			presets = append(presets, preset)
		}
		if len(out.LastEvaluatedKey) == 0 {
			break
		}
		input.ExclusiveStartKey = out.LastEvaluatedKey
	}
	return presets, nil
}

// PutUploadPreset writes an upload preset over version preset.Version-1 (0:
// there is none of its name). It returns notification.ErrConflict where another
// version is there. To find there the very preset that was to be written is a
// success: it is the repeat of a write whose answer was lost.
func (t *Table) PutUploadPreset(ctx context.Context, preset notification.UploadPreset) error {
	condition, values := "attribute_not_exists(pk)", map[string]types.AttributeValue(nil)
	if preset.Version > 1 {
		condition = "version = :before"
		values = map[string]types.AttributeValue{":before": number(preset.Version - 1)}
	}
	it := newItem(presetKey(preset.CloudName, preset.Name), 6).
		boolean("unsigned", preset.Unsigned).
		text("notification_url", preset.NotificationURL).
		binary("settings", preset.Settings).
		time("created_at", preset.CreatedAt).
		time("updated_at", preset.UpdatedAt).
		number("version", preset.Version)
	attributes, stored, err := t.putIf(ctx, it, condition, values)
	if err != nil {
		return fmt.Errorf("write upload preset %s: %w", preset.Name, err)
	}
	if stored {
		return nil
	}
	if attributes != nil {
		there, err := readPreset(preset.CloudName, attributes)
		if err == nil && samePreset(there, preset) {
			return nil
		}
	}
	return fmt.Errorf("write upload preset %s: %w", preset.Name, notification.ErrConflict)
}

// samePreset recognises a write that has taken place: two processes do not write
// the same version at the same instant with the same content.
func samePreset(a, b notification.UploadPreset) bool {
	return a.Version == b.Version && a.UpdatedAt.Equal(b.UpdatedAt) && a.CreatedAt.Equal(b.CreatedAt) &&
		a.Unsigned == b.Unsigned && a.NotificationURL == b.NotificationURL && bytes.Equal(a.Settings, b.Settings)
}

// DeleteUploadPreset removes an upload preset. It returns a *notification.Error
// of code NotFound where there is none.
func (t *Table) DeleteUploadPreset(ctx context.Context, cloudName, name string) error {
	_, err := t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:           &t.name,
		Key:                 presetKey(cloudName, name).attributes(),
		ConditionExpression: aws.String("attribute_exists(pk)"),
	})
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return notification.Errorf(notification.NotFound, "upload preset %q does not exist", name)
	}
	if err != nil {
		return fmt.Errorf("delete upload preset %s: %w", name, err)
	}
	return nil
}

func readPreset(cloudName string, attributes map[string]types.AttributeValue) (notification.UploadPreset, error) {
	f := fields{attributes: attributes}
	preset := notification.UploadPreset{
		CloudName:       cloudName,
		Name:            strings.TrimPrefix(f.text("sk"), presetSort),
		Unsigned:        f.boolean("unsigned"),
		NotificationURL: f.text("notification_url"),
		Settings:        f.binary("settings"),
		CreatedAt:       f.time("created_at"),
		UpdatedAt:       f.time("updated_at"),
		Version:         f.number("version"),
	}
	return preset, f.err
}

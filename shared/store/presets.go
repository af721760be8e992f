package store

import (
	"context"
	"crypto/rand"
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
// after a name: at most limit, and no more than one query brings, which is 1 MB.
// It reports whether there may be more.
func (t *Table) ListUploadPresets(ctx context.Context, cloudName, after string, limit int) (presets []notification.UploadPreset, more bool, err error) {
	input := &dynamodb.QueryInput{
		TableName:              &t.name,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :pk AND begins_with(sk, :prefix)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": text(environmentPartition(cloudName)), ":prefix": text(presetSort),
		},
		Limit: aws.Int32(int32(limit) + 1), // one to know of
	}
	if after != "" {
		input.ExclusiveStartKey = presetKey(cloudName, after).attributes()
	}
	out, err := t.client.Query(ctx, input)
	if err != nil {
		return nil, false, fmt.Errorf("list upload presets of %s: %w", cloudName, err)
	}
	for _, attributes := range out.Items[:min(limit, len(out.Items))] {
		preset, err := readPreset(cloudName, attributes)
		if err != nil {
			return nil, false, fmt.Errorf("list upload presets of %s: %w", cloudName, err)
		}
		presets = append(presets, preset)
	}
	return presets, len(out.Items) > limit || len(out.LastEvaluatedKey) > 0, nil
}

// PutUploadPreset writes an upload preset over version preset.Version-1 (0:
// there is none of its name). It returns notification.ErrConflict where another
// version is there.
func (t *Table) PutUploadPreset(ctx context.Context, preset notification.UploadPreset) error {
	condition, values := "attribute_not_exists(pk)", map[string]types.AttributeValue(nil)
	if preset.Version > 1 {
		condition = "version = :before"
		values = map[string]types.AttributeValue{":before": number(preset.Version - 1)}
	}
	// Two calls may ask for the same preset; the mark tells which of them wrote it.
	mark := rand.Text()
	attributes, stored, err := t.putIf(ctx, presetItem(preset).text(presetMark, mark), condition, values)
	if err != nil {
		return fmt.Errorf("write upload preset %s: %w", preset.Name, err)
	}
	there := fields{attributes: attributes}
	if stored || there.text(presetMark) == mark { // the client repeated a write whose answer was lost
		return nil
	}
	return fmt.Errorf("write upload preset %s: %w", preset.Name, notification.ErrConflict)
}

// presetMark is the attribute that is another one with every write.
const presetMark = "mark"

func presetItem(preset notification.UploadPreset) item {
	return newItem(presetKey(preset.CloudName, preset.Name), 7).
		boolean("unsigned", preset.Unsigned).
		text("notification_url", preset.NotificationURL).
		binary("settings", preset.Settings).
		time("created_at", preset.CreatedAt).
		time("updated_at", preset.UpdatedAt).
		number("version", preset.Version)
}

// DeleteUploadPreset removes an upload preset as it was read. It returns
// notification.ErrConflict where it is another by now. One that is gone is no
// error: it may have been this call that removed it, with its answer lost.
func (t *Table) DeleteUploadPreset(ctx context.Context, preset notification.UploadPreset) error {
	_, err := t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:           &t.name,
		Key:                 presetKey(preset.CloudName, preset.Name).attributes(),
		ConditionExpression: aws.String("attribute_not_exists(pk) OR (version = :version AND created_at = :created)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":version": number(preset.Version), ":created": number(nanoseconds(preset.CreatedAt)),
		},
	})
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		err = notification.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("delete upload preset %s: %w", preset.Name, err)
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

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/store"
)

// What the files in events speak of.
const (
	accountID = "16a8ff3b-736b-49a6-85c0-03b69d5a357b"
	// accountSecret has every punctuation that a generated one may have.
	accountSecret = "a-secret-of!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~the-account"
	environmentID = "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f"
	apiKey        = "111111111111111"
	apiSecret     = "a-secret-for-sample-events"
	triggerID     = "0123456789abcdef0123456789abcdef"
	// The ids of deliveries hold the time of acceptance.
	deliveredID = "01KGGVH71G3T9W6QH0ZC5V8N20"
	exhaustedID = "01KGGVH71G3T9W6QH0ZC5V8N30"
	pendingID   = "01KGGVH71G3T9W6QH0ZC5V8N40"
	rowID       = "01KGGVH71G3T9W6QH0ZC5V8N50"
	recoveryID  = "01KGGVH71G3T9W6QH0ZC5V8N60"
)

var (
	accepted = time.Date(2026, 2, 3, 4, 17, 52, 688e6, time.UTC)
	expires  = accepted.AddDate(100, 0, 0)
)

// newTable makes a table like the stack's for one event, so that no event sees
// what another has changed, and fills it with what the files in events speak of.
func (c *checks) newTable(ctx context.Context, name, folder string) error {
	like, err := c.dynamo.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &c.table})
	if err != nil {
		return err
	}
	input := &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: like.Table.AttributeDefinitions, KeySchema: like.Table.KeySchema,
	}
	for _, index := range like.Table.GlobalSecondaryIndexes {
		input.GlobalSecondaryIndexes = append(input.GlobalSecondaryIndexes,
			types.GlobalSecondaryIndex{IndexName: index.IndexName, KeySchema: index.KeySchema, Projection: index.Projection})
	}
	// There, where the SDK has asked a second time because an answer was lost.
	var there *types.ResourceInUseException
	if _, err := c.dynamo.CreateTable(ctx, input); err != nil && !errors.As(err, &there) {
		return err
	}
	table := store.New(c.dynamo, name, time.Now)
	if err := c.seedEnvironment(ctx, table, folder); err != nil {
		return err
	}
	switch folder {
	case "api", "console":
		return seedHistory(ctx, table)
	case "recovery":
		return seedOverdue(ctx, table)
	}
	return nil
}

// seedEnvironment makes the environment demo, with a trigger and a preset.
func (c *checks) seedEnvironment(ctx context.Context, table *store.Table, folder string) error {
	dataKey, sealed, err := c.vault.Seal(ctx, "demo", apiKey, apiSecret)
	if err != nil {
		return err
	}
	trigger := notification.Trigger{ID: triggerID, URI: "https://shop.example/hooks/first", EventType: "upload", CreatedAt: accepted, UpdatedAt: accepted}
	preset := notification.UploadPreset{
		CloudName: "demo", Name: "web", Unsigned: true, Settings: []byte(`{"folder":"a"}`), Version: 1, CreatedAt: accepted, UpdatedAt: accepted,
	}
	if folder == "intake" {
		trigger.EventType = "all"
		preset.Name, preset.NotificationURL = "shop-photos", "https://shop.example/hooks/photos"
	}
	return errors.Join(
		table.CreateEnvironment(ctx, notification.Environment{
			CloudName: "demo", ID: environmentID, Name: "Demo", CreatedAt: accepted, UpdatedAt: accepted, Version: 1,
			Keys: []notification.AccessKey{
				{
					APIKey: apiKey, Name: "main_key", SecretHash: registry.HashSecret(apiSecret), DataKey: dataKey, SealedSecret: sealed,
					Enabled: true, Root: true, CreatedAt: accepted, UpdatedAt: accepted,
				},
				{APIKey: strings.Repeat("2", 15), Name: "spare", SecretHash: registry.HashSecret("another"), CreatedAt: accepted, UpdatedAt: accepted},
			},
		}),
		table.ReplaceHooks(ctx, "demo", notification.Hooks{Version: 1, Triggers: []notification.Trigger{trigger}}),
		table.PutUploadPreset(ctx, preset))
}

// seedHistory stores an event with three deliveries and one that nobody was told
// of.
func seedHistory(ctx context.Context, table *store.Table) error {
	event := notification.Event{
		CloudName: "demo", ID: "order/17", NotificationType: "upload", Status: notification.EventAccepted,
		Body: []byte(`{"notification_type":"upload","public_id":"dog"`), PublicIDs: []string{"dog"}, AcceptedAt: accepted, ExpiresAt: expires,
		Targets: []notification.Target{
			{DeliveryID: deliveredID, URL: "https://shop.example/hooks/first", Why: notification.ByTrigger, TriggerID: triggerID},
			{DeliveryID: exhaustedID, URL: "https://shop.example/hooks/slow", Why: notification.ByCall},
			{DeliveryID: pendingID, URL: "https://shop.example/hooks/waiting", Why: notification.ByPreset},
		},
	}
	nobody := notification.Event{
		CloudName: "demo", ID: "nobody", NotificationType: "delete", Status: notification.EventAccepted, LogID: rowID,
		Body: []byte(`{"notification_type":"delete"`), PublicIDs: []string{"cat"}, AcceptedAt: accepted, ExpiresAt: expires,
	}
	_, inserting := table.InsertEvents(ctx, []notification.Event{event, nobody})
	delivered, exhausted := delivery(event, 0, notification.Delivered), delivery(event, 1, notification.Exhausted)
	delivered.Lead = true
	delivered.Attempted(notification.Attempt{
		Number: 1, StartedAt: accepted, Lane: notification.First, StatusCode: 200, Response: []byte("ok"),
		SigningKey: apiKey, Timestamp: accepted.Unix(), Signature: "5f0e",
	})
	exhausted.Attempted(notification.Attempt{
		Number: 1, StartedAt: accepted, Lane: notification.First, Reason: notification.ReasonTimeout, Detail: "no answer within 20 s",
		SigningKey: apiKey, Timestamp: accepted.Unix(), Signature: "5f0e",
	})
	return errors.Join(failures(inserting), failures(table.LogEvents(ctx, []notification.Event{nobody})),
		failures(table.RecordAttempts(ctx, []notification.Delivery{delivered, exhausted})),
		seedRecovery(ctx, table, notification.Exhausted, 1), planPage(ctx, table))
}

// seedRecovery stores a recovery that means the deliveries of one status.
func seedRecovery(ctx context.Context, table *store.Table, status notification.Status, part int) error {
	return table.InsertRecovery(ctx, notification.Recovery{
		RecoveryKey: notification.RecoveryKey{CloudName: "demo", ID: recoveryID}, Status: notification.RecoveryRunning,
		Filter: notification.LogFilter{Status: status}, From: accepted.Add(-time.Hour), To: accepted.Add(time.Hour), MaxPerSecond: 20, By: apiKey,
		Part: part, StartedAt: accepted, ExpiresAt: expires, Revision: 1,
	})
}

// planPage stores the page of the recovery that names the exhausted delivery.
func planPage(ctx context.Context, table *store.Table) error {
	_, _, err := table.PlanRecoveryPage(ctx, notification.RecoveryPage{
		RecoveryKey: notification.RecoveryKey{CloudName: "demo", ID: recoveryID}, Number: 1, ExpiresAt: expires,
		Steps: []notification.RecoveryStep{{DeliveryID: exhaustedID}},
	})
	return err
}

// seedOverdue stores a delivery whose next attempt is long past its time, and a
// recovery, in its third part, that means it.
func seedOverdue(ctx context.Context, table *store.Table) error {
	event := notification.Event{
		CloudName: "demo", ID: "order/17", NotificationType: "upload", Status: notification.EventAccepted, AcceptedAt: accepted, ExpiresAt: expires,
		Body:    []byte(`{"notification_type":"upload","public_id":"dog"`),
		Targets: []notification.Target{{DeliveryID: deliveredID, URL: "https://shop.example/hooks/first"}},
	}
	d := delivery(event, 0, notification.Retrying)
	d.NextAt, d.NextLane = accepted, notification.First
	d.Attempted(notification.Attempt{Number: 1, StartedAt: accepted, Lane: notification.First, Reason: notification.ReasonStatus})
	_, inserting := table.InsertEvents(ctx, []notification.Event{event})
	return errors.Join(failures(inserting), failures(table.RecordAttempts(ctx, []notification.Delivery{d})),
		seedRecovery(ctx, table, notification.Retrying, 3))
}

// delivery is an event's delivery to one of its targets.
func delivery(event notification.Event, target int, status notification.Status) notification.Delivery {
	t := event.Targets[target]
	return notification.Delivery{
		DeliveryKey: notification.DeliveryKey{CloudName: event.CloudName, DeliveryID: t.DeliveryID}, EventID: event.ID,
		NotificationType: event.NotificationType, URL: t.URL, Why: t.Why, TriggerID: t.TriggerID, PublicIDs: event.PublicIDs,
		Status: status, AcceptedAt: event.AcceptedAt, ExpiresAt: event.ExpiresAt,
	}
}

// failures returns the errors of a batch as one.
func failures(failed map[int]error) error {
	var errs []error
	for i, err := range failed {
		errs = append(errs, fmt.Errorf("record %d: %w", i, err))
	}
	return errors.Join(errs...)
}

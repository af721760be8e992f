package store_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/store"
)

// newEvents returns events as they usually are: accepted, with one target.
func newEvents(cloud string, n int) []notification.Event {
	now := time.Now().UTC()
	events := make([]notification.Event, n)
	for i := range events {
		events[i] = notification.Event{
			CloudName: cloud, ID: ulid.Make().String(), NotificationType: "upload", Status: notification.EventAccepted,
			Hash: []byte("hash"), Body: []byte(`{"notification_type":"upload"`), AcceptedAt: now, ExpiresAt: now.Add(time.Hour).Truncate(time.Second),
			Targets: []notification.Target{{DeliveryID: ulid.Make().String(), URL: "https://a.example", Why: notification.ByTrigger, TriggerID: "t"}},
		}
	}
	return events
}

// What the usual cases cost: a call more is a cost to justify.
func TestCalls(t *testing.T) {
	calls := &notificationtest.Calls{}
	counted := dynamodb.New(client.Options(), func(o *dynamodb.Options) {
		calls.Client, o.HTTPClient = o.HTTPClient, calls
	})
	table := store.New(counted, tableName, time.Now)
	insert := func(events []notification.Event) error {
		existing, failed := table.InsertEvents(t.Context(), events)
		for i := range events {
			if existing[i] != nil {
				return fmt.Errorf("event %d is there already", i)
			}
		}
		return errors.Join(slices.Collect(maps.Values(failed))...)
	}
	pair := newEvents("calls", 2)
	for i, kind := range []string{"upload", "eager"} {
		pair[i].NotificationType, pair[i].BatchID, pair[i].Status = kind, "b", notification.EventHeld
	}
	pair[1].ExpiresAt = pair[1].ExpiresAt.Add(time.Minute)
	join := func(event notification.Event) func() error {
		return func() error {
			_, err := table.JoinBatch(t.Context(), event)
			return err
		}
	}
	// Ten first attempts of one partition, as a quiet environment's are.
	record := func() error {
		deliveries := make([]notification.Delivery, 10)
		for i := range deliveries {
			deliveries[i] = newDelivery("calls")
			id := []byte(deliveries[i].DeliveryID)
			id[len(id)-1] = '0'
			deliveries[i].DeliveryID = string(id)
		}
		return errors.Join(slices.Collect(maps.Values(table.RecordAttempts(t.Context(), deliveries)))...)
	}
	for _, test := range []struct {
		name string
		do   func() error
		want map[string]int
	}{
		{"record ten in an hour without a mark", record, map[string]int{"UpdateItem": 1, "BatchExecuteStatement": 1}},
		{"record ten more", record, map[string]int{"BatchExecuteStatement": 1}},
		{"insert one event", func() error { return insert(newEvents("calls", 1)) }, map[string]int{"PutItem": 1}},
		{"insert 100 events", func() error { return insert(newEvents("calls", 100)) }, map[string]int{"BatchExecuteStatement": 4}},
		{"insert a pair", func() error { return insert(pair) }, map[string]int{"BatchExecuteStatement": 1}},
		{"join the first half", join(pair[0]), map[string]int{"UpdateItem": 1}},
		{"time out alone", func() error {
			_, _, err := table.TimeOutBatch(t.Context(), "calls", "b", time.Now())
			return err
		}, map[string]int{"UpdateItem": 1}},
		{"join the second half", join(pair[1]), map[string]int{"UpdateItem": 1}},
		{"join again", join(pair[0]), map[string]int{"UpdateItem": 1}},
		{"read the pair", func() error {
			found, err := table.Events(t.Context(), []notification.EventKey{pair[0].Key(), pair[1].Key()})
			if err == nil && len(found) != 2 {
				err = fmt.Errorf("found %d", len(found))
			}
			return err
		}, map[string]int{"BatchGetItem": 1}},
		{"release one", func() error {
			released := pair[0]
			released.Status, released.Revision = notification.EventAccepted, 1
			return table.ReplaceEvent(t.Context(), released)
		}, map[string]int{"PutItem": 1}},
	} {
		calls.Take()
		if err := test.do(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, calls.Take()); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", test.name, diff)
		}
	}
}

// item reads an item as it is stored.
func item(t *testing.T, pk, sk string) map[string]types.AttributeValue {
	t.Helper()
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(tableName), Key: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: sk},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}

// The usual event has no attribute but these. One that was written before events
// had a status looks the same, and is read as accepted.
func TestUsualEvent(t *testing.T) {
	table, want := store.New(client, tableName, time.Now), newEvents("usual", 3)
	for _, events := range [][]notification.Event{want[:1], want[1:]} {
		if _, failed := table.InsertEvents(t.Context(), events); len(failed) > 0 {
			t.Fatal(failed)
		}
	}
	for _, event := range want {
		names := slices.Sorted(maps.Keys(item(t, "EVT#usual#"+event.ID, "EVENT")))
		if diff := cmp.Diff([]string{"accepted_at", "body", "expires_at", "hash", "notification_type", "pk", "sk", "targets"}, names); diff != "" {
			t.Errorf("attributes (-want +got):\n%s", diff)
		}
		got, found, err := table.Event(t.Context(), "usual", event.ID)
		if err != nil || !found || got.Status != notification.EventAccepted {
			t.Errorf("event %+v, %t, %v", got, found, err)
		}
	}
}

// A batch_id is the only name within a key that may hold what parts the names,
// so it stands last.
func TestBatchKey(t *testing.T) {
	table, event := store.New(client, tableName, time.Now), newEvents("batch-key", 1)[0]
	event.BatchID = "a#BATCH#b"
	if _, err := table.JoinBatch(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	stored := item(t, "BAT#batch-key#a#BATCH#b", "BATCH")
	if diff := cmp.Diff([]string{"expires_at", "joined", "pk", "sk", "uploads"}, slices.Sorted(maps.Keys(stored))); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

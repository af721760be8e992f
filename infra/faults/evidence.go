package faults

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/store"
)

// evidence is all that is known when a round is over: what producers were told,
// what is on record, what receivers have seen, and what is left on the queues.
type evidence struct {
	secret string
	// urls are the receivers', by number. retries is the length of the schedule.
	urls    map[int]string
	retries int
	// promises and events are by event id, deliveries by delivery id.
	promises   map[string]*promise
	events     map[string]notification.Event
	deliveries map[string]notification.Delivery
	posts      []post
	left       map[string]int
}

// gather collects the evidence. It looks at every item of the table, not only at
// those that something leads to.
func (r *round) gather(ctx context.Context) (evidence, error) {
	found := evidence{
		secret: r.made.credentials.APISecret, urls: r.receivers.urls, retries: r.plan.retries, promises: r.promises,
		events: make(map[string]notification.Event), deliveries: make(map[string]notification.Delivery), posts: r.receivers.seen(),
	}
	left, err := r.left(ctx)
	if err != nil {
		return found, err
	}
	found.left = left.where
	eventKeys, deliveryKeys, err := r.keys(ctx)
	if err != nil {
		return found, err
	}
	table := store.New(r.account.db, r.made.table, time.Now)
	events, err := table.Events(ctx, eventKeys)
	if err != nil {
		return found, err
	}
	deliveries, err := table.Deliveries(ctx, deliveryKeys)
	if err != nil {
		return found, err
	}
	if len(events) != len(eventKeys) || len(deliveries) != len(deliveryKeys) {
		return found, fmt.Errorf("%d of %d events and %d of %d deliveries can be read", len(events), len(eventKeys), len(deliveries), len(deliveryKeys))
	}
	for key, event := range events {
		found.events[key.EventID] = event
	}
	for key, delivery := range deliveries {
		found.deliveries[key.DeliveryID] = delivery
	}
	return found, nil
}

// keys lists the events and deliveries that are in the table.
func (r *round) keys(ctx context.Context) (events []notification.EventKey, deliveries []notification.DeliveryKey, err error) {
	pages := dynamodb.NewScanPaginator(r.account.db, &dynamodb.ScanInput{
		TableName: &r.made.table, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("pk, sk, attempt_count"),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("scan %s: %w", r.made.table, err)
		}
		for _, item := range page.Items {
			pk, sk := text(item["pk"]), text(item["sk"])
			if id, ok := strings.CutPrefix(pk, "EVT#"+r.name+"#"); ok {
				events = append(events, notification.EventKey{CloudName: r.name, EventID: id})
			}
			// A row without attempts stands for an event in lists.
			if _, attempted := item["attempt_count"]; attempted && strings.HasPrefix(pk, "LOG#"+r.name+"#") {
				deliveries = append(deliveries, notification.DeliveryKey{CloudName: r.name, DeliveryID: sk})
			}
		}
	}
	return events, deliveries, nil
}

func text(value types.AttributeValue) string {
	s, _ := value.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

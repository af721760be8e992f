package store

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// healthKept is how long the health of an origin is kept that nobody sends to.
const healthKept = 30 * 24 * time.Hour

// probePlaces is how many unknown origins of an environment are found out about
// at the same time: enough for a platform whose every call names another host,
// few enough that black holes by the dozen leave one of the five places that the
// first lane has at rest.
const probePlaces = 4

func healthKey(k notification.OriginKey) key {
	return key{"ORG#" + k.CloudName + "#" + k.Origin, "HEALTH"}
}

// probeKey names one of the places; which one follows from the origin.
func probeKey(k notification.OriginKey) key {
	h := fnv.New32a()
	_, _ = h.Write([]byte(k.Origin)) // a hash never fails
	return key{"ORG#" + k.CloudName, fmt.Sprintf("PROBE#%d", h.Sum32()%probePlaces)}
}

// Health reads the health of origins, strongly consistent. Those that nothing is
// known of are absent from the result.
func (t *Table) Health(ctx context.Context, names []notification.OriginKey) (map[notification.OriginKey]notification.Health, error) {
	byKey := make(map[key]notification.OriginKey, len(names))
	keys := make([]key, len(names))
	for i, name := range names {
		keys[i] = healthKey(name)
		byKey[keys[i]] = name
	}
	items, err := t.read(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read health of %d origins: %w", len(names), err)
	}
	found := make(map[notification.OriginKey]notification.Health, len(items))
	for k, attributes := range items {
		f := fields{attributes: attributes}
		health := notification.Health{ProvenUntil: f.time("proven_until"), SlowSince: f.time("slow_since")}
		if f.err != nil {
			return nil, fmt.Errorf("read health of %s: %w", byKey[k].Origin, f.err)
		}
		if !t.expired(f.expiry()) {
			found[byKey[k]] = health
		}
	}
	return found, nil
}

// SetHealth writes the health of an origin. The last to write is right: it has
// seen the origin last.
func (t *Table) SetHealth(ctx context.Context, name notification.OriginKey, health notification.Health) error {
	_, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:        &t.name,
		Key:              healthKey(name).attributes(),
		UpdateExpression: aws.String("SET proven_until = :proven, slow_since = :slow, expires_at = :expires_at"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":proven":     number(nanoseconds(health.ProvenUntil)),
			":slow":       number(nanoseconds(health.SlowSince)),
			":expires_at": number(t.now().Add(healthKept).Unix()),
		},
	})
	if err != nil {
		return fmt.Errorf("write health of %s: %w", name.Origin, err)
	}
	return nil
}

// Probe leases one of the few places that an environment has for finding out
// about its unknown origins, until a time. It reports false where the place is
// taken at now.
func (t *Table) Probe(ctx context.Context, name notification.OriginKey, now, until time.Time) (bool, error) {
	_, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:           &t.name,
		Key:                 probeKey(name).attributes(),
		UpdateExpression:    aws.String("SET leased_until = :until, expires_at = :expires_at"),
		ConditionExpression: aws.String("attribute_not_exists(leased_until) OR leased_until <= :now"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":until":      number(nanoseconds(until)),
			":now":        number(nanoseconds(now)),
			":expires_at": number(t.now().Add(healthKept).Unix()),
		},
	})
	if _, taken := errors.AsType[*types.ConditionalCheckFailedException](err); taken {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lease a place to probe %s: %w", name.Origin, err)
	}
	return true, nil
}

// EndProbe gives the place back that was leased until a time, unless somebody
// else has it by now.
func (t *Table) EndProbe(ctx context.Context, name notification.OriginKey, until time.Time) error {
	_, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &t.name,
		Key:                       probeKey(name).attributes(),
		UpdateExpression:          aws.String("REMOVE leased_until"),
		ConditionExpression:       aws.String("leased_until = :until"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":until": number(nanoseconds(until))},
	})
	if _, gone := errors.AsType[*types.ConditionalCheckFailedException](err); gone {
		return nil
	}
	if err != nil {
		return fmt.Errorf("give back the place to probe %s: %w", name.Origin, err)
	}
	return nil
}

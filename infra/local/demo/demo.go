// Package demo makes the environment that the local stack begins with, and
// reads back what became of a delivery.
package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/store"
	"github.com/mediahooks/mediahooks/shared/vault"
)

// CloudName is the name of the environment.
const CloudName = "demo"

// Provision creates the environment with one access key. It is what
// stack.Options.Provision asks for.
func Provision(ctx context.Context, cfg aws.Config, outputs map[string]string) (registry.Credentials, error) {
	environments := registry.Environments{
		Store: store.New(dynamodb.NewFromConfig(cfg), outputs["TableName"], time.Now),
		Vault: vault.New(kms.NewFromConfig(cfg), outputs["SecretsKeyArn"]),
		Now:   time.Now,
	}
	return environments.Create(ctx, CloudName)
}

// Settled waits until a delivery is decided, delivered or exhausted, and
// returns its record. Until then it returns what the context says.
func Settled(ctx context.Context, cfg aws.Config, outputs map[string]string, key notification.DeliveryKey) (notification.Delivery, error) {
	table := store.New(dynamodb.NewFromConfig(cfg), outputs["TableName"], time.Now)
	for {
		found, err := table.Deliveries(ctx, []notification.DeliveryKey{key})
		if err != nil {
			return notification.Delivery{}, err
		}
		if d, ok := found[key]; ok && (d.Status == notification.Delivered || d.Status == notification.Exhausted) {
			return d, nil
		}
		select {
		case <-ctx.Done():
			return notification.Delivery{}, fmt.Errorf("delivery %s is not decided: %w", key.DeliveryID, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

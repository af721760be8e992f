// Command delivery is the Lambda function that takes deliveries off the lanes
// and carries them out. It alone may decrypt the secrets that sign.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/mediahooks/mediahooks/shared/config"
	"github.com/mediahooks/mediahooks/shared/delivery"
	"github.com/mediahooks/mediahooks/shared/function"
	"github.com/mediahooks/mediahooks/shared/outbound"
	"github.com/mediahooks/mediahooks/shared/queue"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/retry"
	"github.com/mediahooks/mediahooks/shared/store"
	"github.com/mediahooks/mediahooks/shared/vault"
	"github.com/mediahooks/mediahooks/shared/workflow"
)

func main() { function.Main("delivery", tie) }

// tie ties the stage to AWS and to the outside world.
func tie(p function.Process[config.Delivery]) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
	table := store.New(dynamodb.NewFromConfig(p.Cloud), p.Settings.TableName, time.Now)
	directory := registry.NewDirectory(table, time.Now)
	h := handler{metrics: p.Metrics, service: delivery.Service{
		Records: table,
		Events:  table,
		Keys: registry.Signers{
			Directory: directory,
			Vault:     vault.New(kms.NewFromConfig(p.Cloud), p.Settings.SecretsKeyARN),
		},
		Settings:   directory,
		Origins:    delivery.NewOrigins(table, time.Now),
		Sender:     outbound.New(p.Guard, outbound.Options{}),
		Queue:      queue.New(sqs.NewFromConfig(p.Cloud), p.Settings.URLs(), time.Now),
		Workflow:   workflow.New(sfn.NewFromConfig(p.Cloud), p.Settings.WaitWorkflowARN, p.Settings.URLs()),
		Log:        p.Log,
		Schedule:   retry.Schedule(p.Settings.RetrySchedule),
		AnySuccess: p.Settings.AnySuccess(),
		Retention:  p.Settings.Retention(),
		Now:        time.Now,
		After:      time.After,
	}}
	return h.deliver
}

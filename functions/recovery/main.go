// Command recovery is the Lambda function that brings deliveries back: a schedule
// has it sweep for those that are past their time, a workflow has it recover those
// that somebody has asked for, page by page.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/mediahooks/mediahooks/shared/config"
	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/outbound"
	"github.com/mediahooks/mediahooks/shared/queue"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/store"
	"github.com/mediahooks/mediahooks/shared/telemetry"
)

func main() {
	if err := run(context.Background(), os.Environ()); err != nil {
		fmt.Fprintf(os.Stderr, "recovery: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, environ []string) error {
	settings, err := config.Load[config.Recovery](environ)
	if err != nil {
		return err
	}
	guard, err := outbound.ParseGuard(settings.AllowedNetworks, settings.AllowedPorts)
	if err != nil {
		return err
	}
	cloud, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("load AWS configuration: %w", err)
	}
	table := store.New(dynamodb.NewFromConfig(cloud), settings.TableName, time.Now)
	lanes := queue.New(sqs.NewFromConfig(cloud), settings.URLs(), time.Now)
	h := handler{
		sweep: history.Sweep{Overdue: table, Queue: lanes, Now: time.Now},
		recover: history.Recover{
			Service:      history.Service{Records: table, Queue: lanes, Guard: guard, Now: time.Now},
			Environments: registry.NewDirectory(table, time.Now), Untold: table, Recoveries: table,
		},
		log: telemetry.NewLogger(os.Stdout, settings.LogLevel, "mediahooks-recovery", settings.Stage),
	}
	h.log.Info("started", "settings", settings)
	lambda.StartWithOptions(h.handle, lambda.WithContext(ctx))
	return nil
}

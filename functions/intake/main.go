// Command intake is the Lambda function that accepts events: over HTTP, from
// EventBridge and by direct invocation; and that releases those which wait for
// the other half of an eager pair when their time is over.
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
	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/outbound"
	"github.com/mediahooks/mediahooks/shared/queue"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/store"
	"github.com/mediahooks/mediahooks/shared/telemetry"
	"github.com/mediahooks/mediahooks/shared/web"
)

func main() {
	if err := run(context.Background(), os.Environ()); err != nil {
		fmt.Fprintf(os.Stderr, "intake: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, environ []string) error {
	settings, err := config.Load[config.Intake](environ)
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
	source := telemetry.Source{
		Namespace: settings.MetricsNamespace, Service: "mediahooks-intake", Stack: settings.Stack, Function: settings.Function,
	}
	log := telemetry.NewLogger(os.Stdout, settings.LogLevel, source)
	metrics := telemetry.NewMetrics(os.Stdout, source, time.Now)
	log.Info("started", "settings", settings)
	table := store.New(dynamodb.NewFromConfig(cloud), settings.TableName, time.Now)
	directory, queues := registry.NewDirectory(table, time.Now), sqs.NewFromConfig(cloud)
	handler := handler{
		directory: directory,
		service: intake.Service{
			Environments: directory,
			Presets:      directory,
			Records:      table,
			Queue:        counting{queue.New(queues, settings.URLs(), time.Now), metrics},
			Clock:        queue.NewHolds(queues, settings.HoldQueueURL, time.Now),
			Guard:        guard,
			IDs:          new(intake.IDs),
			Now:          time.Now,
			HoldTimeout:  settings.HoldTimeout,
			Retention:    settings.Retention(),
		},
		logins:  &web.Logins{Count: func() { metrics.Count(telemetry.LoginsFailed, 1) }, Now: time.Now},
		metrics: metrics,
		log:     log,
		clouds:  settings.EventClouds,
	}
	lambda.StartWithOptions(telemetry.Measured(metrics, log, handler.entry()), lambda.WithContext(ctx))
	return nil
}

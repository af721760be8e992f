// Command delivery is the Lambda function that takes deliveries off the lanes
// and carries them out. It alone may decrypt the secrets that sign.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/mediahooks/mediahooks/shared/config"
	"github.com/mediahooks/mediahooks/shared/delivery"
	"github.com/mediahooks/mediahooks/shared/outbound"
	"github.com/mediahooks/mediahooks/shared/queue"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/retry"
	"github.com/mediahooks/mediahooks/shared/store"
	"github.com/mediahooks/mediahooks/shared/telemetry"
	"github.com/mediahooks/mediahooks/shared/vault"
	"github.com/mediahooks/mediahooks/shared/workflow"
)

func main() {
	if err := run(context.Background(), os.Environ()); err != nil {
		fmt.Fprintf(os.Stderr, "delivery: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, environ []string) error {
	settings, err := config.Load[config.Delivery](environ)
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
	// net/http logs what receivers send unasked, word for word: it may repeat the
	// token of a URL. Nothing of ours writes to the default logger.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	source := telemetry.Source{
		Namespace: settings.MetricsNamespace, Service: "mediahooks-delivery", Stack: settings.Stack, Function: settings.Function,
	}
	log := telemetry.NewLogger(os.Stdout, settings.LogLevel, source)
	metrics := telemetry.NewMetrics(os.Stdout, source, time.Now)
	handler := handler{service: newService(settings, cloud, guard, log), metrics: metrics}
	log.Info("started", "settings", settings)
	lambda.StartWithOptions(telemetry.Measured(metrics, log, handler.deliver), lambda.WithContext(ctx))
	return nil
}

// newService ties the stage to AWS and to the outside world.
func newService(settings config.Delivery, cloud aws.Config, guard outbound.Guard, log *slog.Logger) delivery.Service {
	table := store.New(dynamodb.NewFromConfig(cloud), settings.TableName, time.Now)
	directory := registry.NewDirectory(table, time.Now)
	return delivery.Service{
		Records: table,
		Events:  table,
		Keys: registry.Signers{
			Directory: directory,
			Vault:     vault.New(kms.NewFromConfig(cloud), settings.SecretsKeyARN),
		},
		Settings:   directory,
		Origins:    delivery.NewOrigins(table, time.Now),
		Sender:     outbound.New(guard, outbound.Options{}),
		Queue:      queue.New(sqs.NewFromConfig(cloud), settings.URLs(), time.Now),
		Workflow:   workflow.New(sfn.NewFromConfig(cloud), settings.WaitWorkflowARN, settings.URLs()),
		Log:        log,
		Schedule:   retry.Schedule(settings.RetrySchedule),
		AnySuccess: settings.AnySuccess(),
		Retention:  settings.Retention(),
		Now:        time.Now,
		After:      time.After,
	}
}

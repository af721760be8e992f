// Command console is the Lambda function behind the web console: pages for people,
// below /console.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/mediahooks/mediahooks/shared/config"
	"github.com/mediahooks/mediahooks/shared/outbound"
	"github.com/mediahooks/mediahooks/shared/queue"
	"github.com/mediahooks/mediahooks/shared/secret"
	"github.com/mediahooks/mediahooks/shared/store"
	"github.com/mediahooks/mediahooks/shared/telemetry"
	"github.com/mediahooks/mediahooks/shared/web"
	"github.com/mediahooks/mediahooks/shared/workflow"
)

func main() {
	if err := run(context.Background(), os.Environ()); err != nil {
		fmt.Fprintf(os.Stderr, "console: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, environ []string) error {
	settings, err := config.Load[config.Console](environ)
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
		Namespace: settings.MetricsNamespace, Service: "mediahooks-console", Stack: settings.Stack, Function: settings.Function,
	}
	log := telemetry.NewLogger(os.Stdout, settings.LogLevel, source)
	metrics := telemetry.NewMetrics(os.Stdout, source, time.Now)
	log.Info("started", "settings", settings)
	handler := newHandler(settings, parts{
		store:    store.New(dynamodb.NewFromConfig(cloud), settings.TableName, time.Now),
		guard:    guard,
		sessions: secret.NewSession(secretsmanager.NewFromConfig(cloud), settings.SessionKeyARN),
		recover:  workflow.NewRecoveries(sfn.NewFromConfig(cloud), settings.RecoverWorkflowARN),
		queue:    queue.New(sqs.NewFromConfig(cloud), settings.URLs(), time.Now),
		metrics:  metrics,
		log:      log,
	})
	lambda.StartWithOptions(telemetry.Measured(metrics, log, web.Lambda(handler, log)), lambda.WithContext(ctx))
	return nil
}

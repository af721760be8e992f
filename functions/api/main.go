// Command api is the Lambda function behind the management calls of the HTTP
// API: triggers, presets, settings, environments and their access keys, and the
// description of the API itself.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/mediahooks/mediahooks/shared/config"
	"github.com/mediahooks/mediahooks/shared/outbound"
	"github.com/mediahooks/mediahooks/shared/queue"
	"github.com/mediahooks/mediahooks/shared/secret"
	"github.com/mediahooks/mediahooks/shared/store"
	"github.com/mediahooks/mediahooks/shared/telemetry"
	"github.com/mediahooks/mediahooks/shared/vault"
	"github.com/mediahooks/mediahooks/shared/web"
	"github.com/mediahooks/mediahooks/shared/workflow"
)

func main() {
	if err := run(context.Background(), os.Environ()); err != nil {
		fmt.Fprintf(os.Stderr, "api: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, environ []string) error {
	settings, err := config.Load[config.API](environ)
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
	log := telemetry.NewLogger(os.Stdout, settings.LogLevel, "mediahooks-api", settings.Stage)
	log.Info("started", "settings", settings)
	handler := newAPI(settings, parts{
		store:   store.New(dynamodb.NewFromConfig(cloud), settings.TableName, time.Now),
		guard:   guard,
		vault:   vault.New(kms.NewFromConfig(cloud), settings.SecretsKeyARN),
		account: secret.NewAccount(secretsmanager.NewFromConfig(cloud), settings.AccountKeyARN),
		queue:   queue.New(sqs.NewFromConfig(cloud), settings.URLs(), time.Now),
		recover: workflow.NewRecoveries(sfn.NewFromConfig(cloud), settings.RecoverWorkflowARN),
		metrics: telemetry.NewMetrics(os.Stdout, "mediahooks-api", settings.Stage, time.Now),
		log:     log,
	})
	lambda.StartWithOptions(web.Lambda(handler.routes(), log), lambda.WithContext(ctx))
	return nil
}

// Command api is the Lambda function behind the management calls of the HTTP
// API: triggers, presets, settings, environments and their access keys, and the
// description of the API itself.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/mediahooks/mediahooks/shared/config"
	"github.com/mediahooks/mediahooks/shared/function"
	"github.com/mediahooks/mediahooks/shared/queue"
	"github.com/mediahooks/mediahooks/shared/secret"
	"github.com/mediahooks/mediahooks/shared/store"
	"github.com/mediahooks/mediahooks/shared/vault"
	"github.com/mediahooks/mediahooks/shared/web"
	"github.com/mediahooks/mediahooks/shared/workflow"
)

func main() { function.Main("api", tie) }

// tie ties the rules to AWS.
func tie(p function.Process[config.API]) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	handler := newAPI(p.Settings, parts{
		store:   store.New(dynamodb.NewFromConfig(p.Cloud), p.Settings.TableName, time.Now),
		guard:   p.Guard,
		vault:   vault.New(kms.NewFromConfig(p.Cloud), p.Settings.SecretsKeyARN),
		account: secret.NewAccount(secretsmanager.NewFromConfig(p.Cloud), p.Settings.AccountKeyARN),
		queue:   queue.New(sqs.NewFromConfig(p.Cloud), p.Settings.URLs(), time.Now),
		recover: workflow.NewRecoveries(sfn.NewFromConfig(p.Cloud), p.Settings.RecoverWorkflowARN),
		metrics: p.Metrics,
		log:     p.Log,
	})
	return web.Lambda(handler.routes(), p.Log)
}

// Command console is the Lambda function behind the web console: pages for people,
// below /console.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/mediahooks/mediahooks/shared/config"
	"github.com/mediahooks/mediahooks/shared/function"
	"github.com/mediahooks/mediahooks/shared/queue"
	"github.com/mediahooks/mediahooks/shared/secret"
	"github.com/mediahooks/mediahooks/shared/store"
	"github.com/mediahooks/mediahooks/shared/web"
	"github.com/mediahooks/mediahooks/shared/workflow"
)

func main() { function.Main("console", tie) }

// tie ties the rules to AWS.
func tie(p function.Process[config.Console]) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	handler := newHandler(p.Settings, parts{
		store:    store.New(dynamodb.NewFromConfig(p.Cloud), p.Settings.TableName, time.Now),
		guard:    p.Guard,
		sessions: secret.NewSession(secretsmanager.NewFromConfig(p.Cloud), p.Settings.SessionKeyARN),
		recover:  workflow.NewRecoveries(sfn.NewFromConfig(p.Cloud), p.Settings.RecoverWorkflowARN),
		queue:    queue.New(sqs.NewFromConfig(p.Cloud), p.Settings.URLs(), time.Now),
		metrics:  p.Metrics,
		log:      p.Log,
	})
	return web.Lambda(handler, p.Log)
}

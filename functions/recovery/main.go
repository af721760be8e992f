// Command recovery is the Lambda function that brings deliveries back: a schedule
// has it sweep for those that are past their time, a workflow has it recover those
// that somebody has asked for, page by page.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/mediahooks/mediahooks/shared/config"
	"github.com/mediahooks/mediahooks/shared/function"
	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/queue"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/store"
)

func main() { function.Main("recovery", tie) }

// tie ties the stage to AWS.
func tie(p function.Process[config.Recovery]) func(context.Context, invocation) (any, error) {
	table := store.New(dynamodb.NewFromConfig(p.Cloud), p.Settings.TableName, time.Now)
	lanes := queue.New(sqs.NewFromConfig(p.Cloud), p.Settings.URLs(), time.Now)
	h := handler{
		sweep: history.Sweep{Overdue: table, Queue: lanes, Now: time.Now},
		recover: history.Recover{
			Service:      history.Service{Records: table, Queue: lanes, Guard: p.Guard, Now: time.Now},
			Environments: registry.NewDirectory(table, time.Now), Untold: table, Recoveries: table,
		},
		metrics: p.Metrics,
		log:     p.Log,
	}
	return h.handle
}

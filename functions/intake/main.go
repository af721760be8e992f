// Command intake is the Lambda function that accepts events: over HTTP, from
// EventBridge and by direct invocation; and that releases those which wait for
// the other half of an eager pair when their time is over.
package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/mediahooks/mediahooks/shared/config"
	"github.com/mediahooks/mediahooks/shared/function"
	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/queue"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/store"
	"github.com/mediahooks/mediahooks/shared/telemetry"
	"github.com/mediahooks/mediahooks/shared/web"
)

func main() { function.Main("intake", tie) }

// tie ties the stage to AWS and to the ways in.
func tie(p function.Process[config.Intake]) func(context.Context, json.RawMessage) (any, error) {
	table := store.New(dynamodb.NewFromConfig(p.Cloud), p.Settings.TableName, time.Now)
	directory, queues := registry.NewDirectory(table, time.Now), sqs.NewFromConfig(p.Cloud)
	h := handler{
		directory: directory,
		service: intake.Service{
			Environments: directory,
			Presets:      directory,
			Records:      table,
			Queue:        counting{queue.New(queues, p.Settings.URLs(), time.Now), p.Metrics},
			Clock:        queue.NewHolds(queues, p.Settings.HoldQueueURL, time.Now),
			Guard:        p.Guard,
			IDs:          new(intake.IDs),
			Now:          time.Now,
			HoldTimeout:  p.Settings.HoldTimeout,
			Retention:    p.Settings.Retention(),
		},
		logins:  &web.Logins{Count: func() { p.Metrics.Count(telemetry.LoginsFailed, 1) }, Now: time.Now},
		metrics: p.Metrics,
		log:     p.Log,
		clouds:  p.Settings.EventClouds,
	}
	return h.entry()
}

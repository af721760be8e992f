// Package function is what every Lambda function of ours does before it ties its
// own parts together: it reads its settings, and gets a guard for URLs, a way to
// AWS, a logger and metrics.
package function

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"github.com/mediahooks/mediahooks/shared/config"
	"github.com/mediahooks/mediahooks/shared/outbound"
	"github.com/mediahooks/mediahooks/shared/telemetry"
)

// Settings are those of a function, which has the common ones among them.
type Settings interface {
	Validate() error
	Shared() config.Common
}

// Process is what a function begins with.
type Process[S Settings] struct {
	Settings S
	Guard    outbound.Guard
	Cloud    aws.Config
	Log      *slog.Logger
	Metrics  *telemetry.Metrics
}

// Main runs a function, whose parts tie puts together into what answers an
// invocation, until Lambda ends the process. Where it cannot begin, it says why on
// stderr and ends with 1, so that Lambda starts another one.
func Main[S Settings, In, Out any](name string, tie func(Process[S]) func(context.Context, In) (Out, error)) {
	ctx := context.Background()
	p, err := begin[S](ctx, name, os.Environ())
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	handle := tie(p)
	p.Log.Info("started", "settings", p.Settings)
	lambda.StartWithOptions(telemetry.Measured(p.Metrics, p.Log, handle), lambda.WithContext(ctx))
}

func begin[S Settings](ctx context.Context, name string, environ []string) (p Process[S], err error) {
	if p.Settings, err = config.Load[S](environ); err != nil {
		return p, err
	}
	common := p.Settings.Shared()
	if p.Guard, err = outbound.ParseGuard(common.AllowedNetworks, common.AllowedPorts); err != nil {
		return p, err
	}
	if p.Cloud, err = awsconfig.LoadDefaultConfig(ctx); err != nil {
		return p, fmt.Errorf("load AWS configuration: %w", err)
	}
	// net/http logs what receivers send unasked, word for word: it may repeat the
	// token of a URL. Nothing of ours writes to the default logger.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	source := telemetry.Source{
		Namespace: common.MetricsNamespace, Service: "mediahooks-" + name, Stack: common.Stack, Function: common.Function,
	}
	p.Log = telemetry.NewLogger(os.Stdout, common.LogLevel, source)
	p.Metrics = telemetry.NewMetrics(os.Stdout, source, time.Now)
	return p, nil
}

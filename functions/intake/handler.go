package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/telemetry"
	"github.com/mediahooks/mediahooks/shared/web"
)

// handler serves every way in: the HTTP API, the event bus, direct invocation,
// and the hold queue. What is reported takes the same path from there; see
// docs/decisions/0012-ways-in.md.
type handler struct {
	directory *registry.Directory
	service   intake.Service
	logins    *web.Logins
	metrics   *telemetry.Metrics
	log       *slog.Logger
	// clouds are the environments that events of the bus and direct invocations
	// may name; empty for all.
	clouds []string
}

// way is how something came in, by the name that it has in the log.
type way string

const (
	byHTTP   way = "http"
	byBus    way = "eventbridge"
	byInvoke way = "direct"
	byHold   way = "hold"
)

// lastWords is how long before the function's deadline the work on an invocation
// ends, so that there is time to say so.
const lastWords = 500 * time.Millisecond

// entry returns the function's entry point, which tells by an invocation's shape
// which way it came.
func (h handler) entry() func(context.Context, json.RawMessage) (any, error) {
	overHTTP := web.Lambda(h.routes(), h.log)
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		by := wayOf(raw)
		if by == byHTTP {
			var request events.APIGatewayV2HTTPRequest
			if err := json.Unmarshal(raw, &request); err != nil {
				return nil, fmt.Errorf("read HTTP request: %w", err)
			}
			return overHTTP(ctx, request)
		}
		if deadline, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, deadline.Add(-lastWords))
			defer cancel()
		}
		switch by {
		case byHold:
			return h.release(ctx, raw)
		case byBus: // nobody reads an answer
			_, err := h.report(ctx, ofBus(raw))
			return nil, err
		default:
			return h.report(ctx, ofInvoke(ctx, raw))
		}
	}
}

// wayOf recognises the shapes that AWS gives its events. Whatever has none of
// them is the payload of a direct invocation, whose fields have other names.
func wayOf(raw json.RawMessage) way {
	var shape struct {
		RequestContext struct {
			HTTP json.RawMessage `json:"http"`
		} `json:"requestContext"`
		DetailType json.RawMessage `json:"detail-type"`
		Detail     json.RawMessage `json:"detail"`
		Records    []struct {
			EventSource string `json:"eventSource"`
		} `json:"Records"`
	}
	_ = json.Unmarshal(raw, &shape) // a field of another type is of none of these shapes
	switch {
	case shape.RequestContext.HTTP != nil:
		return byHTTP
	case len(shape.Records) > 0 && shape.Records[0].EventSource == "aws:sqs":
		return byHold
	case shape.DetailType != nil && shape.Detail != nil:
		return byBus
	}
	return byInvoke
}

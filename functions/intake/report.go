package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/web"
)

// arrival is a call that came by the event bus or by direct invocation. IAM has
// decided that it may; the environment is the one that it names.
type arrival struct {
	by way
	// id is the one that AWS has given it, the same for every time that it is
	// handed over.
	id     string
	caller intake.Caller
	body   []byte
	err    error
}

// ofBus reads an event of the bus: what is reported is its detail.
func ofBus(raw json.RawMessage) arrival {
	var envelope struct {
		ID     string          `json:"id"`
		Source string          `json:"source"`
		Time   time.Time       `json:"time"`
		Detail json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(raw, &envelope); err != nil {
		return arrival{by: byBus, err: notification.Errorf(notification.Invalid, "body: is not an event of EventBridge")}
	}
	return arrival{
		by: byBus, id: envelope.ID, body: envelope.Detail,
		caller: intake.Caller{Source: "eventbridge", ID: envelope.Source, At: envelope.Time},
	}
}

// ofInvoke takes the payload of a direct invocation as it is. An asynchronous one
// has the same request id when Lambda tries it again.
func ofInvoke(ctx context.Context, raw json.RawMessage) arrival {
	in := arrival{by: byInvoke, body: raw}
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		in.id = invocation.AwsRequestID
	}
	in.caller = intake.Caller{Source: "lambda", ID: in.id}
	return in
}

// report accepts what came in, and answers as the HTTP API does. What no retry
// can help is logged and answered; only a fault of ours is an error, on which
// Lambda invokes anew and keeps what fails for ever.
func (h handler) report(ctx context.Context, in arrival) (any, error) {
	began := h.service.Now()
	call, results, err := h.accept(ctx, in)
	h.measure(began, call, results, err)
	h.logEvents(ctx, in.by, in.id, call, results)
	shown := show(call, results, in.id)
	if err == nil {
		return shown, nil
	}
	message := web.Message(err, in.id)
	if isRefusal(err) {
		h.log.WarnContext(ctx, "event refused", "way", string(in.by), "request_id", in.id, "cloud_name", start(call.CloudName),
			"code", string(notification.CodeOf(err)), "fault", start(message.Message))
		shown.Error = &message
		return shown, nil
	}
	h.log.ErrorContext(ctx, "request failed", "way", string(in.by), "request_id", in.id, "error", err)
	return nil, raised(message.Message, results)
}

func (h handler) accept(ctx context.Context, in arrival) (intake.Call, []intake.Result, error) {
	if in.err != nil {
		return intake.Call{}, nil, in.err
	}
	call, err := intake.ReadCall(intake.Origin{DefaultID: in.id}, in.body)
	if err != nil {
		return call, nil, err
	}
	env, err := h.environment(ctx, call.CloudName)
	if err != nil {
		return call, nil, err
	}
	results, err := h.service.Accept(ctx, env, in.caller, call.Reports)
	return call, results, err
}

// maxCloudName bounds what is looked up as a cloud_name, in bytes: no environment
// has a longer one.
const maxCloudName = 64

// environment finds the environment that a call names. One that it may not name
// does not exist for it.
func (h handler) environment(ctx context.Context, cloudName string) (notification.Environment, error) {
	if len(cloudName) > maxCloudName || len(h.clouds) > 0 && !slices.Contains(h.clouds, cloudName) {
		return notification.Environment{}, notification.Errorf(notification.NotFound, "unknown cloud_name %.64q", cloudName)
	}
	return h.directory.Serving(ctx, cloudName)
}

// raised is the error that an invocation fails with. Lambda writes it to the log
// and the failure queue, so it says what a caller may read, and what became of
// each event.
func raised(message string, results []intake.Result) error {
	var text strings.Builder
	text.WriteString(message)
	for _, result := range results {
		text.WriteString("; " + result.EventID + " " + string(result.Status))
	}
	return errors.New(text.String())
}

// start is as much of a text from outside as the log gets.
func start(text string) string {
	const most = 300
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

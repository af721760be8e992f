package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/mediahooks/mediahooks/infra/calls"
	"github.com/mediahooks/mediahooks/infra/local/demo"
	"github.com/mediahooks/mediahooks/infra/local/stack"
)

// rig is the local stack with everything that counts put around it.
type rig struct {
	stack     *stack.Stack
	cfg       aws.Config
	lambda    *lambda.Client
	recorder  calls.Recorder
	meter     meter
	gateway   gateway
	receiver  receiver
	hook      string // the receiver's URL
	server    *http.Server
	functions []function
	// own is the entry of the environment that the stack's functions alone have.
	own string
}

// function is a function of the stack.
type function struct {
	label    string // its name in the template without "Function"
	name     string // its physical name
	memory   int
	logGroup string
	// mapping is its event source mapping, empty where no queue feeds it.
	mapping string
}

// newRig starts the stack. Two places for each lane are enough to keep the
// processes of a small machine from waiting for one another.
func newRig(ctx context.Context, progress func(step string, took time.Duration)) (_ *rig, err error) {
	r := &rig{meter: meter{counts: newTableUse()}, receiver: receiver{arrived: make(chan struct{}, 1<<16)}}
	r.stack, err = stack.Start(ctx, stack.Options{
		Params:    map[string]string{"RetrySchedule": "1s,1s,1s", "FirstConcurrency": "2", "SlowConcurrency": "2"},
		Provision: demo.Provision, Around: r.gateway.around, Progress: progress,
		AroundAWS: func(emulator http.Handler) http.Handler { return r.recorder.Around(r.meter.around(emulator)) },
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.cfg, err = r.stack.AWSConfig(ctx); err != nil {
		return nil, err
	}
	r.meter.table, r.meter.name = dynamodb.NewFromConfig(r.cfg), r.stack.Outputs()["TableName"]
	r.lambda = lambda.NewFromConfig(r.cfg)
	endpoint, err := url.Parse(r.stack.Endpoint())
	if err != nil {
		return nil, err
	}
	r.own = "GATEWAY_PORT=" + endpoint.Port()
	if r.functions, err = r.findFunctions(ctx); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r.server = &http.Server{Handler: &r.receiver, ReadHeaderTimeout: time.Minute}
	go func() { _ = r.server.Serve(listener) }() // ends when it is closed
	r.hook = "http://" + listener.Addr().String() + "/webhooks/media/notifications"
	return r, r.warmUp(ctx)
}

func (r *rig) close() error {
	var errs []error
	if r.server != nil {
		errs = append(errs, r.server.Close())
	}
	return errors.Join(append(errs, r.stack.Close())...)
}

// warmUp makes a trigger and has some events delivered, so that the functions'
// processes run and the receiver's origin is proven.
func (r *rig) warmUp(ctx context.Context) error {
	if err := r.call(ctx, "/triggers", map[string]string{"uri": r.hook, "event_type": "all"}, http.StatusCreated); err != nil {
		return err
	}
	for _, n := range []int{1, 40} {
		if err := r.report(ctx, "warm", n, 1); err != nil {
			return err
		}
		if err := r.delivered(ctx, n); err != nil {
			return err
		}
		if err := r.drained(ctx); err != nil {
			return err
		}
	}
	return nil
}

// findFunctions asks the stack for its functions.
func (r *rig) findFunctions(ctx context.Context) ([]function, error) {
	mappings, err := r.lambda.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{})
	if err != nil {
		return nil, fmt.Errorf("list event source mappings: %w", err)
	}
	resources, err := cloudformation.NewFromConfig(r.cfg).DescribeStackResources(ctx,
		&cloudformation.DescribeStackResourcesInput{StackName: aws.String(stack.Name)})
	if err != nil {
		return nil, fmt.Errorf("list the stack's resources: %w", err)
	}
	var found []function
	for _, resource := range resources.StackResources {
		if aws.ToString(resource.ResourceType) != "AWS::Lambda::Function" {
			continue
		}
		name := aws.ToString(resource.PhysicalResourceId)
		c, err := r.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
		if err != nil {
			return nil, fmt.Errorf("read function %s: %w", name, err)
		}
		f := function{
			label: strings.TrimSuffix(aws.ToString(resource.LogicalResourceId), "Function"),
			name:  name, memory: int(aws.ToInt32(c.MemorySize)), logGroup: "/aws/lambda/" + name,
		}
		if c.LoggingConfig != nil && c.LoggingConfig.LogGroup != nil {
			f.logGroup = *c.LoggingConfig.LogGroup
		}
		for _, m := range mappings.EventSourceMappings {
			if aws.ToString(m.FunctionArn) == aws.ToString(c.FunctionArn) {
				f.mapping = aws.ToString(m.UUID)
			}
		}
		found = append(found, f)
	}
	return found, nil
}

// feed lets the event source mapping of the first lane take messages, or stops it.
func (r *rig) feed(ctx context.Context, enabled bool) error {
	want := map[bool]string{true: "Enabled", false: "Disabled"}[enabled]
	for _, f := range r.functions {
		if f.label != "Delivery" {
			continue
		}
		_, err := r.lambda.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &f.mapping, Enabled: &enabled})
		if err != nil {
			return fmt.Errorf("change the mapping of the first lane: %w", err)
		}
		return poll(ctx, "the mapping of the first lane to be "+want, func() (bool, error) {
			m, err := r.lambda.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &f.mapping})
			return err == nil && aws.ToString(m.State) == want, err
		})
	}
	return errors.New("the stack has no function of the first lane")
}

// drained waits until the lanes are empty, also of what is due later or in
// somebody's hands.
func (r *rig) drained(ctx context.Context) error {
	client := sqs.NewFromConfig(r.cfg)
	return poll(ctx, "the lanes to be empty", func() (bool, error) {
		for _, queue := range []string{"FirstQueueUrl", "SlowQueueUrl"} {
			out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
				QueueUrl: aws.String(r.stack.Outputs()[queue]), AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
			})
			if err != nil {
				return false, err
			}
			for _, state := range []string{"", "NotVisible", "Delayed"} {
				if out.Attributes["ApproximateNumberOfMessages"+state] != "0" {
					return false, nil
				}
			}
		}
		return true, nil
	})
}

// sweep has the recovery function look for overdue deliveries once.
func (r *rig) sweep(ctx context.Context) error {
	out, err := r.lambda.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(r.stack.Outputs()["RecoveryFunctionName"]), InvocationType: lambdatypes.InvocationTypeRequestResponse,
		Payload: []byte(`{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"Scheduled Event","source":"aws.events",` +
			`"account":"123456789012","time":"2026-11-24T12:00:00Z","region":"us-east-1","resources":[],"detail":{}}`),
	})
	if err != nil || out.FunctionError != nil {
		return fmt.Errorf("invoke the recovery function: %w %s", err, aws.ToString(out.FunctionError))
	}
	return nil
}

// poll asks again and again until it is so, for two minutes at most.
func poll(ctx context.Context, what string, is func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, errors.New("not within two minutes"))
	defer cancel()
	for {
		if yes, err := is(); err != nil || yes {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

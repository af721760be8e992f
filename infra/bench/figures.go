package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/store"
	"github.com/mediahooks/mediahooks/shared/vault"
)

// bench is what all figures are measured against.
type bench struct {
	folder      string
	cloud       *cloud
	servers     []*http.Server
	environ     []string
	apiURL      string
	receiver    string
	received    atomic.Int64
	slow        atomic.Bool
	arrived     chan time.Time // when each notification came, unless it is nil
	credentials registry.Credentials
	messages    []string
	posted      time.Duration // a POST of the bare loop
	accepted    [2]time.Duration
}

// payloadSize is about what a simple upload's payload has, in bytes.
const payloadSize = 1024

func newBench(ctx context.Context, folder string) (*bench, error) {
	b := &bench{folder: folder, cloud: newCloud()}
	api, apiURL, err := serve(b.cloud)
	if err != nil {
		return nil, err
	}
	receiver, receiverURL, err := serve(http.HandlerFunc(b.receive))
	if err != nil {
		return nil, err
	}
	b.servers, b.receiver = []*http.Server{api, receiver}, receiverURL+"/hook"
	b.environ = []string{
		"AWS_ENDPOINT_URL=" + apiURL, "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench",
		"STAGE=bench", "STACK_NAME=bench", "LOG_LEVEL=info", "TABLE_NAME=records", "FIRST_QUEUE_URL=" + apiURL + "/1/first", "SLOW_QUEUE_URL=" + apiURL + "/1/slow",
		"HOLD_QUEUE_URL=" + apiURL + "/1/hold", "HOLD_TIMEOUT=1h", "ALLOWED_NETWORKS=127.0.0.0/8", "RETRY_SCHEDULE=3m,6m,9m",
		"WAIT_WORKFLOW_ARN=arn:aws:states:eu-west-1:123456789012:stateMachine:wait", "SECRETS_KEY_ARN=bench",
		"RECOVER_WORKFLOW_ARN=arn:aws:states:eu-west-1:123456789012:stateMachine:recover", "ACCOUNT_ID=bench", "ACCOUNT_KEY_ARN=bench", "SESSION_KEY_ARN=bench",
		"GOMAXPROCS=1", "GOGC=400", "GOMEMLIMIT=220MiB", // as template.yaml has them
	}
	b.apiURL = apiURL
	b.credentials, err = b.createEnvironment(ctx, "demo", []notification.Trigger{
		{ID: strings.Repeat("0", 32), URI: b.receiver, EventType: notification.AllEvents},
	})
	return b, err
}

// createEnvironment makes an environment with triggers.
func (b *bench) createEnvironment(ctx context.Context, name string, triggers []notification.Trigger) (registry.Credentials, error) {
	cfg := aws.Config{Region: "eu-west-1", BaseEndpoint: &b.apiURL, Credentials: credentials.NewStaticCredentialsProvider("bench", "bench", "")}
	environments := registry.Environments{
		Store: hooked{store.New(dynamodb.NewFromConfig(cfg), "records", time.Now), triggers},
		Vault: vault.New(kms.NewFromConfig(cfg), "bench"), Now: time.Now,
	}
	return environments.Create(ctx, name)
}

// hooked gives each environment that is created its triggers.
type hooked struct {
	registry.Store
	triggers []notification.Trigger
}

func (h hooked) CreateEnvironment(ctx context.Context, env notification.Environment) error {
	env.Hooks = notification.Hooks{Version: 1, Triggers: h.triggers}
	return h.Store.CreateEnvironment(ctx, env)
}

func (b *bench) close() {
	for _, server := range b.servers {
		_ = server.Close()
	}
}

func (b *bench) receive(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // a sender that has gone needs no answer
	if b.slow.Load() {
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
		}
	}
	if b.arrived != nil {
		b.arrived <- time.Now()
	}
	b.received.Add(1)
	w.WriteHeader(http.StatusOK)
}

// post is the bare loop: what a POST costs that nobody signs or records.
func (b *bench) post(ctx context.Context) ([]row, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	before := b.received.Load()
	loop := exec.CommandContext(ctx, self, "post", b.receiver, long.String())
	loop.Stderr = os.Stderr
	if err := loop.Run(); err != nil {
		return nil, err
	}
	n := b.received.Load() - before
	used := loop.ProcessState.UserTime() + loop.ProcessState.SystemTime()
	b.posted = used / time.Duration(n)
	return []row{{"bare POST loop: CPU per POST of 1 KB", milliseconds(b.posted), "net/http, keep-alive, the yardstick below"}}, nil
}

// postLoop POSTs for a while, one after the other.
func postLoop(ctx context.Context, url, forHowLong string) error {
	d, err := time.ParseDuration(forHowLong)
	if err != nil {
		return err
	}
	body := bytes.Repeat([]byte("x"), payloadSize)
	for end := time.Now().Add(d); time.Now().Before(end); {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, answer.Body) // it has none
		_ = answer.Body.Close()
	}
	return nil
}

// intake accepts events, one a call and a hundred.
func (b *bench) intake(ctx context.Context) ([]row, error) {
	f, err := start(ctx, b.folder, "intake", b.environ)
	if err != nil {
		return nil, err
	}
	defer f.stop()
	var rows []row
	for i, size := range []int{1, 100} {
		each, n, err := measure(f, size, func() []byte { return b.reportEvents(size) })
		if err != nil {
			return nil, err
		}
		b.accepted[i] = each
		rows = append(rows, row{
			fmt.Sprintf("intake: CPU per event of 1 KB, %d a call", size), milliseconds(each),
			fmt.Sprintf("%s x a bare POST; %d calls", ratio(each, b.posted), n),
		})
		if sent := b.cloud.taken(); size == 100 {
			b.messages = sent
		}
	}
	return rows, nil
}

// reportEvents is an invocation by the HTTP API that reports events.
func (b *bench) reportEvents(n int) []byte {
	payload := fmt.Sprintf(`{"public_id":"bench/%s","width":1600,"height":900,"bytes":123456,"tags":["a","b"]}`, strings.Repeat("x", payloadSize-100))
	return reportEvents(b.credentials, n, payload)
}

// reportEvents is an invocation by the HTTP API that reports events of a payload.
func reportEvents(by registry.Credentials, n int, payload string) []byte {
	event := `{"notification_type":"upload","payload":` + payload + `}`
	body := event
	if n > 1 {
		body = `{"events":[` + strings.TrimSuffix(strings.Repeat(event+",", n), ",") + `]}`
	}
	path := "/v1_1/" + by.CloudName + "/events"
	return encode(map[string]any{
		"version": "2.0", "routeKey": "POST /v1_1/{cloud_name}/events", "rawPath": path, "body": body,
		"headers":        map[string]string{"content-type": "application/json", "authorization": basic(by)},
		"requestContext": map[string]any{"http": map[string]string{"method": http.MethodPost, "path": path}},
	})
}

func encode(event map[string]any) []byte {
	raw, _ := json.Marshal(event) // strings alone
	return raw
}

func basic(c registry.Credentials) string {
	r := http.Request{Header: make(http.Header)}
	r.SetBasicAuth(c.APIKey, c.APISecret)
	return r.Header.Get("Authorization")
}

// delivery delivers what intake has sent, in batches of ten.
func (b *bench) delivery(ctx context.Context) ([]row, error) {
	f, err := start(ctx, b.folder, "delivery", b.environ)
	if err != nil {
		return nil, err
	}
	defer f.stop()
	if len(b.messages) == 0 {
		return nil, errors.New("intake has sent nothing")
	}
	before := b.received.Load()
	each, n, err := measure(f, 10, func() []byte { return b.batch(10) })
	if err != nil {
		return nil, err
	}
	if got := b.received.Load() - before; got < int64(10*n) {
		return nil, fmt.Errorf("%d notifications received of %d", got, 10*n)
	}
	return []row{
		{"delivery: CPU per delivery of 1 KB, batches of 10", milliseconds(each),
			fmt.Sprintf("%s x a bare POST; %d batches, %.0f deliveries/s by one process", ratio(each, b.posted), n, float64(10*n)/long.Seconds())},
		{"whole path, one event a call", milliseconds(b.accepted[0] + each), "intake and delivery"},
		{"whole path, 100 events a call", milliseconds(b.accepted[1] + each), "intake and delivery"},
	}, nil
}

// batch is an invocation by SQS, with the next messages of those that intake sent.
func (b *bench) batch(n int) []byte {
	records := make([]map[string]string, n)
	for i := range records {
		records[i] = map[string]string{"messageId": fmt.Sprint(i), "eventSource": "aws:sqs", "body": b.messages[i%len(b.messages)]}
	}
	b.messages = append(b.messages[n%len(b.messages):], b.messages[:n%len(b.messages)]...)
	return encode(map[string]any{"Records": records})
}

// memory delivers a hundred at once to a receiver that takes a second.
func (b *bench) memory(ctx context.Context) ([]row, error) {
	b.slow.Store(true)
	defer b.slow.Store(false)
	f, err := start(ctx, b.folder, "delivery", b.environ)
	if err != nil {
		return nil, err
	}
	defer f.stop()
	for range 3 {
		if _, err := f.invoke(b.batch(100)); err != nil {
			return nil, err
		}
	}
	peak, err := peakRSS(f.process.Process.Pid)
	if err != nil {
		return nil, err
	}
	return []row{{"delivery: peak RSS with 100 in flight", fmt.Sprintf("%.1f MiB", peak), "64 MiB is the bound"}}, nil
}

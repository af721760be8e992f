package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.yaml.in/yaml/v3"

	"github.com/mediahooks/mediahooks/infra/local/emulator"
	"github.com/mediahooks/mediahooks/shared/delivery"
	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/store"
)

var (
	_ registry.Store   = (*store.Table)(nil)
	_ intake.Records   = (*store.Table)(nil)
	_ delivery.Records = (*store.Table)(nil)
	_ delivery.Events  = (*store.Table)(nil)
)

const tableName = "records"

var client *dynamodb.Client

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "store:", err)
		code = 1
	}
	os.Exit(code)
}

// run starts an emulator with the table of template.yaml for all tests.
func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	e, err := emulator.Start(ctx, emulator.Options{})
	if err != nil {
		return 1, err
	}
	defer func() {
		if closing := e.Close(); err == nil {
			err = closing
		}
	}()
	cfg, err := e.AWSConfig(ctx)
	if err != nil {
		return 1, err
	}
	client = dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.HTTPClient = whole{o.HTTPClient} })
	input, err := tableOfTemplate()
	if err != nil {
		return 1, err
	}
	if _, err := client.CreateTable(ctx, input); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// whole reads an answer to its end before anybody sees it. Left to the client, a
// few of ten thousand answers on a loopback connection are lost between their
// headers and their body ("use of closed network connection"); the client then
// asks again, and a claim that has taken effect finds itself in its own way.
type whole struct{ dynamodb.HTTPClient }

func (w whole) Do(req *http.Request) (*http.Response, error) {
	out, err := w.HTTPClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(out.Body)
	out.Body = io.NopCloser(bytes.NewReader(body))
	return out, err
}

// tableOfTemplate reads the table that is deployed, so that the one that is
// tested cannot differ from it.
func tableOfTemplate() (*dynamodb.CreateTableInput, error) {
	src, err := os.ReadFile("../../template.yaml")
	if err != nil {
		return nil, err
	}
	var template struct {
		Resources struct {
			Table struct {
				Properties map[string]any `yaml:"Properties"`
			} `yaml:"Table"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(src, &template); err != nil {
		return nil, err
	}
	properties := map[string]any{}
	for _, name := range []string{"BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"} {
		properties[name] = template.Resources.Table.Properties[name]
	}
	ttl, err := json.Marshal(template.Resources.Table.Properties["TimeToLiveSpecification"])
	if err != nil {
		return nil, err
	}
	if string(ttl) != `{"AttributeName":"expires_at","Enabled":true}` {
		return nil, fmt.Errorf("template.yaml: the table forgets by %s", ttl)
	}
	text, err := json.Marshal(properties)
	if err != nil {
		return nil, err
	}
	input := &dynamodb.CreateTableInput{TableName: aws.String(tableName)}
	return input, json.Unmarshal(text, input)
}

func TestTable(t *testing.T) {
	notificationtest.ExerciseStore(t, func(_ *testing.T, now func() time.Time) notificationtest.StoreContract {
		return store.New(client, tableName, now)
	})
}

// flaky answers every n-th batch write as DynamoDB does under load: with
// throttled statements, or with an answer that got lost after it took effect.
type flaky struct {
	*dynamodb.Client
	calls atomic.Int64
}

func (f *flaky) BatchExecuteStatement(ctx context.Context, in *dynamodb.BatchExecuteStatementInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchExecuteStatementOutput, error) {
	n := f.calls.Add(1)
	if n%2 == 0 {
		return f.Client.BatchExecuteStatement(ctx, in, opts...)
	}
	throttled := make(map[int]bool)
	kept := &dynamodb.BatchExecuteStatementInput{}
	for i, statement := range in.Statements {
		if throttled[i] = (int64(i)+n)%3 == 0; !throttled[i] {
			kept.Statements = append(kept.Statements, statement)
		}
	}
	out := &dynamodb.BatchExecuteStatementOutput{}
	if len(kept.Statements) > 0 {
		var err error
		if out, err = f.Client.BatchExecuteStatement(ctx, kept, opts...); err != nil {
			return nil, err
		}
	}
	answers := out.Responses
	out.Responses = nil
	for i := range in.Statements {
		if throttled[i] {
			out.Responses = append(out.Responses, throttling())
			continue
		}
		out.Responses = append(out.Responses, answers[0])
		answers = answers[1:]
	}
	return out, nil
}

// BatchGetItem leaves keys out of every second answer.
func (f *flaky) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	wanted := in.RequestItems[tableName]
	if f.calls.Add(1)%2 == 0 || len(wanted.Keys) < 2 {
		return f.Client.BatchGetItem(ctx, in, opts...)
	}
	half := len(wanted.Keys) / 2
	first, rest := wanted, wanted
	first.Keys, rest.Keys = wanted.Keys[:half], wanted.Keys[half:]
	out, err := f.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: requestOf(first)}, opts...)
	if err == nil {
		out.UnprocessedKeys = requestOf(rest)
	}
	return out, err
}

// The suite holds over a table that throttles single statements and leaves keys
// unprocessed.
func TestTableUnderLoad(t *testing.T) {
	load := &flaky{Client: client}
	notificationtest.ExerciseStore(t, func(_ *testing.T, now func() time.Time) notificationtest.StoreContract {
		return store.New(load, tableName, now)
	})
}

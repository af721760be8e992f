package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.yaml.in/yaml/v3"

	"github.com/mediahooks/mediahooks/infra/local/emulator"
	"github.com/mediahooks/mediahooks/infra/local/workspace"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/store"
	"github.com/mediahooks/mediahooks/shared/vault"
)

// account is the AWS account that the rounds share. What is done through its
// clients meets no faults: it is what the harness itself does.
type account struct {
	endpoint string
	db       *dynamodb.Client
	queues   *sqs.Client
	waits    *sfn.Client
	keys     *kms.Client
	keyARN   string
	// table and workflow are how template.yaml and infra/workflows have them.
	table    []byte
	workflow string
	// network reaches the emulator for the proxies.
	network *http.Client
	// restarts says that the emulator is restarted in the middle, and away that
	// this is not over yet.
	restarts bool
	away     atomic.Bool
	// begun counts the rounds that have their resources, of those that are to have
	// them before the restarts.
	begun sync.WaitGroup
}

func openAccount(ctx context.Context, endpoint string) (*account, error) {
	cfg, err := emulator.AWSConfig(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 512
	network := &http.Client{Transport: transport}
	cfg.HTTPClient = whole{network}
	a := &account{
		endpoint: endpoint, db: dynamodb.NewFromConfig(cfg), queues: sqs.NewFromConfig(cfg),
		waits: sfn.NewFromConfig(cfg), keys: kms.NewFromConfig(cfg), network: network,
	}
	if err := a.readTemplates(); err != nil {
		return nil, err
	}
	key, err := a.keys.CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	a.keyARN = aws.ToString(key.KeyMetadata.Arn)
	return a, nil
}

// whole reads an answer to its end before the SDK sees it, which on a loopback
// connection otherwise loses a few of ten thousand.
type whole struct{ client *http.Client }

func (w whole) Do(req *http.Request) (*http.Response, error) {
	out, err := w.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	out.Body = io.NopCloser(bytes.NewReader(body))
	return out, err
}

// readTemplates reads the table and the workflow that are deployed, so that the
// ones of the rounds cannot differ from them.
func (a *account) readTemplates() error {
	root, err := workspace.Root()
	if err != nil {
		return err
	}
	src, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		return err
	}
	var template struct {
		Resources struct {
			Table struct {
				Properties map[string]any `yaml:"Properties"`
			} `yaml:"Table"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(src, &template); err != nil {
		return fmt.Errorf("read template.yaml: %w", err)
	}
	properties := make(map[string]any)
	for _, name := range []string{"BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"} {
		properties[name] = template.Resources.Table.Properties[name]
	}
	if a.table, err = json.Marshal(properties); err != nil {
		return err
	}
	workflow, err := os.ReadFile(filepath.Join(root, "infra", "workflows", "wait.asl.json"))
	a.workflow = strings.ReplaceAll(string(workflow), "${Partition}", "aws")
	return err
}

// resources are what one round has to itself.
type resources struct {
	table, machine string
	first, slow    queuePair
	hold           queuePair
	credentials    registry.Credentials
}

// queuePair is a queue and the one for its dead letters, by URL.
type queuePair struct{ name, url, dead string }

// maxReceives is how often a message is received before it is a dead letter, as in
// template.yaml.
const maxReceives = 5

func (a *account) create(ctx context.Context, name string, hooks notification.Hooks) (resources, error) {
	r := resources{table: name}
	input := &dynamodb.CreateTableInput{TableName: &name}
	if err := json.Unmarshal(a.table, input); err != nil {
		return r, fmt.Errorf("read template.yaml: %w", err)
	}
	if _, err := a.db.CreateTable(ctx, input); err != nil {
		return r, fmt.Errorf("create table %s: %w", name, err)
	}
	var err error
	for _, made := range []struct {
		lane string
		pair *queuePair
	}{{"first", &r.first}, {"slow", &r.slow}, {"hold", &r.hold}} {
		if *made.pair, err = a.createQueue(ctx, name+"-"+made.lane); err != nil {
			return r, err
		}
	}
	machine, err := a.waits.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{
		Name: &name, Definition: &a.workflow, RoleArn: aws.String("arn:aws:iam::000000000000:role/waits"),
	})
	if err != nil {
		return r, fmt.Errorf("create state machine %s: %w", name, err)
	}
	r.machine = aws.ToString(machine.StateMachineArn)
	environments := registry.Environments{
		Store: hooked{store.New(a.db, name, time.Now), hooks}, Vault: vault.New(a.keys, a.keyARN), Now: time.Now,
	}
	r.credentials, err = environments.Create(ctx, name)
	return r, err
}

func (a *account) createQueue(ctx context.Context, name string) (queuePair, error) {
	dead, err := a.queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(name + "-dead")})
	if err != nil {
		return queuePair{}, fmt.Errorf("create queue %s-dead: %w", name, err)
	}
	policy := fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:%s:000000000000:%s-dead","maxReceiveCount":%d}`, emulator.Region, name, maxReceives)
	live, err := a.queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"RedrivePolicy": policy}})
	if err != nil {
		return queuePair{}, fmt.Errorf("create queue %s: %w", name, err)
	}
	return queuePair{name, aws.ToString(live.QueueUrl), aws.ToString(dead.QueueUrl)}, nil
}

// remove gives back what a round had, so that the next ones find the emulator as
// quick as the first.
func (a *account) remove(ctx context.Context, r resources) error {
	var errs []error
	for _, pair := range []queuePair{r.first, r.slow, r.hold} {
		for _, url := range []string{pair.url, pair.dead} {
			_, err := a.queues.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &url})
			errs = append(errs, err)
		}
	}
	_, err := a.db.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &r.table})
	if _, gone := errors.AsType[*dbtypes.ResourceNotFoundException](err); gone {
		err = nil // the SDK has asked twice
	}
	errs = append(errs, err)
	_, err = a.waits.DeleteStateMachine(ctx, &sfn.DeleteStateMachineInput{StateMachineArn: &r.machine})
	return errors.Join(append(errs, err)...)
}

// hooked gives each environment that is created its triggers.
type hooked struct {
	registry.Store
	hooks notification.Hooks
}

func (h hooked) CreateEnvironment(ctx context.Context, env notification.Environment) error {
	env.Hooks = h.hooks
	return h.Store.CreateEnvironment(ctx, env)
}

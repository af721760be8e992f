package release_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/mediahooks/mediahooks/infra/account"
	"github.com/mediahooks/mediahooks/infra/local/emulator"
	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

const stackName = "mediahooks-lifecycle"

// TestLifecycle takes a stack through its life with the SAM CLI alone: build,
// package, deploy --guided, an upgrade, logs, the way back, and delete, which
// leaves what template.yaml retains and nothing else.
func TestLifecycle(t *testing.T) {
	p := newProject(t)

	p.sam(t, "", "build")
	p.noBinaries(t, ".aws-sam") // they are make build's

	p.sam(t, "", "package", "--resolve-s3", "--output-template-file", "packaged.yaml")
	packaged, err := os.ReadFile(filepath.Join(p.dir, "packaged.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if local := regexp.MustCompile(`(CodeUri|DefinitionUri): [^s\n].*`).FindAllString(string(packaged), -1); len(local) > 0 {
		t.Errorf("sam package has left %v as they are", local)
	}

	// Its name and region are answered; to all other questions the answer is what
	// is proposed.
	p.sam(t, stackName+"\n"+emulator.Region+strings.Repeat("\n", 100), "deploy", "--guided")
	saved, err := os.ReadFile(filepath.Join(p.dir, "samconfig.toml"))
	if err != nil || !strings.Contains(string(saved), stackName) {
		t.Errorf("sam deploy --guided has not saved its answers, %v:\n%s", err, saved)
	}
	table := p.output(t, "TableName")

	before := p.variables(t)
	p.sam(t, "", "deploy", "--stack-name", stackName, "--parameter-overrides", "Stage=dev LogLevel=debug")
	if after := p.variables(t); after["LOG_LEVEL"] != "debug" || before["LOG_LEVEL"] != "info" {
		t.Errorf("LOG_LEVEL is %s after the upgrade and was %s before", after["LOG_LEVEL"], before["LOG_LEVEL"])
	}
	if _, err := account.Guard(t.Context(), p.cfg, stackName, 1); err != nil {
		t.Error(err)
	}
	p.updated(t)

	// The way back is to deploy what was there before. A parameter that is not named
	// keeps the value that it has.
	p.sam(t, "", "deploy", "--stack-name", stackName, "--parameter-overrides", "Stage=dev LogLevel=info")
	if diff := cmp.Diff(before, p.variables(t)); diff != "" {
		t.Errorf("the variables after the way back (-want +got):\n%s", diff)
	}
	if now := p.output(t, "TableName"); now != table {
		t.Errorf("the table is %s and was %s", now, table)
	}

	p.invoke(t, "events/api/ping.json")
	if said := p.sam(t, "", "logs", "--stack-name", stackName, "--name", "ApiFunction"); !strings.Contains(said, "GET /v1_1/{cloud_name}/ping") {
		t.Errorf("sam logs has no line of the call:\n%s", said)
	}

	key := p.output(t, "SecretsKeyArn")
	p.sam(t, "", "delete", "--stack-name", stackName, "--no-prompts")
	p.left(t, table, key)
}

// TestRetained says what outlives a stack on purpose: what nobody could make again.
func TestRetained(t *testing.T) {
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			DeletionPolicy string `yaml:"DeletionPolicy"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	var retained []string
	for name, resource := range template.Resources {
		if resource.DeletionPolicy != "" && resource.DeletionPolicy != "Delete" {
			retained = append(retained, name+" "+resource.DeletionPolicy)
		}
	}
	slices.Sort(retained)
	if diff := cmp.Diff([]string{"SecretsKey Retain", "Table Retain"}, retained); diff != "" {
		t.Errorf("(-docs/deploying.md +template.yaml):\n%s", diff)
	}
}

// project is a folder with what is deployed, and an account to deploy it to.
type project struct {
	dir, home, tool string
	emulator        *emulator.Emulator
	cfg             aws.Config
}

func newProject(t *testing.T) *project {
	t.Helper()
	root, err := workspace.Root()
	if err != nil {
		t.Fatal(err)
	}
	p := &project{dir: t.TempDir(), home: t.TempDir()}
	if p.tool, err = workspace.Tool(root, "sam"); err != nil {
		t.Fatal(err)
	}
	for _, source := range append(sources, "samconfig.toml", "events") {
		copyTree(t, filepath.Join(root, source), filepath.Join(p.dir, source))
	}
	build(t, p.dir)
	// Whatever template.yaml refers to in there.
	err = errors.Join(os.RemoveAll(filepath.Join(p.dir, "infra")), os.Symlink(filepath.Join(root, "infra"), filepath.Join(p.dir, "infra")),
		os.WriteFile(filepath.Join(p.dir, "template.yaml"), []byte(localTemplate(t, root)), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	if p.emulator, err = emulator.Start(t.Context(), emulator.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.emulator.Close(); err != nil {
			t.Error(err)
		}
	})
	if p.cfg, err = p.emulator.AWSConfig(t.Context()); err != nil {
		t.Fatal(err)
	}
	metadata := fmt.Sprintf(`{"telemetryEnabled":false,"lastVersionCheck":%d.5}`, time.Now().Unix())
	if err := os.WriteFile(filepath.Join(p.home, "metadata.json"), []byte(metadata), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// nested is where the nested stack's template is said to be. The stage local leaves
// that stack out, but sam delete reads the URL all the same, and knows only those of
// S3 itself: the emulator's, which sam package would write there, end it.
const nested = "https://s3.amazonaws.com/somewhere/operations.yaml"

// localTemplate is template.yaml with the parameters of the stage local, and this
// machine's architecture, as its defaults, so that a plain sam deploy is what is
// tried.
func localTemplate(t *testing.T, root string) string {
	t.Helper()
	template, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(root, "samconfig.toml"))
	if err != nil {
		t.Fatal(err)
	}
	overrides := regexp.MustCompile(`(?s)\[local\.deploy\.parameters\].*?parameter_overrides = "([^"]*)"`).FindSubmatch(config)
	if overrides == nil {
		t.Fatal("samconfig.toml has no parameters of the stage local")
	}
	text, architecture := strings.Replace(string(template), "TemplateURL: infra/operations/template.yaml", "TemplateURL: "+nested, 1), "arm64"
	if runtime.GOARCH == "amd64" {
		architecture = "x86_64"
	}
	for _, override := range append(strings.Fields(string(overrides[1])), "Architecture="+architecture) {
		name, value, _ := strings.Cut(override, "=")
		before := text
		text = regexp.MustCompile(`(?s)(\n  `+name+`:\n.*?\n    Default: )[^\n]*`).ReplaceAllString(text, fmt.Sprintf(`${1}%q`, value))
		if text == before {
			t.Fatalf("template.yaml has no parameter %s with a default", name)
		}
	}
	return text
}

// sam runs a command of the SAM CLI, answers what it asks, and returns what it
// said.
func (p *project) sam(t *testing.T, answers string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.tool, args...)
	cmd.Dir, cmd.Stdin = p.dir, strings.NewReader(answers)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + p.home, "TMPDIR=" + p.home, "LANG=C.UTF-8", "NO_COLOR=1",
		"AWS_ENDPOINT_URL=" + p.emulator.Endpoint(), "AWS_DEFAULT_REGION=" + emulator.Region,
		"AWS_ACCESS_KEY_ID=" + emulator.AccessKey, "AWS_SECRET_ACCESS_KEY=" + emulator.SecretKey,
		"__SAM_CLI_APP_DIR=" + p.home, "SAM_CLI_TELEMETRY=0", "SAM_CLI_POLL_DELAY=0.05",
	}
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sam %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return string(said)
}

// noBinaries says that a folder of the project has no copies of the functions,
// which would go stale there.
func (p *project) noBinaries(t *testing.T, folder string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(p.dir, folder), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "bootstrap" {
			t.Errorf("%s is there", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func (p *project) stack(t *testing.T) types.Stack {
	t.Helper()
	found, err := cloudformation.NewFromConfig(p.cfg).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String(stackName)})
	if err != nil {
		t.Fatal(err)
	}
	return found.Stacks[0]
}

func (p *project) output(t *testing.T, name string) string {
	t.Helper()
	outputs, err := account.Outputs(t.Context(), p.cfg, stackName)
	if err != nil || outputs[name] == "" {
		t.Fatalf("output %s: %q, %v", name, outputs[name], err)
	}
	return outputs[name]
}

// updated waits until an update is over.
func (p *project) updated(t *testing.T) {
	t.Helper()
	waiter := cloudformation.NewStackUpdateCompleteWaiter(cloudformation.NewFromConfig(p.cfg), func(o *cloudformation.StackUpdateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	})
	if err := waiter.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String(stackName)}, 2*time.Minute); err != nil {
		t.Errorf("%v: %s %s", err, p.stack(t).StackStatus, aws.ToString(p.stack(t).StackStatusReason))
	}
}

// variables are those of the api function.
func (p *project) variables(t *testing.T) map[string]string {
	t.Helper()
	function, err := lambda.NewFromConfig(p.cfg).GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{
		FunctionName: aws.String(p.output(t, "ApiFunctionName")),
	})
	if err != nil {
		t.Fatal(err)
	}
	return function.Environment.Variables
}

func (p *project) invoke(t *testing.T, file string) {
	t.Helper()
	event, err := os.ReadFile(filepath.Join(p.dir, file))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := lambda.NewFromConfig(p.cfg).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(p.output(t, "ApiFunctionName")), Payload: event})
	if err != nil || answer.FunctionError != nil {
		t.Fatalf("%v %s", err, aws.ToString(answer.FunctionError))
	}
}

// left asks the services themselves what is left in the account: a table and a key
// that is ready for use.
func (p *project) left(t *testing.T, table, key string) {
	t.Helper()
	ctx := t.Context()
	tables, err := dynamodb.NewFromConfig(p.cfg).ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil || !slices.Equal(tables.TableNames, []string{table}) {
		t.Errorf("the tables %v are left, %v, want %s alone", tables.TableNames, err, table)
	}
	kept, err := kms.NewFromConfig(p.cfg).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &key})
	if err != nil || !kept.KeyMetadata.Enabled {
		t.Errorf("the key %s: %v, want it to be left and enabled", key, err)
	}
	left := map[string]int{}
	count := func(kind string, n int, err error) {
		t.Helper()
		if left[kind] = n; err != nil {
			t.Errorf("list %s: %v", kind, err)
		}
	}
	keys, err := kms.NewFromConfig(p.cfg).ListKeys(ctx, &kms.ListKeysInput{})
	count("keys", len(keys.Keys), err)
	queues, err := sqs.NewFromConfig(p.cfg).ListQueues(ctx, &sqs.ListQueuesInput{})
	count("queues", len(queues.QueueUrls), err)
	functions, err := lambda.NewFromConfig(p.cfg).ListFunctions(ctx, &lambda.ListFunctionsInput{})
	count("functions", len(functions.Functions), err)
	mappings, err := lambda.NewFromConfig(p.cfg).ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{})
	count("event source mappings", len(mappings.EventSourceMappings), err)
	secrets, err := secretsmanager.NewFromConfig(p.cfg).ListSecrets(ctx, &secretsmanager.ListSecretsInput{})
	count("secrets", len(secrets.SecretList), err)
	machines, err := sfn.NewFromConfig(p.cfg).ListStateMachines(ctx, &sfn.ListStateMachinesInput{})
	count("state machines", len(machines.StateMachines), err)
	buses, err := eventbridge.NewFromConfig(p.cfg).ListEventBuses(ctx, &eventbridge.ListEventBusesInput{})
	count("event buses", len(buses.EventBuses), err)
	want := map[string]int{
		"keys": 1, "event buses": 1, // the account's own
		"queues": 0, "functions": 0, "event source mappings": 0, "secrets": 0, "state machines": 0,
	}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("what is left in the account (-want +got):\n%s", diff)
	}
}

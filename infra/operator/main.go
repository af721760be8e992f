// Command operator does, with the AWS credentials of the shell, what a stack
// needs besides its deployment: the first environment, the account key, new
// wrapping for data keys, alarms that guard its updates. make environment, make
// account, make rotate-account-key, make rewrap and make guard are its subcommands; docs/runbooks say when to use which.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/mediahooks/mediahooks/infra/account"
	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// operator works on one stack.
type operator struct {
	cfg     aws.Config
	outputs map[string]string
	stack   string
	cloud   string
	minutes int
	out     io.Writer
}

// commands are the subcommands, by name.
var commands = map[string]func(operator, context.Context) error{
	"environment":        operator.environment,
	"account":            operator.account,
	"rotate-account-key": operator.rotateAccountKey,
	"rewrap":             operator.rewrap,
	"guard":              operator.guard,
}

var errUsage = errors.New("usage: operator [-stage STAGE] [-cloud CLOUD] [-minutes N] environment|account|rotate-account-key|rewrap|guard")

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	flags := flag.NewFlagSet("operator", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	stage := flags.String("stage", "default", "the table of samconfig.toml that names the stack")
	cloud := flags.String("cloud", "", "the cloud_name of the environment")
	minutes := flags.Int("minutes", 0, "how long alarms are watched after an update")
	if err := flags.Parse(args); err != nil || flags.NArg() != 1 {
		return errUsage
	}
	command, ok := commands[flags.Arg(0)]
	if !ok {
		return errUsage
	}
	name, err := stackOf(*stage)
	if err != nil {
		return err
	}
	o := operator{stack: name, cloud: *cloud, minutes: *minutes, out: out}
	if o.cfg, err = config.LoadDefaultConfig(ctx); err != nil {
		return fmt.Errorf("load AWS configuration: %w", err)
	}
	if o.outputs, err = account.Outputs(ctx, o.cfg, name); err != nil {
		return err
	}
	// The local stack's API is not where AWS would have it. Elsewhere nothing but
	// the stack says where the account key is sent.
	if url := getenv("API_URL"); url != "" && getenv("AWS_ENDPOINT_URL") != "" {
		o.outputs["ApiUrl"] = strings.TrimRight(url, "/")
	}
	return command(o, ctx)
}

// stackOf reads from samconfig.toml which stack a stage is.
func stackOf(stage string) (string, error) {
	root, err := workspace.Root()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(root, "samconfig.toml"))
	if err != nil {
		return "", err
	}
	table := regexp.MustCompile(`(?m)^\[` + regexp.QuoteMeta(stage) + `\.global\.parameters\]\n(?:[^\[].*\n|\n)*?stack_name = "([^"\n]+)"$`)
	found := table.FindSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("STAGE %s: samconfig.toml has no stack_name in [%s.global.parameters]", stage, stage)
	}
	return string(found[1]), nil
}

func (o operator) environment(ctx context.Context) error {
	if o.cloud == "" {
		return errors.New("CLOUD: name the environment, in lower-case letters, digits and hyphens: make environment CLOUD=acme")
	}
	a, err := account.Open(ctx, o.cfg, o.outputs)
	if err != nil {
		return err
	}
	made, err := a.CreateEnvironment(ctx, o.cloud)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.out, `The environment %[1]s is there. Keep this safe: the secret is shown here and nowhere else.

CLOUDINARY_URL='%[2]s'

Next:
  check the key:    curl -u %[3]s:%[4]s %[5]s/v1_1/%[1]s/ping
  who is told:      curl -u %[3]s:%[4]s %[5]s/v1_1/%[1]s/triggers -d uri=https://... -d event_type=all
  more keys, and rotating this one: docs/runbooks/rotate-an-access-key.md
`, made.CloudName, a.CloudinaryURL(made), made.APIKey, made.APISecret, a.APIURL)
	return nil
}

// account prints a line for a shell to read.
func (o operator) account(ctx context.Context) error {
	a, err := account.Open(ctx, o.cfg, o.outputs)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.out, "CLOUDINARY_ACCOUNT_URL='%s'\n", a.URL())
	return nil
}

func (o operator) rotateAccountKey(ctx context.Context) error {
	a, err := account.Open(ctx, o.cfg, o.outputs)
	if err != nil {
		return err
	}
	was, err := a.Rotate(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(o.out, "The account has a new secret, and the API takes it. In ten seconds it has forgotten the one before.")
	if err := a.Refused(ctx, was); err != nil {
		return err
	}
	fmt.Fprintln(o.out, "It is refused. make account shows the new CLOUDINARY_ACCOUNT_URL.")
	return nil
}

func (o operator) rewrap(ctx context.Context) error {
	n, err := account.Rewrap(ctx, o.cfg, o.outputs)
	if err != nil {
		return fmt.Errorf("after %d data keys: %w", n, err)
	}
	fmt.Fprintf(o.out, "%d data keys are encrypted under the newest material of %s.\n", n, o.outputs["SecretsKeyArn"])
	return nil
}

// guard has CloudFormation roll back updates that set off an alarm.
func (o operator) guard(ctx context.Context) error {
	if o.minutes < 0 || o.minutes > 180 {
		return fmt.Errorf("MINUTES %d: must be 1 to 180, or 0 to guard the stack no longer", o.minutes)
	}
	alarms, err := account.Guard(ctx, o.cfg, o.stack, o.minutes)
	if err != nil {
		return err
	}
	if o.minutes == 0 {
		fmt.Fprintf(o.out, "Updates of %s are no longer rolled back by alarms.\n", o.stack)
		return nil
	}
	fmt.Fprintf(o.out, `Each update of %s from now on is rolled back as a whole if, while it is made or in the %d minutes after, one of these goes off:
  %s
sam deploy then takes these minutes longer, and fails when an update is rolled back.
`, o.stack, o.minutes, strings.Join(alarms, "\n  "))
	return nil
}

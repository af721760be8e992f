package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go/logging"

	"github.com/mediahooks/mediahooks/infra/local/emulator"
	"github.com/mediahooks/mediahooks/infra/local/stack"
	"github.com/mediahooks/mediahooks/infra/local/workspace"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/secret"
	"github.com/mediahooks/mediahooks/shared/vault"
)

// checks are what the two checks work with.
type checks struct {
	root string
	// dir is a temporary folder with the template, and bin and infra beside it.
	dir     string
	sam     string
	env     []string
	image   string
	outputs map[string]string
	table   string
	lambda  *lambda.Client
	dynamo  *dynamodb.Client
	vault   *vault.Vault
}

// check deploys the stack and makes both checks.
func check(ctx context.Context, root string, e *engine, update bool) (err error) {
	began := time.Now()
	local, err := stack.Start(ctx, stack.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, local.Close()) }()
	address, stop, err := forward(ctx, e, local.Endpoint())
	if err != nil {
		return err
	}
	defer stop()
	c := &checks{root: root, image: fmt.Sprintf("mediahooks-sam-local-%d", os.Getpid()), outputs: local.Outputs()}
	// Every SDK reads it, so that no function needs a setting for its tests.
	if err := e.makeImage(ctx, c.image, "AWS_ENDPOINT_URL=http://"+address); err != nil {
		return fmt.Errorf("make an image: %w", err)
	}
	defer func() { err = errors.Join(err, e.removeImages(context.WithoutCancel(ctx), c.image)) }()
	cfg, err := local.AWSConfig(ctx)
	if err != nil {
		return err
	}
	cfg.Logger = logging.Nop{} // it warns of answers that are cut short, and asks again
	c.lambda, c.dynamo = lambda.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg)
	c.table, c.vault = c.outputs["TableName"], vault.New(kms.NewFromConfig(cfg), c.outputs["SecretsKeyArn"])
	if err := c.setAccountKey(ctx, secretsmanager.NewFromConfig(cfg)); err != nil {
		return err
	}
	if err := c.prepare(e.socket, local.Endpoint()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(c.dir)) }()
	fmt.Printf("%5.1f s  Docker engine and local stack ready\n", time.Since(began).Seconds())
	return errors.Join(c.invokeAll(ctx, update), c.callAPI(ctx))
}

// setAccountKey makes the stack's account key the one of the files in events.
func (c *checks) setAccountKey(ctx context.Context, secrets *secretsmanager.Client) error {
	text, err := secret.Encode(notification.AccountKey{APIKey: "account", APISecret: accountSecret})
	if err != nil {
		return err
	}
	_, err = secrets.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: aws.String(c.outputs["AccountKeyArn"]), SecretString: &text,
	})
	return err
}

// prepare makes the folder that sam local works in, and its environment. Nothing
// of it leaves the machine: it asks the emulator which account it is, and finds
// that it has just looked for a newer version and that nobody wants to be counted.
func (c *checks) prepare(socket, endpoint string) (err error) {
	if c.sam, err = workspace.Tool(c.root, "sam"); err != nil {
		return err
	}
	if c.dir, err = os.MkdirTemp("", "mediahooks-sam-local-"); err != nil {
		return err
	}
	template, err := os.ReadFile(filepath.Join(c.root, "template.yaml"))
	if err != nil {
		return err
	}
	metadata := fmt.Sprintf(`{"telemetryEnabled":false,"lastVersionCheck":%d.5}`, time.Now().Unix())
	c.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "TMPDIR=" + c.dir, "LANG=C.UTF-8", "NO_COLOR=1",
		"DOCKER_HOST=unix://" + socket,
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_DEFAULT_REGION=" + emulator.Region,
		"AWS_ACCESS_KEY_ID=" + emulator.AccessKey, "AWS_SECRET_ACCESS_KEY=" + emulator.SecretKey,
		"__SAM_CLI_APP_DIR=" + c.dir, "SAM_CLI_TELEMETRY=0",
	}
	return errors.Join(
		os.WriteFile(filepath.Join(c.dir, "template.yaml"), template, 0o600),
		os.WriteFile(filepath.Join(c.dir, "metadata.json"), []byte(metadata), 0o600),
		// The stack was just built there, for this machine.
		os.Symlink(filepath.Join(c.root, ".local", "build"), filepath.Join(c.dir, "bin")),
		os.Symlink(filepath.Join(c.root, "infra"), filepath.Join(c.dir, "infra")))
}

// command prepares a command of sam local, whose containers have the variables
// that the functions have in the stack, but for those given.
func (c *checks) command(ctx context.Context, name string, functions []string, variables map[string]string, args ...string) (*exec.Cmd, error) {
	file := filepath.Join(c.dir, name+".json")
	all := map[string]map[string]string{}
	for _, function := range functions {
		deployed, err := c.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{
			FunctionName: aws.String(c.outputs[function+"Name"]),
		})
		if err != nil {
			return nil, fmt.Errorf("read the variables of %s: %w", function, err)
		}
		all[function] = deployed.Environment.Variables
		for name, value := range variables {
			all[function][name] = value
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	args = append(args, "--env-vars", file, "--skip-pull-image", "--invoke-image", c.image,
		// Nobody in there resolves a name, so that nothing is sent to a receiver.
		"--container-dns", "127.0.0.1",
		"--parameter-overrides", "ParameterKey=Architecture,ParameterValue="+architecture())
	cmd := exec.CommandContext(ctx, c.sam, append([]string{"local"}, args...)...)
	cmd.Dir, cmd.Env = c.dir, c.env
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	return cmd, nil
}

// architecture is this machine's, in Lambda's words.
func architecture() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}

// forward makes an endpoint of this machine's loopback interface reachable for
// containers, and for nobody else: it listens on the engine's own bridge.
func forward(ctx context.Context, e *engine, endpoint string) (address string, stop func(), err error) {
	gateway, err := e.gateway(ctx)
	if err != nil {
		return "", nil, err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(gateway, "0"))
	if err != nil {
		return "", nil, fmt.Errorf("listen on the engine's bridge: %w", err)
	}
	target := strings.TrimPrefix(endpoint, "http://")
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go join(from, target)
		}
	}()
	return listener.Addr().String(), func() { _ = listener.Close() }, nil
}

// join hands on what comes on a connection, and what is answered.
func join(from net.Conn, target string) {
	to, err := net.Dial("tcp", target)
	if err != nil {
		_ = from.Close()
		return
	}
	// An end of either side is the end of both.
	go func() {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}()
	_, _ = io.Copy(from, to)
	_ = from.Close()
}

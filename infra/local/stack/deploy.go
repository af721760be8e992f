package stack

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/mediahooks/mediahooks/infra/account"
	"github.com/mediahooks/mediahooks/infra/local/emulator"
	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

// deploy has the SAM CLI deploy the template as it is, from a folder where its
// bin holds binaries for this machine.
func (s *Stack) deploy(ctx context.Context, params map[string]string) error {
	sam, err := workspace.Tool(s.root, "sam")
	if err != nil {
		return err
	}
	for _, name := range []string{"template.yaml", "samconfig.toml"} {
		if err := copyFile(filepath.Join(s.dir, name), filepath.Join(s.root, name), 0o600); err != nil {
			return err
		}
	}
	if err := os.Symlink(filepath.Join(s.root, "infra"), filepath.Join(s.dir, "infra")); err != nil {
		return err
	}
	env, err := s.samEnv()
	if err != nil {
		return err
	}
	args := []string{"deploy", "--config-env", "local", "--no-progressbar", "--parameter-overrides"}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		args = append(args, fmt.Sprintf("ParameterKey=%s,ParameterValue=%s", name, quote(params[name])))
	}
	var said strings.Builder
	cmd := command(ctx, s.dir, env, io.MultiWriter(&said, s.log("deploy.log")), sam, args...)
	cfg, err := s.AWSConfig(ctx)
	if err != nil {
		return err
	}
	cf := cloudformation.NewFromConfig(cfg)
	if err := run(ctx, cmd, "sam deploy"); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return fmt.Errorf("%w\n%s", err, reasons(ctx, cf, said.String()))
	}
	if s.outputs, err = account.Outputs(ctx, cfg, Name); err != nil {
		return err
	}
	s.account, err = account.Open(ctx, cfg, s.outputs)
	return err
}

// samEnv is the whole environment of the SAM CLI. It keeps its own files in the
// stack's folder, where it also finds that it has just looked for a newer
// version and that nobody wants to be counted: both would call the internet.
func (s *Stack) samEnv() ([]string, error) {
	home := filepath.Join(s.dir, "sam")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	metadata := fmt.Sprintf(`{"telemetryEnabled":false,"lastVersionCheck":%d.5}`, time.Now().Unix())
	if err := os.WriteFile(filepath.Join(home, "metadata.json"), []byte(metadata), 0o600); err != nil {
		return nil, err
	}
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + home,
		"TMPDIR=" + home,
		"LANG=C.UTF-8",
		"NO_COLOR=1",
		"AWS_ENDPOINT_URL=" + s.Endpoint(),
		"AWS_ACCESS_KEY_ID=" + emulator.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + emulator.SecretKey,
		"AWS_DEFAULT_REGION=" + emulator.Region,
		"__SAM_CLI_APP_DIR=" + home,
		"SAM_CLI_TELEMETRY=0",
		// It looks at the state of the deployment this often, in seconds.
		"SAM_CLI_POLL_DELAY=0.05",
	}, nil
}

// quote writes a value as the SAM CLI reads it in a ParameterKey pair.
func quote(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// reasons says why a deployment failed: what became of which resource, or else
// what the SAM CLI said last.
func reasons(ctx context.Context, cf *cloudformation.Client, said string) string {
	events, err := cf.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: aws.String(Name)})
	if err != nil {
		return lastLines(said, 10)
	}
	var lines []string
	for _, e := range slices.Backward(events.StackEvents) {
		if reason := aws.ToString(e.ResourceStatusReason); reason != "" && strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
			lines = append(lines, fmt.Sprintf("  %s: %s", aws.ToString(e.LogicalResourceId), reason))
		}
	}
	if len(lines) == 0 {
		return lastLines(said, 10)
	}
	return strings.Join(lines, "\n")
}

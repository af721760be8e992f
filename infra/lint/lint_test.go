// Package lint_test holds cfn-lint and the project's own rules for it to what
// they are for: template.yaml passes, and each rule fires on what it forbids.
package lint_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
	"github.com/mediahooks/mediahooks/infra/watch"
)

func TestTemplatesPass(t *testing.T) {
	for _, file := range watch.Templates {
		if out, err := lint(t, file); err != nil {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}

func TestRulesFire(t *testing.T) {
	root, err := workspace.Root()
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	faults := []struct{ rule, old, new string }{
		{"E9001", "      LoggingConfig: {LogGroup: !Ref ApiLogGroup}\n", ""},
		{"E9002", "      Role: !GetAtt IntakeRole.Arn\n", ""},
		{"E9003", "!GetAtt SlowDeadLetterQueue.QueueName", "another"},
		{"EventDeadLetterQueue is a dead-letter queue without an alarm", "!GetAtt EventDeadLetterQueue.QueueName", "another"},
		{"IntakeFailureQueue is a dead-letter queue without an alarm", "!GetAtt IntakeFailureQueue.QueueName", "another"},
		{"E9004", "VisibilityTimeout: 180\n", "VisibilityTimeout: 179\n"},
		{"E9005", "!FindInMap [Concurrency, !Ref SlowConcurrency, Invocations]", "!Ref SlowConcurrency"},
		{"E9006", "arn:${AWS::Partition}:execute-api", "arn:aws:execute-api"},
	}
	bad := string(good)
	for _, fault := range faults {
		if !strings.Contains(bad, fault.old) {
			t.Fatalf("template.yaml no longer has %q, which the test of %s removes", fault.old, fault.rule)
		}
		bad = strings.Replace(bad, fault.old, fault.new, 1)
	}
	path := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := lint(t, path)
	if err == nil {
		t.Error("a template with faults passes")
	}
	for _, fault := range faults {
		if !strings.Contains(out, fault.rule) {
			t.Errorf("%s does not fire; cfn-lint says\n%s", fault.rule, out)
		}
	}
}

// lint runs cfn-lint as make lint does, but over the given template.
func lint(t *testing.T, path string) (string, error) {
	t.Helper()
	root, err := workspace.Root()
	if err != nil {
		t.Fatal(err)
	}
	tool, err := workspace.Tool(root, "cfn-lint")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tool, path)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	return string(out), err
}

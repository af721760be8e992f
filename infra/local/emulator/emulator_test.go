package emulator_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/mediahooks/mediahooks/infra/local/emulator"
	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

// asParent makes the test binary start an emulator, print its endpoint and
// wait to be killed.
const asParent = "EMULATOR_TEST_PARENT"

// TestMain lets the test binary play two more parts: the Lambda function that
// the tests deploy, and a process that dies without closing its emulator.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("AWS_LAMBDA_RUNTIME_API") != "":
		lambda.Start(describeProcess)
	case os.Getenv(asParent) != "":
		e, err := emulator.Start(context.Background(), emulator.Options{})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(e.Endpoint())
		select {}
	default:
		os.Exit(m.Run())
	}
}

func TestTwoAtOnce(t *testing.T) {
	a, b := start(t, emulator.Options{}), start(t, emulator.Options{})
	create := func(e *emulator.Emulator) *sqs.Client {
		cfg, err := e.AWSConfig(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return sqs.NewFromConfig(cfg)
	}
	onA, onB := create(a), create(b)
	made, err := onA.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("only-on-a")})
	if err != nil {
		t.Fatal(err)
	}
	if url := aws.ToString(made.QueueUrl); !strings.HasPrefix(url, a.Endpoint()+"/") {
		t.Errorf("queue URL %s does not begin with the endpoint %s", url, a.Endpoint())
	}
	if _, err := onA.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: made.QueueUrl, MessageBody: aws.String("x")}); err != nil {
		t.Errorf("send to the queue by its URL: %v", err)
	}
	list, err := onB.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.QueueUrls) != 0 {
		t.Errorf("the second emulator sees queues of the first: %v", list.QueueUrls)
	}
}

func TestPortTaken(t *testing.T) {
	taken, err := workspace.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = emulator.Start(t.Context(), emulator.Options{Port: workspace.Port(taken)})
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v, want an error that is EADDRINUSE", err)
	}
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := emulator.Start(ctx, emulator.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestToolsMissing(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/go.mod", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	_, err := emulator.Start(t.Context(), emulator.Options{})
	if err == nil || !strings.Contains(err.Error(), "run make tools") {
		t.Errorf("got %v, want the advice to run make tools", err)
	}
}

func TestEndsWithItsParent(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asParent+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()
	line := make([]byte, 200)
	n, err := out.Read(line)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	endpoint := strings.TrimSpace(string(line[:n]))
	if !answers(endpoint) {
		t.Fatalf("no emulator: %s", endpoint)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the emulator ends", func() bool { return !answers(endpoint) })
}

func start(t *testing.T, o emulator.Options) *emulator.Emulator {
	t.Helper()
	e, err := emulator.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

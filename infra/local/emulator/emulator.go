// Package emulator runs the AWS emulator as a child process.
//
// It listens on one port of 127.0.0.1 and nowhere else, keeps its state in a
// temporary folder of its own, sees nothing of the caller's environment, and
// uses no Docker, so that any number of them run side by side. Lambda functions
// run as plain child processes of it. All of them end with Close, and also when
// the process that called Start dies without calling it.
package emulator

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

// Region, AccessKey and SecretKey are what callers sign with. The emulator
// accepts any credentials; these are the customary ones.
const (
	Region    = "us-east-1"
	AccessKey = "test"
	SecretKey = "test"
)

// startTimeout bounds the wait for the first answer. A start takes one to three
// seconds; a machine that is busy with a build needs several times that.
const startTimeout = 60 * time.Second

//go:embed launch.py auth.py kms.py gateway.py calls.py
var scripts embed.FS

// Options are the settings of an emulator; the zero value works.
type Options struct {
	// Port to listen on; 0 takes a free one.
	Port int
	// WaitScale multiplies the waits of Step Functions; 0 means 1.
	WaitScale float64
	// Auth makes the emulator check signatures, roles and policies as AWS does.
	// Without it every call is allowed.
	Auth bool
	// Around is put around AWS as the functions meet it, to see what they call.
	// Nil is nothing.
	Around func(aws http.Handler) http.Handler
	// Log receives the output of the emulator; nil discards it.
	Log io.Writer
}

// Emulator is a running emulator.
type Emulator struct {
	endpoint string
	dir      string
	cmd      *exec.Cmd
	watched  *http.Server  // what the functions call instead, where somebody watches
	alive    io.Closer     // the pipe whose end tells the child that we are gone
	exited   chan struct{} // closed when the child has been waited for
	close    func() error
}

// Start starts an emulator and returns when it answers. The context bounds the
// start only; Close ends the emulator.
func Start(ctx context.Context, o Options) (*Emulator, error) {
	root, err := workspace.Root()
	if err != nil {
		return nil, err
	}
	python, err := workspace.Tool(root, "python")
	if err != nil {
		return nil, err
	}
	listener, err := workspace.Listen(o.Port)
	if err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	defer listener.Close()
	dir, err := os.MkdirTemp("", "mediahooks-emulator-")
	if err != nil {
		return nil, err
	}
	e := &Emulator{
		endpoint: fmt.Sprintf("http://127.0.0.1:%d", workspace.Port(listener)),
		dir:      dir,
		exited:   make(chan struct{}),
	}
	e.close = sync.OnceValue(e.stop)
	tail := &tailWriter{keep: 20}
	if o.Log == nil {
		o.Log = io.Discard
	}
	socket, err := listener.File()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	defer socket.Close()
	env := environ(e.endpoint, workspace.Port(listener), dir, o)
	if o.Around != nil {
		watchedURL, err := e.watch(o.Around, tail)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("start emulator: %w", err), os.RemoveAll(dir))
		}
		env = append(env, "WATCHED_ENDPOINT_URL="+watchedURL)
	}
	if err := e.spawn(python, socket, env, io.MultiWriter(o.Log, tail)); err != nil {
		return nil, errors.Join(fmt.Errorf("start emulator: %w", err), e.unwatch(), os.RemoveAll(dir))
	}
	if err := e.awaitReady(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start emulator: %w%s", err, tail), e.Close())
	}
	return e, nil
}

// Endpoint returns the base URL of the emulator, for AWS_ENDPOINT_URL.
func (e *Emulator) Endpoint() string { return e.endpoint }

// AWSConfig returns the configuration of an SDK client that speaks to the
// emulator. It reads neither the caller's environment nor its profile.
func (e *Emulator) AWSConfig(ctx context.Context) (aws.Config, error) {
	return AWSConfig(ctx, e.endpoint)
}

// AWSConfig returns the configuration of an SDK client that speaks to the
// emulator at the given endpoint, which may belong to another process.
func AWSConfig(ctx context.Context, endpoint string) (aws.Config, error) {
	return config.LoadDefaultConfig(ctx,
		config.WithSharedConfigFiles([]string{}),
		config.WithSharedCredentialsFiles([]string{}),
		config.WithRegion(Region),
		config.WithBaseEndpoint(endpoint),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, "")))
}

// Close ends the emulator and every process that it has started, and removes
// its state. It may be called more than once.
func (e *Emulator) Close() error { return e.close() }

// Done is closed when the emulator has ended, by Close or by itself.
func (e *Emulator) Done() <-chan struct{} { return e.exited }

func (e *Emulator) spawn(python string, socket *os.File, env []string, log io.Writer) error {
	if err := os.CopyFS(e.dir, scripts); err != nil {
		return err
	}
	stdin, alive, err := os.Pipe()
	if err != nil {
		return err
	}
	defer stdin.Close()
	e.alive = alive
	e.cmd = exec.Command(python, "-I", "launch.py")
	e.cmd.Dir = e.dir
	e.cmd.Env = env
	e.cmd.Stdin = stdin
	e.cmd.Stdout, e.cmd.Stderr = log, log
	e.cmd.ExtraFiles = []*os.File{socket}
	// A group of its own, which the Lambda workers inherit: one signal reaches
	// all of them, and the terminal's Ctrl-C none.
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	e.cmd.WaitDelay = time.Second
	if err := e.cmd.Start(); err != nil {
		return errors.Join(err, alive.Close())
	}
	go func() {
		defer close(e.exited)
		_ = e.cmd.Wait() // how it ended is of no interest: see the log
	}()
	return nil
}

// environ is the whole environment of the emulator, and so of the functions
// that it runs.
func environ(endpoint string, port int, dir string, o Options) []string {
	scale := o.WaitScale
	if scale == 0 {
		scale = 1
	}
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + dir,
		"TMPDIR=" + dir,
		"LANG=C.UTF-8",
		"AWS_ENDPOINT_URL=" + endpoint,
		"AWS_ACCESS_KEY_ID=" + AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + SecretKey,
		"AWS_DEFAULT_REGION=" + Region,
		"MINISTACK_REGION=" + Region,
		// The name in URLs that the emulator gives out, such as a queue's.
		"MINISTACK_HOST=127.0.0.1",
		"GATEWAY_PORT=" + strconv.Itoa(port),
		"STATE_DIR=" + filepath.Join(dir, "state"),
		"S3_DATA_DIR=" + filepath.Join(dir, "s3"),
		"SFN_WAIT_SCALE=" + strconv.FormatFloat(scale, 'f', -1, 64),
		// Its other listeners: MQTT on 8883, SFTP.
		"IOT_MTLS_ENABLED=0",
		"SFTP_ENABLED=0",
		// With a Docker daemon at hand it would remove the containers of
		// every other emulator on the machine when it starts.
		"DOCKER_HOST=unix://" + filepath.Join(dir, "no-docker.sock"),
		"LAMBDA_EXECUTOR=local",
		"AUTH=" + strconv.FormatBool(o.Auth),
	}
}

func (e *Emulator) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(startTimeout, func() { cancel(fmt.Errorf("no answer within %s", startTimeout)) })
	defer timer.Stop()
	go func() {
		select {
		case <-e.exited:
			cancel(errors.New("it ended at once"))
		case <-ctx.Done():
		}
	}()
	for {
		// The socket accepts from the start, so the first request waits in its
		// queue until it is answered; only an unready emulator asks for more.
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.endpoint+"/_ministack/ready", nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (e *Emulator) stop() error {
	group := -e.cmd.Process.Pid
	// Nothing is worth a goodbye: the state is thrown away.
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-e.exited
	_ = e.alive.Close()
	unwatched := e.unwatch()
	// Workers are reaped by init, not by us: wait until the group is empty,
	// but not for long where nobody reaps (a container without an init).
	for deadline := time.Now().Add(250 * time.Millisecond); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if errors.Is(syscall.Kill(group, 0), syscall.ESRCH) {
			break
		}
	}
	return errors.Join(unwatched, os.RemoveAll(e.dir))
}

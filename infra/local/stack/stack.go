// Package stack runs the whole of Mediahooks on this machine: the functions,
// built for it; the AWS emulator; template.yaml, deployed to it by the SAM CLI;
// and the HTTP API at a plain base URL. make run and make up are made of it, and
// so are the end-to-end tests.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"

	"github.com/mediahooks/mediahooks/infra/account"
	"github.com/mediahooks/mediahooks/infra/local/emulator"
	"github.com/mediahooks/mediahooks/infra/local/workspace"
	"github.com/mediahooks/mediahooks/shared/registry"
)

// Name is the name of the CloudFormation stack, as samconfig.toml has it.
const Name = "mediahooks-local"

// Port says where to listen. The zero Port is any free one.
type Port struct {
	Number int
	// OrNext takes the next free port where the number is taken.
	OrNext bool
}

// Options are the settings of a stack; the zero value works.
type Options struct {
	// Port is the HTTP API's, EmulatorPort the emulator's.
	Port, EmulatorPort Port
	// Params are template parameters, over those that samconfig.toml sets for
	// local.
	Params map[string]string
	// WaitScale multiplies the waits of Step Functions; 0 means 1.
	WaitScale float64
	// Auth makes the emulator hold the functions to their roles and the queues
	// to their policies.
	Auth bool
	// LogPrefix is what the paths of the log files begin with (emulator.log,
	// deploy.log and api.log follow). Empty writes none.
	LogPrefix string
	// Provision makes what the deployment cannot: an environment and its access
	// key. It is given the outputs of the stack. Nil makes nothing.
	Provision func(ctx context.Context, cfg aws.Config, outputs map[string]string) (registry.Credentials, error)
	// Around is put around the HTTP API, to see what comes and goes. Nil is
	// nothing.
	Around func(api http.Handler) http.Handler
	// AroundAWS is the same for AWS as the functions meet it.
	AroundAWS func(aws http.Handler) http.Handler
	// Progress is told of each step when it is done, one at a time.
	Progress func(step string, took time.Duration)
}

// Stack is a running stack.
type Stack struct {
	options     Options
	root        string
	dir         string // what is deployed, and the SAM CLI's own files
	emulator    *emulator.Emulator
	listener    net.Listener
	api         *http.Server
	logs        []*os.File
	progress    sync.Mutex
	outputs     map[string]string
	account     *account.Account
	credentials registry.Credentials
}

// Start starts a stack and returns when it can be called. The context bounds
// the start only; Close ends the stack.
func Start(ctx context.Context, o Options) (_ *Stack, err error) {
	root, err := workspace.Root()
	if err != nil {
		return nil, err
	}
	params, err := parameters(root, o.Params)
	if err != nil {
		return nil, err
	}
	s := &Stack{options: o, root: root}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "mediahooks-stack-"); err != nil {
		return nil, err
	}
	// First of all, so that a port that is taken is known at once.
	if err := openPort("PORT", o.Port, s.listen); err != nil {
		return nil, err
	}
	g, both := errgroup.WithContext(ctx)
	g.Go(func() error {
		return s.step("build", func() error { return s.build(both) })
	})
	g.Go(func() error {
		return s.step("emulator", func() error {
			return openPort("EMULATOR_PORT", o.EmulatorPort, func(port int) error { return s.startEmulator(both, port) })
		})
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := s.step("deploy", func() error { return s.deploy(ctx, params) }); err != nil {
		return nil, err
	}
	// The emulator has its own copies by now.
	if err := os.RemoveAll(s.dir); err != nil {
		return nil, err
	}
	if err := s.provision(ctx); err != nil {
		return nil, err
	}
	apiLog := log.New(s.log("api.log"), "", log.LstdFlags)
	s.api, err = serveAPI(s.listener, s.emulator.Endpoint(), s.outputs["ApiId"], apiLog, s.options.Around)
	return s, err
}

// APIURL returns the base URL of the HTTP API.
func (s *Stack) APIURL() string {
	return fmt.Sprintf("http://127.0.0.1:%d", workspace.Port(s.listener))
}

// ConsoleURL returns the address of the console.
func (s *Stack) ConsoleURL() string { return s.APIURL() + "/console" }

// Endpoint returns the base URL of the emulator, for AWS_ENDPOINT_URL.
func (s *Stack) Endpoint() string { return s.emulator.Endpoint() }

// AWSConfig returns the configuration of an SDK client that speaks to the
// stack's emulator.
func (s *Stack) AWSConfig(ctx context.Context) (aws.Config, error) { return s.emulator.AWSConfig(ctx) }

// Outputs returns the outputs of the template, by name.
func (s *Stack) Outputs() map[string]string { return maps.Clone(s.outputs) }

// Credentials returns what Provision made.
func (s *Stack) Credentials() registry.Credentials { return s.credentials }

// Account returns the stack's account.
func (s *Stack) Account() *account.Account {
	a := *s.account
	a.APIURL = s.APIURL()
	return &a
}

// CloudinaryURL returns the value of CLOUDINARY_URL that points Cloudinary's
// SDKs at this stack.
func (s *Stack) CloudinaryURL() string { return s.Account().CloudinaryURL(s.credentials) }

// Done is closed when the emulator has ended, and the stack with it.
func (s *Stack) Done() <-chan struct{} { return s.emulator.Done() }

// Close ends the stack and every process of it.
func (s *Stack) Close() error {
	var errs []error
	if s.api != nil {
		errs = append(errs, s.api.Close())
	} else if s.listener != nil {
		errs = append(errs, s.listener.Close())
	}
	if s.emulator != nil {
		errs = append(errs, s.emulator.Close())
	}
	for _, file := range s.logs {
		errs = append(errs, file.Close())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	s.api, s.listener, s.logs = nil, nil, nil
	return errors.Join(errs...)
}

func (s *Stack) listen(port int) error {
	l, err := workspace.Listen(port)
	if err == nil { // or s.listener would be a nil pointer in an interface
		s.listener = l
	}
	return err
}

func (s *Stack) startEmulator(ctx context.Context, port int) error {
	e, err := emulator.Start(ctx, emulator.Options{
		Port:      port,
		WaitScale: s.options.WaitScale,
		Auth:      s.options.Auth,
		Around:    s.options.AroundAWS,
		Log:       s.log("emulator.log"),
	})
	if err == nil {
		s.emulator = e
	}
	return err
}

func (s *Stack) provision(ctx context.Context) error {
	if s.options.Provision == nil {
		return nil
	}
	cfg, err := s.AWSConfig(ctx)
	if err != nil {
		return err
	}
	return s.step("provision", func() error {
		s.credentials, err = s.options.Provision(ctx, cfg, s.Outputs())
		if err != nil {
			return fmt.Errorf("provision: %w", err)
		}
		return nil
	})
}

// step does one step of the start and reports how long it took.
func (s *Stack) step(name string, do func() error) error {
	began := time.Now()
	if err := do(); err != nil {
		return err
	}
	s.progress.Lock()
	defer s.progress.Unlock()
	if s.options.Progress != nil {
		s.options.Progress(name, time.Since(began))
	}
	return nil
}

// log opens a log file. A log that cannot be written is no reason to fail.
func (s *Stack) log(name string) io.Writer {
	if s.options.LogPrefix == "" {
		return io.Discard
	}
	s.progress.Lock()
	defer s.progress.Unlock()
	file, err := os.OpenFile(s.options.LogPrefix+name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return io.Discard
	}
	s.logs = append(s.logs, file)
	return file
}

// openPort calls open with the port, or with the ones after it while they are
// taken and that is allowed.
func openPort(name string, port Port, open func(port int) error) error {
	const tries = 100
	for i := range tries {
		err := open(port.Number + i)
		if !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
		if !port.OrNext {
			return fmt.Errorf("%s %d is taken", name, port.Number)
		}
	}
	return fmt.Errorf("%s: %d and the %d ports after it are taken", name, port.Number, tries-1)
}

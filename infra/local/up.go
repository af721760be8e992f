package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/mediahooks/mediahooks/infra/local/stack"
)

// daemonCommand is the subcommand that up starts in the background.
const daemonCommand = "daemon"

// report is what the daemon tells up while it starts: lines to print, and in
// the last report that it is ready or why it is not.
type report struct {
	Line  string `json:"line,omitempty"`
	Ready bool   `json:"ready,omitempty"`
	Error string `json:"error,omitempty"`
}

// up starts the stack in the background and returns when it can be called.
func up(ctx context.Context, s settings) error {
	pid, running, err := s.daemon()
	if err != nil {
		return err
	}
	if running {
		fmt.Printf("Already up, as process %d: see %s; make down stops it.\n", pid, shown(s.envFile()))
		return nil
	}
	reports, sent, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reports.Close()
	cmd, err := startDaemon(s, sent)
	if err := errors.Join(err, sent.Close()); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	ready, err := follow(reports, os.Stdout)
	if err != nil || !ready {
		_ = cmd.Wait() // it is on its way out, and has told why
		return errors.Join(err, context.Cause(ctx))
	}
	return cmd.Process.Release()
}

// startDaemon starts this program once more, in a session of its own that
// outlives the terminal's. Its reports go to the given pipe, as descriptor 3.
func startDaemon(s settings, sent *os.File) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	logFile, err := os.OpenFile(filepath.Join(s.dir, "up.log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer logFile.Close()
	cmd := exec.Command(self, daemonCommand)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.ExtraFiles = []*os.File{sent}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd, cmd.Start()
}

// follow prints the reports of a starting daemon and returns whether it became
// ready. Its own error is the daemon's.
func follow(reports io.Reader, out io.Writer) (ready bool, err error) {
	lines := bufio.NewScanner(reports)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r report
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return false, fmt.Errorf("report %q: %w", lines.Text(), err)
		}
		switch {
		case r.Ready:
			return true, nil
		case r.Error != "":
			return false, errors.New(r.Error)
		default:
			fmt.Fprintln(out, r.Line)
		}
	}
	if err := lines.Err(); err != nil {
		return false, err
	}
	return false, errors.New("the stack ended while it was starting: see the logs in .local")
}

// serve is the daemon: it runs the stack until it is told to stop.
func serve(ctx context.Context, s settings, getenv func(string) string) error {
	reports := os.NewFile(3, "reports")
	if reports == nil {
		return fmt.Errorf("%s is started by up", daemonCommand)
	}
	syscall.CloseOnExec(3) // or up would wait for the emulator to close it
	claimed, err := s.claim()
	if err == nil && claimed == nil {
		err = errors.New("another make up is just starting")
	}
	if err != nil {
		return errors.Join(err, json.NewEncoder(reports).Encode(report{Error: err.Error()}))
	}
	defer claimed.Close()
	running, err := startReporting(ctx, s, reports, getenv)
	if err != nil {
		return errors.Join(err, json.NewEncoder(reports).Encode(report{Error: err.Error()}))
	}
	if err := errors.Join(json.NewEncoder(reports).Encode(report{Ready: true}), reports.Close()); err != nil {
		fmt.Fprintln(os.Stderr, err) // up has gone; the stack stays
	}
	select {
	case <-ctx.Done():
		err = nil
	case <-running.Done():
		err = errors.New("the emulator has ended by itself: see up-emulator.log")
	}
	return errors.Join(err, os.Remove(s.envFile()), running.Close())
}

// startReporting starts the stack and writes the environment file.
func startReporting(ctx context.Context, s settings, reports *os.File, getenv func(string) string) (*stack.Stack, error) {
	p := newPrinter(reports, getenv)
	p.out = lineWriter{reports}
	o := s.options("up")
	o.Progress = p.stackStep
	running, err := stack.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := writeEnv(s.envFile(), running); err != nil {
		return nil, errors.Join(err, running.Close())
	}
	p.ports(s, running)
	p.step("ready: %s", running.APIURL())
	p.printf("\n  . %s\n  curl -su \"$API_KEY:$API_SECRET\" \"$API_URL/v1_1/$CLOUD_NAME/ping\"\n\nmake down stops it.", shown(s.envFile()))
	return running, nil
}

// lineWriter turns printed lines into reports.
type lineWriter struct{ to io.Writer }

func (w lineWriter) Write(text []byte) (int, error) {
	return len(text), json.NewEncoder(w.to).Encode(report{Line: strings.TrimSuffix(string(text), "\n")})
}

// shown is a path as somebody in the current folder would write it.
func shown(path string) string {
	if dir, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(dir, path); err == nil && !strings.HasPrefix(short, "..") {
			return "./" + short
		}
	}
	return path
}

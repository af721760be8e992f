package stack

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// build has make build the functions for this machine and copies them to where
// the deployment expects them. What make build has put into bin, for AWS, stays
// as it is.
func (s *Stack) build(ctx context.Context) error {
	kept := filepath.Join(s.root, ".local", "build")
	if err := os.MkdirAll(kept, 0o750); err != nil {
		return err
	}
	// One at a time: go build writes over the file that another would read.
	unlock, err := lock(ctx, filepath.Join(kept, ".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	// go build leaves its temporary folder behind where it is stopped at the
	// wrong moment; here it goes with the stack's own.
	temporary := filepath.Join(s.dir, "go-build")
	if err := os.Mkdir(temporary, 0o700); err != nil {
		return err
	}
	var said strings.Builder
	cmd := command(ctx, s.root, append(buildEnv(), "GOTMPDIR="+temporary), &said, "make", "build", "ARCH=host", "BIN="+kept)
	if err := run(ctx, cmd, "make build"); err != nil {
		return fmt.Errorf("%w\n%s", err, lastLines(said.String(), 20))
	}
	functions, err := filepath.Glob(filepath.Join(s.root, "functions", "*", "main.go"))
	if err != nil {
		return err
	}
	for _, main := range functions {
		name := filepath.Base(filepath.Dir(main))
		if err := copyFile(filepath.Join(s.dir, "bin", name, "bootstrap"), filepath.Join(kept, name, "bootstrap"), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// buildEnv is the caller's environment without what an outer make has put
// there, such as its variables and its job server.
func buildEnv() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MAKE") && !strings.HasPrefix(v, "MFLAGS=") {
			env = append(env, v)
		}
	}
	return env
}

// lock waits for an exclusive lock on the file and returns what releases it.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		select {
		case <-ctx.Done():
			_ = file.Close()
			return nil, context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return func() { _ = file.Close() }, nil
}

func copyFile(to, from string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, mode)
}

// command prepares a program whose whole process group ends with the context.
func command(ctx context.Context, dir string, env []string, log io.Writer, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, env
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	return cmd
}

// run runs a prepared program.
func run(ctx context.Context, cmd *exec.Cmd, what string) error {
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// lastLines returns the last lines that are not empty, indented.
func lastLines(text string, n int) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, " \r\n"); line != "" {
			lines = append(lines, "  "+line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

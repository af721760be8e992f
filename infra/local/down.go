package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopTimeout bounds the wait for the daemon's own goodbye.
const stopTimeout = 10 * time.Second

// down stops the stack that up has started, also one that is just starting. It
// has nothing to say where there is none.
func down(ctx context.Context, s settings) error {
	pid, running, err := s.daemon()
	if err != nil {
		return err
	}
	if running {
		if err := stopDaemon(ctx, s, pid); err != nil {
			return err
		}
	}
	for _, path := range []string{s.pidFile(), s.envFile()} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func stopDaemon(ctx context.Context, s settings, pid int) error {
	// Politely, and then not: the emulator and its functions end with the
	// daemon in either case.
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop process %d: %w", pid, err)
		}
		for deadline := time.Now().Add(stopTimeout); time.Now().Before(deadline); {
			if _, running, err := s.daemon(); err != nil || !running {
				return err
			}
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return fmt.Errorf("process %d does not end", pid)
}

func (s settings) pidFile() string { return filepath.Join(s.dir, "pid") }
func (s settings) envFile() string { return filepath.Join(s.dir, "env") }

// daemon returns the process id of the running daemon, and whether there is
// one. A daemon holds a lock on its pid file for as long as it lives, so that
// the file of one that is dead, or whose number another process has now, is
// never mistaken for it.
func (s settings) daemon() (pid int, running bool, err error) {
	file, err := os.Open(s.pidFile())
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	defer file.Close()
	if syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
		return 0, false, nil
	}
	text, err := os.ReadFile(s.pidFile())
	if err != nil {
		return 0, false, err
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, false, fmt.Errorf("%s: no process id in it", s.pidFile())
	}
	return pid, true, nil
}

// claim makes this process the daemon, until the returned file is closed. It
// returns nil where another one is.
func (s settings) claim() (*os.File, error) {
	file, err := os.OpenFile(s.pidFile(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return nil, file.Close()
	}
	if err := file.Truncate(0); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if _, err := fmt.Fprintln(file, os.Getpid()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

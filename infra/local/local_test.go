package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

// asCommand makes the test binary be the command.
const asCommand = "LOCAL_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// bench is where a test runs commands: folders of its own for what they keep
// and for what they throw away.
type bench struct {
	t        *testing.T
	dir, tmp string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t, t.TempDir(), t.TempDir()}
	t.Cleanup(func() {
		b.nothingLeft()
		if !t.Failed() {
			return
		}
		logs, _ := filepath.Glob(filepath.Join(b.dir, "*.log"))
		for _, path := range logs {
			data, _ := os.ReadFile(path)
			t.Logf("%s:\n%s", filepath.Base(path), data[max(0, len(data)-4000):])
		}
	})
	return b
}

func (b *bench) command(ctx context.Context, name string, env ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], name)
	cmd.Env = append(os.Environ(), asCommand+"=1", "LOCAL_DIR="+b.dir, "TMPDIR="+b.tmp, "PORT=", "EMULATOR_PORT=", "PARAMS=", "WAIT_SCALE=")
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// run runs a command to its end and returns what it wrote and its exit code.
func (b *bench) run(name string, env ...string) (stdout, stderr string, code int) {
	b.t.Helper()
	cmd := b.command(b.t.Context(), name, env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), errs.String(), exit.ExitCode()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return out.String(), errs.String(), 0
}

// nothingLeft fails where a process or a temporary file of a command remains.
func (b *bench) nothingLeft() {
	b.t.Helper()
	eventually(b.t, "no process is left", func() bool { return len(b.processes()) == 0 })
	if left, _ := filepath.Glob(filepath.Join(b.tmp, "*")); len(left) > 0 {
		b.t.Errorf("left behind: %v", left)
	}
}

// processes returns those that have the test's folder in their environment. It
// sees none where there is no /proc.
func (b *bench) processes() []string {
	var found []string
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range paths {
		env, err := os.ReadFile(path)
		if err == nil && bytes.Contains(env, []byte(b.tmp)) && !strings.Contains(path, "/"+strconv.Itoa(os.Getpid())+"/") {
			found = append(found, path)
		}
	}
	return found
}

func TestFaultsAreOneLine(t *testing.T) {
	taken, err := workspace.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := strconv.Itoa(workspace.Port(taken))
	for _, test := range []struct {
		name, command string
		env           []string
		want          string
	}{
		{"unknown command", "start", nil, `unknown command "start": must be run, up or down`},
		{"no port", "run", []string{"PORT=http"}, `PORT "http": must be a number from 1 to 65535`},
		{"no scale", "up", []string{"WAIT_SCALE=0"}, `WAIT_SCALE "0": must be a number above 0 and at most 1`},
		{"unknown parameter", "up", []string{"PARAMS=Nope=1"}, "PARAMS: template.yaml has no parameter Nope; docs/configuration.md lists them"},
		{"port taken, run", "run", []string{"PORT=" + port}, "PORT " + port + " is taken"},
		{"port taken, up", "up", []string{"PORT=" + port}, "PORT " + port + " is taken"},
		{"emulator's port taken", "run", []string{"EMULATOR_PORT=" + port}, "EMULATOR_PORT " + port + " is taken"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, stderr, code := newBench(t).run(test.command, test.env...)
			if stderr != test.want+"\n" || code != 1 {
				t.Errorf("got exit code %d and %q, want 1 and %q", code, stderr, test.want+"\n")
			}
		})
	}
}

func TestUpAndDown(t *testing.T) {
	b := newBench(t)
	defer b.run("down")
	if _, stderr, code := b.run("down"); code != 0 || stderr != "" {
		t.Fatalf("down without a stack: exit code %d, %s", code, stderr)
	}
	stdout, stderr, code := b.run("up")
	if code != 0 || !strings.Contains(stdout, "ready: http://127.0.0.1:") {
		t.Fatalf("up: exit code %d, %s%s", code, stdout, stderr)
	}

	info, err := os.Stat(filepath.Join(b.dir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the environment file has mode %s, want 0600", info.Mode())
	}
	vars := source(t, filepath.Join(b.dir, "env"))
	if want := "cloudinary://" + vars["API_KEY"] + ":" + vars["API_SECRET"] + "@demo?upload_prefix=" + vars["API_URL"]; vars["CLOUDINARY_URL"] != want {
		t.Errorf("CLOUDINARY_URL is %s, want %s", vars["CLOUDINARY_URL"], want)
	}
	if rest, ok := strings.CutPrefix(vars["CLOUDINARY_ACCOUNT_URL"], "account://mediahooks-local:"); !ok || !strings.HasSuffix(rest, "@"+vars["ACCOUNT_ID"]) {
		t.Errorf("CLOUDINARY_ACCOUNT_URL is %s", vars["CLOUDINARY_ACCOUNT_URL"])
	} else if status := get(vars["API_URL"]+"/v1_1/provisioning/accounts/"+vars["ACCOUNT_ID"]+"/sub_accounts", "mediahooks-local",
		strings.TrimSuffix(rest, "@"+vars["ACCOUNT_ID"])); status != http.StatusOK {
		t.Errorf("list environments: got status %d", status)
	}
	if status := get(vars["CONSOLE_URL"]+"/sign-in", "", ""); status != http.StatusOK {
		t.Errorf("the console at %s: got status %d", vars["CONSOLE_URL"], status)
	}
	for _, name := range []string{"AWS_ENDPOINT_URL", "STACK_NAME", "TABLE_NAME", "FIRST_QUEUE_URL", "SLOW_QUEUE_URL", "API_SECRET"} {
		if vars[name] == "" {
			t.Errorf("%s is empty", name)
		}
	}
	if status := get(vars["API_URL"]+"/v1_1/demo/triggers", vars["API_KEY"], vars["API_SECRET"]); status != http.StatusOK {
		t.Errorf("list triggers: got status %d", status)
	}

	if stdout, _, code := b.run("up"); code != 0 || !strings.HasPrefix(stdout, "Already up") {
		t.Errorf("up again: exit code %d, %s", code, stdout)
	}
	if _, stderr, code := b.run("down"); code != 0 || stderr != "" {
		t.Errorf("down: exit code %d, %s", code, stderr)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "env")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the environment file is still there: %v", err)
	}
	if status := get(vars["API_URL"]+"/v1_1/demo/triggers", "", ""); status != 0 {
		t.Errorf("the API still answers, with status %d", status)
	}
}

func TestDownAfterAKilledDaemon(t *testing.T) {
	b := newBench(t)
	// The number of a process that lives and is none of ours to stop.
	stranger := strconv.Itoa(os.Getpid())
	if err := os.WriteFile(filepath.Join(b.dir, "pid"), []byte(stranger+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := b.run("down"); code != 0 || stdout+stderr != "" {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "pid")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the stale file is still there: %v", err)
	}
}

func TestRun(t *testing.T) {
	b := newBench(t)
	cmd, out := b.background("run")
	all := out.until(t, "Notifications as they arrive")
	for _, want := range []string{"template.yaml deployed", "notification received, signature verified", "delivery recorded: delivered after 1 attempt, answer 200", "cloudinary://", "/console\n", "sign in with cloud name demo"} {
		if !strings.Contains(all, want) {
			t.Errorf("run does not say %q:\n%s", want, all)
		}
	}
	if strings.Contains(all, "\x1b[") {
		t.Error("colours though nobody sees them")
	}
	interrupt(t, cmd)
	if err := cmd.Wait(); err != nil {
		t.Errorf("run after Ctrl-C: %v\n%s", err, all)
	}
}

// TestInterrupted stops a start in each of its steps.
func TestInterrupted(t *testing.T) {
	for _, after := range []string{"", "emulator started", "functions built"} {
		t.Run("after "+after, func(t *testing.T) {
			b := newBench(t)
			cmd, out := b.background("run")
			out.until(t, after)
			interrupt(t, cmd)
			err := cmd.Wait()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || (exit.ExitCode() != 130 && !exit.Sys().(syscall.WaitStatus).Signaled()) {
				t.Errorf("got %v, want exit code 130", err)
			}
		})
	}
}

func interrupt(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) background(name string) (*exec.Cmd, *transcript) {
	b.t.Helper()
	cmd := b.command(b.t.Context(), name)
	out := &transcript{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	return cmd, out
}

// source has a shell read the file and returns the variables that it sets.
func source(t *testing.T, path string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", `set -a; . "$1"; env`, "sh", path)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		vars[name] = value
	}
	return vars
}

// get returns the status of a GET, 0 where nobody answers.
func get(url, user, password string) int {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	req.SetBasicAuth(user, password)
	client := http.Client{Timeout: 20 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("%s: not within 10 s", what)
			return
		}
	}
}

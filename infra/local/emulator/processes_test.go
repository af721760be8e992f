package emulator_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/infra/local/emulator"
)

// process is what a function of the test tells about itself.
type process struct {
	PID, Parent int
	Environ     []string
}

// describeProcess is the handler of the test's function. It takes so long that
// two calls at once need two workers.
func describeProcess(context.Context, json.RawMessage) (process, error) {
	time.Sleep(300 * time.Millisecond)
	return process{os.Getpid(), os.Getppid(), os.Environ()}, nil
}

func TestCloseEndsWorkers(t *testing.T) {
	t.Setenv("EMULATOR_TEST_LEAK", "seen")
	e := start(t, emulator.Options{})
	deploy(t, e)
	workers := make([]process, 2)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { workers[i] = invoke(t, e) })
	}
	wg.Wait()
	if workers[0].PID == workers[1].PID {
		t.Fatalf("two calls at once were served by one worker, %d", workers[0].PID)
	}
	var vars = map[string]string{}
	for _, v := range workers[0].Environ {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	if got := vars["AWS_ENDPOINT_URL"]; got != e.Endpoint() {
		t.Errorf("the function's AWS_ENDPOINT_URL is %q, want %q", got, e.Endpoint())
	}
	if _, ok := vars["EMULATOR_TEST_LEAK"]; ok {
		t.Error("the function sees the environment of the caller")
	}
	onlyLoopback(t, workers[0].Parent)

	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, w := range workers {
		for _, pid := range []int{w.PID, w.Parent} {
			eventually(t, fmt.Sprintf("process %d ends", pid), func() bool { return gone(pid) })
		}
	}
	if left, _ := filepath.Glob(filepath.Join(vars["TMPDIR"], "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if answers(e.Endpoint()) {
		t.Error("the emulator still answers")
	}
}

// gone reports whether a process has ended; a zombie has.
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(status), ") Z ")
}

func answers(endpoint string) bool {
	client := http.Client{Timeout: 5 * time.Second}
	res, err := client.Get(endpoint + "/_ministack/health")
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// onlyLoopback fails where a process listens on another address than
// 127.0.0.1.
func onlyLoopback(t *testing.T, pid int) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return
	}
	own := map[string]bool{}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(fds) == 0 {
		t.Fatalf("no descriptors of process %d: %v", pid, err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil {
			own[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
		}
	}
	found := 0
	for _, table := range []string{"tcp", "tcp6"} {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(data), "\n")[1:] {
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != "0A" || !own[f[9]] { // 0A: listening
				continue
			}
			found++
			host, _, _ := strings.Cut(f[1], ":")
			if raw, err := hex.DecodeString(host); err != nil || !bytes.Equal(raw, []byte{1, 0, 0, 127}) {
				t.Errorf("process %d listens on %s", pid, f[1])
			}
		}
	}
	// Its own port, and the Runtime API of each of the two workers.
	if found != 3 {
		t.Errorf("process %d listens on %d ports, want 3", pid, found)
	}
}

func deploy(t *testing.T, e *emulator.Emulator) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var code bytes.Buffer
	w := zip.NewWriter(&code)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "bootstrap"})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(f, "#!/bin/sh\nexec '%s'\n", exe)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	post(t, e.Endpoint()+"/2015-03-31/functions", map[string]any{
		"FunctionName": "process",
		"Runtime":      "provided.al2023",
		"Handler":      "bootstrap",
		"Role":         "arn:aws:iam::000000000000:role/none",
		"Timeout":      10,
		"Code":         map[string]any{"ZipFile": code.Bytes()},
	}, nil)
}

func invoke(t *testing.T, e *emulator.Emulator) process {
	var p process
	post(t, e.Endpoint()+"/2015-03-31/functions/process/invocations", map[string]any{}, &p)
	return p
}

func post(t *testing.T, url string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Error(err)
		return
	}
	res, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		t.Errorf("%s: %s %s %v", url, res.Status, answer, err)
		return
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(answer, out); err != nil {
		t.Errorf("%s: %s: %v", url, answer, err)
	}
}

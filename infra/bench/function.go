package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// function is a function's own binary, run as Lambda runs it: it asks the
// Runtime API, which is served here, for one invocation after the other.
type function struct {
	name        string
	process     *exec.Cmd
	server      *http.Server
	log         bytes.Buffer
	invocations chan []byte
	answers     chan []byte
	started     time.Time
	// Ready is how long it took from the start to the first question for work.
	ready chan time.Duration
}

// start runs bin/<name>/bootstrap with the given environment.
func start(ctx context.Context, folder, name string, environ []string) (*function, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &function{
		name: name, invocations: make(chan []byte), answers: make(chan []byte), ready: make(chan time.Duration, 1),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", f.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", f.respond)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", f.respond)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", f.respond)
	f.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = f.server.Serve(listener) }() // ends when it is closed
	f.process = exec.CommandContext(ctx, path.Join(folder, name, "bootstrap"))
	f.process.Env = append(slices.Clone(environ), "AWS_LAMBDA_RUNTIME_API="+listener.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME="+name)
	f.process.Stdout, f.process.Stderr = io.Discard, &f.log
	f.started = time.Now()
	if err := f.process.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return f, nil
}

func (f *function) next(w http.ResponseWriter, r *http.Request) {
	select {
	case f.ready <- time.Since(f.started):
	default:
	}
	select {
	case event := <-f.invocations:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(30*time.Second).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:"+f.name)
		_, _ = w.Write(event) // the process has died where this fails; invoke then runs out of time
	case <-r.Context().Done():
	}
}

func (f *function) respond(w http.ResponseWriter, r *http.Request) {
	answer, err := io.ReadAll(r.Body)
	if err != nil {
		answer = []byte(err.Error())
	}
	if strings.HasSuffix(r.URL.Path, "/error") {
		answer = append([]byte("error: "), answer...)
	}
	w.WriteHeader(http.StatusAccepted)
	f.answers <- answer
}

// invoke hands the function an event and returns its answer.
func (f *function) invoke(event []byte) ([]byte, error) {
	timeout := time.After(time.Minute)
	select {
	case f.invocations <- event:
	case <-timeout:
		return nil, fmt.Errorf("invoke %s: it does not ask for work: %s", f.name, f.log.String())
	}
	select {
	case answer := <-f.answers:
		if bytes.HasPrefix(answer, []byte("error: ")) {
			return nil, fmt.Errorf("invoke %s: %s", f.name, answer)
		}
		return answer, nil
	case <-timeout:
		return nil, fmt.Errorf("invoke %s: no answer within a minute: %s", f.name, f.log.String())
	}
}

// stop ends the process.
func (f *function) stop() {
	_ = f.process.Process.Kill() // it may have ended by itself
	_ = f.process.Wait()
	_ = f.server.Close()
}

// cpu returns the processor time that a process has used, in user and kernel
// mode, to a hundredth of a second.
func cpu(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, found := bytes.Cut(stat, []byte(") "))
	fields := strings.Fields(string(rest))
	if !found || len(fields) < 13 {
		return 0, errors.New("read /proc: not what it was")
	}
	var ticks int64
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// peakRSS returns the most memory that a process has had resident, in MiB.
func peakRSS(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("read /proc: no VmHWM")
}

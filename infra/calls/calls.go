// Package calls records what the functions call of AWS on the local stack: each
// call with the function and the invocation that made it. The bill is counted
// from it (infra/cost), and the roles are held against it (infra/privileges).
package calls

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Call is one call of AWS and its answer.
type Call struct {
	// Function is the physical name of the function, Invocation its trace id.
	Function, Invocation string
	// Service is the name that the call is signed for, such as dynamodb, and
	// Operation the API's name for it, such as PutItem.
	Service, Operation string
	Began, Ended       time.Time
	Request            []byte
	Status             int
	Answer             []byte
}

// Recorder keeps every call. Its zero value is ready; it is safe for concurrent
// use.
type Recorder struct {
	mu    sync.Mutex
	calls []Call
	errs  []error
}

// Around records what passes to AWS. It is what stack.Options.AroundAWS asks for.
func (r *Recorder) Around(aws http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		call, err := read(req)
		if err != nil {
			r.mu.Lock()
			r.errs = append(r.errs, err)
			r.mu.Unlock()
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		seen := &seenWriter{ResponseWriter: w, status: http.StatusOK}
		call.Began = time.Now()
		aws.ServeHTTP(seen, req)
		call.Ended, call.Status, call.Answer = time.Now(), seen.status, seen.body.Bytes()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.calls = append(r.calls, call)
	})
}

// Take returns the calls that have ended since the last Take, by the time at
// which they began. It fails where a request was not a call of a function.
func (r *Recorder) Take() ([]Call, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken, errs := r.calls, r.errs
	r.calls, r.errs = nil, nil
	if len(errs) > 0 {
		return nil, errs[0]
	}
	slices.SortStableFunc(taken, func(a, b Call) int { return a.Began.Compare(b.Began) })
	return taken, nil
}

var (
	userAgent = regexp.MustCompile(`(?:^| )app/(\S+)`)
	signedFor = regexp.MustCompile(`Credential=[^/]+/[0-9]+/[^/]+/([^/]+)/aws4_request`)
	traceRoot = regexp.MustCompile(`Root=([^;]+)`)
)

// read takes a request for what it is, and leaves it whole.
func read(req *http.Request) (Call, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return Call{}, fmt.Errorf("read call: %w", err)
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	_, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	call := Call{Operation: operation, Request: body}
	for _, part := range []struct {
		into   *string
		of     *regexp.Regexp
		header string
	}{
		{&call.Function, userAgent, "User-Agent"},
		{&call.Service, signedFor, "Authorization"},
		{&call.Invocation, traceRoot, "X-Amzn-Trace-Id"},
	} {
		found := part.of.FindStringSubmatch(req.Header.Get(part.header))
		if found == nil {
			return Call{}, fmt.Errorf("read call %s %s %s: its %s names no function, service or invocation: %q",
				req.Method, req.URL.Path, operation, part.header, redacted(req.Header.Get(part.header)))
		}
		*part.into = found[1]
	}
	if operation == "" {
		return Call{}, fmt.Errorf("read call %s %s of %s: no X-Amz-Target", req.Method, req.URL.Path, call.Service)
	}
	return call, nil
}

// redacted drops a signature.
func redacted(header string) string {
	before, _, _ := strings.Cut(header, "Signature=")
	return before
}

// seenWriter keeps a copy of an answer.
type seenWriter struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (w *seenWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *seenWriter) Write(p []byte) (int, error) {
	w.body.Write(p)
	return w.ResponseWriter.Write(p)
}

package notificationtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// waitLimit bounds how long a test waits for something that does not come.
const waitLimit = 10 * time.Second

// Request is a request as a receiver got it.
type Request struct {
	Method string
	// Path is the request's path and query, as they came.
	Path       string
	Host       string
	Header     http.Header
	Body       []byte
	ReceivedAt time.Time
	RemoteAddr string
}

// Reply is what a receiver answers. The zero value is an empty 200.
type Reply struct {
	StatusCode int
	Header     http.Header
	Body       []byte
	// Hold, where set, keeps the answer back until it is closed, the client
	// hangs up or the test ends.
	Hold <-chan struct{}
	// Drop closes the connection without an answer.
	Drop bool
}

// Receiver is an HTTP server on the loopback address that remembers every
// request, byte for byte.
type Receiver struct {
	server *httptest.Server
	closed chan struct{}

	mu       sync.Mutex
	requests []Request
	answer   func(n int, r Request) Reply
	changed  chan struct{}
}

// NewReceiver starts a receiver that answers 200, and stops it with the test.
func NewReceiver(t testing.TB) *Receiver {
	t.Helper()
	r := &Receiver{closed: make(chan struct{}), changed: make(chan struct{})}
	r.server = httptest.NewServer(r)
	t.Cleanup(r.close)
	return r
}

func (r *Receiver) close() {
	close(r.closed)
	r.server.CloseClientConnections()
	r.server.Close()
}

// URL returns the address of a path on the receiver, for example
// http://127.0.0.1:40231/hook.
func (r *Receiver) URL(path string) string { return r.server.URL + path }

// Answer sets what is answered from now on: the function is given the number
// of the request, counted from 1 over all paths, and the request.
func (r *Receiver) Answer(answer func(n int, r Request) Reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// AnswerInTurn sets the status codes of the requests from now on, in the order
// in which they come. The last one stays.
func (r *Receiver) AnswerInTurn(statusCodes ...int) {
	r.mu.Lock()
	before := len(r.requests)
	r.mu.Unlock()
	r.Answer(func(n int, _ Request) Reply {
		return Reply{StatusCode: statusCodes[min(n-before, len(statusCodes))-1]}
	})
}

// ServeHTTP records a request and answers it.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the client went away in the middle: not a request
	}
	reply := r.record(Request{
		Method:     req.Method,
		Path:       req.RequestURI,
		Host:       req.Host,
		Header:     req.Header.Clone(),
		Body:       body,
		ReceivedAt: time.Now(),
		RemoteAddr: req.RemoteAddr,
	})
	if reply.Hold != nil {
		select {
		case <-reply.Hold:
		case <-req.Context().Done():
		case <-r.closed:
		}
	}
	if reply.Drop {
		panic(http.ErrAbortHandler)
	}
	for name, values := range reply.Header {
		w.Header()[name] = values
	}
	if reply.StatusCode != 0 {
		w.WriteHeader(reply.StatusCode)
	}
	_, _ = w.Write(reply.Body) // a client that is gone is its own test's concern
}

func (r *Receiver) record(req Request) Reply {
	r.mu.Lock()
	r.requests = append(r.requests, req)
	n, answer := len(r.requests), r.answer
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
	if answer == nil {
		return Reply{}
	}
	return answer(n, req)
}

// Requests returns the requests so far, in the order in which they came.
func (r *Receiver) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// Wait returns the requests as soon as there are n of them. The test fails
// where they do not come within 10 s.
func (r *Receiver) Wait(t testing.TB, n int) []Request {
	t.Helper()
	limit := time.After(waitLimit)
	for {
		r.mu.Lock()
		requests, changed := slices.Clone(r.requests), r.changed
		r.mu.Unlock()
		if len(requests) >= n {
			return requests
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("receiver got %d requests within %s, want %d", len(requests), waitLimit, n)
		}
	}
}

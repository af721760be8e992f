package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/signature"
)

// receiver is what a user of Mediahooks would write: a server that takes
// notifications and verifies their signatures. Its path /status/503 answers 503,
// and so on, to show what a failure leads to.
type receiver struct {
	listener net.Listener
	server   *http.Server
	secret   atomic.Pointer[string]
	got      chan arrival
}

// arrival is a notification as it came, and what the receiver made of it.
type arrival struct {
	at       time.Time
	header   http.Header
	path     string
	body     []byte
	verified bool
	answered int
}

func startReceiver() (*receiver, error) {
	l, err := workspace.Listen(0)
	if err != nil {
		return nil, err
	}
	r := &receiver{listener: l, got: make(chan arrival, 100)}
	r.trust("")
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = r.server.Serve(l) }() // ends with close
	return r, nil
}

func (r *receiver) url() string { return "http://" + r.listener.Addr().String() }

// trust sets the secret that signatures are verified with.
func (r *receiver) trust(secret string) { r.secret.Store(&secret) }

func (r *receiver) close() error { return r.server.Close() }

// ServeHTTP takes one notification.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 10<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a := arrival{at: time.Now(), header: req.Header, path: req.URL.Path, body: body, answered: http.StatusOK}
	if text, ok := strings.CutPrefix(req.URL.Path, "/status/"); ok {
		if code, err := strconv.Atoi(text); err == nil && code >= 200 && code <= 599 {
			a.answered = code
		}
	}
	timestamp, err := strconv.ParseInt(req.Header.Get(notification.TimestampHeader), 10, 64)
	a.verified = err == nil &&
		signature.Verify(signature.SHA1, body, timestamp, req.Header.Get(notification.SignatureHeader), *r.secret.Load())
	if !a.verified {
		a.answered = http.StatusUnauthorized
	}
	w.WriteHeader(a.answered)
	select {
	case r.got <- a:
	default: // nobody reads that fast
	}
}

// wait returns the next arrival.
func (r *receiver) wait(ctx context.Context, limit time.Duration) (arrival, error) {
	select {
	case a := <-r.got:
		return a, nil
	case <-ctx.Done():
		return arrival{}, context.Cause(ctx)
	case <-time.After(limit):
		return arrival{}, errors.New("no notification within " + limit.String() + ": see the logs in .local")
	}
}

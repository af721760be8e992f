package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"
)

// post is a POST that a receiver got.
type post struct {
	deliveryID   string
	began, ended time.Time
	bytes        int
	succeeded    bool
}

// failing begins the public ids of assets whose events' first attempt fails.
const failing = "fails/"

// receiver takes as long as the load says, and keeps what it got.
type receiver struct {
	mu      sync.Mutex
	posts   []post
	arrived chan struct{} // for each success
}

// ServeHTTP answers a notification.
func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := post{deliveryID: r.Header.Get("X-Mediahooks-Delivery"), began: time.Now()}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender has gone
	}
	head, err := httputil.DumpRequest(r, false)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	time.Sleep(receiverLatency)
	p.bytes = len(head) + len(body)
	p.succeeded = r.Header.Get("X-Mediahooks-Attempt") != "1" || !bytes.Contains(body, []byte(`"public_id":"`+failing))
	p.ended = time.Now()
	rc.mu.Lock()
	rc.posts = append(rc.posts, p)
	rc.mu.Unlock()
	if !p.succeeded {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusOK)
	rc.arrived <- struct{}{}
}

// take returns the POSTs since the last take.
func (rc *receiver) take() []post {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	taken := rc.posts
	rc.posts = nil
	return taken
}

// gateway counts what the HTTP API bills: each call, and what it answers.
type gateway struct {
	mu     sync.Mutex
	counts gatewayUse
}

type gatewayUse struct{ calls, chunks, bytesOut float64 }

// around is to be put around the HTTP API.
func (g *gateway) around(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := &answer{header: w.Header(), status: http.StatusOK}
		api.ServeHTTP(answer, r)
		var head bytes.Buffer
		_ = answer.header.Write(&head) // to memory
		g.mu.Lock()
		g.counts.calls++
		g.counts.chunks += units(int(r.ContentLength), apiChunk)
		g.counts.bytesOut += float64(head.Len() + answer.body.Len())
		g.mu.Unlock()
		w.WriteHeader(answer.status)
		_, _ = w.Write(answer.body.Bytes()) // the caller has gone where this fails
	})
}

func (g *gateway) take() gatewayUse {
	g.mu.Lock()
	defer g.mu.Unlock()
	taken := g.counts
	g.counts = gatewayUse{}
	return taken
}

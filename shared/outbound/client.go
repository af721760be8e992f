package outbound

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// drainBytes is what is read of an answer's body after the status is known:
// enough for a well-behaved receiver to keep its connection, too little to hold an
// attempt up.
const drainBytes = 64 << 10

// maxRetryAfter is how many bytes of a Retry-After header are worth keeping.
const maxRetryAfter = 128

// The causes of a context that we ended: our clock, or a receiver that took too
// many connections.
var (
	errLate       = errors.New("the time for the exchange is over")
	errTurnedAway = errors.New("the receiver turned every connection away")
)

// Options are what a Client can be told. The zero Options are those of
// production.
type Options struct {
	// UserAgent is sent where a request names none; default "Mediahooks".
	UserAgent string
	// Timeout is for the whole exchange, from resolving the name to the end of
	// the answer's headers; default 20 s.
	Timeout time.Duration
	// DrainTime is for the answer's body, once its headers are there; default 1 s.
	DrainTime time.Duration
	// RootCAs are the authorities that certificates are trusted by; default the
	// system's.
	RootCAs *x509.CertPool
	// Resolver resolves names; default the system's.
	Resolver *net.Resolver
	// Now is the wall clock; default time.Now.
	Now func() time.Time
}

// Client makes POSTs. It may be used by many goroutines at once; a process needs
// one.
type Client struct {
	guard     Guard
	transport *http.Transport
	pool      *pool
	userAgent string
	timeout   time.Duration
	drainTime time.Duration
}

// New returns a client that speaks only to what the guard allows.
func New(g Guard, opts Options) *Client {
	g = Guard{Networks: slices.Clone(g.Networks), Ports: slices.Clone(g.Ports)}
	timeout := cmp.Or(opts.Timeout, 20*time.Second)
	transport := newTransport(g, timeout, opts)
	now := opts.Now
	if now == nil {
		now = time.Now
	}
	return &Client{
		guard:     g,
		transport: transport,
		pool:      &pool{now: now, drop: transport.CloseIdleConnections},
		userAgent: cmp.Or(opts.UserAgent, "Mediahooks"),
		timeout:   timeout,
		drainTime: cmp.Or(opts.DrainTime, time.Second),
	}
}

// CloseIdle closes the connections that no request uses.
func (c *Client) CloseIdle() { c.transport.CloseIdleConnections() }

// Post makes one POST and reports what became of it. It returns within the
// timeout and the drain time, whatever the receiver does; a context that ends earlier
// ends it, with reason timeout. Redirects are answers like others. The request's
// body must not be changed afterwards: where an answer came before all was sent,
// it is read for a moment longer.
func (c *Client) Post(ctx context.Context, req notification.Request) notification.Answer {
	target, r := c.guard.parse(req.URL)
	if r != nil {
		return r.answer()
	}
	c.pool.enter()
	defer c.pool.leave()

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	x := &exchange{giveUp: func() { cancel(errTurnedAway) }}
	defer x.end()
	ctx = httptrace.WithClientTrace(ctx, x.trace())
	// A timer instead of a deadline, because it can be set anew for the body.
	timer := time.AfterFunc(c.timeout, func() { cancel(errLate) })
	defer timer.Stop()

	resp, err := c.send(ctx, x, target, req)
	if err != nil {
		return x.answer(c.failure(ctx, x, err))
	}
	timer.Reset(c.drainTime)
	return x.answer(notification.Answer{
		StatusCode: resp.StatusCode,
		RetryAfter: retryAfter(resp.Header),
		Response:   drain(resp),
	})
}

// send returns an answer whose status is a valid one. A request that was on its
// way on a reused connection when that died is sent once more: net/http does the
// same for HTTP/1, and does not for HTTP/2.
func (c *Client) send(ctx context.Context, x *exchange, target *url.URL, req notification.Request) (*http.Response, error) {
	resp, err := c.transport.RoundTrip(c.request(ctx, target, req))
	if err != nil && ctx.Err() == nil && x.diedIdle() && isLost(err) {
		resp, err = c.transport.RoundTrip(c.request(ctx, target, req))
	}
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 100 {
		resp.Body.Close()
		return nil, errStatusLine
	}
	return resp, nil
}

func (c *Client) request(ctx context.Context, target *url.URL, req notification.Request) *http.Request {
	body := func() (io.ReadCloser, error) {
		if len(req.Body) == 0 {
			return http.NoBody, nil
		}
		return io.NopCloser(bytes.NewReader(req.Body)), nil
	}
	first, _ := body()
	return (&http.Request{
		Method:        http.MethodPost,
		URL:           target,
		Host:          target.Host,
		Header:        c.header(req.Header),
		Body:          first,
		GetBody:       body,
		ContentLength: int64(len(req.Body)),
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
	}).WithContext(ctx)
}

func (c *Client) header(fields map[string]string) http.Header {
	h := make(http.Header, len(fields)+2)
	// One array for all values: each has one.
	values := make([]string, 0, len(fields)+1)
	set := func(name, value string) {
		values = append(values, value)
		h[http.CanonicalHeaderKey(name)] = values[len(values)-1 : len(values) : len(values)]
	}
	for name, value := range fields {
		set(name, value)
	}
	if _, ok := h["User-Agent"]; !ok {
		set("User-Agent", c.userAgent)
	}
	if _, ok := h["Idempotency-Key"]; !ok {
		// An entry without values is not sent. It tells net/http that the POST may
		// be repeated on another connection where a pooled one turns out dead:
		// receivers tell repeats by the delivery id.
		h["Idempotency-Key"] = nil
	}
	return h
}

// drain reads the body as far as it is worth, so that the connection can be used
// again, and returns its start. What goes wrong here changes nothing: the
// receiver has answered.
func drain(resp *http.Response) []byte {
	defer resp.Body.Close()
	// After 101 the "body" is the connection itself: it has no end, and the
	// context does not end it.
	if resp.ContentLength == 0 || resp.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	size := int64(notification.LastResponseKept)
	if resp.ContentLength > 0 {
		size = min(size, resp.ContentLength)
	}
	start := make([]byte, size)
	n, err := io.ReadFull(resp.Body, start)
	if err == nil {
		// The byte beyond the limit finds the end of a body of just that size.
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, drainBytes-size+1))
	}
	return start[:n]
}

// retryAfter returns the header as it came, or nothing where it can hold no wait.
func retryAfter(h http.Header) string {
	value := h.Get("Retry-After")
	if len(value) > maxRetryAfter || !isPrintable(value) {
		return ""
	}
	return value
}

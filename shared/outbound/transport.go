package outbound

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// newTransport is used through RoundTrip, without an http.Client: there is
// nobody to follow a redirect, keep a cookie or send a referrer.
func newTransport(g Guard, timeout time.Duration, opts Options) *http.Transport {
	// A dial outlives the request that asked for it, for others may use its
	// connection. These end it then, late enough never to race the request's own
	// clock, which knows better what to say.
	abandoned := timeout + time.Second
	dialer := &net.Dialer{
		Timeout:  abandoned,
		Resolver: opts.Resolver,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			addr, err := netip.ParseAddrPort(address)
			if err != nil {
				return blocked("what is not an IP address may not be spoken to")
			}
			return g.CheckAddr(addr)
		},
	}
	return &http.Transport{
		// No proxy, the environment's neither: it would be dialled in place of the
		// receiver, and the guard would judge the wrong address.
		Proxy:       nil,
		DialContext: dial(dialer, timeout),
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12,
			RootCAs:    opts.RootCAs,
			// Resumed sessions spare most of the handshake's CPU after a freeze.
			ClientSessionCache: tls.NewLRUClientSessionCache(256),
		},
		TLSHandshakeTimeout: abandoned,
		// Compression would let a few bytes of an answer become gigabytes.
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    32,
		// Shorter than the 60 s after which load balancers commonly hang up.
		IdleConnTimeout:   45 * time.Second,
		ForceAttemptHTTP2: true,
		HTTP2: &http.HTTP2Config{
			// A dead connection is found while there is time left to repeat the
			// request on another one, and not sooner: a receiver that is only busy
			// may answer no ping before it answers the request.
			SendPingTimeout: timeout / 4,
			PingTimeout:     timeout / 2,
			// Who sends and reads nothing holds up no more than that.
			WriteByteTimeout: timeout / 2,
			// What a receiver may send unasked is held in memory: no more of it
			// than is read at all. The default is 4 MiB for each answer.
			MaxReceiveBufferPerStream:     drainBytes,
			MaxReceiveBufferPerConnection: 16 * drainBytes,
		},
	}
}

// maxGap is how long nobody may have used the pool before its idle connections
// are given up. Receivers commonly hang up after 5 s (Node, Apache); a running
// process sees that at once and a frozen one does not, so that after a longer gap
// a new connection is the better bet. Shorter gaps, and the rest of the risk, are
// for the repeat on another connection.
const maxGap = 5 * time.Second

// pool counts the requests in flight, and drops idle connections where the
// process may have been frozen since the last one ended. Lambda stops the clocks
// that time.Since and timers read, but not the wall clock.
type pool struct {
	now  func() time.Time
	drop func()

	mu       sync.Mutex
	inFlight int
	lastUse  time.Time
}

func (p *pool) enter() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inFlight == 0 && !p.lastUse.IsZero() {
		// Round strips the monotonic reading. A clock that was set back says
		// nothing about the gap, so it counts as a long one.
		if gap := p.now().Round(0).Sub(p.lastUse); gap > maxGap || gap < 0 {
			p.drop()
		}
	}
	p.inFlight++
}

func (p *pool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight--
	if p.inFlight == 0 {
		p.lastUse = p.now().Round(0)
	}
}

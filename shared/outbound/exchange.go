package outbound

import (
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// stage is how far an exchange has come. It tells what a failure, or the end of
// the time, was a failure of.
type stage int

const (
	starting stage = iota
	resolving
	connecting
	securing // the TLS handshake
	waiting  // sending the request, or waiting for the answer
	reading  // the answer has begun
)

// exchange observes one POST. The transport may go on dialling after the request
// has got another connection, or has ended, and reports that too: hence the lock,
// and hence nothing counts between GotConn and the next GetConn.
type exchange struct {
	mu     sync.Mutex
	stage  stage
	phases notification.Phases
	since  time.Time
	// dialled is the last address tried, remote the one that answered.
	dialled string
	remote  string
	reused  bool
	// conn is the connection in use.
	conn *conn
	// handshakes counts those begun; giveUp ends an exchange with too many.
	handshakes int
	giveUp     func()
}

// maxHandshakes is how many new connections with TLS one POST may take. One that
// the receiver shuts down just then is made up for; a receiver that turns away
// each (HTTP/2 GOAWAY) is dialled no more, which net/http would do until the time
// is over.
const maxHandshakes = 5

// trace returns the hooks. Got1xxResponse must stay unset: with it, net/http
// would no longer bound how many such answers come.
func (x *exchange) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:  func(string) { x.begin() },
		DNSStart: func(httptrace.DNSStartInfo) { x.enter(resolving) },
		DNSDone:  func(httptrace.DNSDoneInfo) { x.leave(resolving) },
		ConnectStart: func(_, addr string) {
			x.connect(addr)
		},
		ConnectDone: func(_, addr string, err error) {
			x.connected(addr, err)
		},
		TLSHandshakeStart:    func() { x.enter(securing) },
		TLSHandshakeDone:     func(tls.ConnectionState, error) { x.leave(securing) },
		GotConn:              x.got,
		GotFirstResponseByte: x.firstByte,
	}
}

func (x *exchange) begin() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stage, x.phases = starting, notification.Phases{}
	x.dialled, x.remote, x.reused = "", "", false
	x.release()
}

// release is called with the lock held.
func (x *exchange) release() {
	if x.conn != nil {
		x.conn.end()
		x.conn = nil
	}
}

// end says that nothing more is read.
func (x *exchange) end() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.release()
}

func (x *exchange) enter(s stage) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stage >= waiting {
		return
	}
	x.stage, x.since = s, time.Now()
	if s != securing {
		return
	}
	if x.handshakes++; x.handshakes > maxHandshakes {
		x.giveUp()
	}
}

// leave takes the time of a stage and does not move on: what fails now is the
// stage that has just ended.
func (x *exchange) leave(s stage) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stage != s {
		return
	}
	switch s {
	case resolving:
		x.phases.DNS = time.Since(x.since)
	case securing:
		x.phases.TLS = time.Since(x.since)
	}
}

// connect may come several times: addresses are tried one after another, and
// IPv4 beside IPv6. The phase begins with the first.
func (x *exchange) connect(addr string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stage >= waiting {
		return
	}
	if x.stage != connecting {
		x.stage, x.since = connecting, time.Now()
	}
	x.dialled = addr
}

func (x *exchange) connected(addr string, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stage == connecting && err == nil {
		x.phases.Connect = time.Since(x.since)
		x.dialled, x.remote = addr, addr
	}
}

func (x *exchange) got(info httptrace.GotConnInfo) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stage, x.since = waiting, time.Now()
	x.reused = info.Reused
	if info.Reused {
		x.phases = notification.Phases{}
	}
	x.remote = info.Conn.RemoteAddr().String()
	x.dialled = x.remote
	x.release()
	if x.conn = connOf(info.Conn); x.conn != nil {
		x.conn.begin()
	}
}

func (x *exchange) firstByte() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stage == waiting {
		x.stage = reading
		x.phases.FirstByte = time.Since(x.since)
	}
}

// diedIdle reports whether the request went out on a connection that had served
// before, and nothing came back.
func (x *exchange) diedIdle() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.reused && x.stage == waiting
}

// progress returns how far the exchange has come, and with which address.
func (x *exchange) progress() (stage, string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.stage, x.dialled
}

// answer adds what was observed.
func (x *exchange) answer(a notification.Answer) notification.Answer {
	x.mu.Lock()
	defer x.mu.Unlock()
	a.Phases, a.RemoteAddr, a.Reused = x.phases, x.remote, x.reused
	return a
}

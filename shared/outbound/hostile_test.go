package outbound_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/outbound"
)

// short is a Timeout for receivers that are to run into it. A machine that is too
// busy for it gets longer ones.
const short = 200 * time.Millisecond

// patience are the times that a test of a timeout gives, one after another, until
// the receiver comes as far as its trick.
var patience = []time.Duration{short / 2, 5 * short, 25 * short}

// script reads one request, says something, and does something with the
// connection.
func script(raw string, then func(net.Conn)) func(*server, net.Conn, int64) {
	return func(s *server, conn net.Conn, _ int64) {
		if s.readRequest(bufio.NewReader(conn)) {
			_, _ = io.WriteString(conn, raw)
			then(conn)
		}
	}
}

// drip writes a byte now and then until the other side has enough.
func drip(conn net.Conn) {
	for ticker := time.Tick(10 * time.Millisecond); ; <-ticker {
		if _, err := io.WriteString(conn, "a"); err != nil {
			return
		}
	}
}

// flood writes the same without end.
func flood(chunk string) func(net.Conn) {
	chunk = strings.Repeat(chunk, 1+4096/len(chunk))
	return func(conn net.Conn) { pour(conn, chunk) }
}

// pour writes the same until it cannot, and returns how many bytes that was.
func pour(conn net.Conn, chunk string) (written int64) {
	for data := []byte(chunk); ; {
		n, err := conn.Write(data)
		written += int64(n)
		if err != nil {
			return written
		}
	}
}

func hangUp(conn net.Conn) { conn.Close() }

// lateReset leaves the client the time to read what was written, for an RST
// throws away what it has not read.
func lateReset(conn net.Conn) {
	time.Sleep(short / 4)
	reset(conn)
}

func bad(reason notification.Reason, detail string) notification.Answer {
	return notification.Answer{Reason: reason, Detail: detail}
}

func good(response string) notification.Answer {
	return notification.Answer{StatusCode: 200, Response: []byte(response)}
}

// hostile is a receiver that means harm, and what is to come of it. In the detail,
// ADDR is the receiver's address and TIME the time for the exchange.
type hostile struct {
	name  string
	serve func(*server, net.Conn, int64)
	want  notification.Answer
	// timed is for what depends on how busy the machine is; so do timeouts.
	timed bool
	// floods is for receivers that write until their connection ends.
	floods bool
}

// meet posts to a hostile receiver over plain HTTP, or over TLS where protocols
// are named, and returns the receiver of the last try.
func (h hostile) meet(t *testing.T, protocols ...string) *server {
	t.Helper()
	timed := h.timed || h.want.Reason == notification.ReasonTimeout
	for i, limit := range patience {
		opts := outbound.Options{DrainTime: limit}
		if h.want.Reason == notification.ReasonTimeout {
			opts.Timeout = limit
		}
		var s *server
		if len(protocols) == 0 {
			s = listen(t, h.serve)
		} else {
			s, opts.RootCAs = listenTLS(t, protocols, h.serve)
		}
		start := time.Now()
		got := newClient(t, open(), opts).Post(context.Background(), request(s.url+"?token=secret"))
		if took, limits := time.Since(start), opts.Timeout+opts.DrainTime; opts.Timeout > 0 && took > limits+5*time.Second {
			t.Errorf("took %s", took)
		}
		checkDetail(t, got)
		diff := difference(h.want, got, s.addr, limit)
		if diff != "" && timed && i < len(patience)-1 {
			continue
		}
		if diff != "" {
			t.Error(diff)
		}
		if h.floods {
			eventually(t, "the flood's connection ends", func() bool { return s.ended.Load() == s.accepted.Load() })
		}
		return s
	}
	return nil
}

// TestHostileReceivers: each ends in time, with the reason that its owner can act
// on, over http and https.
func TestHostileReceivers(t *testing.T) {
	const (
		timeout  = notification.ReasonTimeout
		connect  = notification.ReasonConnect
		protocol = notification.ReasonProtocol

		noAnswer   = "no answer within TIME s"
		noEnd      = "the answer's headers did not end within TIME s"
		closed     = "connection closed by ADDR before an answer came"
		wasReset   = "connection reset by ADDR"
		cut        = "the connection ended within the answer's headers"
		tooLarge   = "the answer's headers are larger than 64 KiB"
		notHTTP    = "the answer is not valid HTTP"
		start      = "HTTP/1.1 200 OK\r\n"
		chunked    = start + "Transfer-Encoding: chunked\r\n\r\n"
		longAnswer = start + "Content-Length: 100000\r\n\r\n"
	)
	for _, test := range []hostile{
		{name: "says nothing", serve: script("", hold), want: bad(timeout, noAnswer)},
		{name: "does not even read", serve: deaf, want: bad(timeout, noAnswer)},
		{name: "stops in the status line", serve: script("HTTP/1.", hold), want: bad(timeout, noEnd)},
		{name: "stops in its headers", serve: script(start+"X-A: 1\r\nX-B", hold), want: bad(timeout, noEnd)},
		{name: "drips its headers", serve: script(start+"X-A: ", drip), want: bad(timeout, noEnd), floods: true},
		{name: "drips from the first byte", serve: script("HTTP/1.1 200 ", drip), want: bad(timeout, noEnd), floods: true},
		{name: "endless header", serve: script(start+"X-A: ", flood("a")), want: bad(protocol, tooLarge), floods: true},
		{name: "endless headers", serve: script(start, flood("X-A: a\r\n")), want: bad(protocol, tooLarge), floods: true},
		{name: "endless status line", serve: script("HTTP/1.1 200 ", flood("a")), want: bad(protocol, tooLarge), floods: true},
		{name: "flood of 100", serve: script("", flood("HTTP/1.1 100 Continue\r\n\r\n")), want: bad(protocol, tooLarge), floods: true},
		{name: "flood of 102", serve: script("", flood("HTTP/1.1 102 Processing\r\n\r\n")), want: bad(protocol, tooLarge), floods: true},
		{name: "flood of 103", serve: script("", flood("HTTP/1.1 103 Early Hints\r\nX-A: a\r\n\r\n")), want: bad(protocol, tooLarge), floods: true},
		{name: "flood before it reads", serve: func(_ *server, conn net.Conn, _ int64) { flood("X-A: a\r\n")(conn) }, want: notification.Answer{Reason: protocol}, floods: true},
		{name: "100, and then nothing", serve: script("HTTP/1.1 100 Continue\r\n\r\n", hold), want: bad(timeout, noEnd)},

		{name: "drips its body", serve: script(longAnswer, drip), want: good("aaa…"), timed: true, floods: true},
		{name: "drips its body in chunks", serve: script(chunked+"1\r\na\r\n1\r\n", drip), want: good("a…"), timed: true, floods: true},
		{name: "stops in its body", serve: script(longAnswer+"abc", hold), want: good("abc"), timed: true},
		{name: "stops before its body", serve: script(longAnswer, hold), want: good("")},
		{name: "endless body", serve: script(start+"Connection: close\r\n\r\n", flood("a")), want: good(keptOf("a")), timed: true, floods: true},
		{name: "endless body in chunks", serve: script(chunked, flood("4\r\naaaa\r\n")), want: good(keptOf("a")), timed: true, floods: true},
		{name: "body longer than said", serve: script(start+"Content-Length: 2\r\n\r\nabcdef", hold), want: good("ab")},
		{name: "body without end after a length", serve: script(start+"Content-Length: 2\r\n\r\n", flood("a")), want: good("aa"), floods: true},
		{name: "body shorter than said", serve: script(longAnswer+"abc", hangUp), want: good("abc")},
		{name: "body of 2^63-1 bytes", serve: script(start+"Content-Length: 9223372036854775807\r\n\r\nabc", hold), want: good("abc"), timed: true},
		{name: "resets in its body", serve: script(longAnswer+"abc", lateReset), want: good("abc"), timed: true},
		{name: "chunks that are none", serve: script(chunked+"zzz\r\n", hold), want: good("")},
		{name: "chunk of 2^64 bytes", serve: script(chunked+"ffffffffffffffffff\r\n", hold), want: good("")},
		{name: "endless trailer", serve: script(chunked+"1\r\na\r\n0\r\n", flood("X-A: a\r\n")), want: good("a"), timed: true, floods: true},
		{name: "endless chunk extension", serve: script(chunked+"1;a=", flood("a")), want: good(""), floods: true},
		{name: "switches protocols", serve: script("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", hold), want: notification.Answer{StatusCode: 101}},

		{name: "closes at once", serve: func(*server, net.Conn, int64) {}, want: notification.Answer{Reason: connect}},
		{name: "resets at once", serve: func(_ *server, conn net.Conn, _ int64) { reset(conn) }, want: notification.Answer{Reason: connect}},
		{name: "closes without an answer", serve: script("", hangUp), want: bad(connect, closed)},
		{name: "resets without an answer", serve: script("", reset), want: bad(connect, wasReset)},
		{name: "closes in its headers", serve: script(start+"X-A: 1\r\n", hangUp), want: bad(protocol, cut)},
		{name: "resets in its headers", serve: script(start+"X-A: 1\r\n", lateReset), want: bad(protocol, cut), timed: true},
		{name: "closes in its status line", serve: script("HTTP/1.1 2", hangUp), want: bad(protocol, notHTTP)},

		{name: "SSH", serve: script("SSH-2.0-OpenSSH_9.6\r\n", hold), want: bad(protocol, notHTTP)},
		{name: "SMTP", serve: script("220 mail.example.com ESMTP\r\n", hold), want: bad(protocol, notHTTP)},
		{name: "Redis", serve: script("-ERR unknown command 'POST'\r\n", hold), want: bad(protocol, notHTTP)},
		{name: "HTTP/2 without being asked", serve: script("\x00\x00\x12\x04\x00\x00\x00\x00\x00\n\n", hold), want: bad(protocol, notHTTP)},
		{name: "HTTP/0.9", serve: script("<html>hello</html>\n", hold), want: bad(protocol, notHTTP)},
		{name: "zeros", serve: script(strings.Repeat("\x00", 100)+"\n", hold), want: bad(protocol, notHTTP)},
		{name: "random bytes", serve: script("\x8f\x02\xff\xfe\x00\x91\r\n\r\n", hold), want: bad(protocol, notHTTP)},
		{name: "a TLS alert", serve: script("\x15\x03\x01\x00\x02\x02\x16", hangUp), want: bad(protocol, notHTTP)},
		{name: "status of two digits", serve: script("HTTP/1.1 20 OK\r\n\r\n", hold), want: bad(protocol, notHTTP)},
		{name: "status of letters", serve: script("HTTP/1.1 abc OK\r\n\r\n", hold), want: bad(protocol, notHTTP)},
		{name: "status 000", serve: script("HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", hold), want: bad(protocol, notHTTP)},
		{name: "status 099", serve: script("HTTP/1.1 099 OK\r\n\r\n", hold), want: bad(protocol, notHTTP)},
		{name: "two lengths", serve: script(start+"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc", hold), want: bad(protocol, notHTTP)},
		{name: "two lengths in one", serve: script(start+"Content-Length: 2, 3\r\n\r\nabc", hold), want: bad(protocol, notHTTP)},
		{name: "the same length twice", serve: script(start+"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", hold), want: good("ok")},
		{name: "a length and chunks", serve: script(start+"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", hold), want: good("abc")},
		{name: "negative length", serve: script(start+"Content-Length: -1\r\n\r\n", hold), want: bad(protocol, notHTTP)},
		{name: "length of letters", serve: script(start+"Content-Length: two\r\n\r\n", hold), want: bad(protocol, notHTTP)},
		{name: "length beyond 2^63", serve: script(start+"Content-Length: 99999999999999999999\r\n\r\n", hold), want: bad(protocol, notHTTP)},
		{name: "header without a colon", serve: script(start+"secret\r\n\r\n", hold), want: bad(protocol, notHTTP)},
		{name: "header without a name", serve: script(start+": 1\r\n\r\n", hold), want: bad(protocol, notHTTP)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			t.Run("http", func(t *testing.T) { test.meet(t) })
			t.Run("https", func(t *testing.T) { test.meet(t, "http/1.1") })
		})
	}
}

// keptOf is a long body of one letter, as far as it is kept.
func keptOf(letter string) string { return strings.Repeat(letter, notification.LastResponseKept) }

// difference knows that a response may go on where an ellipsis ends it, and that
// what a connection that breaks off at once is seen to do depends on the moment.
func difference(want, got notification.Answer, addr string, timeout time.Duration) string {
	want.Detail = strings.NewReplacer("ADDR", addr, "TIME", strconv.FormatFloat(timeout.Seconds(), 'g', 3, 64)).Replace(want.Detail)
	if want.Reason != "" && want.Detail == "" {
		want.Detail = got.Detail
	}
	if prefix, dripped := strings.CutSuffix(string(want.Response), "…"); dripped {
		if !strings.HasPrefix(string(got.Response), prefix) {
			return fmt.Sprintf("response %q does not begin with %q", got.Response, prefix)
		}
		want.Response = got.Response
	}
	return cmp.Diff(want, got, observed, cmpopts.EquateEmpty())
}

// compare is difference as a fault.
func compare(t *testing.T, want, got notification.Answer, addr string) {
	t.Helper()
	if diff := difference(want, got, addr, 0); diff != "" {
		t.Error(diff)
	}
}

// TestEarlyAnswer: a receiver may answer when it has seen the request's first
// byte, and never read the rest.
func TestEarlyAnswer(t *testing.T) {
	s := listen(t, func(s *server, conn net.Conn, _ int64) {
		_, _ = conn.Read(make([]byte, 1))
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
		<-s.done
	})
	req := request(s.url)
	req.Body = make([]byte, 32<<20)
	if got := post(t, newClient(t, open(), outbound.Options{}), req); got.StatusCode != 413 {
		t.Errorf("answer %+v", got)
	}
}

func TestCancelled(t *testing.T) {
	s := listen(t, script("", hold))
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		for deadline := time.Now().Add(5 * time.Second); s.requests.Load() == 0 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
	}()
	want := notification.Answer{Reason: notification.ReasonTimeout, Detail: "the attempt was stopped before an answer came"}
	for _, name := range []string{"while waiting", "before it begins"} {
		t.Run(name, func(t *testing.T) {
			got := newClient(t, open(), outbound.Options{}).Post(ctx, request(s.url))
			if diff := cmp.Diff(want, got, observed); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSlowNameServer(t *testing.T) {
	release := make(chan struct{})
	resolver := resolving(t, func(string, bool) []netip.Addr {
		<-release
		return nil
	})
	got := newClient(t, open(), outbound.Options{Timeout: short, Resolver: resolver}).Post(context.Background(), request("http://receiver.test/"))
	close(release)
	want := notification.Answer{Reason: notification.ReasonTimeout, Detail: "host name did not resolve within 0.2 s"}
	if diff := cmp.Diff(want, got, observed); diff != "" {
		t.Error(diff)
	}
}

// TestBlackHole dials an address that answers no SYN: a listener whose queue is
// full and that accepts nobody.
func TestBlackHole(t *testing.T) {
	addr := blackHole(t)
	got := newClient(t, open(), outbound.Options{Timeout: short}).Post(context.Background(), request("http://"+addr+"/"))
	want := notification.Answer{Reason: notification.ReasonTimeout, Detail: "no connection to " + addr + " within 0.2 s"}
	if diff := cmp.Diff(want, got, observed); diff != "" {
		t.Error(diff)
	}
}

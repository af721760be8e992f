package outbound_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/outbound"
)

// short is a Timeout for receivers that are to run into it.
const short = 250 * time.Millisecond

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
	for ticker := time.Tick(20 * time.Millisecond); ; <-ticker {
		if _, err := io.WriteString(conn, "a"); err != nil {
			return
		}
	}
}

// flood writes the same without end.
func flood(chunk string) func(net.Conn) {
	chunk = strings.Repeat(chunk, 1+4096/len(chunk))
	return func(conn net.Conn) {
		for {
			if _, err := io.WriteString(conn, chunk); err != nil {
				return
			}
		}
	}
}

func hangUp(conn net.Conn) { conn.Close() }

// TestHostileReceivers: each ends in time, with the reason that its owner can act
// on.
func TestHostileReceivers(t *testing.T) {
	const (
		timeout  = notification.ReasonTimeout
		connect  = notification.ReasonConnect
		protocol = notification.ReasonProtocol

		noAnswer   = "no answer within 0.25 s"
		noEnd      = "the answer's headers did not end within 0.25 s"
		closed     = "connection closed by ADDR before an answer came"
		wasReset   = "connection reset by ADDR"
		cut        = "the connection ended within the answer's headers"
		tooLarge   = "the answer's headers are larger than 64 KiB"
		notHTTP    = "the answer is not valid HTTP"
		start      = "HTTP/1.1 200 OK\r\n"
		longAnswer = start + "Content-Length: 100000\r\n\r\n"
	)
	bad := func(reason notification.Reason, detail string) notification.Answer {
		return notification.Answer{Reason: reason, Detail: detail}
	}
	good := func(response string) notification.Answer {
		return notification.Answer{StatusCode: 200, Response: []byte(response)}
	}
	for _, test := range []struct {
		name  string
		serve func(*server, net.Conn, int64)
		want  notification.Answer
	}{
		{"says nothing", script("", hold), bad(timeout, noAnswer)},
		{"does not even read", func(*server, net.Conn, int64) { time.Sleep(2 * short) }, bad(timeout, noAnswer)},
		{"stops in the status line", script("HTTP/1.", hold), bad(timeout, noEnd)},
		{"stops in its headers", script(start+"X-A: 1\r\nX-B", hold), bad(timeout, noEnd)},
		{"drips its headers", script(start+"X-A: ", drip), bad(timeout, noEnd)},
		{"endless header", script(start+"X-A: ", flood("a")), bad(protocol, tooLarge)},
		{"endless headers", script(start, flood("X-A: a\r\n")), bad(protocol, tooLarge)},
		{"endless status line", script("HTTP/1.1 200 ", flood("a")), bad(protocol, tooLarge)},
		{"flood of 100", script("", flood("HTTP/1.1 100 Continue\r\n\r\n")), bad(protocol, tooLarge)},
		{"flood of 103", script("", flood("HTTP/1.1 103 Early Hints\r\nX-A: a\r\n\r\n")), bad(protocol, tooLarge)},
		{"100, and then nothing", script("HTTP/1.1 100 Continue\r\n\r\n", hold), bad(timeout, noEnd)},

		{"drips its body", script(longAnswer, drip), good("aaa…")},
		{"drips its body in chunks", script(start+"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\n", drip), good("a…")},
		{"stops in its body", script(longAnswer+"abc", hold), good("abc")},
		{"stops before its body", script(longAnswer, hold), good("")},
		{"endless body", script(start+"Connection: close\r\n\r\n", flood("a")), good(strings.Repeat("a", notification.LastResponseKept))},
		{"endless body in chunks", script(start+"Transfer-Encoding: chunked\r\n\r\n", flood("4\r\naaaa\r\n")), good(strings.Repeat("a", notification.LastResponseKept))},
		{"body longer than said", script(start+"Content-Length: 2\r\n\r\nabcdef", hold), good("ab")},
		{"body shorter than said", script(longAnswer+"abc", hangUp), good("abc")},
		{"reset in its body", script(longAnswer+"abc", lateReset), good("abc")},
		{"chunks that are none", script(start+"Transfer-Encoding: chunked\r\n\r\nzzz\r\n", hold), good("")},
		{"chunk of 2^64 bytes", script(start+"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", hold), good("")},
		{"endless trailer", script(start+"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n", flood("X-A: a\r\n")), good("a")},
		{"endless chunk extension", script(start+"Transfer-Encoding: chunked\r\n\r\n1;a=", flood("a")), good("")},
		{"switches protocols", script("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", hold), notification.Answer{StatusCode: 101}},

		{"closes at once", func(*server, net.Conn, int64) {}, notification.Answer{Reason: connect}},
		{"resets at once", func(_ *server, conn net.Conn, _ int64) { reset(conn) }, notification.Answer{Reason: connect}},
		{"closes without an answer", script("", hangUp), bad(connect, closed)},
		{"resets without an answer", script("", reset), bad(connect, wasReset)},
		{"closes in its headers", script(start+"X-A: 1\r\n", hangUp), bad(protocol, cut)},
		{"closes in its status line", script("HTTP/1.1 2", hangUp), bad(protocol, notHTTP)},

		{"SSH", script("SSH-2.0-OpenSSH_9.6\r\n", hold), bad(protocol, notHTTP)},
		{"SMTP", script("220 mail.example.com ESMTP\r\n", hold), bad(protocol, notHTTP)},
		{"Redis", script("-ERR unknown command 'POST'\r\n", hold), bad(protocol, notHTTP)},
		{"HTTP/2 without being asked", script("\x00\x00\x12\x04\x00\x00\x00\x00\x00\n\n", hold), bad(protocol, notHTTP)},
		{"HTTP/0.9", script("<html>hello</html>\n", hold), bad(protocol, notHTTP)},
		{"zeros", script(strings.Repeat("\x00", 100)+"\n", hold), bad(protocol, notHTTP)},
		{"random bytes", script("\x8f\x02\xff\xfe\x00\x91\r\n\r\n", hold), bad(protocol, notHTTP)},
		{"a TLS alert", script("\x15\x03\x01\x00\x02\x02\x16", hangUp), bad(protocol, notHTTP)},
		{"status of two digits", script("HTTP/1.1 20 OK\r\n\r\n", hold), bad(protocol, notHTTP)},
		{"status of letters", script("HTTP/1.1 abc OK\r\n\r\n", hold), bad(protocol, notHTTP)},
		{"status 000", script("HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", hold), bad(protocol, notHTTP)},
		{"status 099", script("HTTP/1.1 099 OK\r\n\r\n", hold), bad(protocol, notHTTP)},
		{"two lengths", script(start+"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc", hold), bad(protocol, notHTTP)},
		{"negative length", script(start+"Content-Length: -1\r\n\r\n", hold), bad(protocol, notHTTP)},
		{"length of letters", script(start+"Content-Length: two\r\n\r\n", hold), bad(protocol, notHTTP)},
		{"header without a colon", script(start+"secret\r\n\r\n", hold), bad(protocol, notHTTP)},
		{"header without a name", script(start+": 1\r\n\r\n", hold), bad(protocol, notHTTP)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := listen(t, test.serve)
			c := newClient(t, open(), outbound.Options{Timeout: short})
			start := time.Now()
			got := c.Post(context.Background(), request(s.url+"?token=secret"))
			if took := time.Since(start); took > short+time.Second+3*time.Second {
				t.Errorf("took %s", took)
			}
			if strings.Contains(got.Detail, "secret") {
				t.Errorf("detail %q holds a token", got.Detail)
			}
			compare(t, test.want, got, s.addr)
		})
	}
}

// compare knows that ADDR is the server's address, that a response may go on
// where an ellipsis ends it, and that a connection that closes at once can be
// seen to do so in several ways.
func compare(t *testing.T, want, got notification.Answer, addr string) {
	t.Helper()
	want.Detail = strings.ReplaceAll(want.Detail, "ADDR", addr)
	if want.Reason == notification.ReasonConnect && want.Detail == "" {
		want.Detail = got.Detail
	}
	if prefix, dripped := strings.CutSuffix(string(want.Response), "…"); dripped {
		if !strings.HasPrefix(string(got.Response), prefix) {
			t.Errorf("response %q does not begin with %q", got.Response, prefix)
		}
		want.Response = got.Response
	}
	if diff := cmp.Diff(want, got, observed, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

// lateReset leaves the client the time to read what was written, for an RST
// throws away what it has not read.
func lateReset(conn net.Conn) {
	time.Sleep(2 * short)
	reset(conn)
}

func TestResetInHeaders(t *testing.T) {
	s := listen(t, script("HTTP/1.1 200 OK\r\nX-A: 1\r\n", lateReset))
	got := post(t, newClient(t, open(), outbound.Options{}), request(s.url))
	want := notification.Answer{Reason: notification.ReasonProtocol, Detail: "the connection ended within the answer's headers"}
	compare(t, want, got, s.addr)
}

// TestLittleIsReadOfALongBody counts what a receiver can push at us.
func TestLittleIsReadOfALongBody(t *testing.T) {
	var pushed atomic.Int64
	ended := make(chan struct{})
	s := listen(t, func(s *server, conn net.Conn, _ int64) {
		defer close(ended)
		// Small buffers, so that what is counted is what was read.
		_ = conn.(*net.TCPConn).SetWriteBuffer(4096)
		s.readRequest(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
		for chunk := strings.Repeat("a", 4096); ; {
			n, err := io.WriteString(conn, chunk)
			pushed.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	got := post(t, newClient(t, open(), outbound.Options{}), request(s.url))
	if got.StatusCode != 200 {
		t.Fatalf("answer %+v", got)
	}
	<-ended
	// The kernel's receive buffer is not ours; it holds up to 6 MiB.
	if n := pushed.Load(); n > 8<<20 {
		t.Errorf("%d bytes went out", n)
	}
}

// TestGzipIsNotDecoded sends a body that would unpack to 64 MiB.
func TestGzipIsNotDecoded(t *testing.T) {
	var bomb strings.Builder
	z := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 64 {
		_, _ = z.Write(zeros)
	}
	z.Close()
	s := listen(t, answering(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", bomb.Len(), bomb.String())))
	got := post(t, newClient(t, open(), outbound.Options{}), request(s.url))
	want := notification.Answer{StatusCode: 200, Response: []byte(bomb.String()[:notification.LastResponseKept])}
	if diff := cmp.Diff(want, got, observed); diff != "" {
		t.Error(diff)
	}
}

// TestEarlyAnswer: a receiver may answer when it has seen the request's first
// byte, and never read the rest.
func TestEarlyAnswer(t *testing.T) {
	s := listen(t, func(_ *server, conn net.Conn, _ int64) {
		_, _ = conn.Read(make([]byte, 1))
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
		time.Sleep(short)
	})
	req := request(s.url)
	req.Body = make([]byte, 32<<20)
	if got := post(t, newClient(t, open(), outbound.Options{}), req); got.StatusCode != 413 && got.Reason != notification.ReasonConnect {
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
	want := notification.Answer{Reason: notification.ReasonTimeout, Detail: "host name did not resolve within 0.25 s"}
	if diff := cmp.Diff(want, got, observed); diff != "" {
		t.Error(diff)
	}
}

// TestBlackHole dials an address that answers no SYN: a listener whose queue is
// full and that accepts nobody.
func TestBlackHole(t *testing.T) {
	addr := blackHole(t)
	got := newClient(t, open(), outbound.Options{Timeout: short}).Post(context.Background(), request("http://"+addr+"/"))
	want := notification.Answer{Reason: notification.ReasonTimeout, Detail: "no connection to " + addr + " within 0.25 s"}
	if diff := cmp.Diff(want, got, observed); diff != "" {
		t.Error(diff)
	}
}

package outbound_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/outbound"
)

// open is the guard of a developer's machine.
func open() outbound.Guard {
	return outbound.Guard{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
}

func newClient(t testing.TB, g outbound.Guard, opts outbound.Options) *outbound.Client {
	t.Helper()
	if opts.Timeout == 0 {
		opts.Timeout = 10 * time.Second
	}
	c := outbound.New(g, opts)
	t.Cleanup(c.CloseIdle)
	return c
}

// request is an ordinary notification to a URL.
func request(url string) notification.Request {
	return notification.Request{
		URL: url,
		Header: map[string]string{
			"Content-Type":    "application/json",
			"X-Cld-Timestamp": "1700000000",
			"X-Cld-Signature": "0123456789abcdef",
		},
		Body: []byte(`{"notification_type":"upload"}`),
	}
}

// post makes one POST, and fails the test if it took longer than a limit that is
// far above what it should take, and far below for ever.
func post(t testing.TB, c *outbound.Client, req notification.Request) notification.Answer {
	t.Helper()
	start := time.Now()
	answer := c.Post(context.Background(), req)
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("the POST took %s", took)
	}
	checkDetail(t, answer)
	return answer
}

// checkDetail holds what a failure says against what people can read: a
// sentence, without the words of the code below or anything of the URL.
func checkDetail(t testing.TB, a notification.Answer) {
	t.Helper()
	if (a.Reason == "") != (a.Detail == "") || (a.Reason == "") != (a.StatusCode != 0) {
		t.Errorf("answer %+v is half a failure", a)
	}
	if len(a.Detail) > 300 || strings.ContainsFunc(a.Detail, func(c rune) bool { return c < ' ' || c > '~' }) {
		t.Errorf("detail %q is not a printable sentence", a.Detail)
	}
	for _, bad := range []string{"secret", "net/http", "http2", "tls:", "x509:", "dial tcp", "syscall", "EOF", "%!", "i/o timeout", "context", "hook?"} {
		if strings.Contains(a.Detail, bad) {
			t.Errorf("detail %q says %q", a.Detail, bad)
		}
	}
}

// server is a listener on 127.0.0.1 that speaks whatever a test wants.
type server struct {
	addr     string
	url      string
	accepted atomic.Int64
	// requests counts those read by readRequest, ended the connections served.
	requests, ended atomic.Int64
	// done is closed when the test has ended.
	done chan struct{}

	mu    sync.Mutex
	conns []net.Conn
}

// listen runs serve for each connection, which it numbers from 1 and closes
// afterwards. Everything has ended when the test has.
func listen(t testing.TB, serve func(s *server, conn net.Conn, number int64)) *server {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: listener.Addr().String(), done: make(chan struct{})}
	s.url = "http://" + s.addr + "/hook"
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			number := s.accepted.Add(1)
			s.mu.Lock()
			s.conns = append(s.conns, conn)
			s.mu.Unlock()
			running.Go(func() {
				defer s.ended.Add(1)
				defer conn.Close()
				serve(s, conn, number)
			})
		}
	})
	t.Cleanup(func() {
		close(s.done)
		listener.Close()
		s.closeAll()
		running.Wait()
	})
	return s
}

func (s *server) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		conn.Close()
	}
}

// readRequest reads one request with its body, and reports false at the end of
// the connection.
func (s *server) readRequest(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return false
	}
	s.requests.Add(1)
	return true
}

// answering serves every request on a connection with the same bytes.
func answering(raw string) func(*server, net.Conn, int64) {
	return func(s *server, conn net.Conn, _ int64) {
		r := bufio.NewReader(conn)
		for s.readRequest(r) {
			if _, err := io.WriteString(conn, raw); err != nil {
				return
			}
		}
	}
}

// hold keeps the connection until the other side closes it.
func hold(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// deaf keeps the connection without reading from it.
func deaf(s *server, _ net.Conn, _ int64) { <-s.done }

// tcpOf is the connection below TLS.
func tcpOf(conn net.Conn) *net.TCPConn {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	return conn.(*net.TCPConn)
}

// reset ends the connection by RST instead of FIN.
func reset(conn net.Conn) {
	tcp := tcpOf(conn)
	_ = tcp.SetLinger(0)
	tcp.Close()
}

// eventually polls until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %s", what)
		}
	}
}

// resolving returns a resolver whose name server is answer: for a name and
// whether IPv6 is asked for, it returns the addresses. A nil slice is a name that
// does not exist. Names end in a dot.
func resolving(t testing.TB, answer func(name string, v6 bool) []netip.Addr) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		query := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(query)
			if err != nil {
				return
			}
			if reply := dnsReply(query[:n], answer); reply != nil {
				_, _ = server.WriteTo(reply, from)
			}
		}
	})
	t.Cleanup(func() {
		server.Close()
		running.Wait()
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp4", server.LocalAddr().String())
	}}
}

// dnsReply answers a query of one question (RFC 1035, 4.1).
func dnsReply(query []byte, answer func(string, bool) []netip.Addr) []byte {
	const header, typeA, typeAAAA = 12, 1, 28
	var name strings.Builder
	if len(query) < header+5 {
		return nil
	}
	at := header
	for query[at] != 0 {
		name.Write(query[at+1 : at+1+int(query[at])])
		name.WriteByte('.')
		at += 1 + int(query[at])
	}
	question := query[header : at+5]
	kind := binary.BigEndian.Uint16(query[at+1:])
	addrs := answer(name.String(), kind == typeAAAA)

	reply := append([]byte(nil), query[:2]...)
	flags := uint16(0x8180) // an answer, recursion available
	if addrs == nil {
		flags |= 3 // no such name
	}
	reply = binary.BigEndian.AppendUint16(reply, flags)
	var records []byte
	count := uint16(0)
	for _, addr := range addrs {
		if addr.Is6() != (kind == typeAAAA) || kind != typeA && kind != typeAAAA {
			continue
		}
		data := addr.AsSlice()
		records = append(records, 0xc0, header) // the name of the question
		records = binary.BigEndian.AppendUint16(records, kind)
		records = append(records, 0, 1, 0, 0, 0, 0) // class IN, TTL 0
		records = binary.BigEndian.AppendUint16(records, uint16(len(data)))
		records = append(records, data...)
		count++
	}
	for _, n := range []uint16{1, count, 0, 0} {
		reply = binary.BigEndian.AppendUint16(reply, n)
	}
	return append(append(reply, question...), records...)
}

// blackHole returns the address of a listener whose queue of one is full, so that
// the kernel drops whoever comes next.
func blackHole(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
	for range 512 {
		conn, err := net.DialTimeout("tcp4", addr, 100*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Fatal("the listener's queue does not fill")
	return ""
}

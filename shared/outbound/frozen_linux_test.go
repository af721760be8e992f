package outbound_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/outbound"
)

func init() {
	parts["receiver"] = playReceiver
	parts["sender"] = playSender
}

// child is a process of the tests that can be stopped, continued and killed.
type child struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Reader
}

// start runs this test's own binary in another part.
func start(t *testing.T, part string, role any) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "OUTBOUND_TEST_PART="+part)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: cmd, in: in, lines: bufio.NewReader(out)}
	t.Cleanup(c.kill)
	c.tell(t, role)
	return c
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

func (c *child) tell(t *testing.T, what any) {
	t.Helper()
	if err := json.NewEncoder(c.in).Encode(what); err != nil {
		t.Fatal(err)
	}
}

func (c *child) hear(t *testing.T, into any) {
	t.Helper()
	line, err := c.lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// stop returns when the process stands still.
func (c *child) stop(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process stops", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
		_, state, found := strings.Cut(string(stat), ") ")
		return err == nil && found && state[0] == 'T'
	})
}

func (c *child) goOn(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// receiverRole is what a child that receives is told: where to listen and, for
// TLS, with what certificate and key.
type receiverRole struct {
	Addr            string
	Protocols       []string
	Certificate     []byte
	PrivateKeyPKCS8 []byte
}

func playReceiver() {
	var role receiverRole
	in := json.NewDecoder(os.Stdin)
	if err := in.Decode(&role); err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp4", role.Addr)
	if err != nil {
		log.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(sayProto), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	addr, _ := json.Marshal(listener.Addr().String())
	fmt.Println(string(addr))
	go func() {
		if role.Certificate == nil {
			_ = srv.Serve(listener)
			return
		}
		key, err := x509.ParsePKCS8PrivateKey(role.PrivateKeyPKCS8)
		if err != nil {
			log.Fatal(err)
		}
		srv.TLSConfig = &tls.Config{
			Certificates: []tls.Certificate{{Certificate: [][]byte{role.Certificate}, PrivateKey: key}},
			NextProtos:   role.Protocols,
		}
		_ = srv.ServeTLS(listener, "", "")
	}()
	// The end of the input is the end of the test.
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// senderRole is what a child that sends is told; then comes one URL after another.
type senderRole struct{ Root []byte }

func playSender() {
	var role senderRole
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	if err := in.Decode(&role); err != nil {
		log.Fatal(err)
	}
	opts := outbound.Options{Timeout: 10 * time.Second}
	if role.Root != nil {
		root, err := x509.ParseCertificate(role.Root)
		if err != nil {
			log.Fatal(err)
		}
		opts.RootCAs = x509.NewCertPool()
		opts.RootCAs.AddCert(root)
	}
	c := outbound.New(open(), opts)
	for url := ""; in.Decode(&url) == nil; {
		_ = out.Encode(c.Post(context.Background(), request(url)))
	}
}

// kinds are the ways to speak to a receiver, and what sayProto answers.
var kinds = []struct {
	name, says string
	protocols  []string
}{
	{"http", "HTTP/1.1", nil},
	{"https", "HTTP/1.1", []string{"http/1.1"}},
	{"HTTP/2", "HTTP/2.0", []string{"h2"}},
}

// receiverFor makes the role of a receiver, and the pool that trusts it.
func receiverFor(t *testing.T, protocols []string) (receiverRole, *x509.CertPool) {
	t.Helper()
	role := receiverRole{Addr: "127.0.0.1:0", Protocols: protocols}
	if protocols == nil {
		return role, nil
	}
	cert, roots := certificate(t, []string{"127.0.0.1"})
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	role.Certificate, role.PrivateKeyPKCS8 = cert.Certificate[0], key
	return role, roots
}

// TestReceiverFreezes stops the receiver's process, and lets it go on.
func TestReceiverFreezes(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			role, roots := receiverFor(t, kind.protocols)
			receiver := start(t, "receiver", role)
			receiver.hear(t, &role.Addr)
			url := "http://" + role.Addr
			if roots != nil {
				url = "https://" + role.Addr
			}
			c := newClient(t, open(), outbound.Options{RootCAs: roots})
			delivers := func(when string, reused bool) {
				t.Helper()
				want := notification.Answer{StatusCode: 200, Response: []byte(kind.says), Reused: reused}
				if diff := cmp.Diff(want, post(t, c, request(url)), observed); diff != "" {
					t.Fatalf("%s: %s", when, diff)
				}
			}
			delivers("first", false)

			receiver.stop(t)
			receiver.goOn(t)
			delivers("frozen while the connection is idle", true)

			receiver.stop(t)
			time.AfterFunc(short, func() { receiver.goOn(t) })
			delivers("frozen while it is waited for", true)

			receiver.kill()
			again := start(t, "receiver", role)
			again.hear(t, &role.Addr)
			delivers("killed, and started again", false)
		})
	}
}

// TestSenderFreezes stops this side, as Lambda does between two invocations, while
// the receiver ends the connections in one way or another. The stop is shorter than
// the gap after which the wall clock has them dropped.
func TestSenderFreezes(t *testing.T) {
	for _, end := range []struct {
		name string
		do   func(net.Conn)
	}{
		{"closed", hangUp},
		{"reset", reset},
	} {
		for _, kind := range kinds {
			t.Run(end.name+", "+kind.name, func(t *testing.T) {
				t.Parallel()
				serve := answering(okAnswer)
				if kind.says == "HTTP/2.0" {
					serve = speakHTTP2(answer200, hold)
				}
				var role senderRole
				var s *server
				if kind.protocols == nil {
					s = listen(t, serve)
				} else {
					// The pool is opaque: the certificate itself goes to the child.
					var cert tls.Certificate
					s, cert = listenWith(t, kind.protocols, serve)
					role.Root = cert.Certificate[0]
				}
				sender := start(t, "sender", role)
				for i := range 3 {
					var got notification.Answer
					sender.tell(t, s.url)
					sender.hear(t, &got)
					want := notification.Answer{StatusCode: 200, Response: []byte("ok")}
					if diff := cmp.Diff(want, got, observed); diff != "" {
						t.Fatalf("POST %d: %s", i, diff)
					}
					sender.stop(t)
					s.mu.Lock()
					for _, conn := range s.conns {
						end.do(conn)
					}
					s.conns = nil
					s.mu.Unlock()
					sender.goOn(t)
				}
			})
		}
	}
}

// forget makes a connection drop whatever comes, without a word, as a machine does
// that has been switched off.
func forget(conn *net.TCPConn) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		nothing := []syscall.SockFilter{{Code: syscall.BPF_RET | syscall.BPF_K}}
		program := syscall.SockFprog{Len: 1, Filter: &nothing[0]}
		_, _, _ = syscall.Syscall6(syscall.SYS_SETSOCKOPT, fd, syscall.SOL_SOCKET, syscall.SO_ATTACH_FILTER,
			uintptr(unsafe.Pointer(&program)), unsafe.Sizeof(program), 0)
	})
}

// TestForgottenConnections: the other end of a pooled connection has gone without
// a word, and what is sent over it is not acknowledged. The POST arrives over
// another one, in time.
func TestForgottenConnections(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			serve := answering(okAnswer)
			if kind.says == "HTTP/2.0" {
				serve = speakHTTP2(answer200, hold)
			}
			var s *server
			opts := outbound.Options{Timeout: 4 * time.Second}
			if kind.protocols == nil {
				s = listen(t, serve)
			} else {
				s, opts.RootCAs = listenTLS(t, kind.protocols, serve)
			}
			c := newClient(t, open(), opts)
			want := notification.Answer{StatusCode: 200, Response: []byte("ok")}
			for i := range 2 {
				if diff := cmp.Diff(want, post(t, c, request(s.url)), observed); diff != "" {
					t.Fatalf("POST %d: %s", i, diff)
				}
				s.mu.Lock()
				forget(s.conns[0].(*net.TCPConn))
				s.mu.Unlock()
			}
			if n := s.accepted.Load(); n != 2 {
				t.Errorf("%d connections, want 2", n)
			}
		})
	}
}

// TestForgottenAtOnce: a connection goes silent under its first request, which is
// more than the kernels on the way can hold.
func TestForgottenAtOnce(t *testing.T) {
	t.Parallel()
	s := listen(t, func(s *server, conn net.Conn, _ int64) {
		forget(conn.(*net.TCPConn))
		<-s.done
	})
	req := request(s.url)
	req.Body = make([]byte, 32<<20)
	got := post(t, newClient(t, open(), outbound.Options{Timeout: 4 * time.Second}), req)
	// The kernel tells the reader or the writer that the time was over, and the
	// other one that the connection has ended.
	lost := bad(notification.ReasonConnect, "connection to ADDR was lost: nothing that was sent was acknowledged")
	if difference(lost, got, s.addr, 0) != "" {
		compare(t, bad(notification.ReasonConnect, "connection reset by ADDR"), got, s.addr)
	}
}

// TestAllPooledConnectionsDie: as many as are kept for one receiver are closed at
// once, and each POST that follows arrives.
func TestAllPooledConnectionsDie(t *testing.T) {
	const kept = 32
	for _, end := range []struct {
		name string
		do   func(net.Conn)
	}{{"closed", hangUp}, {"reset", reset}} {
		t.Run(end.name, func(t *testing.T) {
			var together atomic.Int64
			s := listen(t, func(s *server, conn net.Conn, number int64) {
				r := bufio.NewReader(conn)
				for s.readRequest(r) {
					// The first requests wait for each other: each has its own connection.
					together.Add(1)
					for number <= kept && together.Load() < kept {
						time.Sleep(time.Millisecond)
					}
					_, _ = io.WriteString(conn, okAnswer)
				}
			})
			c := newClient(t, open(), outbound.Options{})
			for round := range 2 {
				answers := make(chan notification.Answer, kept)
				for range kept {
					go func() { answers <- c.Post(context.Background(), request(s.url)) }()
				}
				for range kept {
					if got := <-answers; got.StatusCode != 200 {
						t.Errorf("round %d: answer %+v", round, got)
					}
				}
				s.mu.Lock()
				conns := slices.Clone(s.conns)
				s.mu.Unlock()
				for _, conn := range conns {
					end.do(conn)
				}
			}
		})
	}
}

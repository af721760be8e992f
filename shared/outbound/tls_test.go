package outbound_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/outbound"
)

// secure starts an HTTPS server, and returns it with a pool that trusts it. Its
// certificate is for example.com and 127.0.0.1.
func secure(t testing.TB, handler http.HandlerFunc, change func(*httptest.Server)) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{}
	if change != nil {
		change(srv)
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	return srv, roots
}

func withHTTP2(srv *httptest.Server) { srv.EnableHTTP2 = true }

func sayProto(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(w, r.Proto)
}

func portOf(t testing.TB, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(addr, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestTLS(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*httptest.Server)
		host   string
		trust  bool
		want   notification.Answer
	}{
		{"trusted", nil, "127.0.0.1", true, notification.Answer{StatusCode: 200, Response: []byte("HTTP/1.1")}},
		{"trusted by name", nil, "example.com", true, notification.Answer{StatusCode: 200, Response: []byte("HTTP/1.1")}},
		{"trusted, HTTP/2", withHTTP2, "example.com", true, notification.Answer{StatusCode: 200, Response: []byte("HTTP/2.0")}},
		{"TLS 1.2", func(srv *httptest.Server) { srv.TLS.MaxVersion = tls.VersionTLS12 }, "127.0.0.1", true, notification.Answer{StatusCode: 200, Response: []byte("HTTP/1.1")}},
		{"unknown authority", nil, "127.0.0.1", false, notification.Answer{
			Reason: notification.ReasonTLS, Detail: "certificate is not trusted: certificate signed by unknown authority",
		}},
		{"another's certificate", nil, "receiver.test", true, notification.Answer{
			Reason: notification.ReasonTLS, Detail: "certificate is not trusted: certificate is valid for example.com, *.example.com, not receiver.test",
		}},
		{"old TLS", func(srv *httptest.Server) {
			srv.TLS.MaxVersion, srv.TLS.MinVersion = tls.VersionTLS11, tls.VersionTLS10
		}, "127.0.0.1", true, notification.Answer{
			Reason: notification.ReasonTLS, Detail: "TLS was refused by ADDR: protocol version not supported",
		}},
		{"asks for a certificate of ours", func(srv *httptest.Server) { srv.TLS.ClientAuth = tls.RequireAnyClientCert }, "127.0.0.1", true, notification.Answer{
			Reason: notification.ReasonTLS, Detail: "TLS was refused by ADDR: certificate required",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv, roots := secure(t, sayProto, test.change)
			if !test.trust {
				roots = x509.NewCertPool()
			}
			c := newClient(t, open(), outbound.Options{RootCAs: roots, Resolver: resolving(t, addresses("127.0.0.1"))})
			got := post(t, c, request("https://"+test.host+":"+portOf(t, srv.URL)+"/hook?token=secret"))
			compare(t, test.want, got, srv.Listener.Addr().String())
			if got.Phases.TLS <= 0 {
				t.Errorf("phases %+v, want TLS", got.Phases)
			}
			if got.RemoteAddr != srv.Listener.Addr().String() {
				t.Errorf("remote address %q", got.RemoteAddr)
			}
		})
	}
}

func TestHostileTLS(t *testing.T) {
	for _, test := range []struct {
		name  string
		serve func(*server, net.Conn, int64)
		want  notification.Answer
	}{
		{"says nothing", func(_ *server, conn net.Conn, _ int64) { hold(conn) }, notification.Answer{
			Reason: notification.ReasonTimeout, Detail: "the TLS handshake with ADDR did not end within 0.2 s",
		}},
		{"plain HTTP", func(_ *server, conn net.Conn, _ int64) { _, _ = io.WriteString(conn, "HTTP/1.0 400 Bad\r\n\r\n") }, notification.Answer{
			Reason: notification.ReasonTLS, Detail: "ADDR does not speak TLS",
		}},
		{"SSH", func(_ *server, conn net.Conn, _ int64) {
			_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9.6\r\n")
			hold(conn)
		}, notification.Answer{
			Reason: notification.ReasonTLS, Detail: "ADDR does not speak TLS",
		}},
		{"closes", func(_ *server, conn net.Conn, _ int64) { _, _ = conn.Read(make([]byte, 4096)) }, notification.Answer{
			Reason: notification.ReasonTLS, Detail: "connection closed by ADDR in the TLS handshake",
		}},
		{"resets", func(_ *server, conn net.Conn, _ int64) { _, _ = conn.Read(make([]byte, 4096)); reset(conn) }, notification.Answer{
			Reason: notification.ReasonTLS, Detail: "connection closed by ADDR in the TLS handshake",
		}},
		{"endless handshake", func(_ *server, conn net.Conn, _ int64) { drip(conn) }, notification.Answer{
			Reason: notification.ReasonTLS, Detail: "ADDR does not speak TLS",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := listen(t, test.serve)
			got := newClient(t, open(), outbound.Options{Timeout: short}).Post(context.Background(), request("https://"+s.addr+"/"))
			compare(t, test.want, got, s.addr)
		})
	}
}

func TestSessionsAreResumed(t *testing.T) {
	var resumed atomic.Int64
	srv, roots := secure(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.TLS.DidResume {
			resumed.Add(1)
		}
	}, nil)
	c := newClient(t, open(), outbound.Options{RootCAs: roots})
	for range 2 {
		if got := post(t, c, request(srv.URL)); got.StatusCode != 200 || got.Reused {
			t.Fatalf("answer %+v", got)
		}
		c.CloseIdle()
	}
	if n := resumed.Load(); n != 1 {
		t.Errorf("%d sessions resumed, want 1", n)
	}
}

func TestHTTP2Reuse(t *testing.T) {
	var agent atomic.Value
	srv, roots := secure(t, func(w http.ResponseWriter, r *http.Request) {
		agent.Store(r.Header.Clone())
		sayProto(w, r)
	}, withHTTP2)
	c := newClient(t, open(), outbound.Options{RootCAs: roots})
	first, second := post(t, c, request(srv.URL)), post(t, c, request(srv.URL))
	if string(second.Response) != "HTTP/2.0" || first.Reused || !second.Reused {
		t.Errorf("answers %+v, %+v", first, second)
	}
	want := http.Header{
		"Content-Length": {"30"}, "Content-Type": {"application/json"}, "User-Agent": {"Mediahooks"},
		"X-Cld-Signature": {"0123456789abcdef"}, "X-Cld-Timestamp": {"1700000000"},
	}
	if diff := cmp.Diff(want, agent.Load()); diff != "" {
		t.Error(diff)
	}
}

func TestHostileHTTP2(t *testing.T) {
	var pushed atomic.Int64
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		want    notification.Answer
	}{
		{"says nothing", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, notification.Answer{
			Reason: notification.ReasonTimeout, Detail: "no answer within 0.2 s",
		}},
		{"resets the stream", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, notification.Answer{
			Reason: notification.ReasonProtocol, Detail: "the answer was broken off before its headers (HTTP/2 stream reset)",
		}},
		{"huge headers", func(w http.ResponseWriter, _ *http.Request) {
			for i := range 100 {
				w.Header().Add("X-A", strings.Repeat("a", 1000+i))
			}
		}, notification.Answer{Reason: notification.ReasonProtocol, Detail: "the answer is not valid HTTP/2"}},
		{"flood of 103", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-A", strings.Repeat("a", 1000))
			for r.Context().Err() == nil {
				w.WriteHeader(http.StatusEarlyHints)
			}
		}, notification.Answer{Reason: notification.ReasonProtocol, Detail: "the answer's headers are larger than 64 KiB"}},
		{"endless body", func(w http.ResponseWriter, r *http.Request) {
			for chunk := bytes.Repeat([]byte("a"), 4096); r.Context().Err() == nil; {
				if n, err := w.Write(chunk); err == nil {
					pushed.Add(int64(n))
				}
			}
		}, notification.Answer{StatusCode: 200, Response: bytes.Repeat([]byte("a"), notification.LastResponseKept)}},
		{"dripping body", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "a")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(20 * time.Millisecond)
			}
		}, notification.Answer{StatusCode: 200, Response: []byte("aaa…")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv, roots := secure(t, test.handler, withHTTP2)
			start := time.Now()
			got := newClient(t, open(), outbound.Options{Timeout: short, DrainTime: short, RootCAs: roots}).Post(context.Background(), request(srv.URL))
			if took := time.Since(start); took > short+4*time.Second {
				t.Errorf("took %s", took)
			}
			compare(t, test.want, got, srv.Listener.Addr().String())
		})
	}
	if n := pushed.Load(); n > 1<<20 {
		t.Errorf("%d bytes of an endless body were taken in", n)
	}
}

// TestDetailIsBounded bounds what a certificate can put
// into a detail.
func TestDetailIsBounded(t *testing.T) {
	names := make([]string, 500)
	for i := range names {
		names[i] = strings.Repeat("a", 50) + ".example.com"
	}
	cert, roots := certificate(t, names)
	srv, _ := secure(t, sayProto, func(srv *httptest.Server) { srv.TLS.Certificates = []tls.Certificate{cert} })
	c := newClient(t, open(), outbound.Options{RootCAs: roots, Resolver: resolving(t, func(_ string, v6 bool) []netip.Addr {
		if v6 {
			return []netip.Addr{}
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	})})
	got := post(t, c, request("https://receiver.test:"+portOf(t, srv.URL)+"/"))
	if got.Reason != notification.ReasonTLS || len(got.Detail) > 250 {
		t.Errorf("reason %s, detail of %d bytes: %.300s", got.Reason, len(got.Detail), got.Detail)
	}
}

package outbound_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mediahooks/mediahooks/shared/delivery"
	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/outbound"
	"github.com/mediahooks/mediahooks/shared/registry"
)

var (
	_ delivery.Sender   = (*outbound.Client)(nil)
	_ registry.URLGuard = outbound.Guard{}
	_ intake.URLGuard   = outbound.Guard{}
)

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// observed leaves out what differs from run to run.
var observed = cmpopts.IgnoreFields(notification.Answer{}, "Phases", "RemoteAddr")

// TestOnTheWire reads a request as it arrives, byte for byte.
func TestOnTheWire(t *testing.T) {
	for _, test := range []struct {
		name string
		path string
		req  func(*notification.Request)
		opts outbound.Options
		want []string
	}{
		{"ordinary", "/hook?token=a%20b&x=1#fragment", nil, outbound.Options{UserAgent: "Mediahooks/1.2"}, []string{
			"POST /hook?token=a%20b&x=1 HTTP/1.1",
			"Content-Length: 30", "Content-Type: application/json", "Host: ADDR", "User-Agent: Mediahooks/1.2",
			"X-Cld-Signature: 0123456789abcdef", "X-Cld-Timestamp: 1700000000",
			"", `{"notification_type":"upload"}`,
		}},
		{"no path, no user agent of its own", "", nil, outbound.Options{}, []string{
			"POST / HTTP/1.1",
			"Content-Length: 30", "Content-Type: application/json", "Host: ADDR", "User-Agent: Mediahooks",
			"X-Cld-Signature: 0123456789abcdef", "X-Cld-Timestamp: 1700000000",
			"", `{"notification_type":"upload"}`,
		}},
		{"other scripts", "/größe?q=größe", func(r *notification.Request) { r.Header = nil }, outbound.Options{}, []string{
			"POST /gr%C3%B6%C3%9Fe?q=gr%C3%B6%C3%9Fe HTTP/1.1",
			"Content-Length: 30", "Host: ADDR", "User-Agent: Mediahooks",
			"", `{"notification_type":"upload"}`,
		}},
		{"odd paths stay as they are", "//a/../b;c=d/%2F?e=f;g&h", func(r *notification.Request) { r.Header = nil }, outbound.Options{}, []string{
			"POST //a/../b;c=d/%2F?e=f;g&h HTTP/1.1",
			"Content-Length: 30", "Host: ADDR", "User-Agent: Mediahooks",
			"", `{"notification_type":"upload"}`,
		}},
		{"headers that are HTTP's own are not the request's to set", "/", func(r *notification.Request) {
			r.Header = map[string]string{"host": "example.com", "content-length": "7", "transfer-encoding": "chunked", "user-agent": "Mine"}
		}, outbound.Options{UserAgent: "Mediahooks/1.2"}, []string{
			"POST / HTTP/1.1",
			"Content-Length: 30", "Host: ADDR", "User-Agent: Mine",
			"", `{"notification_type":"upload"}`,
		}},
		{"an idempotency key is sent where it is asked for", "/", func(r *notification.Request) {
			r.Header = map[string]string{"Idempotency-Key": "dlv_1"}
		}, outbound.Options{}, []string{
			"POST / HTTP/1.1",
			"Content-Length: 30", "Host: ADDR", "Idempotency-Key: dlv_1", "User-Agent: Mediahooks",
			"", `{"notification_type":"upload"}`,
		}},
		{"no body", "/", func(r *notification.Request) { r.Header, r.Body = nil, nil }, outbound.Options{}, []string{
			"POST / HTTP/1.1",
			"Content-Length: 0", "Host: ADDR", "User-Agent: Mediahooks",
			"", "",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := make(chan []string, 1)
			s := listen(t, func(_ *server, conn net.Conn, _ int64) {
				got <- readRaw(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, okAnswer)
			})
			req := request("http://" + s.addr + test.path)
			if test.req != nil {
				test.req(&req)
			}
			answer := post(t, newClient(t, open(), test.opts), req)
			if answer.StatusCode != http.StatusOK {
				t.Fatalf("answer %+v", answer)
			}
			want := strings.Split(strings.ReplaceAll(strings.Join(test.want, "\n"), "ADDR", s.addr), "\n")
			if diff := cmp.Diff(want, <-got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// readRaw returns the request line, the headers in alphabetical order, an empty
// line, and the body.
func readRaw(r *bufio.Reader) []string {
	line := func() string {
		s, _ := r.ReadString('\n')
		return strings.TrimSuffix(s, "\r\n")
	}
	first, headers, length := line(), []string{}, 0
	for h := line(); h != ""; h = line() {
		headers = append(headers, h)
		if n, found := strings.CutPrefix(h, "Content-Length: "); found {
			_, _ = fmt.Sscan(n, &length)
		}
	}
	body := make([]byte, length)
	_, _ = io.ReadFull(r, body)
	slices.Sort(headers)
	return append(append([]string{first}, headers...), "", string(body))
}

func TestAnswers(t *testing.T) {
	long := strings.Repeat("abcdefgh", 1024)
	for _, test := range []struct {
		name string
		raw  string
		want notification.Answer
	}{
		{"200 with a body", okAnswer, notification.Answer{StatusCode: 200, Response: []byte("ok")}},
		{"200 without one", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", notification.Answer{StatusCode: 200}},
		{"204", "HTTP/1.1 204 No Content\r\n\r\n", notification.Answer{StatusCode: 204}},
		{"301 is an answer", "HTTP/1.1 301 Moved Permanently\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", notification.Answer{StatusCode: 301}},
		{"304", "HTTP/1.1 304 Not Modified\r\n\r\n", notification.Answer{StatusCode: 304}},
		{"404", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope", notification.Answer{StatusCode: 404, Response: []byte("nope")}},
		{"500 in chunks", "HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n2\r\noo\r\n2\r\nps\r\n0\r\n\r\n", notification.Answer{StatusCode: 500, Response: []byte("oops")}},
		{"a status of nobody's", "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", notification.Answer{StatusCode: 999}},
		{"after an early hint", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + okAnswer, notification.Answer{StatusCode: 200, Response: []byte("ok")}},
		{"the start of a long body", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(long), long), notification.Answer{StatusCode: 200, Response: []byte(long[:notification.LastResponseKept])}},
		{"bytes of a body as they come", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x00\xff", notification.Answer{StatusCode: 200, Response: []byte("\x1f\x8b\x00\xff")}},
		{"Retry-After in seconds", "HTTP/1.1 429 Slow\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n", notification.Answer{StatusCode: 429, RetryAfter: "120"}},
		{"Retry-After as a date", "HTTP/1.1 503 Later\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\nContent-Length: 0\r\n\r\n", notification.Answer{StatusCode: 503, RetryAfter: "Fri, 31 Dec 1999 23:59:59 GMT"}},
		{"Retry-After too long to be one", "HTTP/1.1 503 Later\r\nRetry-After: " + strings.Repeat("9", 129) + "\r\nContent-Length: 0\r\n\r\n", notification.Answer{StatusCode: 503}},
		{"Retry-After not printable", "HTTP/1.1 503 Later\r\nRetry-After: 1\xff2\r\nContent-Length: 0\r\n\r\n", notification.Answer{StatusCode: 503}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := listen(t, answering(test.raw))
			got := post(t, newClient(t, open(), outbound.Options{}), request(s.url))
			if diff := cmp.Diff(test.want, got, observed, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if got.RemoteAddr != s.addr {
				t.Errorf("remote address %q, want %q", got.RemoteAddr, s.addr)
			}
			if n := s.requests.Load(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	target := listen(t, answering(okAnswer))
	for _, status := range []int{300, 301, 302, 303, 307, 308} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			s := listen(t, answering(fmt.Sprintf("HTTP/1.1 %d Elsewhere\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", status, target.url)))
			got := post(t, newClient(t, open(), outbound.Options{}), request(s.url))
			if diff := cmp.Diff(notification.Answer{StatusCode: status}, got, observed, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
	if n := target.accepted.Load(); n != 0 {
		t.Errorf("the target of the redirects was spoken to %d times", n)
	}
}

// TestProxyFromEnvironmentIsIgnored uses a name, for net/http takes no request for
// loopback to a proxy, and a guard under which the proxy could be dialled.
func TestProxyFromEnvironmentIsIgnored(t *testing.T) {
	proxy := listen(t, answering(okAnswer))
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, "http://"+proxy.addr)
	}
	for _, name := range []string{"NO_PROXY", "no_proxy", "REQUEST_METHOD"} {
		t.Setenv(name, "")
	}
	plain := listen(t, answering(okAnswer))
	secured, roots := listenTLS(t, nil, answering(okAnswer))
	for _, s := range []*server{plain, secured} {
		_, port, _ := net.SplitHostPort(s.addr)
		scheme, _, _ := strings.Cut(s.url, ":")
		c := newClient(t, open(), outbound.Options{RootCAs: roots, Resolver: resolving(t, addresses("127.0.0.1"))})
		if got := post(t, c, request(scheme+"://receiver.test:"+port+"/")); got.StatusCode != 200 || got.RemoteAddr != s.addr {
			t.Errorf("%s: answer %+v", scheme, got)
		}
	}
	if n := proxy.accepted.Load(); n != 0 {
		t.Errorf("the proxy was spoken to %d times", n)
	}
}

// TestConnectionsAreReused: after every kind of answer that ends within what is
// drained, the next POST goes over the same connection.
func TestConnectionsAreReused(t *testing.T) {
	body := func(n int) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", n, strings.Repeat("x", n))
	}
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
	for _, test := range []struct {
		name   string
		raw    string
		reused bool
	}{
		{"no body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
		{"short body", okAnswer, true},
		{"error", "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops", true},
		{"as long as what is kept", body(notification.LastResponseKept), true},
		{"longer than what is kept", body(notification.LastResponseKept + 1), true},
		{"chunked, as long as what is kept", fmt.Sprintf(chunked, 1024, strings.Repeat("x", 1024)), true},
		{"as long as what is drained", body(64 << 10), true},
		{"chunked, as long as what is drained", fmt.Sprintf(chunked, 64<<10, strings.Repeat("x", 64<<10)), true},
		{"longer than what is drained", body(256 << 10), false},
		{"asked to close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := listen(t, answering(test.raw))
			c := newClient(t, open(), outbound.Options{})
			first, second := post(t, c, request(s.url)), post(t, c, request(s.url))
			if first.StatusCode == 0 || second.StatusCode == 0 {
				t.Fatalf("answers %+v, %+v", first, second)
			}
			if first.Reused || second.Reused != test.reused {
				t.Errorf("reused: first %t, second %t; want false, %t", first.Reused, second.Reused, test.reused)
			}
			if test.reused && s.accepted.Load() != 1 {
				t.Errorf("%d connections", s.accepted.Load())
			}
		})
	}
}

func TestPhases(t *testing.T) {
	s := listen(t, answering(okAnswer))
	_, port, _ := net.SplitHostPort(s.addr)
	c := newClient(t, open(), outbound.Options{Resolver: resolving(t, addresses("127.0.0.1"))})
	url := "http://receiver.test:" + port + "/"

	first := post(t, c, request(url))
	if first.StatusCode != 200 {
		t.Fatalf("answer %+v", first)
	}
	p := first.Phases
	if p.DNS <= 0 || p.Connect <= 0 || p.TLS != 0 || p.FirstByte <= 0 {
		t.Errorf("first: phases %+v, want all but TLS", p)
	}
	second := post(t, c, request(url))
	p = second.Phases
	if !second.Reused || p.DNS != 0 || p.Connect != 0 || p.TLS != 0 || p.FirstByte <= 0 {
		t.Errorf("second: reused %t, phases %+v, want the first byte only", second.Reused, p)
	}
}

func TestManyAtOnce(t *testing.T) {
	var sum atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sum.Add(int64(len(body)))
		_, _ = w.Write(body)
	}))
	t.Cleanup(srv.Close)
	c := newClient(t, open(), outbound.Options{})
	errs := make(chan error, 64)
	for i := range cap(errs) {
		go func() {
			req := request(srv.URL)
			req.Body = bytes.Repeat([]byte{'a' + byte(i%26)}, 100*(i+1))
			answer := c.Post(context.Background(), req)
			if want := req.Body[:min(len(req.Body), notification.LastResponseKept)]; !bytes.Equal(want, answer.Response) {
				errs <- fmt.Errorf("POST %d: answer %+v", i, answer)
				return
			}
			errs <- nil
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if want := int64(100 * 64 * 65 / 2); sum.Load() != want {
		t.Errorf("%d bytes arrived, want %d", sum.Load(), want)
	}
}

package outbound_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/outbound"
)

// TestMemoryStaysFlat posts to receivers that send without end, four at a time,
// and watches the heap, in which the receivers are too. What it allows is what the
// connections themselves take; a body that were kept, or a bomb that were unpacked,
// would take hundreds of times as much.
func TestMemoryStaysFlat(t *testing.T) {
	const (
		atOnce, posts = 4, 8
		allowed       = 16 << 20
		start         = "HTTP/1.1 200 OK\r\n"
	)
	headers := frame(frameHeaders, flagEndHeaders, 1, status200)
	bomb := gzipBomb(t)
	bombed := fmt.Sprintf("%sContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", start, len(bomb), bomb)
	for _, test := range []struct {
		name      string
		protocols []string
		serve     func(*server, net.Conn, int64)
	}{
		{"headers", nil, script(start, flood("X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"))},
		{"headers over TLS", []string{"http/1.1"}, script(start, flood("X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"))},
		{"early hints", nil, script("", flood("HTTP/1.1 103 Early Hints\r\nX-A: a\r\n\r\n"))},
		{"body", nil, script(start+"\r\n", flood("a"))},
		{"body over TLS", []string{"http/1.1"}, script(start+"\r\n", flood("a"))},
		{"gzip bomb", nil, answering(bombed)},
		{"gzip bomb over TLS", []string{"http/1.1"}, answering(bombed)},
		{"HTTP/2 body", []string{"h2"}, speakHTTP2(headers, flood(frame(frameData, 0, 1, strings.Repeat("a", 4000))))},
		{"HTTP/2 CONTINUATION", []string{"h2"}, speakHTTP2(frame(frameHeaders, 0, 1, status200), flood(frame(frameContinuation, 0, 1, fieldA)))},
		{"HTTP/2 SETTINGS", []string{"h2"}, speakHTTP2("", flood(frame(frameSettings, 0, 0, "")))},
		{"HTTP/2 PING", []string{"h2"}, speakHTTP2("", flood(frame(framePing, 0, 0, "12345678")))},
		{"HTTP/2 PING, deaf", []string{"h2"}, deafTo(frame(frameSettings, 0, 0, ""), flood(frame(framePing, 0, 0, "12345678")))},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s *server
			var roots *x509.CertPool
			if test.protocols == nil {
				s = listen(t, test.serve)
			} else {
				s, roots = listenTLS(t, test.protocols, test.serve)
			}
			// One client for each worker: they share nothing that could bound them.
			var clients []*outbound.Client
			for range atOnce {
				clients = append(clients, newClient(t, open(), outbound.Options{RootCAs: roots, Timeout: 5 * time.Second, DrainTime: short}))
			}
			before := heap()
			goroutines := runtime.NumGoroutine()
			stop, peak := watchHeap()
			var working sync.WaitGroup
			for _, c := range clients {
				working.Go(func() {
					for range posts / atOnce {
						checkDetail(t, c.Post(context.Background(), request(s.url)))
						c.CloseIdle()
					}
				})
			}
			working.Wait()
			stop()
			if grown := int64(peak.Load()) - int64(before); grown > allowed {
				t.Errorf("the heap grew by %d KiB", grown>>10)
			} else {
				t.Logf("the heap grew by %d KiB", grown>>10)
			}
			eventually(t, "every goroutine of a POST ends", func() bool { return runtime.NumGoroutine() <= goroutines+2 })
		})
	}
}

// heap is what is in use once the garbage is gone.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// watchHeap notes the most that is in use until it is stopped. It collects the
// garbage itself, for how much lies about otherwise is the collector's affair.
func watchHeap() (stop func(), peak *atomic.Uint64) {
	peak = new(atomic.Uint64)
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for ticker := time.Tick(10 * time.Millisecond); ; <-ticker {
			peak.Store(max(peak.Load(), heap()))
			select {
			case <-done:
				return
			default:
			}
		}
	})
	return func() { close(done); watching.Wait() }, peak
}

// gzipBomb is what unpacks to 64 MiB.
func gzipBomb(t testing.TB) string {
	t.Helper()
	var bomb strings.Builder
	z := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 64 {
		if _, err := z.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	z.Close()
	return bomb.String()
}

// TestGzip: it is not asked for, and a body that comes so is not unpacked.
func TestGzip(t *testing.T) {
	bomb := gzipBomb(t)
	var asked atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			asked.Add(1)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, bomb)
	})
	plain := httptest.NewServer(handler)
	t.Cleanup(plain.Close)
	for _, test := range []struct {
		name string
		url  func() (string, *x509.CertPool)
	}{
		{"http", func() (string, *x509.CertPool) { return plain.URL, nil }},
		{"https", func() (string, *x509.CertPool) {
			srv, roots := secure(t, handler, nil)
			return srv.URL, roots
		}},
		{"HTTP/2", func() (string, *x509.CertPool) {
			srv, roots := secure(t, handler, withHTTP2)
			return srv.URL, roots
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			url, roots := test.url()
			got := post(t, newClient(t, open(), outbound.Options{RootCAs: roots}), request(url))
			want := notification.Answer{StatusCode: 200, Response: []byte(bomb[:notification.LastResponseKept])}
			if diff := cmp.Diff(want, got, observed); diff != "" {
				t.Error(diff)
			}
		})
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("compression was asked for %d times", n)
	}
}

// TestLittleIsReadOfALongBody counts what a receiver can push at us.
func TestLittleIsReadOfALongBody(t *testing.T) {
	var pushed atomic.Int64
	s := listen(t, func(s *server, conn net.Conn, _ int64) {
		// Small buffers, so that what is counted is what was read.
		_ = conn.(*net.TCPConn).SetWriteBuffer(4096)
		s.readRequest(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
		pushed.Add(pour(conn, strings.Repeat("a", 4096)))
	})
	got := post(t, newClient(t, open(), outbound.Options{}), request(s.url))
	if got.StatusCode != 200 {
		t.Fatalf("answer %+v", got)
	}
	eventually(t, "the connection ends", func() bool { return s.ended.Load() == 1 })
	// The kernel's receive buffer is not ours; it holds up to 6 MiB.
	if n := pushed.Load(); n > 8<<20 {
		t.Errorf("%d bytes went out", n)
	}
}

// TestAllowanceIsNotSavedUp: a receiver that has answered a thousand times may not
// send a thousand answers' worth of frames afterwards.
func TestAllowanceIsNotSavedUp(t *testing.T) {
	const posts = 200
	var pushed atomic.Int64
	s, roots := listenTLS(t, []string{"h2"}, func(s *server, conn net.Conn, _ int64) {
		_ = tcpOf(conn).SetWriteBuffer(4096)
		_, _ = io.WriteString(conn, frame(frameSettings, 0, 0, ""))
		r := bufio.NewReader(conn)
		for stream := uint32(1); stream < 2*posts; stream += 2 {
			if stream == 1 && !awaitHeaders(r) || stream > 1 && !nextHeaders(r) {
				return
			}
			s.requests.Add(1)
			_, _ = io.WriteString(conn, frame(frameHeaders, flagEndHeaders|flagEndStream, stream, status200))
		}
		go hold(conn)
		pushed.Add(pour(conn, strings.Repeat(frame(frameUnknown, 0, 0, ""), 400)))
	})
	c := newClient(t, open(), outbound.Options{RootCAs: roots})
	for i := range posts {
		if got := post(t, c, request(s.url)); got.StatusCode != 200 {
			t.Fatalf("answer %d: %+v", i, got)
		}
	}
	eventually(t, "the flood's connection ends", func() bool { return s.ended.Load() == s.accepted.Load() })
	if n := s.requests.Load(); n != posts || s.accepted.Load() != 1 {
		t.Errorf("%d requests over %d connections", n, s.accepted.Load())
	}
	// Saved up, the allowance would be 100 MiB; what the kernel buffers is not ours.
	if n := pushed.Load(); n > 16<<20 {
		t.Errorf("%d KiB went out", n>>10)
	}
}

// TestAllowanceIsEnough: many long answers at once over one connection of HTTP/2,
// and one after another, are no flood.
func TestAllowanceIsEnough(t *testing.T) {
	var served atomic.Int64
	srv, roots := secure(t, func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		for i := range 30 {
			w.Header().Set(fmt.Sprintf("X-A-%d", i), strings.Repeat("a", 1000))
		}
		_, _ = w.Write(bytes.Repeat([]byte("a"), 60<<10))
	}, withHTTP2)
	c := newClient(t, open(), outbound.Options{RootCAs: roots})
	for range 4 {
		var posting sync.WaitGroup
		for range 50 {
			posting.Go(func() {
				if got := c.Post(context.Background(), request(srv.URL)); got.StatusCode != 200 || len(got.Response) != notification.LastResponseKept {
					t.Errorf("answer %+v", got)
				}
			})
		}
		posting.Wait()
	}
	if n := served.Load(); n != 200 {
		t.Errorf("%d requests were served", n)
	}
}

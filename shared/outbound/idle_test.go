package outbound_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/outbound"
)

// TestReplayOnDeadConnection: a receiver that hangs up a connection after its
// first answer, at the very moment the second request comes.
func TestReplayOnDeadConnection(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(net.Conn)
	}{
		{"closed", hangUp},
		{"reset", reset},
	} {
		t.Run(test.name, func(t *testing.T) {
			var replayed atomic.Value
			s := listen(t, func(s *server, conn net.Conn, number int64) {
				r := bufio.NewReader(conn)
				if number > 1 {
					replayed.Store(readRaw(r))
					s.requests.Add(1)
					_, _ = io.WriteString(conn, okAnswer)
					hold(conn)
					return
				}
				s.readRequest(r)
				_, _ = io.WriteString(conn, okAnswer)
				// The first byte of the second request, and then the end.
				_, _ = r.ReadByte()
				test.end(conn)
			})
			c := newClient(t, open(), outbound.Options{})
			if got := post(t, c, request(s.url)); got.StatusCode != 200 {
				t.Fatalf("first answer %+v", got)
			}
			got := post(t, c, request(s.url))
			want := notification.Answer{StatusCode: 200, Response: []byte("ok")}
			if diff := cmp.Diff(want, got, observed); diff != "" {
				t.Error(diff)
			}
			if n := s.requests.Load(); n != 2 {
				t.Errorf("%d whole requests arrived, want one for each POST", n)
			}
			raw, _ := replayed.Load().([]string)
			if len(raw) == 0 || raw[len(raw)-1] != string(request("").Body) {
				t.Errorf("the repeat was %q", raw)
			}
		})
	}
}

// TestNoReplayOnFreshConnection: what a receiver hangs up on at once is not sent
// again and again.
func TestNoReplayOnFreshConnection(t *testing.T) {
	s := listen(t, script("", hangUp))
	if got := post(t, newClient(t, open(), outbound.Options{}), request(s.url)); got.Reason != notification.ReasonConnect {
		t.Errorf("answer %+v", got)
	}
	if a, r := s.accepted.Load(), s.requests.Load(); a != 1 || r != 1 {
		t.Errorf("%d connections, %d requests, want one", a, r)
	}
}

// TestNoReplayAfterTheFirstByte: the receiver has begun to answer, so it has the
// notification.
func TestNoReplayAfterTheFirstByte(t *testing.T) {
	s := listen(t, func(s *server, conn net.Conn, _ int64) {
		r := bufio.NewReader(conn)
		s.readRequest(r)
		_, _ = io.WriteString(conn, okAnswer)
		s.readRequest(r)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
	})
	c := newClient(t, open(), outbound.Options{})
	post(t, c, request(s.url))
	got := post(t, c, request(s.url))
	if got.Reason != notification.ReasonProtocol || !got.Reused {
		t.Errorf("answer %+v", got)
	}
	if a, r := s.accepted.Load(), s.requests.Load(); a != 1 || r != 2 {
		t.Errorf("%d connections, %d requests", a, r)
	}
}

// clock is a wall clock that a test moves, the way it moves on while a process is
// frozen.
type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func TestIdleConnectionsAreDroppedByWallClock(t *testing.T) {
	for _, test := range []struct {
		name   string
		gap    time.Duration
		reused bool
	}{
		{"called again at once", 0, true},
		{"a short gap", 3 * time.Second, true},
		{"frozen for a while", 6 * time.Second, false},
		{"frozen for hours", 5 * time.Hour, false},
		{"the clock was set back", -time.Hour, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := listen(t, answering(okAnswer))
			var wall clock
			c := newClient(t, open(), outbound.Options{Now: wall.Now})
			if got := post(t, c, request(s.url)); got.StatusCode != 200 {
				t.Fatalf("answer %+v", got)
			}
			wall.ahead.Add(int64(test.gap))
			if got := post(t, c, request(s.url)); got.StatusCode != 200 || got.Reused != test.reused {
				t.Errorf("answer %+v, want reused %t", got, test.reused)
			}
		})
	}
}

// TestNothingIsDroppedInFlight: while a slow receiver is waited for, the process
// is not frozen, whatever the clock says.
func TestNothingIsDroppedInFlight(t *testing.T) {
	s := listen(t, answering(okAnswer))
	release := make(chan struct{})
	slow := listen(t, func(s *server, conn net.Conn, _ int64) {
		s.readRequest(bufio.NewReader(conn))
		<-release
		_, _ = io.WriteString(conn, okAnswer)
	})
	var wall clock
	c := newClient(t, open(), outbound.Options{Now: wall.Now})
	post(t, c, request(s.url))
	done := make(chan notification.Answer)
	go func() { done <- c.Post(context.Background(), request(slow.url)) }()
	eventually(t, "the slow receiver has its request", func() bool { return slow.requests.Load() == 1 })
	wall.ahead.Store(int64(time.Hour))
	if got := post(t, c, request(s.url)); !got.Reused {
		t.Errorf("answer %+v, want a reused connection", got)
	}
	close(release)
	if got := <-done; got.StatusCode != 200 {
		t.Errorf("slow answer %+v", got)
	}
}

// relay passes bytes on to a server until it is frozen or cut, as a connection
// does whose other end has gone while this process slept.
type relay struct {
	addr   string
	dials  atomic.Int64
	frozen atomic.Bool
	cut    atomic.Bool
}

// relayTo breaks only the first connection; later ones work.
func relayTo(t *testing.T, target string) *relay {
	t.Helper()
	r := &relay{}
	s := listen(t, func(_ *server, conn net.Conn, number int64) {
		r.dials.Add(1)
		upstream, err := net.Dial("tcp4", target)
		if err != nil {
			return
		}
		defer upstream.Close()
		go func() {
			_, _ = io.Copy(conn, upstream)
			conn.Close()
		}()
		buf := make([]byte, 32<<10)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			switch {
			case number == 1 && r.cut.Load():
				reset(conn)
				return
			case number == 1 && r.frozen.Load():
				continue
			}
			if _, err := upstream.Write(buf[:n]); err != nil {
				return
			}
		}
	})
	r.addr = s.addr
	return r
}

// TestReplayOverHTTP2: net/http repeats a POST on a dead HTTP/1 connection, and
// not on a dead HTTP/2 one.
func TestReplayOverHTTP2(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(*relay)
	}{
		{"reset", func(r *relay) { r.cut.Store(true) }},
		{"silent, found by a ping", func(r *relay) { r.frozen.Store(true) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var served atomic.Int64
			srv, roots := secure(t, func(w http.ResponseWriter, r *http.Request) {
				served.Add(1)
				sayProto(w, r)
			}, withHTTP2)
			r := relayTo(t, srv.Listener.Addr().String())
			c := newClient(t, open(), outbound.Options{RootCAs: roots, Timeout: 4 * time.Second})
			first := post(t, c, request("https://"+r.addr+"/"))
			if string(first.Response) != "HTTP/2.0" {
				t.Fatalf("first answer %+v", first)
			}
			test.spoil(r)
			got := post(t, c, request("https://"+r.addr+"/"))
			want := notification.Answer{StatusCode: 200, Response: []byte("HTTP/2.0")}
			if diff := cmp.Diff(want, got, observed); diff != "" {
				t.Error(diff)
			}
			if d, n := r.dials.Load(), served.Load(); d != 2 || n != 2 {
				t.Errorf("%d connections, %d requests served, want 2 and 2", d, n)
			}
		})
	}
}

package outbound_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/outbound"
)

// addresses answers every name with the same addresses.
func addresses(list ...string) func(string, bool) []netip.Addr {
	addrs := []netip.Addr{}
	for _, s := range list {
		addrs = append(addrs, netip.MustParseAddr(s))
	}
	return func(string, bool) []netip.Addr { return addrs }
}

// TestRebinding: a name that resolves to a public address when somebody looks,
// and to this machine when it is dialled.
func TestRebinding(t *testing.T) {
	s := listen(t, answering(okAnswer))
	_, port, _ := net.SplitHostPort(s.addr)
	var checked atomic.Bool
	resolver := resolving(t, func(_ string, v6 bool) []netip.Addr {
		switch {
		case v6:
			return []netip.Addr{}
		case checked.Load():
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
		}
		return []netip.Addr{netip.MustParseAddr("8.8.8.8")}
	})
	url := "http://rebind.test:" + port + "/hook"
	if err := (outbound.Guard{}).CheckURL("uri", url); err != nil {
		t.Fatal(err)
	}
	looked, err := resolver.LookupNetIP(context.Background(), "ip4", "rebind.test")
	if err != nil {
		t.Fatal(err)
	}
	if err := (outbound.Guard{}).CheckAddr(netip.AddrPortFrom(looked[0], 80)); err != nil {
		t.Fatalf("the check was to see a public address: %v", err)
	}
	checked.Store(true)

	got := post(t, newClient(t, outbound.Guard{}, outbound.Options{Resolver: resolver}), request(url))
	want := notification.Answer{
		Reason: notification.ReasonBlockedAddress,
		Detail: "the address 127.0.0.1 is loopback and may not be spoken to",
	}
	if diff := cmp.Diff(want, got, observed); diff != "" {
		t.Error(diff)
	}
	if got.RemoteAddr != "" {
		t.Errorf("remote address %q, want none", got.RemoteAddr)
	}
	if n := s.accepted.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// TestRebindingBetweenPosts: a name that keeps its word for the first POST, whose
// connection ends, and not for the second. 127.0.0.1 stands in for a public
// address, and is the only one allowed.
func TestRebindingBetweenPosts(t *testing.T) {
	const answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
	guard := outbound.Guard{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			var opts outbound.Options
			var port string
			var private net.Listener
			// Another process may have the port on the other address.
			for tries := 0; private == nil; tries++ {
				var public *server
				if scheme == "http" {
					public = listen(t, answering(answer))
				} else {
					public, opts.RootCAs = listenTLS(t, nil, answering(answer))
				}
				_, port, _ = net.SplitHostPort(public.addr)
				var err error
				if private, err = net.Listen("tcp4", "127.0.0.2:"+port); err != nil && tries == 10 {
					t.Fatal(err)
				}
			}
			defer private.Close()
			var connections atomic.Int64
			go func() {
				for {
					if _, err := private.Accept(); err != nil {
						return
					}
					connections.Add(1)
				}
			}()
			var rebound atomic.Bool
			opts.Resolver = resolving(t, func(_ string, v6 bool) []netip.Addr {
				switch {
				case v6:
					return []netip.Addr{}
				case rebound.Load():
					return []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("::1")}
				}
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
			})
			c := newClient(t, guard, opts)
			url := scheme + "://receiver.test:" + port + "/hook"
			if got := post(t, c, request(url)); got.StatusCode != 200 {
				t.Fatalf("answer %+v", got)
			}
			rebound.Store(true)
			want := notification.Answer{
				Reason: notification.ReasonBlockedAddress,
				Detail: "the address 127.0.0.2 is loopback and may not be spoken to",
			}
			if diff := cmp.Diff(want, post(t, c, request(url)), observed); diff != "" {
				t.Error(diff)
			}
			if n := connections.Load(); n != 0 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// TestSavingAndDiallingAgree: the same words when a literal is saved, when it is
// posted to, and when a name turns out to mean it.
func TestSavingAndDiallingAgree(t *testing.T) {
	n := 0
	for _, addrs := range refusedAddrs {
		for _, addr := range addrs {
			ip := netip.MustParseAddr(addr)
			url := "https://" + netip.AddrPortFrom(ip, 443).String() + "/hook"
			saved := outbound.Guard{}.CheckURL("uri", url)
			judged := outbound.Guard{}.CheckAddr(netip.AddrPortFrom(ip, 443))
			if saved == nil || judged == nil {
				t.Errorf("%s: saved %v, judged %v", addr, saved, judged)
				continue
			}
			if want := "uri: " + judged.Error(); saved.Error() != want {
				t.Errorf("%s: saved %q, judged %q", addr, saved, want)
			}
			got := post(t, newClient(t, outbound.Guard{}, outbound.Options{}), request(url))
			if got.Reason != notification.ReasonBlockedAddress || got.Detail != judged.Error() {
				t.Errorf("%s: dialled %+v, judged %q", addr, got, judged)
			}
			n++
		}
	}
	t.Logf("%d addresses", n)
}

// TestNamesOfRefusedAddresses dials a name for each refused address: IPv4 as an A
// record and IPv6 as an AAAA record.
func TestNamesOfRefusedAddresses(t *testing.T) {
	s := listen(t, answering(okAnswer))
	_, port, _ := net.SplitHostPort(s.addr)
	var all []netip.Addr
	for _, addrs := range refusedAddrs {
		for _, addr := range addrs {
			all = append(all, netip.MustParseAddr(addr))
		}
	}
	resolver := resolving(t, func(name string, _ bool) []netip.Addr {
		var i int
		if _, err := fmt.Sscanf(name, "n%d.", &i); err != nil {
			return nil
		}
		return []netip.Addr{all[i]}
	})
	c := newClient(t, outbound.Guard{}, outbound.Options{Resolver: resolver})
	for i, addr := range all {
		t.Run(addr.String(), func(t *testing.T) {
			got := post(t, c, request(fmt.Sprintf("http://n%d.test:%s/hook", i, port)))
			// A machine without IPv6 fails before it comes to a socket to judge.
			noIPv6 := addr.Is6() && got.Reason == notification.ReasonConnect
			if got.Reason != notification.ReasonBlockedAddress && !noIPv6 {
				t.Errorf("answer %+v", got)
			}
		})
	}
	if n := s.accepted.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// TestHostileURLsAreNotSent posts to everything that CheckURL refuses: what was
// stored under other rules is judged again.
func TestHostileURLsAreNotSent(t *testing.T) {
	c := newClient(t, outbound.Guard{}, outbound.Options{Resolver: resolving(t, func(string, bool) []netip.Addr {
		t.Error("a name was resolved")
		return nil
	})})
	for _, urls := range hostileURLs {
		for _, url := range urls {
			got := post(t, c, request(url))
			if got.Reason != notification.ReasonInvalidURL && got.Reason != notification.ReasonBlockedAddress || got.StatusCode != 0 || got.Detail == "" {
				t.Errorf("%q: answer %+v", url, got)
			}
		}
	}
}

func TestDial(t *testing.T) {
	s := listen(t, answering(okAnswer))
	_, port, _ := net.SplitHostPort(s.addr)
	closed := closedAddr(t)
	_, closedPort, _ := net.SplitHostPort(closed)
	for _, test := range []struct {
		name            string
		networks, ports string
		names           func(string, bool) []netip.Addr
		url             string
		want            notification.Answer
	}{
		{"literal, loopback opened", "127.0.0.0/8", "", nil, s.url, notification.Answer{StatusCode: 200, Response: []byte("ok")}},
		{"literal, nothing opened", "", "", nil, s.url, notification.Answer{
			Reason: notification.ReasonBlockedAddress, Detail: "the address 127.0.0.1 is loopback and may not be spoken to",
		}},
		{"name, loopback opened", "127.0.0.0/8", "", addresses("127.0.0.1"), "http://receiver.test:" + port, notification.Answer{StatusCode: 200, Response: []byte("ok")}},
		{"name, one of its addresses opened", "127.0.0.1/32", "", addresses("127.0.0.9", "10.0.0.1", "127.0.0.1"), "http://receiver.test:" + port, notification.Answer{StatusCode: 200, Response: []byte("ok")}},
		{"name of two families", "127.0.0.1/32", "", addresses("::1", "127.0.0.1"), "http://receiver.test:" + port, notification.Answer{StatusCode: 200, Response: []byte("ok")}},
		{"name of a mapped address", "", "", addresses("::ffff:127.0.0.1"), "http://receiver.test:" + port, notification.Answer{
			Reason: notification.ReasonBlockedAddress, Detail: "the address 127.0.0.1 is loopback and may not be spoken to",
		}},
		{"port not allowed", "127.0.0.0/8", "80,443", nil, s.url, notification.Answer{
			Reason: notification.ReasonBlockedAddress, Detail: "port " + port + " may not be spoken to",
		}},
		{"port allowed", "127.0.0.0/8", port, nil, s.url, notification.Answer{StatusCode: 200, Response: []byte("ok")}},
		{"name that does not exist", "", "", func(string, bool) []netip.Addr { return nil }, "http://receiver.test/", notification.Answer{
			Reason: notification.ReasonDNS, Detail: "host name does not resolve: no such host",
		}},
		{"name without addresses", "", "", addresses(), "http://receiver.test/", notification.Answer{
			Reason: notification.ReasonDNS, Detail: "host name does not resolve: no such host",
		}},
		{"nobody listens", "127.0.0.0/8", "", nil, "http://" + closed + "/", notification.Answer{
			Reason: notification.ReasonConnect, Detail: "connection refused by " + closed,
		}},
		{"nobody listens at the name", "127.0.0.0/8", "", addresses("127.0.0.1"), "http://receiver.test:" + closedPort + "/", notification.Answer{
			Reason: notification.ReasonConnect, Detail: "connection refused by " + closed,
		}},
		{"no URL", "", "", nil, "", notification.Answer{
			Reason: notification.ReasonInvalidURL, Detail: "the URL cannot be used: it must be an http or https URL",
		}},
		{"header that cannot be sent", "127.0.0.0/8", "", nil, s.url + "?bad-header", notification.Answer{
			Reason: notification.ReasonProtocol, Detail: "a header of the request cannot be sent",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, err := outbound.ParseGuard(test.networks, test.ports)
			if err != nil {
				t.Fatal(err)
			}
			opts := outbound.Options{}
			if test.names != nil {
				opts.Resolver = resolving(t, test.names)
			}
			req := request(test.url)
			if strings.HasSuffix(test.url, "bad-header") {
				req.Header["X-Bad"] = "a\r\nb"
			}
			got := post(t, newClient(t, g, opts), req)
			if diff := cmp.Diff(test.want, got, observed); diff != "" {
				t.Error(diff)
			}
			if got.StatusCode == 0 && got.RemoteAddr != "" {
				t.Errorf("remote address %q, want none", got.RemoteAddr)
			}
		})
	}
}

// closedAddr is an address at which nobody listens.
func closedAddr(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// TestGuardIsTakenAsItIs: what the caller does to its slices afterwards opens
// nothing.
func TestGuardIsTakenAsItIs(t *testing.T) {
	s := listen(t, answering(okAnswer))
	g := outbound.Guard{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	c := newClient(t, g, outbound.Options{})
	copy(g.Networks, open().Networks)
	if !slices.Equal(g.Networks, open().Networks) {
		t.Fatal("the caller's guard was to change")
	}
	if got := post(t, c, request(s.url)); got.Reason != notification.ReasonBlockedAddress {
		t.Errorf("answer %+v", got)
	}
}

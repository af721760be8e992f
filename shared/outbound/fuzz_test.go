package outbound_test

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/outbound"
)

// FuzzCheckURL looks for a URL that is accepted although its host is a refused
// address in the eyes of somebody else: net.ParseIP, or a C library.
func FuzzCheckURL(f *testing.F) {
	for _, urls := range hostileURLs {
		for _, u := range urls {
			f.Add(u)
		}
	}
	for _, addr := range allowedAddrs {
		f.Add("http://" + netip.AddrPortFrom(netip.MustParseAddr(addr), 8080).String() + "/hook?a=b#c")
	}
	f.Add("https://example.com/größe?q=%20")
	f.Fuzz(func(t *testing.T, raw string) {
		err := outbound.Guard{}.CheckURL("uri", raw)
		if err != nil {
			if notification.CodeOf(err) != notification.Invalid || !strings.HasPrefix(err.Error(), "uri: ") {
				t.Errorf("%q: error %v", raw, err)
			}
			return
		}
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatalf("%q is accepted and cannot be parsed: %v", raw, err)
		}
		if u.User != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || len(raw) > 2048 {
			t.Errorf("%q is accepted as %#v", raw, u)
		}
		if strings.TrimRight(strings.ToLower(u.Hostname()), ".") == "localhost" {
			t.Errorf("%q is accepted", raw)
		}
		if ip := asAddress(u.Hostname()); ip != nil && !isPublic(ip) {
			t.Errorf("%q is accepted and means %s", raw, ip)
		}
	})
}

// FuzzPost looks for a URL by which a closed guard makes a connection. Every name
// resolves to refused addresses, this machine's among them.
func FuzzPost(f *testing.F) {
	s := listen(f, answering(okAnswer))
	_, port, _ := net.SplitHostPort(s.addr)
	for _, urls := range hostileURLs {
		for _, u := range urls {
			f.Add(u)
		}
	}
	for _, host := range []string{"receiver.test", "localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "127.1", "0x7f.1", "0", "a@127.0.0.1", "xn--80ak6aa92e.com", "_a.b"} {
		f.Add("http://" + host + ":" + port + "/hook")
		f.Add("https://" + host + ":" + port)
	}
	resolver := resolving(f, addresses("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254", "64:ff9b::7f00:1"))
	c := newClient(f, outbound.Guard{}, outbound.Options{Resolver: resolver})
	f.Fuzz(func(t *testing.T, raw string) {
		if u, err := url.Parse(raw); err == nil && asAddress(u.Hostname()) != nil && isPublic(asAddress(u.Hostname())) {
			return // nobody out there is to be bothered
		}
		got := post(t, c, request(raw))
		switch got.Reason {
		case notification.ReasonInvalidURL, notification.ReasonBlockedAddress, notification.ReasonDNS:
		case notification.ReasonConnect: // a machine without IPv6
		default:
			t.Errorf("%q: answer %+v", raw, got)
		}
		if got.RemoteAddr != "" || got.Phases.Connect != 0 || s.accepted.Load() != 0 {
			t.Errorf("%q: a connection was made: %+v", raw, got)
		}
	})
}

// asAddress reads a host as whoever reads most into it: as an address of either
// family, with a zone or a dot behind it, or by the rules of inet_aton(3).
func asAddress(host string) net.IP {
	host, _, _ = strings.Cut(strings.TrimRight(host, "."), "%")
	if ip := net.ParseIP(host); ip != nil {
		return ip
	}
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return nil
	}
	var ip uint64
	for i, part := range parts {
		// Base 0 knows 0x and a leading 0 as C does; what else it knows is too much.
		if strings.ContainsAny(strings.ToLower(part), "_bo") && !strings.HasPrefix(strings.ToLower(part), "0x") {
			return nil
		}
		n, err := strconv.ParseUint(part, 0, 32)
		if err != nil {
			return nil
		}
		if i < len(parts)-1 {
			ip |= (n & 0xff) << (24 - 8*i)
		} else {
			ip |= n
		}
	}
	return net.IPv4(byte(ip>>24), byte(ip>>16), byte(ip>>8), byte(ip))
}

// isPublic is another judge than the package's: it goes by bytes, not by
// prefixes.
func isPublic(ip net.IP) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return false
	}
	if b := ip.To4(); b != nil {
		switch {
		case b[0] == 0, b[0] >= 240,
			b[0] == 100 && b[1]&0xc0 == 64,
			b[0] == 198 && b[1]&0xfe == 18,
			b[0] == 192 && b[1] == 0 && (b[2] == 0 || b[2] == 2),
			b[0] == 192 && b[1] == 88 && b[2] == 99,
			b[0] == 198 && b[1] == 51 && b[2] == 100,
			b[0] == 203 && b[1] == 0 && b[2] == 113:
			return false
		}
		return true
	}
	switch {
	case ip[0]&0xe0 != 0x20,
		ip[0] == 0x20 && ip[1] == 0x01 && ip[2] < 2,
		ip[0] == 0x20 && ip[1] == 0x01 && ip[2] == 0x0d && ip[3] == 0xb8,
		ip[0] == 0x20 && ip[1] == 0x02,
		ip[0] == 0x3f && ip[1] == 0xff && ip[2] < 0x10,
		ip[10] == 0x5e && ip[11] == 0xfe && ip[9] == 0 && ip[8]&^2 == 0:
		return false
	}
	return true
}

// TestTheJudgesAgree holds the fuzz target's judge against the tables.
func TestTheJudgesAgree(t *testing.T) {
	for name, addrs := range refusedAddrs {
		for _, addr := range addrs {
			// These are public to everybody but us: sinks that answer no POST.
			if name == "AS112 IPv4" || name == "AS112 IPv6" && strings.HasPrefix(addr, "2620") || name == "AMT" {
				continue
			}
			if isPublic(net.ParseIP(addr)) {
				t.Errorf("%s: %s is public to the other judge", name, addr)
			}
		}
	}
	for _, addr := range allowedAddrs {
		if !isPublic(net.ParseIP(addr)) {
			t.Errorf("%s is not public to the other judge", addr)
		}
	}
}

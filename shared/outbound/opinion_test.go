package outbound_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"

	"code.dny.dev/ssrf"

	"github.com/mediahooks/mediahooks/shared/outbound"
)

// second is another project's judge of addresses, generated from IANA's
// registries.
var second = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAnyNetwork())

// disagree judges an address three times: by the package, by the second judge and
// by isPublic, which goes by bytes. It returns what is wrong, or nothing where
// they agree or where their difference has a reason.
func disagree(ip netip.Addr) string {
	ours := outbound.Guard{}.CheckAddr(netip.AddrPortFrom(ip, 443)) == nil
	theirs := second.SafeAddr(ip) == nil
	bytes := isPublic(net.IP(ip.AsSlice()))
	sink := isSink(ip.Unmap())
	switch {
	case ip.Zone() != "":
		theirs, bytes = false, false // zones are nobody's but ours to judge
	case ip.Is4In6():
		theirs = second.SafeAddr(ip.Unmap()) == nil // refused as such; the kernel dials the IPv4 address
	case isISATAP(ip):
		theirs = false // not known to them
	}
	if sink {
		bytes = false // public by IANA's word, and nobody there takes a POST
	}
	if ours != theirs || ours != bytes {
		return ip.String() + " is " + verdict(ours) + " here, " + verdict(theirs) + " by the library, " + verdict(bytes) + " by its bytes"
	}
	return ""
}

func verdict(allowed bool) string {
	if allowed {
		return "allowed"
	}
	return "refused"
}

func isISATAP(ip netip.Addr) bool {
	b := ip.As16()
	return ip.Is6() && (binary.BigEndian.Uint32(b[8:]) == 0x00005efe || binary.BigEndian.Uint32(b[8:]) == 0x02005efe)
}

// isSink knows the special ranges that IANA calls globally reachable.
func isSink(ip netip.Addr) bool {
	for _, sink := range []string{"192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "2620:4f:8000::/48"} {
		if netip.MustParsePrefix(sink).Contains(ip) {
			return true
		}
	}
	return false
}

// TestSecondOpinion puts a generated table to the three judges: every range of
// our tables and of theirs with both ends and both neighbours, every IPv4 address
// of these in each IPv6 form, and addresses drawn at random.
func TestSecondOpinion(t *testing.T) {
	var table []netip.Addr
	add := func(ip netip.Addr) {
		if ip.IsValid() {
			table = append(table, ip)
		}
	}
	around := func(ip netip.Addr) { add(ip); add(ip.Prev()); add(ip.Next()) }
	for _, addrs := range refusedAddrs {
		for _, addr := range addrs {
			around(netip.MustParseAddr(addr))
		}
	}
	for _, addr := range allowedAddrs {
		around(netip.MustParseAddr(addr))
	}
	theirs := append(append([]netip.Prefix{ssrf.IPv6GlobalUnicast, ssrf.IPv6NAT64Prefix}, ssrf.IPv4DeniedPrefixes...), ssrf.IPv6DeniedPrefixes...)
	for _, prefix := range theirs {
		around(prefix.Addr())
		around(lastOf(prefix))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], random.Uint32())
		add(netip.AddrFrom4(b))
		add(drawn6(random))
	}
	for _, ip := range table {
		if ip.Is4() {
			table = append(table, embeddings(ip)...)
		}
	}
	wrong := 0
	for _, ip := range table {
		if diff := disagree(ip); diff != "" {
			if wrong++; wrong <= 20 {
				t.Error(diff)
			}
		}
	}
	t.Logf("%d addresses, %d differences without a reason", len(table), wrong)
}

// TestNoFormOfIPv4GetsThrough: what carries a refused IPv4 address is refused in
// every form.
func TestNoFormOfIPv4GetsThrough(t *testing.T) {
	n := 0
	for _, addrs := range refusedAddrs {
		for _, addr := range addrs {
			ip := netip.MustParseAddr(addr)
			if !ip.Is4() {
				continue
			}
			for _, form := range embeddings(ip) {
				n++
				if err := (outbound.Guard{}).CheckAddr(netip.AddrPortFrom(form, 443)); err == nil {
					t.Errorf("%s is allowed, which carries %s", form, ip)
				}
			}
		}
	}
	t.Logf("%d addresses", n)
}

// embeddings are the IPv6 forms that carry an IPv4 address: mapped, compatible,
// translated, NAT64 (well-known and local), 6to4, Teredo (server, and client with
// its bits turned) and ISATAP below a global prefix (both).
func embeddings(ip netip.Addr) []netip.Addr {
	v4 := ip.As4()
	form := func(prefix string, at int, turn byte) netip.Addr {
		b := netip.MustParseAddr(prefix).As16()
		for i, octet := range v4 {
			b[at+i] = octet ^ turn
		}
		return netip.AddrFrom16(b)
	}
	return []netip.Addr{
		form("::ffff:0:0", 12, 0), form("::", 12, 0), form("::ffff:0:0:0", 12, 0),
		form("64:ff9b::", 12, 0), form("64:ff9b:1::", 12, 0), form("64:ff9b:1:2:3:4::", 12, 0), form("64:ff9b:1::", 6, 0),
		form("2002::", 2, 0), form("2002::1", 2, 0),
		form("2001::", 4, 0), form("2001:0:808:808::", 12, 0xff),
		form("2600::5efe:0:0", 12, 0), form("2600::200:5efe:0:0", 12, 0), form("fe80::5efe:0:0", 12, 0),
	}
}

// drawn6 draws from all of IPv6, and more often from where the ranges are.
func drawn6(random *rand.Rand) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], random.Uint64())
	binary.BigEndian.PutUint64(b[8:], random.Uint64())
	switch random.IntN(4) {
	case 0:
		b[0] = 0x20 | b[0]&0x1f // global unicast
	case 1:
		b[0], b[1], b[2] = 0x20, 0x01, b[2]&0x0f // protocol assignments, documentation
	case 2:
		copy(b[:6], []byte{0, 0x64, 0xff, 0x9b, 0, b[5] & 1}) // translators
	}
	return netip.AddrFrom16(b)
}

func lastOf(prefix netip.Prefix) netip.Addr {
	b := prefix.Addr().AsSlice()
	for bit := prefix.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}

// FuzzCheckAddr looks for an address on which the three judges disagree.
func FuzzCheckAddr(f *testing.F) {
	for _, addrs := range refusedAddrs {
		for _, addr := range addrs {
			f.Add(netip.MustParseAddr(addr).AsSlice())
		}
	}
	for _, addr := range allowedAddrs {
		f.Add(netip.MustParseAddr(addr).AsSlice())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ip, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		if diff := disagree(ip); diff != "" {
			t.Error(diff)
		}
	})
}

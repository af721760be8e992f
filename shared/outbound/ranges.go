package outbound

import "net/netip"

var (
	loopback4 = netip.MustParsePrefix("127.0.0.0/8")
	loopback6 = netip.MustParsePrefix("::1/128")
	// globalIPv6 is the only part of IPv6 in which unicast addresses that the
	// whole internet can reach have been given out.
	globalIPv6 = netip.MustParsePrefix("2000::/3")
	// nat64 is the well-known prefix of translators from IPv6 to IPv4.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

// specialRanges are the ranges that hold no receiver of the public internet:
// IANA's IPv4 and IPv6 special-purpose registries, multicast, and the forms that
// carry an IPv4 address inside. The first match gives the kind, so narrower
// ranges stand before wider ones.
var specialRanges = []struct {
	prefix netip.Prefix
	kind   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},                       // "this network" (RFC 791); 0.0.0.0 is the machine itself
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},                          // RFC 1918
	{netip.MustParsePrefix("100.64.0.0/10"), "private"},                       // carrier-grade NAT (RFC 6598)
	{loopback4, "loopback"},                                                   // RFC 1122; Lambda's runtime API is 127.0.0.1:9001
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},                   // RFC 3927; clouds' metadata, credentials, DNS
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},                       // RFC 1918
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved"},                       // IETF protocol assignments (RFC 6890)
	{netip.MustParsePrefix("192.0.2.0/24"), "reserved for documentation"},     // TEST-NET-1 (RFC 5737)
	{netip.MustParsePrefix("192.31.196.0/24"), "reserved"},                    // AS112 (RFC 7535): a sink for misdirected DNS
	{netip.MustParsePrefix("192.52.193.0/24"), "reserved"},                    // AMT relays (RFC 7450)
	{netip.MustParsePrefix("192.88.99.0/24"), "reserved"},                     // 6to4 relays (RFC 7526)
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},                      // RFC 1918
	{netip.MustParsePrefix("192.175.48.0/24"), "reserved"},                    // AS112 (RFC 7534)
	{netip.MustParsePrefix("198.18.0.0/15"), "reserved for benchmarks"},       // RFC 2544
	{netip.MustParsePrefix("198.51.100.0/24"), "reserved for documentation"},  // TEST-NET-2 (RFC 5737)
	{netip.MustParsePrefix("203.0.113.0/24"), "reserved for documentation"},   // TEST-NET-3 (RFC 5737)
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},                       // RFC 5771
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},                        // RFC 1112, and 255.255.255.255
	{netip.MustParsePrefix("::/128"), "unspecified"},                          // RFC 4291; the machine itself
	{loopback6, "loopback"},                                                   // RFC 4291
	{netip.MustParsePrefix("::/96"), "an IPv4 address in disguise"},           // IPv4-compatible (RFC 4291)
	{netip.MustParsePrefix("::ffff:0:0:0/96"), "an IPv4 address in disguise"}, // IPv4-translated (RFC 2765)
	{nat64, "an IPv4 address in disguise"},                                    // NAT64 (RFC 6052)
	{netip.MustParsePrefix("64:ff9b:1::/48"), "an IPv4 address in disguise"},  // local-use NAT64 (RFC 8215)
	{netip.MustParsePrefix("100::/64"), "reserved"},                           // discard only (RFC 6666)
	{netip.MustParsePrefix("100:0:0:1::/64"), "reserved"},                     // dummy prefix (RFC 9780)
	{netip.MustParsePrefix("2001::/32"), "an IPv4 address in disguise"},       // Teredo (RFC 4380)
	{netip.MustParsePrefix("2001:2::/48"), "reserved for benchmarks"},         // RFC 5180
	{netip.MustParsePrefix("2001::/23"), "reserved"},                          // IETF protocol assignments: anycast, AMT, ORCHID, drone ids
	{netip.MustParsePrefix("2001:db8::/32"), "reserved for documentation"},    // RFC 3849
	{netip.MustParsePrefix("2002::/16"), "an IPv4 address in disguise"},       // 6to4 (RFC 3056)
	{netip.MustParsePrefix("2620:4f:8000::/48"), "reserved"},                  // AS112 (RFC 7534)
	{netip.MustParsePrefix("3fff::/20"), "reserved for documentation"},        // RFC 9637
	{netip.MustParsePrefix("5f00::/16"), "reserved"},                          // segment routing (RFC 9602)
	{netip.MustParsePrefix("fc00::/7"), "private"},                            // unique local (RFC 4193); AWS's metadata at fd00:ec2::254
	{netip.MustParsePrefix("fe80::/10"), "link-local"},                        // RFC 4291
	{netip.MustParsePrefix("fec0::/10"), "private"},                           // site-local (RFC 3879)
	{netip.MustParsePrefix("ff00::/8"), "multicast"},                          // RFC 4291
}

// specialKind says what keeps an address from being a globally reachable unicast
// one, in words that complete "the address is ..."; empty where nothing does.
// The address is not an IPv4 one in IPv6 form.
func specialKind(ip netip.Addr) string {
	for _, special := range specialRanges {
		if special.prefix.Contains(ip) {
			return special.kind
		}
	}
	if ip.Is6() && isISATAP(ip) {
		return "an IPv4 address in disguise"
	}
	if ip.Is6() && !globalIPv6.Contains(ip) {
		return "reserved"
	}
	return ""
}

// isISATAP recognises the interface identifier of ISATAP (RFC 5214), which can
// follow any prefix: 0000:5efe or 0200:5efe, then an IPv4 address.
func isISATAP(ip netip.Addr) bool {
	b := ip.As16()
	return b[8]&^0x02 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

// embeddedIPv4 is the IPv4 address in the last four bytes.
func embeddedIPv4(ip netip.Addr) netip.Addr {
	b := ip.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}

package outbound_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mediahooks/mediahooks/shared/outbound"
)

// refusedAddrs holds both ends of each refused range, and what is worth naming in
// between. guard and dial tests run over all of them.
var refusedAddrs = map[string][]string{
	"this network":            {"0.0.0.0", "0.0.0.1", "0.255.255.255"},
	"private 10/8":            {"10.0.0.0", "10.0.0.1", "10.255.255.255"},
	"carrier-grade NAT":       {"100.64.0.0", "100.100.100.200", "100.127.255.255"},
	"loopback":                {"127.0.0.0", "127.0.0.1", "127.0.0.53", "127.127.127.127", "127.255.255.255"},
	"link-local":              {"169.254.0.0", "169.254.255.255"},
	"cloud metadata":          {"169.254.169.254", "169.254.169.253", "169.254.169.123", "169.254.170.2", "169.254.170.23", "169.254.42.1", "192.0.0.192", "100.100.100.200"},
	"Lambda's own":            {"127.0.0.1", "169.254.76.1", "169.254.79.129", "169.254.100.1", "169.254.100.2", "169.254.100.5", "169.254.100.6"},
	"private 172.16/12":       {"172.16.0.0", "172.17.0.1", "172.31.255.255"},
	"protocol assignments":    {"192.0.0.0", "192.0.0.8", "192.0.0.9", "192.0.0.170", "192.0.0.192", "192.0.0.255"},
	"TEST-NET-1":              {"192.0.2.0", "192.0.2.255"},
	"AS112 IPv4":              {"192.31.196.1", "192.175.48.1"},
	"AMT":                     {"192.52.193.1"},
	"6to4 relays":             {"192.88.99.0", "192.88.99.1", "192.88.99.255"},
	"private 192.168/16":      {"192.168.0.0", "192.168.1.1", "192.168.255.255"},
	"benchmarks":              {"198.18.0.0", "198.19.255.255"},
	"TEST-NET-2":              {"198.51.100.0", "198.51.100.255"},
	"TEST-NET-3":              {"203.0.113.0", "203.0.113.255"},
	"multicast IPv4":          {"224.0.0.0", "224.0.0.1", "239.255.255.255"},
	"reserved IPv4":           {"240.0.0.0", "255.255.255.254"},
	"broadcast":               {"255.255.255.255"},
	"unspecified IPv6":        {"::"},
	"loopback IPv6":           {"::1"},
	"IPv4-compatible":         {"::2", "::7f00:1", "::10.0.0.1", "::8.8.8.8", "::ffff"},
	"IPv4-mapped":             {"::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "::ffff:192.168.0.1", "::ffff:255.255.255.255"},
	"IPv4-translated":         {"::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8"},
	"low IPv6":                {"0:0:0:1::", "1::1", "ff:ffff::1"},
	"NAT64":                   {"64:ff9b::", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::8.8.8.8", "64:ff9b::ffff:ffff"},
	"local-use NAT64":         {"64:ff9b:1::", "64:ff9b:1::7f00:1", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"},
	"beside NAT64":            {"64:ff9b:0:0:0:1::", "64:ff9b:2::1"},
	"discard":                 {"100::", "100::1", "100::ffff:ffff:ffff:ffff"},
	"dummy prefix":            {"100:0:0:1::1"},
	"unassigned low":          {"200::1", "400::1", "800::1", "1000::1", "1fff:ffff::1"},
	"Teredo":                  {"2001::", "2001::1", "2001:0:7f00:1::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"},
	"protocol anycast":        {"2001:1::1", "2001:1::2", "2001:1::3"},
	"benchmarks IPv6":         {"2001:2::", "2001:2:0:ffff::1"},
	"AMT IPv6":                {"2001:3::1"},
	"AS112 IPv6":              {"2001:4:112::1", "2620:4f:8000::1"},
	"ORCHID":                  {"2001:10::1", "2001:1f:ffff::1", "2001:20::1", "2001:2f:ffff::1"},
	"drone ids":               {"2001:30::1"},
	"end of assignments":      {"2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"},
	"documentation IPv6":      {"2001:db8::", "2001:db8::1", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
	"6to4":                    {"2002::", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	"new documentation IPv6":  {"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"},
	"ISATAP":                  {"2600::5efe:7f00:1", "2600::5efe:8.8.8.8", "2a00:1450::200:5efe:10.0.0.1", "2600:1f18::5efe:a9fe:a9fe", "fe80::5efe:10.0.0.1"},
	"unassigned high":         {"4000::1", "5000::1", "6000::1", "8000::1", "a000::1", "c000::1", "e000::1", "f000::1", "f800::1"},
	"segment routing":         {"5f00::", "5f00:ffff::1"},
	"unique local":            {"fc00::", "fc00::1", "fd00::1", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	"AWS over IPv6":           {"fd00:ec2::254", "fd00:ec2::253", "fd00:ec2::23", "fd00:ec2::123"},
	"end of the unicast part": {"fe00::1", "fe7f:ffff::1"},
	"link-local IPv6":         {"fe80::", "fe80::1", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	"site-local":              {"fec0::", "fec0::1", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	"multicast IPv6":          {"ff00::", "ff02::1", "ff05::2", "ff0e::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
}

// allowedAddrs are the neighbours of the refused ranges, and well-known receivers.
var allowedAddrs = []string{
	"1.0.0.0", "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "52.94.236.248",
	"100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
	"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
	"191.255.255.255", "192.0.1.0", "192.0.1.255", "192.0.3.0", "192.31.195.255", "192.31.197.0",
	"192.52.192.255", "192.52.194.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0",
	"192.175.47.255", "192.175.49.0", "198.17.255.255", "198.20.0.0",
	"198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
	"::ffff:8.8.8.8", "::ffff:101:101",
	"2000::1", "2001:200::", "2001:200::1", "2001:4860:4860::8888", "2001:db7:ffff::1", "2001:db9::1",
	"2003::1", "2400:cb00::1", "2600:1f18::1", "2606:4700:4700::1111", "2620:4f:7fff::1", "2620:4f:8001::1",
	"2a00:1450:4001::200e", "2a00:1450::200:5eff:a00:1", "2a05:d018::1", "3ffe:ffff::1", "3fff:1000::",
}

func TestCheckAddrRefuses(t *testing.T) {
	for name, addrs := range refusedAddrs {
		t.Run(name, func(t *testing.T) {
			for _, addr := range addrs {
				for _, port := range []uint16{80, 443, 9001} {
					err := outbound.Guard{}.CheckAddr(netip.AddrPortFrom(netip.MustParseAddr(addr), port))
					if err == nil {
						t.Errorf("%s port %d is allowed", addr, port)
					}
				}
			}
		})
	}
}

func TestCheckAddrAllows(t *testing.T) {
	for _, addr := range allowedAddrs {
		t.Run(addr, func(t *testing.T) {
			if err := (outbound.Guard{}).CheckAddr(netip.AddrPortFrom(netip.MustParseAddr(addr), 443)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCheckAddrWords(t *testing.T) {
	for _, test := range []struct {
		name string
		addr netip.AddrPort
		want string
	}{
		{"private", netip.MustParseAddrPort("10.0.0.1:80"), "the address 10.0.0.1 is private and may not be spoken to"},
		{"metadata", netip.MustParseAddrPort("169.254.169.254:80"), "the address 169.254.169.254 is link-local and may not be spoken to"},
		{"mapped", netip.MustParseAddrPort("[::ffff:127.0.0.1]:80"), "the address 127.0.0.1 is loopback and may not be spoken to"},
		{"6to4", netip.MustParseAddrPort("[2002:7f00:1::]:80"), "the address 2002:7f00:1:: is an IPv4 address in disguise and may not be spoken to"},
		{"unassigned", netip.MustParseAddrPort("[4000::1]:80"), "the address 4000::1 is reserved and may not be spoken to"},
		{"zone on a global address", netip.MustParseAddrPort("[2600::1%eth0]:80"), "the address 2600::1%eth0 has a zone and may not be spoken to"},
		{"port 0", netip.MustParseAddrPort("8.8.8.8:0"), "port 0 may not be spoken to"},
		{"no address", netip.AddrPortFrom(netip.Addr{}, 80), "what is not an IP address may not be spoken to"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := outbound.Guard{}.CheckAddr(test.addr)
			if err == nil {
				t.Fatal("allowed")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNetworksAndPorts(t *testing.T) {
	for _, test := range []struct {
		name            string
		networks, ports string
		addr            string
		allowed         bool
	}{
		{"loopback opened", "127.0.0.0/8", "", "127.0.0.1:3000", true},
		{"mapped loopback opened as IPv4", "127.0.0.0/8", "", "[::ffff:127.0.0.1]:3000", true},
		{"IPv6 loopback not opened with it", "127.0.0.0/8", "", "[::1]:3000", false},
		{"IPv6 loopback opened", "::1/128", "", "[::1]:3000", true},
		{"other private ranges stay shut", "127.0.0.0/8", "", "10.0.0.1:80", false},
		{"part of a range", "10.1.0.0/16", "", "10.1.2.3:80", true},
		{"rest of the range", "10.1.0.0/16", "", "10.2.2.3:80", false},
		{"several ranges", "10.1.0.0/16, 172.16.0.0/12", "", "172.31.0.1:80", true},
		{"link-local with a zone", "fe80::/10", "", "[fe80::1%eth0]:80", false},
		{"public stays allowed", "10.0.0.0/8", "", "8.8.8.8:80", true},
		{"6to4 opened on purpose", "2002::/16", "", "[2002:7f00:1::]:80", true},
		{"NAT64 opened, public inside", "64:ff9b::/96", "", "[64:ff9b::8.8.8.8]:80", true},
		{"NAT64 opened, private inside", "64:ff9b::/96", "", "[64:ff9b::10.0.0.1]:80", false},
		{"NAT64 opened, metadata inside", "64:ff9b::/96", "", "[64:ff9b::169.254.169.254]:80", false},
		{"all of IPv6 opened, loopback inside NAT64", "::/0", "", "[64:ff9b::127.0.0.1]:80", false},
		{"NAT64 and what is inside opened", "64:ff9b::/96,10.0.0.0/8", "", "[64:ff9b::10.0.0.1]:80", true},
		{"port listed", "", "80,443", "8.8.8.8:443", true},
		{"port not listed", "", "80,443", "8.8.8.8:8080", false},
		{"port not listed in an opened network", "127.0.0.0/8", "80", "127.0.0.1:9001", false},
		{"port listed, address refused", "", "80", "10.0.0.1:80", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, err := outbound.ParseGuard(test.networks, test.ports)
			if err != nil {
				t.Fatal(err)
			}
			if err := g.CheckAddr(netip.MustParseAddrPort(test.addr)); (err == nil) != test.allowed {
				t.Errorf("allowed %t, want %t (%v)", err == nil, test.allowed, err)
			}
		})
	}
}

func TestParseGuard(t *testing.T) {
	prefixes := func(list ...string) (p []netip.Prefix) {
		for _, s := range list {
			p = append(p, netip.MustParsePrefix(s))
		}
		return p
	}
	for _, test := range []struct {
		name            string
		networks, ports string
		want            outbound.Guard
	}{
		{"both empty", "", "", outbound.Guard{}},
		{"blank", "  ", " ", outbound.Guard{}},
		{"one of each", "127.0.0.0/8", "443", outbound.Guard{Networks: prefixes("127.0.0.0/8"), Ports: []uint16{443}}},
		{"several with spaces", "127.0.0.0/8, ::1/128 ,10.0.0.0/24", "80 , 443", outbound.Guard{
			Networks: prefixes("127.0.0.0/8", "::1/128", "10.0.0.0/24"), Ports: []uint16{80, 443},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := outbound.ParseGuard(test.networks, test.ports)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseGuardFaults(t *testing.T) {
	for _, test := range []struct {
		name            string
		networks, ports string
		want            []string
	}{
		{"an address", "10.0.0.1", "", []string{`AllowedNetworks: "10.0.0.1" is not a CIDR range such as 10.1.0.0/16`}},
		{"not the start", "10.1.2.3/8", "", []string{`AllowedNetworks: "10.1.2.3/8" is not the start of a range, which would be 10.0.0.0/8`}},
		{"mapped", "::ffff:10.0.0.0/104", "", []string{`AllowedNetworks: "::ffff:10.0.0.0/104" must be written as an IPv4 range`}},
		{"too long", "10.0.0.0/33", "", []string{`AllowedNetworks: "10.0.0.0/33" is not`}},
		{"a name", "localhost/8", "", []string{`AllowedNetworks: "localhost/8" is not`}},
		{"an empty item", "10.0.0.0/8,", "", []string{`AllowedNetworks: "" is not`}},
		{"port 0", "", "0", []string{`AllowedPorts: "0" is not a port from 1 to 65535`}},
		{"port too large", "", "65536", []string{`AllowedPorts: "65536"`}},
		{"port with a sign", "", "+80", []string{`AllowedPorts: "+80"`}},
		{"a range of ports", "", "80-90", []string{`AllowedPorts: "80-90"`}},
		{"all faults at once", "x,10.0.0.0/8,y", "80,z", []string{`"x"`, `"y"`, `"z"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := outbound.ParseGuard(test.networks, test.ports)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if diff := cmp.Diff(outbound.Guard{}, got); diff != "" {
				t.Errorf("half a guard: %s", diff)
			}
		})
	}
}

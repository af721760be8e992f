package outbound

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Guard decides which addresses and ports may be spoken to. The zero Guard
// allows every globally reachable unicast address and every port.
type Guard struct {
	// Networks opens ranges that are refused otherwise, such as 127.0.0.0/8 on a
	// developer's machine. Ranges of IPv4 are written as IPv4.
	Networks []netip.Prefix
	// Ports are the only ones allowed; empty allows all. They hold for opened
	// networks too.
	Ports []uint16
}

// ParseGuard reads the template parameters AllowedNetworks (CIDR ranges) and
// AllowedPorts (numbers), both comma-separated and both empty by default. The
// error names every faulty item.
func ParseGuard(networks, ports string) (Guard, error) {
	var g Guard
	var errs []error
	for _, item := range listed(networks) {
		network, err := parseNetwork(item)
		if err != nil {
			errs = append(errs, fmt.Errorf("AllowedNetworks: %w", err))
			continue
		}
		g.Networks = append(g.Networks, network)
	}
	for _, item := range listed(ports) {
		port, ok := parsePort(item)
		if !ok {
			errs = append(errs, fmt.Errorf("AllowedPorts: %q is not a port from 1 to 65535", item))
			continue
		}
		g.Ports = append(g.Ports, port)
	}
	if err := errors.Join(errs...); err != nil {
		return Guard{}, err
	}
	return g, nil
}

// listed splits a comma-separated list; an empty one has no items.
func listed(list string) []string {
	if strings.TrimSpace(list) == "" {
		return nil
	}
	items := strings.Split(list, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}

// parseNetwork is strict, because each range that it misreads is a hole:
// 10.1.2.3/8 would open 16 million addresses to somebody who meant one.
func parseNetwork(item string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(item)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q is not a CIDR range such as 10.1.0.0/16", item)
	case network.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%q must be written as an IPv4 range", item)
	case network != network.Masked():
		return netip.Prefix{}, fmt.Errorf("%q is not the start of a range, which would be %s", item, network.Masked())
	}
	return network, nil
}

// parsePort takes plain decimal only: no sign, no leading zero, not 0.
func parsePort(s string) (uint16, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != s {
		return 0, false
	}
	return uint16(n), true
}

// CheckAddr judges an address and port. It is the only judge: dialling asks it
// about every address that a name resolved to, saving a URL asks it about
// literals. An IPv4 address in its IPv6 form (::ffff:1.2.3.4) is judged as IPv4.
// The error is a sentence fit to be shown to people.
func (g Guard) CheckAddr(addr netip.AddrPort) error {
	if r := g.judge(addr); r != nil {
		return r
	}
	return nil
}

func (g Guard) judge(addr netip.AddrPort) *refusal {
	if r := g.judgePort(addr.Port()); r != nil {
		return r
	}
	return g.judgeIP(addr.Addr().Unmap())
}

func (g Guard) judgePort(port uint16) *refusal {
	if port == 0 {
		return blocked("port 0 may not be spoken to")
	}
	if len(g.Ports) > 0 && !slices.Contains(g.Ports, port) {
		return blocked("port %d may not be spoken to", port)
	}
	return nil
}

func (g Guard) judgeIP(ip netip.Addr) *refusal {
	switch {
	case !ip.IsValid():
		return blocked("what is not an IP address may not be spoken to")
	case ip.Zone() != "":
		return blocked("the address %s has a zone and may not be spoken to", ip)
	case g.opens(ip):
		if nat64.Contains(ip) {
			// A translator stands behind these addresses. To open it is not to
			// open what it can reach: the IPv4 address inside is judged as well.
			return g.judgeIP(embeddedIPv4(ip))
		}
		return nil
	}
	if kind := specialKind(ip); kind != "" {
		return blocked("the address %s is %s and may not be spoken to", ip, kind)
	}
	return nil
}

func (g Guard) opens(ip netip.Addr) bool {
	return slices.ContainsFunc(g.Networks, func(n netip.Prefix) bool { return n.Contains(ip) })
}

// opensLoopback reports whether any loopback address may be spoken to, which
// makes localhost a name worth trying.
func (g Guard) opensLoopback() bool {
	return slices.ContainsFunc(g.Networks, func(n netip.Prefix) bool {
		return n.Overlaps(loopback4) || n.Overlaps(loopback6)
	})
}

// refusal is why no request may be made: of a URL, or to an address.
type refusal struct {
	reason notification.Reason
	text   string
}

func blocked(format string, args ...any) *refusal {
	return &refusal{notification.ReasonBlockedAddress, fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *refusal {
	return &refusal{notification.ReasonInvalidURL, fmt.Sprintf(format, args...)}
}

// Error says what is wrong, without the URL.
func (r *refusal) Error() string { return r.text }

// answer is the refusal as the end of an attempt.
func (r *refusal) answer() notification.Answer {
	detail := r.text
	if r.reason == notification.ReasonInvalidURL {
		detail = "the URL cannot be used: it " + r.text
	}
	return notification.Answer{Reason: r.reason, Detail: detail}
}

package outbound

import (
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// maxURL is how many bytes a notification URL may have.
const maxURL = 2048

// CheckURL judges a notification URL when somebody names it, by the rules that
// hold when it is dialled. It resolves no names: what they stand for is judged
// at each dial. The error is a *notification.Error of code Invalid that begins
// with the field's name and does not repeat the URL, which may hold tokens.
//
// A fragment is accepted and never sent.
func (g Guard) CheckURL(field, raw string) error {
	if _, r := g.parse(raw); r != nil {
		return notification.Errorf(notification.Invalid, "%s: %s", field, r.text)
	}
	return nil
}

// parse judges a URL and returns what to request. It reads the authority by
// itself before net/url does: where two readings of a URL differ, the guard would
// judge one host and the transport dial another.
func (g Guard) parse(raw string) (*url.URL, *refusal) {
	if r := checkText(raw); r != nil {
		return nil, r
	}
	authority, r := authorityOf(raw)
	if r != nil {
		return nil, r
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host != authority || u.User != nil || u.Opaque != "" {
		return nil, invalid("must be a valid URL")
	}
	port, r := portOf(u)
	if r != nil {
		return nil, r
	}
	if r := g.judgePort(port); r != nil {
		return nil, r
	}
	if r := g.judgeHost(u.Hostname(), authority[0] == '[', port); r != nil {
		return nil, r
	}
	u.RawQuery = asciiQuery(u.RawQuery)
	return u, nil
}

func checkText(raw string) *refusal {
	if len(raw) > maxURL {
		return invalid("must be at most 2,048 bytes long")
	}
	if !utf8.ValidString(raw) {
		return invalid("must be valid UTF-8")
	}
	for _, c := range raw {
		if unicode.IsControl(c) || unicode.IsSpace(c) {
			return invalid("must not contain spaces or control characters")
		}
	}
	return nil
}

// authorityOf cuts host and port out of the URL, and refuses what could make
// somebody else cut differently.
func authorityOf(raw string) (string, *refusal) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", invalid("must be an http or https URL")
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	switch {
	case strings.Contains(authority, "@"):
		return "", invalid("must not contain a user name or password: credentials are not allowed in it")
	case strings.Contains(authority, `\`):
		return "", invalid("must not contain a backslash before its path")
	case strings.HasPrefix(authority, "[") && strings.Contains(authority, "%"):
		return "", invalid("must not contain an address with a zone")
	case strings.Contains(authority, "%"):
		return "", invalid("must not contain a percent sign in its host")
	case authority == "" || authority[0] == ':':
		return "", invalid("must name a host")
	}
	return authority, nil
}

func portOf(u *url.URL) (uint16, *refusal) {
	if strings.HasSuffix(u.Host, ":") {
		return 0, invalid("must have a port after the colon")
	}
	if u.Port() == "" {
		if u.Scheme == "https" {
			return 443, nil
		}
		return 80, nil
	}
	port, ok := parsePort(u.Port())
	if !ok {
		return 0, invalid("must have a port from 1 to 65535")
	}
	return port, nil
}

// judgeHost refuses every spelling of an address but the plain one, so that
// nothing between here and the socket can find an address in a name.
func (g Guard) judgeHost(host string, bracketed bool, port uint16) *refusal {
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && bracketed == ip.Is6():
		return g.judge(netip.AddrPortFrom(ip, port))
	case bracketed:
		return invalid("must contain a valid IPv6 address in its brackets")
	case strings.HasSuffix(host, "."):
		return invalid("must not contain a host that ends in a dot")
	case endsInNumber(host):
		return invalid("must contain an IPv4 address as four decimal numbers, like 192.0.2.1")
	}
	if r := checkName(host); r != nil {
		return r
	}
	if isLocalhost(host) && !g.opensLoopback() {
		return blocked("localhost may not be spoken to")
	}
	return nil
}

// endsInNumber reports whether the last label is a number, decimal or hex. The C
// library reads such hosts as addresses (127.1, 0x7f.1, 0177.0.0.1, 2130706433)
// and browsers refuse them where they cannot; no top-level domain looks so.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if digits, hex := strings.CutPrefix(strings.ToLower(last), "0x"); hex {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// checkName takes letters, digits, hyphens and underscores. Other scripts must
// come as xn--: the transport would map them, and full-width digits turn into
// addresses on the way.
func checkName(host string) *refusal {
	if len(host) > 253 {
		return invalid("must contain a host of at most 253 bytes")
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 {
			return invalid("must contain a host whose labels have 1 to 63 bytes")
		}
		if label[0] == '-' || label[len(label)-1] == '-' {
			return invalid("must contain a host whose labels neither begin nor end with a hyphen")
		}
	}
	for _, c := range host {
		if c >= utf8.RuneSelf {
			return invalid("must contain a host in ASCII: write an international name in its xn-- form")
		}
		if c != '.' && c != '-' && c != '_' && !isAlphanumeric(c) {
			return invalid("must not contain %q in its host", c)
		}
	}
	return nil
}

func isAlphanumeric(c rune) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isLocalhost(host string) bool {
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// asciiQuery percent-encodes what is not ASCII, as browsers do. net/url does so
// for the path only, and strict servers refuse a raw byte in the request line.
func asciiQuery(query string) string {
	if strings.IndexFunc(query, func(c rune) bool { return c >= utf8.RuneSelf }) < 0 {
		return query
	}
	var b strings.Builder
	for i := range len(query) {
		if query[i] < utf8.RuneSelf {
			b.WriteByte(query[i])
		} else {
			b.WriteString(url.QueryEscape(query[i : i+1]))
		}
	}
	return b.String()
}

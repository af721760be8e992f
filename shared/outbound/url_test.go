package outbound_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/outbound"
)

// hostileURLs are refused by a guard that opens nothing. The key says what each
// of them hides behind.
var hostileURLs = map[string][]string{
	"must be an http or https URL": {
		"", "example.com", "//example.com/", "/hook", "?q", "ftp://example.com/", "file:///etc/passwd",
		"gopher://127.0.0.1:6379/_INFO", "javascript:alert(1)", "data:text/plain,x", "http:example.com",
		"http:/example.com", "https:example.com/", "ws://example.com/", "unix:///var/run/docker.sock",
		"dict://127.0.0.1:11211/", "ldap://127.0.0.1/", "httpx://example.com/", "http+unix://x/", "jar:http://x/!/",
		"HTTPS:\\\\example.com", ":http://example.com/", "h\u0442tp://example.com/",
	},
	"must name a host": {"http://", "https://", "http:///path", "http://?q", "http://#f", "http://:80/", "https://:443", "http://::1/", "http://::1]/"},
	"must be at most 2,048 bytes long": {
		"https://example.com/" + strings.Repeat("a", 2029), "https://" + strings.Repeat("a.", 2000) + "com/",
	},
	"must be valid UTF-8": {"http://example.com/\xff", "http://exa\xc0\xafmple.com/", "http://example.com/?q=\xed\xa0\x80"},
	"must not contain spaces or control characters": {
		" http://example.com/", "http://example.com/ ", "http://exam ple.com/", "http://example.com/a b",
		"http://example.com/\r\nX-Injected: 1", "http://example.com/\n", "http://example.com/\x00", "\thttp://example.com/",
		"http://example.com/\x7f", "http://example.com/\u0085", "http://example.com/\u00a0", "http://example.com/\u2028",
		"http://example.com/?a=b c", "http://example.com/#a b", "http://127.0.0.1\t/", "http://127.0.0.1 .example.com/", "ht\ntp://example.com/",
	},
	"credentials are not allowed in it": {
		"http://user@example.com/", "http://user:secret@example.com/", "http://@example.com/", "http://:@example.com/",
		"http://example.com@127.0.0.1/", "http://example.com:80@127.0.0.1/", "http://127.0.0.1@example.com/",
		"http://a@b@c/", "http://example.com\\@127.0.0.1/", "http://user%40x@example.com/", "http://[::1]@example.com/",
	},
	"must not contain a backslash before its path": {
		"http://example.com\\.127.0.0.1/", "http://127.0.0.1\\example.com/", "http://\\127.0.0.1/", "http://example.com\\/",
	},
	"must not contain a percent sign in its host": {
		"http://%31%32%37.0.0.1/", "http://127.0.0.1%00.example.com/", "http://example%2ecom/", "http://%6c%6f%63alhost/",
		"http://example.com%2f/", "http://%ef%bc%91/", "http://127.0.0.1%2f/", "http://%5b::1%5d/", "http://example.com:%38%30/",
	},
	"must not contain an address with a zone": {
		"http://[fe80::1%25eth0]/", "http://[::1%25lo]/", "http://[::ffff:7f00:1%25eth0]/", "http://[fe80::1%eth0]/", "http://[2600::1%251]/",
	},
	"must be a valid URL": {
		"http://[::1", "http://[]/", "http://[::1]x/", "http://[::1]:80x/", "http://[v1.fe80::a]/", "http://example.com:port/",
		"http://example.com:80:80/", "http://[::g]/", "http://[1:2:3]/", "http://example.com/%zz", "http://example.com/%", "http://example.com:-1/",
		"http://[[::1]]/", "http://example.com:80]/", "http://example.com:８０/", "http://0::1/", "http://[127.0.0.1]/", "http://[::１]/",
	},
	"must have a port after the colon": {"http://example.com:/", "https://example.com:", "http://[2600::1]:/"},
	"must have a port from 1 to 65535": {"http://example.com:65536/", "http://example.com:99999999999999999999/", "http://example.com:0/", "http://example.com:0080/", "http://example.com:00/"},
	"host that ends in a dot":          {"http://example.com./", "http://localhost./", "http://127.0.0.1./", "http://127.1./", "http://example.com../", "http://./", "http://../"},
	"an IPv4 address as four decimal": {
		"http://2130706433/", "http://017700000001/", "http://0x7f000001/", "http://0x7f.1/", "http://0X7F.0X1/", "http://127.1/", "http://127.0.1/",
		"http://0177.0.0.1/", "http://0177.0.0.01/", "http://127.0.0.01/", "http://127.00.0.1/", "http://127.0.0.0x1/", "http://0x7f.0x0.0x0.0x1/",
		"http://10.1/", "http://0/", "http://1/", "http://0x/", "http://0x0/", "http://1.2.3/", "http://1.2.3.4.5/", "http://256.256.256.256/", "http://127.0.0.256/",
		"http://3232235777/", "http://2852039166/", "http://0xa9fea9fe/", "http://0xA9.0xFE.0xA9.0xFE/", "http://025177524776/", "http://169.254.43518/",
		"http://127.0.0.1.0x7f/", "http://999999999999/", "http://4294967296/", "http://1.1.1.1.1/", "http://example.com.1/", "http://foo.0x1f/", "http://00000000177.1/", "http://..1/",
		"http://2130706433:80/", "https://0x7f.1:8443/", "http://127.1:9001/2018-06-01/runtime/", "http://①②⑦.0.0.1/",
	},
	"host in ASCII": {
		"http://１２７.０.０.１/", "http://127。0。0。1/", "http://①②⑦.⓪.⓪.①/", "http://ⓛocalhost/", "http://ｌｏｃａｌｈｏｓｔ/", "http://münchen.example/",
		"http://例え.jp/", "http://exаmple.com/", "http://𝟏𝟐𝟕.𝟎.𝟎.𝟏/", "http://localhost\u200b/", "http://127.0.0.1\ufeff/", "http://⓵⓶⓻.0.0.⓵.example/", "http://127.⓪.⓪.⓵x/", "http://⑴⑵⑺.com/", "http://⒈⒉⒎.com/", "http://❶❷❼.com/",
		"http://127.0.0.1\u00ad/", "http://local\u00adhost/", "http://loc\u200dalhost/", "http://localhost\u2060/", "http://localhost\ufe0f/", "http://\u00adlocalhost/", "http://lo\u034fcalhost/",
		"http://127\uff0e0\uff0e0\uff0e1/", "http://127\uff610\uff610\uff611/", "http://169\u3002254\u3002169\u3002254/", "http://localhost\u3002/", "http://localhost\uff0e/", "http://example\u3002com/",
		"http://𝐥𝐨𝐜𝐚𝐥𝐡𝐨𝐬𝐭/", "http://ʟocalhost/", "http://localhoſt/", "http://ﬃ.example/", "http://127.0.0.1\u2044x/", "http://example.com\u2100.com/", "http://127.0.0.1\uff0fx/", "http://a\uff20b.com/", "http://a\uff1ab.com/",
		"http://١٢٧.٠.٠.١/", "http://example.com\u202e/",
	},
	"in its host": {
		"http://exa!mple.com/", "http://$(id).example.com/", "http://a'b.example.com/", "http://a;b/", "http://a,b/", "http://127.0.0.1,example.com/",
		"http://a*b/", "http://a=b/", "http://a&b/", "http://(a)/", "http://a+b/", "http://a~b/", "http://*/", "http://a\"b/", "http://a<b>/",
	},
	"labels": {
		"http://example..com/", "http://.example.com/", "http://-example.com/", "http://example-.com/", "http://a.-/", "http://" + strings.Repeat("a", 64) + ".com/",
	},
	"at most 253 bytes": {"http://" + strings.Repeat("a.", 130) + "com/"},
	"localhost may not be spoken to": {
		"http://localhost/", "https://localhost/", "http://LOCALHOST:8080/", "http://LocalHost/", "http://foo.localhost/", "http://a.b.LOCALHOST/",
	},
	"is loopback and may not be spoken to": {
		"http://127.0.0.1/", "https://127.0.0.1:443/", "HTTP://127.0.0.1/", "http://127.127.127.127/", "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
		"http://[::1]/", "http://[0:0:0:0:0:0:0:1]/", "http://[0000::0001]:80/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::FFFF:7F00:0001]/", "http://[0:0:0:0:0:ffff:127.0.0.1]/",
	},
	"is link-local and may not be spoken to": {
		"http://169.254.169.254/latest/meta-data/", "http://169.254.170.2/v2/credentials", "http://169.254.170.23/v1/credentials", "http://[::ffff:169.254.169.254]/", "http://[fe80::1]/",
	},
	"is private and may not be spoken to": {
		"http://10.0.0.1/", "http://172.16.0.1/", "http://172.31.255.255/", "http://192.168.0.1:8080/", "http://100.64.0.1/", "http://[fd00:ec2::254]/", "http://[fc00::1]/", "http://[fec0::1]/", "http://[::ffff:10.0.0.1]/",
	},
	"is unspecified and may not be spoken to": {"http://0.0.0.0/", "http://0.0.0.0:8080/", "http://0.1.2.3/", "http://[::]/", "http://[::ffff:0.0.0.0]/", "http://[0::0]/"},
	"is multicast and may not be spoken to":   {"http://224.0.0.1/", "http://239.255.255.250:1900/", "http://[ff02::1]/"},
	"is an IPv4 address in disguise":          {"http://[::127.0.0.1]/", "http://[::7f00:1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b:1::7f00:1]/", "http://[2002:7f00:1::]/", "http://[2001:0:7f00:1::]/", "http://[::ffff:0:7f00:1]/", "http://[2600::5efe:7f00:1]/", "http://[2600::200:5efe:10.0.0.1]/"},
	"is reserved":                             {"http://255.255.255.255/", "http://240.0.0.1/", "http://192.0.0.8/", "http://192.0.2.1/", "http://198.51.100.1/", "http://203.0.113.1/", "http://198.18.0.1/", "http://192.88.99.1/", "http://[2001:db8::1]/", "http://[3fff::1]/", "http://[100::1]/", "http://[5f00::1]/", "http://[4000::1]/", "http://[2001:2::1]/"},
}

func TestCheckURLRefuses(t *testing.T) {
	rows := 0
	for want, urls := range hostileURLs {
		for _, url := range urls {
			rows++
			t.Run(url[:min(len(url), 60)], func(t *testing.T) {
				err := outbound.Guard{}.CheckURL("notification_url", url)
				if err == nil {
					t.Fatal("accepted")
				}
				if code := notification.CodeOf(err); code != notification.Invalid {
					t.Errorf("code %s", code)
				}
				if !strings.HasPrefix(err.Error(), "notification_url: ") || !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			})
		}
	}
	for _, addrs := range refusedAddrs {
		rows += len(addrs)
	}
	t.Logf("%d hostile URLs and addresses", rows)
	if rows < 300 {
		t.Errorf("the tables hold %d hostile URLs and addresses, want 300 or more", rows)
	}
}

// TestCheckURLRefusesLiterals judges every refused address as a URL's host too.
func TestCheckURLRefusesLiterals(t *testing.T) {
	for name, addrs := range refusedAddrs {
		t.Run(name, func(t *testing.T) {
			for _, addr := range addrs {
				url := "https://" + netip.AddrPortFrom(netip.MustParseAddr(addr), 443).String() + "/hook"
				if err := (outbound.Guard{}).CheckURL("uri", url); err == nil {
					t.Errorf("%s is accepted", url)
				}
			}
		})
	}
}

func TestCheckURLAccepts(t *testing.T) {
	for _, url := range []string{
		"http://example.com", "https://example.com", "https://example.com/", "HTTPS://EXAMPLE.COM/Hook", "https://example.com:8443/hook",
		"https://example.com/hook?token=a%20b&x=1", "https://example.com/hook#fragment", "https://example.com?q", "https://example.com#f",
		"https://example.com/pfad/größe/例え?q=größe", "https://example.com/a@b", "https://example.com/?u=http://127.0.0.1/", "https://example.com/a\\b",
		"https://example.com//double//slash", "https://example.com/..%2f..", "https://example.com/a;b=c", "https://example.com/%00",
		"https://xn--mnchen-3ya.example/", "https://a_b.example.com/", "http://receiver:8080/", "https://1password.com/", "https://3com.example/", "https://127.0.0.1.nip.io/",
		"https://0x7f.example.com/", "https://1.example", "https://a.b1", "https://0x1g.com/", "https://example.localhost.com/", "https://notlocalhost/", "https://localhost.example.com/",
		"https://8.8.8.8/", "https://8.8.8.8:8443/", "https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]:8443/hook", "https://[::ffff:8.8.8.8]/",
		"https://hooks.example.com/" + strings.Repeat("a", 2022), "https://" + strings.Repeat("a", 63) + ".example/",
	} {
		t.Run(url[:min(len(url), 60)], func(t *testing.T) {
			if err := (outbound.Guard{}).CheckURL("notification_url", url); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCheckURLWithSettings(t *testing.T) {
	for _, test := range []struct {
		name            string
		networks, ports string
		url             string
		want            string
	}{
		{"loopback opened", "127.0.0.0/8", "", "http://127.0.0.1:3000/", ""},
		{"localhost follows IPv4 loopback", "127.0.0.0/8", "", "http://localhost:3000/", ""},
		{"localhost follows IPv6 loopback", "::1/128", "", "http://app.localhost:3000/", ""},
		{"localhost follows part of loopback", "127.0.0.1/32", "", "http://localhost/", ""},
		{"localhost follows a range around loopback", "0.0.0.0/0", "", "http://localhost/", ""},
		{"localhost does not follow others", "10.0.0.0/8", "", "http://localhost/", "uri: localhost may not be spoken to"},
		{"odd spelling of an opened address", "127.0.0.0/8", "", "http://127.1/", "uri: must contain an IPv4 address as four decimal numbers, like 192.0.2.1"},
		{"default port of http", "", "443", "http://example.com/", "uri: port 80 may not be spoken to"},
		{"default port of https", "", "443", "https://example.com/", ""},
		{"default port of HTTPS", "", "443", "HTTPS://example.com/", ""},
		{"port listed", "", "443,8443", "https://example.com:8443/", ""},
		{"port not listed", "", "443,8443", "https://example.com:22/", "uri: port 22 may not be spoken to"},
		{"port not listed at a literal", "", "443", "https://8.8.8.8:80/", "uri: port 80 may not be spoken to"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, err := outbound.ParseGuard(test.networks, test.ports)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := g.CheckURL("uri", test.url); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCheckURLKeepsTokens: errors end up in logs, and URLs hold tokens.
func TestCheckURLKeepsTokens(t *testing.T) {
	for _, url := range []string{
		"https://10.0.0.1/secret?token=secret", "https://example.com:0/secret", "https://example.com/secret%zz", "ftp://example.com/secret",
		"https://user:secret@example.com/", "https://127.1/secret", "https://exa!mple/secret", "https://example.com/secret ",
	} {
		t.Run(url, func(t *testing.T) {
			err := outbound.Guard{}.CheckURL("uri", url)
			if err == nil {
				t.Fatal("accepted")
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("error %q repeats the URL", err)
			}
		})
	}
}

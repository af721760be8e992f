package outbound_test

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/outbound"
)

// TestReasons reaches every reason that the sender can give, with its sentence.
// What else leads to each is in the tests of receivers, names and addresses.
func TestReasons(t *testing.T) {
	nobody := closedAddr(t)
	silent := listen(t, deaf)
	mail := listen(t, answering("220 mail.example.com ESMTP\r\n"))
	greeter := listen(t, func(_ *server, conn net.Conn, _ int64) {
		_, _ = io.WriteString(conn, "220 mail.example.com ESMTP\r\n")
		hold(conn)
	})
	noSuchName := resolving(t, func(string, bool) []netip.Addr { return nil })
	for _, test := range []struct {
		reason notification.Reason
		url    string
		addr   string
		detail string
	}{
		{notification.ReasonTimeout, silent.url, silent.addr, "no answer within TIME s"},
		{notification.ReasonConnect, "http://" + nobody + "/hook", nobody, "connection refused by ADDR"},
		{notification.ReasonDNS, "https://receiver.test/hook", "", "host name does not resolve: no such host"},
		{notification.ReasonTLS, "https://" + greeter.addr + "/hook", greeter.addr, "ADDR does not speak TLS"},
		{notification.ReasonProtocol, mail.url, mail.addr, "the answer is not valid HTTP"},
		{notification.ReasonBlockedAddress, "http://169.254.169.254/latest/meta-data/", "", "the address 169.254.169.254 is link-local and may not be spoken to"},
		{notification.ReasonInvalidURL, "ftp://example.com/hook", "", "the URL cannot be used: it must be an http or https URL"},
	} {
		t.Run(string(test.reason), func(t *testing.T) {
			limit := 10 * time.Second
			if test.reason == notification.ReasonTimeout {
				limit = 5 * short // enough for any machine to connect
			}
			got := post(t, newClient(t, open(), outbound.Options{Timeout: limit, Resolver: noSuchName}), request(test.url))
			if diff := difference(bad(test.reason, test.detail), got, test.addr, limit); diff != "" {
				t.Error(diff)
			}
		})
	}
}

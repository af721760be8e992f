package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// errStatusLine is a status that no answer can have.
var errStatusLine = errors.New("status below 100")

// pingUnanswered is what net/http says of an HTTP/2 connection that it gave up.
const pingUnanswered = "client connection lost"

// maxDetail bounds the part of a detail that others have worded.
const maxDetail = 200

// failure says why no answer came. The texts are our own, or those of crypto and
// resolver about names and certificates: an error of net/http may quote the
// answer, and an answer may repeat the URL, which holds tokens.
func (c *Client) failure(ctx context.Context, x *exchange, err error) notification.Answer {
	at, addr := x.progress()
	if ctx.Err() != nil {
		if errors.Is(context.Cause(ctx), errLate) {
			return failed(notification.ReasonTimeout, late(at, addr, c.timeout))
		}
		if errors.Is(context.Cause(ctx), errTurnedAway) {
			return failed(notification.ReasonConnect, "every connection was turned away before an answer came")
		}
		return failed(notification.ReasonTimeout, "the attempt was stopped before an answer came")
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.answer()
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return failed(notification.ReasonDNS, "host name does not resolve: "+clean(dns.Err))
	}
	if errors.Is(err, errFlood) {
		return failed(notification.ReasonProtocol, "more came from "+addr+" than an answer can have, and no answer")
	}
	if errors.Is(err, syscall.ETIMEDOUT) && at > connecting && at < reading {
		return failed(notification.ReasonConnect, "connection to "+addr+" was lost: nothing that was sent was acknowledged")
	}
	if strings.Contains(err.Error(), pingUnanswered) {
		return failed(notification.ReasonTimeout, "no answer from "+addr+", and none to an HTTP/2 ping")
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return failed(notification.ReasonTimeout, late(at, addr, c.timeout))
	}
	if detail := tlsDetail(at, addr, err); detail != "" {
		return failed(notification.ReasonTLS, detail)
	}
	if detail := connectDetail(at, addr, err); detail != "" {
		return failed(notification.ReasonConnect, detail)
	}
	return failed(notification.ReasonProtocol, protocolDetail(err))
}

func failed(reason notification.Reason, detail string) notification.Answer {
	return notification.Answer{Reason: reason, Detail: detail}
}

// late says what the time was spent on.
func late(at stage, addr string, timeout time.Duration) string {
	within := " within " + strconv.FormatFloat(timeout.Seconds(), 'g', 3, 64) + " s"
	switch at {
	case resolving:
		return "host name did not resolve" + within
	case starting, connecting:
		if addr == "" {
			return "no connection" + within
		}
		return "no connection to " + addr + within
	case securing:
		return "the TLS handshake with " + addr + " did not end" + within
	case reading:
		return "the answer's headers did not end" + within
	}
	return "no answer" + within
}

// tlsDetail is empty for an error that has nothing to do with TLS.
func tlsDetail(at stage, addr string, err error) string {
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "certificate is not trusted: " + clean(strings.TrimPrefix(untrusted.Err.Error(), "x509: "))
	}
	// An alert of the other side can also come later, in place of an answer.
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" {
		return "TLS was refused by " + addr + ": " + clean(strings.TrimPrefix(alert.Err.Error(), "tls: "))
	}
	if at != securing {
		return ""
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || strings.Contains(err.Error(), "HTTP response to HTTPS client") {
		return addr + " does not speak TLS"
	}
	if isLost(err) {
		return "connection closed by " + addr + " in the TLS handshake"
	}
	return "the TLS handshake failed: " + clean(strings.TrimPrefix(err.Error(), "tls: "))
}

// connectDetail is empty for an error that is not the connection's.
func connectDetail(at stage, addr string, err error) string {
	dial, isDial := errors.AsType[*net.OpError](err)
	isDial = isDial && dial.Op == "dial"
	if isDial && dial.Addr != nil {
		addr = dial.Addr.String()
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused by " + addr
	case at == reading:
		return "" // how it ended matters less than that it ended there
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset by " + addr
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return "no way leads to " + addr
	case isDial:
		return fmt.Sprintf("no connection to %s: %s", addr, clean(dial.Err.Error()))
	case isLost(err):
		return "connection closed by " + addr + " before an answer came"
	}
	return ""
}

// protocolDetail tells apart what a receiver's owner can act on. It goes by the
// text of net/http's errors, which have no types; a text that it does not know
// costs only the wording.
func protocolDetail(err error) string {
	text := err.Error()
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection ended within the answer's headers"
	case strings.Contains(text, "headers exceeded"), strings.Contains(text, "header list too large"):
		return "the answer's headers are larger than 64 KiB"
	case strings.Contains(text, "stream error"):
		return "the answer was broken off before its headers (HTTP/2 stream reset)"
	case strings.Contains(text, "connection error: "):
		return "the answer is not valid HTTP/2"
	case strings.Contains(text, "net/http: invalid header"):
		return "a header of the request cannot be sent"
	}
	return "the answer is not valid HTTP"
}

// isLost reports whether a connection ended under a request, in any of the forms
// in which net/http says so.
func isLost(err error) bool {
	for _, lost := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE, syscall.ETIMEDOUT} {
		if errors.Is(err, lost) {
			return true
		}
	}
	text := err.Error()
	return strings.Contains(text, pingUnanswered) ||
		strings.Contains(text, "GOAWAY") ||
		strings.Contains(text, "client conn could not be established") || // HTTP/2, gone before its first use
		strings.Contains(text, "server closed idle connection")
}

// clean makes a text from elsewhere fit to be shown: certificates carry names
// that anybody may have chosen.
func clean(text string) string {
	if len(text) > maxDetail {
		text = text[:maxDetail]
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, text)
}

func isPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' })
}

package outbound_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"testing"
)

// The frames of HTTP/2 (RFC 9113, section 6) and their flags.
const (
	frameData         = 0
	frameHeaders      = 1
	framePriority     = 2
	frameReset        = 3
	frameSettings     = 4
	framePushPromise  = 5
	framePing         = 6
	frameGoAway       = 7
	frameWindowUpdate = 8
	frameContinuation = 9
	frameUnknown      = 0xbe

	flagEndStream  = 1
	flagAck        = 1
	flagEndHeaders = 4
	flagPadded     = 8
)

// Fields as HPACK (RFC 7541) writes them without a table.
const (
	status200 = "\x88"
	status103 = "\x08\x03103"
	status000 = "\x08\x03000"
	fieldA    = "\x00\x03x-a\x01a"
)

// frame is one frame as it goes over the wire.
func frame(kind, flags byte, stream uint32, payload string) string {
	head := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return string(binary.BigEndian.AppendUint32(head, stream)) + payload
}

// goAway is the payload of a GOAWAY frame.
func goAway(last, code uint32) string {
	return string(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), code))
}

// setting is one parameter of a SETTINGS frame.
func setting(id uint16, value uint32) string {
	return string(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(nil, id), value))
}

// answer200 is a whole answer on stream 1.
var answer200 = frame(frameHeaders, flagEndHeaders, 1, status200) + frame(frameData, flagEndStream, 1, "ok")

// listenTLS is listen over TLS, with a pool that trusts it. A connection that
// fails its handshake is not served.
func listenTLS(t testing.TB, protocols []string, serve func(s *server, conn net.Conn, number int64)) (*server, *x509.CertPool) {
	t.Helper()
	s, cert := listenWith(t, protocols, serve)
	parsed, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return s, roots
}

// listenWith is listenTLS with the certificate itself.
func listenWith(t testing.TB, protocols []string, serve func(s *server, conn net.Conn, number int64)) (*server, tls.Certificate) {
	t.Helper()
	cert, _ := certificate(t, []string{"127.0.0.1", "receiver.test"})
	config := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: protocols}
	s := listen(t, func(s *server, conn net.Conn, number int64) {
		secured := tls.Server(conn, config)
		if secured.Handshake() == nil {
			defer secured.Close()
			serve(s, secured, number)
		}
	})
	s.url = "https://" + s.addr + "/hook"
	return s, cert
}

// speakHTTP2 says hello, waits for a request, says something, and does something
// with the connection, whose other direction it goes on reading.
func speakHTTP2(raw string, then func(net.Conn)) func(*server, net.Conn, int64) {
	return func(s *server, conn net.Conn, _ int64) {
		_, _ = io.WriteString(conn, frame(frameSettings, 0, 0, ""))
		if !awaitHeaders(bufio.NewReader(conn)) {
			return
		}
		s.requests.Add(1)
		go hold(conn)
		_, _ = io.WriteString(conn, raw)
		then(conn)
	}
}

// greet says something before it has read anything.
func greet(raw string, then func(net.Conn)) func(*server, net.Conn, int64) {
	return func(_ *server, conn net.Conn, _ int64) {
		go hold(conn)
		_, _ = io.WriteString(conn, raw)
		then(conn)
	}
}

// awaitHeaders reads the preface and frames up to the headers of a request.
func awaitHeaders(r *bufio.Reader) bool {
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	if _, err := r.Discard(len(preface)); err != nil {
		return false
	}
	return nextHeaders(r)
}

// nextHeaders reads frames up to the headers of a request.
func nextHeaders(r *bufio.Reader) bool {
	for {
		var head [9]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return false
		}
		if _, err := r.Discard(int(head[0])<<16 | int(head[1])<<8 | int(head[2])); err != nil {
			return false
		}
		if head[3] == frameHeaders {
			return true
		}
	}
}

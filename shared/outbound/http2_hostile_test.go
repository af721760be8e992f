package outbound_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// TestHostileFrames is TestHostileReceivers for HTTP/2: each ends in time, and a
// flood ends with its connection.
func TestHostileFrames(t *testing.T) {
	const (
		timeout  = notification.ReasonTimeout
		connect  = notification.ReasonConnect
		protocol = notification.ReasonProtocol

		closed     = "connection closed by ADDR before an answer came"
		turnedAway = "every connection was turned away before an answer came"
		tooMuch    = "more came from ADDR than an answer can have, and no answer"
		tooLarge   = "the answer's headers are larger than 64 KiB"
		brokenOff  = "the answer was broken off before its headers (HTTP/2 stream reset)"
		notHTTP2   = "the answer is not valid HTTP/2"
		notHTTP    = "the answer is not valid HTTP"
	)
	var (
		hello   = frame(frameSettings, 0, 0, "")
		headers = frame(frameHeaders, flagEndHeaders, 1, status200)
		open    = frame(frameHeaders, 0, 1, status200)
		ping    = frame(framePing, 0, 0, "12345678")
		noMore  = frame(frameGoAway, 0, 0, goAway(0, 0))
		ourLast = frame(frameGoAway, 0, 0, goAway(1, 0))
		length  = func(n string) string { return "\x0f\x0d" + string(rune(len(n))) + n }
	)
	for _, test := range []hostile{
		{name: "whole answer", serve: speakHTTP2(answer200, hold), want: good("ok")},
		{name: "says nothing", serve: greet("", hold), want: notification.Answer{Reason: timeout}},
		{name: "says hello, and then nothing", serve: greet(hello, hold), want: notification.Answer{Reason: timeout}},
		{name: "answers no ping", serve: speakHTTP2("", hold), want: notification.Answer{Reason: timeout}},
		{name: "does not even read", serve: deaf, want: notification.Answer{Reason: timeout}},
		{name: "takes no body", serve: greet(frame(frameSettings, 0, 0, setting(4, 0)), hold), want: notification.Answer{Reason: timeout}},
		{name: "takes no streams", serve: greet(frame(frameSettings, 0, 0, setting(3, 0)), hold), want: notification.Answer{Reason: timeout}},
		{name: "stops in its headers", serve: speakHTTP2(open, hold), want: notification.Answer{Reason: timeout}},
		{name: "stops in a frame's head", serve: speakHTTP2(headers[:7], hold), want: notification.Answer{Reason: timeout}},
		{name: "drips empty CONTINUATION", serve: speakHTTP2(open, every(frame(frameContinuation, 0, 1, ""))), want: notification.Answer{Reason: timeout}, floods: true},
		{name: "drips a frame", serve: speakHTTP2(headers[:1], every("\x00")), want: notification.Answer{Reason: protocol}, floods: true},
		{name: "drips a long frame", serve: speakHTTP2("\x00\x3f\xff\x01\x04\x00\x00\x00\x01", every("\x00")), want: notification.Answer{Reason: timeout}, floods: true},
		{name: "drips SETTINGS", serve: greet(hello, every(hello)), want: notification.Answer{Reason: timeout}},

		{name: "GOAWAY at once", serve: greet(hello+noMore, hold), want: bad(connect, turnedAway)},
		{name: "GOAWAY at once, and closes", serve: greet(hello+noMore, hangUp), want: notification.Answer{Reason: connect}},
		{name: "GOAWAY at once with an error", serve: greet(hello+frame(frameGoAway, 0, 0, goAway(0, 11)), hold), want: notification.Answer{Reason: connect}},
		{name: "GOAWAY in place of an answer", serve: speakHTTP2(noMore, hold), want: bad(connect, turnedAway)},
		{name: "GOAWAY with an error in place of an answer", serve: speakHTTP2(frame(frameGoAway, 0, 0, goAway(0, 11)), hold), want: bad(connect, closed)},
		{name: "GOAWAY, and then the answer", serve: speakHTTP2(ourLast+answer200, hold), want: good("ok")},
		{name: "GOAWAY, and then nothing", serve: speakHTTP2(ourLast, hold), want: notification.Answer{Reason: timeout}},
		{name: "GOAWAY, and closes", serve: speakHTTP2(ourLast, hangUp), want: bad(connect, closed)},
		{name: "GOAWAY in its headers", serve: speakHTTP2(open+ourLast, hold), want: bad(protocol, notHTTP2)},
		{name: "GOAWAY in its body", serve: speakHTTP2(headers+frame(frameData, 0, 1, "abc")+ourLast, hangUp), want: good("abc")},
		{name: "only the first connection is turned away", serve: onFirst(speakHTTP2(noMore, hold), speakHTTP2(answer200, hold)), want: good("ok")},
		{name: "only the first connection is turned away at once", serve: onFirst(greet(hello+noMore, hold), speakHTTP2(answer200, hold)), want: good("ok")},

		{name: "endless PING", serve: speakHTTP2("", flood(ping)), want: bad(protocol, tooMuch), floods: true},
		{name: "endless PING before the request", serve: greet(hello, flood(ping)), want: bad(protocol, tooMuch), timed: true, floods: true},
		{name: "endless PING, deaf", serve: deafTo(hello, flood(ping)), want: notification.Answer{Reason: protocol}, timed: true, floods: true},
		{name: "endless PING acknowledgements", serve: speakHTTP2("", flood(frame(framePing, flagAck, 0, "12345678"))), want: bad(protocol, tooMuch), floods: true},
		{name: "endless PING after the headers", serve: speakHTTP2(headers, flood(ping)), want: good(""), floods: true},
		{name: "endless PING after the answer", serve: speakHTTP2(answer200, flood(ping)), want: good("ok"), floods: true},
		{name: "endless SETTINGS", serve: speakHTTP2("", flood(hello)), want: bad(protocol, tooMuch), floods: true},
		{name: "endless SETTINGS before the request", serve: greet("", flood(hello)), want: bad(protocol, tooMuch), timed: true, floods: true},
		{name: "endless SETTINGS with parameters", serve: speakHTTP2("", flood(frame(frameSettings, 0, 0, strings.Repeat(setting(4, 1000), 100)))), want: bad(protocol, tooMuch), floods: true},
		{name: "endless SETTINGS after the answer", serve: speakHTTP2(answer200, flood(hello)), want: good("ok"), floods: true},
		{name: "endless SETTINGS acknowledgements", serve: speakHTTP2("", flood(frame(frameSettings, flagAck, 0, ""))), want: bad(protocol, notHTTP2), floods: true},
		{name: "endless WINDOW_UPDATE", serve: speakHTTP2("", flood(frame(frameWindowUpdate, 0, 1, "\x00\x00\x00\x01"))), want: bad(protocol, tooMuch), floods: true},
		{name: "endless WINDOW_UPDATE beyond the largest window", serve: speakHTTP2("", flood(frame(frameWindowUpdate, 0, 0, "\x7f\xff\xff\xff"))), want: notification.Answer{Reason: protocol}, floods: true},
		{name: "endless PRIORITY", serve: speakHTTP2("", flood(frame(framePriority, 0, 1, "\x00\x00\x00\x03\x10"))), want: bad(protocol, tooMuch), floods: true},
		{name: "endless frames of no known kind", serve: speakHTTP2("", flood(frame(frameUnknown, 0, 0, "abc"))), want: bad(protocol, tooMuch), floods: true},
		{name: "endless RST_STREAM of other streams", serve: speakHTTP2("", flood(frame(frameReset, 0, 3, "\x00\x00\x00\x08"))), want: bad(protocol, tooMuch), floods: true},
		{name: "endless empty DATA before the headers", serve: speakHTTP2("", flood(frame(frameData, 0, 1, ""))), want: notification.Answer{Reason: protocol}, floods: true},
		{name: "endless empty DATA", serve: speakHTTP2(headers, flood(frame(frameData, 0, 1, ""))), want: good(""), floods: true},
		{name: "endless padding", serve: speakHTTP2(headers, flood(frame(frameData, flagPadded, 1, "\xff"+strings.Repeat("\x00", 255)))), want: good(""), floods: true},
		{name: "endless empty CONTINUATION", serve: speakHTTP2(open, flood(frame(frameContinuation, 0, 1, ""))), want: bad(protocol, tooMuch), floods: true},
		{name: "endless CONTINUATION", serve: speakHTTP2(open, flood(frame(frameContinuation, 0, 1, fieldA))), want: bad(protocol, notHTTP2), floods: true},
		{name: "endless trailer", serve: speakHTTP2(headers+frame(frameHeaders, 0, 1, fieldA), flood(frame(frameContinuation, 0, 1, fieldA))), want: good(""), floods: true},
		{name: "endless trailers", serve: speakHTTP2(headers, flood(frame(frameHeaders, flagEndHeaders, 1, fieldA))), want: good(""), floods: true},
		{name: "endless 103", serve: speakHTTP2("", flood(frame(frameHeaders, flagEndHeaders, 1, status103))), want: bad(protocol, tooLarge), floods: true},
		{name: "endless body", serve: speakHTTP2(headers, flood(frame(frameData, 0, 1, strings.Repeat("a", 4000)))), want: good(keptOf("a")), timed: true, floods: true},
		{name: "drips its body", serve: speakHTTP2(headers, every(frame(frameData, 0, 1, "a"))), want: good("a…"), timed: true},

		{name: "body longer than said", serve: speakHTTP2(frame(frameHeaders, flagEndHeaders, 1, status200+length("2"))+frame(frameData, flagEndStream, 1, "abcdef"), hold), want: good("ab…")},
		{name: "body shorter than said", serve: speakHTTP2(frame(frameHeaders, flagEndHeaders, 1, status200+length("100"))+frame(frameData, flagEndStream, 1, "abc"), hold), want: good("abc")},
		{name: "negative length", serve: speakHTTP2(frame(frameHeaders, flagEndHeaders, 1, status200+length("-1"))+frame(frameData, flagEndStream, 1, "abc"), hold), want: good("abc")},
		{name: "two lengths", serve: speakHTTP2(frame(frameHeaders, flagEndHeaders, 1, status200+length("2")+length("3"))+frame(frameData, flagEndStream, 1, "abc"), hold), want: good("abc")},

		{name: "closes at once", serve: greet("", hangUp), want: notification.Answer{Reason: connect}},
		{name: "resets at once", serve: greet("", lateReset), want: notification.Answer{Reason: connect}},
		{name: "closes without an answer", serve: speakHTTP2("", hangUp), want: bad(connect, closed)},
		{name: "resets without an answer", serve: speakHTTP2("", lateReset), want: notification.Answer{Reason: connect}},
		{name: "closes in its headers", serve: speakHTTP2(open, hangUp), want: notification.Answer{Reason: connect}},
		{name: "resets in its headers", serve: speakHTTP2(open, lateReset), want: notification.Answer{Reason: connect}},
		{name: "closes in its body", serve: speakHTTP2(headers+frame(frameData, 0, 1, "abc"), hangUp), want: good("abc")},
		{name: "resets in its body", serve: speakHTTP2(headers+frame(frameData, 0, 1, "abc"), lateReset), want: good("abc"), timed: true},
		{name: "RST_STREAM, refused", serve: speakHTTP2(frame(frameReset, 0, 1, "\x00\x00\x00\x07"), hold), want: notification.Answer{Reason: timeout, Reused: true}},
		{name: "RST_STREAM", serve: speakHTTP2(frame(frameReset, 0, 1, "\x00\x00\x00\x02"), hold), want: bad(protocol, brokenOff)},

		{name: "PUSH_PROMISE", serve: speakHTTP2(frame(framePushPromise, flagEndHeaders, 1, "\x00\x00\x00\x02\x82"), hold), want: bad(protocol, notHTTP2)},
		{name: "headers of another stream", serve: speakHTTP2(frame(frameHeaders, flagEndHeaders, 3, status200), hold), want: notification.Answer{Reason: timeout}},
		{name: "frame longer than allowed", serve: speakHTTP2("\xff\xff\xff\x00\x00\x00\x00\x00\x01", flood("a")), want: notification.Answer{Reason: protocol}, floods: true},
		{name: "fields that are none", serve: speakHTTP2(frame(frameHeaders, flagEndHeaders, 1, "\xff\xff\xff\xff\xff"), hold), want: bad(protocol, notHTTP2)},
		{name: "no status", serve: speakHTTP2(frame(frameHeaders, flagEndHeaders, 1, fieldA), hold), want: notification.Answer{Reason: protocol}},
		{name: "status 000", serve: speakHTTP2(frame(frameHeaders, flagEndHeaders|flagEndStream, 1, status000), hold), want: bad(protocol, notHTTP)},
		{name: "HTTP/1", serve: greet("HTTP/1.1 400 Bad\r\n\r\n", hold), want: bad(protocol, notHTTP), timed: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if s := test.meet(t, "h2"); s.accepted.Load() > 6 {
				t.Errorf("%d connections for one POST", s.accepted.Load())
			}
		})
	}
}

// every writes the same now and then until the other side has enough.
func every(chunk string) func(net.Conn) {
	return func(conn net.Conn) {
		for ticker := time.Tick(10 * time.Millisecond); ; <-ticker {
			if _, err := conn.Write([]byte(chunk)); err != nil {
				return
			}
		}
	}
}

// deafTo says something without ever reading.
func deafTo(raw string, then func(net.Conn)) func(*server, net.Conn, int64) {
	return func(_ *server, conn net.Conn, _ int64) {
		if _, err := conn.Write([]byte(raw)); err == nil {
			then(conn)
		}
	}
}

// onFirst treats the first connection differently from the others.
func onFirst(first, others func(*server, net.Conn, int64)) func(*server, net.Conn, int64) {
	return func(s *server, conn net.Conn, number int64) {
		if number == 1 {
			first(s, conn, number)
			return
		}
		others(s, conn, number)
	}
}

// Package payload writes the exact body of a notification, for intake, and adds
// to it what only the signing of an attempt knows, for delivery. It also splits
// the requests that payloads come in.
//
// The one rule: a finished body is what JavaScript's
// JSON.stringify(JSON.parse(body)) gives back, byte for byte, so that a receiver
// who parses a notification and serialises it again still computes the same
// signature. Numbers, escapes and the order of keys therefore follow ECMAScript
// and not encoding/json. The one exception is an integer whose digits a
// JavaScript number would change, such as 9007199254740993: it stays as it came,
// because data goes before convenience.
//
// What is read must be JSON as RFC 8259 has it and, beyond that, unambiguous:
// duplicate keys, numbers out of a double's range, bytes that are not UTF-8 and
// nesting deeper than MaxDepth are refused. A fault is an *Error, which tells
// where it is.
package payload

import "time"

const (
	// MaxDepth is how deep arrays and objects may nest, the outermost included.
	MaxDepth = 100
	// MaxBody is the longest body that Compose writes and Unpack reads, in bytes.
	// It is far above what is accepted as a payload; it exists because short
	// numbers can have long canonical forms (1e20 has 21 digits).
	MaxBody = 1 << 20
)

// Names of a body's members that are ours to write. A payload cannot set them.
const (
	typeName    = "notification_type"
	contextName = "notification_context"
	keyName     = "signature_key"
)

// instant is the layout of triggered_at: always six digits of microseconds.
const instant = "2006-01-02T15:04:05.000000Z"

// Context becomes a body's notification_context.
type Context struct {
	// TriggeredAt is written in UTC, cut to microseconds.
	TriggeredAt time.Time
	// Source and ID say who triggered the event: "api" and an API key, say.
	Source, ID string
}

// Compose writes the body of a notification up to its signature_key:
// notification_type, the fields of payload in their order, notification_context.
// Within each object the keys that are array indexes ("0", "17") come first and
// ascend, at the top level even before notification_type, because that is where
// JavaScript puts them. Fields of the payload named notification_type,
// notification_context or signature_key are left out, and others as the form has
// it. The result shares no memory with payload.
//
// The error is an *Error, with offsets and paths within payload, where payload is
// not one JSON object by the rules of this package, or the body would be longer
// than MaxBody.
func Compose(notificationType string, payload []byte, c Context, form Form) ([]byte, error) {
	const frame = 160 // names, punctuation and instant, with some air
	room := len(payload) + len(notificationType) + len(c.Source) + len(c.ID) + frame
	var stack [few]member
	s := scanner{in: payload, out: make([]byte, 0, room), members: stack[:0], limit: MaxDepth}
	fault := s.notification(notificationType, c, form)
	if fault == nil {
		fault = s.end()
	}
	if fault == nil && len(s.out) > MaxBody {
		fault = tooLong()
	}
	if fault != nil {
		return nil, fault.report()
	}
	return s.out, nil
}

// WithSignatureKey finishes a body that Compose began, by the API key whose
// secret signs it. It writes a new slice and leaves body alone, since one body
// serves many deliveries at once.
func WithSignatureKey(body []byte, apiKey string) []byte {
	const before, after = `,"` + keyName + `":"`, `"}`
	out := make([]byte, 0, len(body)+len(before)+escapedLen(apiKey)+len(after))
	out = append(out, body...)
	out = append(out, before...)
	out = appendEscaped(out, apiKey)
	return append(out, after...)
}

// Canonical rewrites a JSON value as JSON.stringify(JSON.parse(data)) would,
// except for integers whose digits that would change: those stay as they came.
// The result shares no memory with data. The error is an *Error.
func Canonical(data []byte) ([]byte, error) {
	var stack [few]member
	s := scanner{in: data, out: make([]byte, 0, len(data)), members: stack[:0], limit: MaxDepth}
	fault := s.value()
	if fault == nil {
		fault = s.end()
	}
	if fault != nil {
		return nil, fault.report()
	}
	return s.out, nil
}

// notification writes a body from the payload under the scanner.
func (s *scanner) notification(notificationType string, c Context, form Form) *Error {
	if fault := s.expect('{', "must be an object"); fault != nil {
		return fault
	}
	o, fault := s.open()
	if fault != nil {
		return fault
	}
	s.add(&o, typeName)
	s.out = appendText(s.out, notificationType)
	o.given = len(s.members)
	for {
		more, fault := s.name(&o)
		if fault != nil {
			return fault
		}
		if !more {
			break
		}
		i := len(s.members) - 1
		if form.leavesOut(s.nameOf(i)) {
			s.drop(&o, i)
		}
		if fault := s.field(form, s.nameOf(i)); fault != nil {
			return fault.within(memberStep(s.nameOf(i)))
		}
	}
	for _, with := range form.With {
		s.add(&o, with.Name)
		s.out = appendText(s.out, with.Value)
	}
	s.add(&o, contextName)
	s.out = appendContext(s.out, c)
	s.arrange(&o)
	return nil
}

func appendContext(out []byte, c Context) []byte {
	out = append(out, `{"triggered_at":"`...)
	out = c.TriggeredAt.UTC().AppendFormat(out, instant)
	out = append(out, `","triggered_by":{"source":`...)
	out = appendText(out, c.Source)
	out = append(out, `,"id":`...)
	out = appendText(out, c.ID)
	return append(out, "}}"...)
}

package payload

import "bytes"

// Field is one member of an object.
type Field struct {
	// Name is unescaped. Surrogates without a partner become U+FFFD.
	Name string
	// Raw is the value as it came, a part of the data that it was read from.
	Raw []byte
}

// wrapping is how many levels a request may put around a payload (the call, its
// list of events, the event, EventBridge's envelope) without taking them from the
// payload's own.
const wrapping = 4

// usual is how many fields there is room for from the start: as many as an upload
// has, or nearly.
const usual = 24

// Fields splits a JSON object into its members, in their order. It refuses what
// Compose refuses, at any depth; only the nesting may be four levels deeper than
// MaxDepth, for the sake of payloads within requests. The error is an *Error.
func Fields(data []byte) ([]Field, error) {
	var stack [few]member
	s := scanner{in: data, members: stack[:0], limit: MaxDepth + wrapping, discard: true}
	fields, fault := s.fields()
	if fault == nil {
		fault = s.end()
	}
	if fault != nil {
		return nil, fault.report()
	}
	return fields, nil
}

// Elements splits a JSON array into its elements, each a part of data, by the
// rules of Fields. The error is an *Error.
func Elements(data []byte) ([][]byte, error) {
	var stack [few]member
	s := scanner{in: data, members: stack[:0], limit: MaxDepth + wrapping, discard: true}
	elements, fault := s.elements()
	if fault == nil {
		fault = s.end()
	}
	if fault != nil {
		return nil, fault.report()
	}
	return elements, nil
}

func (s *scanner) fields() ([]Field, *Error) {
	if fault := s.expect('{', "must be an object"); fault != nil {
		return nil, fault
	}
	o, fault := s.open()
	if fault != nil {
		return nil, fault
	}
	fields := make([]Field, 0, usual)
	for {
		more, fault := s.name(&o)
		if fault != nil || !more {
			return fields, fault
		}
		i := len(s.members) - 1
		raw, fault := s.raw()
		if fault != nil {
			return nil, fault.within(memberStep(s.nameOf(i)))
		}
		fields = append(fields, Field{Name: nameString(s.nameOf(i)), Raw: raw})
	}
}

func (s *scanner) elements() ([][]byte, *Error) {
	if fault := s.expect('[', "must be an array"); fault != nil {
		return nil, fault
	}
	if fault := s.enter(); fault != nil {
		return nil, fault
	}
	var elements [][]byte
	for {
		more, fault := s.next(']', len(elements) == 0)
		if fault != nil || !more {
			return elements, fault
		}
		raw, fault := s.raw()
		if fault != nil {
			return nil, fault.within(elementStep(len(elements)))
		}
		elements = append(elements, raw)
	}
}

// raw reads a value and returns it as it stands in the input. Its capacity ends
// with it, so that appending to it cannot reach its neighbours.
func (s *scanner) raw() ([]byte, *Error) {
	s.space()
	start := s.pos
	fault := s.value()
	return s.in[start:s.pos:s.pos], fault
}

func nameString(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	return unquote(quoted)
}

package payload

import (
	"strconv"
	"unicode/utf8"
)

// scanner reads JSON once, from front to back, and writes its canonical form as
// it goes. All that the package reads is read by it.
type scanner struct {
	in  []byte
	pos int
	out []byte
	// members are those of every object that is open, the innermost last.
	members []member
	depth   int
	limit   int
	// discard has each value forgotten once it is read. Names are still written,
	// because duplicates are looked for among them.
	discard bool
	// fixedAt is how deep an object nests whose fields of dynamic folders are
	// left out; 0 for none.
	fixedAt int
}

// value reads one value and the space before it.
func (s *scanner) value() *Error {
	s.space()
	if s.pos == len(s.in) {
		return s.unexpected()
	}
	start := len(s.out)
	var fault *Error
	switch c := s.in[s.pos]; {
	case c == '"':
		fault = s.text()
	case c == '{':
		fault = s.object()
	case c == '[':
		fault = s.array()
	case c == '-' || isDigit(c):
		fault = s.number()
	case c == 't':
		fault = s.word("true")
	case c == 'f':
		fault = s.word("false")
	case c == 'n':
		fault = s.word("null")
	default:
		fault = s.unexpected()
	}
	if s.discard {
		s.out = s.out[:start]
	}
	return fault
}

func (s *scanner) array() *Error {
	if fault := s.enter(); fault != nil {
		return fault
	}
	s.out = append(s.out, '[')
	for i := 0; ; i++ {
		more, fault := s.next(']', i == 0)
		if fault != nil {
			return fault
		}
		if !more {
			s.out = append(s.out, ']')
			return nil
		}
		if i > 0 {
			s.out = append(s.out, ',')
		}
		if fault := s.value(); fault != nil {
			return fault.within(elementStep(i))
		}
	}
}

func (s *scanner) word(word string) *Error {
	for i := range len(word) {
		if s.pos == len(s.in) || s.in[s.pos] != word[i] {
			return s.unexpected()
		}
		s.pos++
	}
	s.out = append(s.out, word...)
	return nil
}

// enter takes the opening bracket of an array or object.
func (s *scanner) enter() *Error {
	if s.depth == s.limit {
		return s.fault(s.pos, "nested deeper than "+strconv.Itoa(s.limit))
	}
	s.depth++
	s.pos++
	return nil
}

// next takes what stands before an element or name: nothing before the first, a
// comma before the others. It takes the closing bracket and reports false where
// that stands there instead.
func (s *scanner) next(closing byte, first bool) (bool, *Error) {
	s.space()
	switch {
	case s.pos == len(s.in):
		return false, s.unexpected()
	case s.in[s.pos] == closing:
		s.pos++
		s.depth--
		return false, nil
	case first:
		return true, nil
	case s.in[s.pos] == ',':
		s.pos++
		return true, nil
	}
	return false, s.unexpected()
}

// expect looks ahead for an opening bracket. The message is for JSON that is of
// another type.
func (s *scanner) expect(opening byte, message string) *Error {
	s.space()
	if s.pos == len(s.in) {
		return s.unexpected()
	}
	switch c := s.in[s.pos]; c {
	case opening:
		return nil
	case '{', '[', '"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 't', 'f', 'n':
		return s.fault(s.pos, message)
	}
	return s.unexpected()
}

// end sees to it that nothing but space is left.
func (s *scanner) end() *Error {
	s.space()
	if s.pos < len(s.in) {
		return s.unexpected()
	}
	return nil
}

func (s *scanner) space() {
	for s.pos < len(s.in) {
		switch s.in[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) fault(offset int, message string) *Error {
	return &Error{Offset: offset, Message: message}
}

// unexpected is the fault of what stands at pos.
func (s *scanner) unexpected() *Error {
	if s.pos >= len(s.in) {
		return s.fault(len(s.in), "unexpected end")
	}
	r, size := utf8.DecodeRune(s.in[s.pos:])
	if r == utf8.RuneError && size == 1 {
		return s.fault(s.pos, invalidUTF8)
	}
	return s.fault(s.pos, "unexpected character "+strconv.QuoteRune(r))
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

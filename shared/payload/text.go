package payload

import (
	"unicode/utf16"
	"unicode/utf8"
)

const (
	invalidUTF8   = "invalid UTF-8"
	invalidEscape = "invalid escape"
)

// plain marks the bytes that stand for themselves within a string.
var plain = func() (table [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// text reads a string. What is already canonical is copied at once.
func (s *scanner) text() *Error {
	in, pos := s.in, s.pos+1
	copied := s.pos
	for pos < len(in) {
		c := in[pos]
		switch {
		case plain[c]:
			pos++
		case c == '"':
			s.pos = pos + 1
			s.out = append(s.out, in[copied:s.pos]...)
			return nil
		case c == '\\':
			s.out = append(s.out, in[copied:pos]...)
			s.pos = pos
			if fault := s.escape(); fault != nil {
				return fault
			}
			pos, copied = s.pos, s.pos
		case c < ' ':
			return s.fault(pos, "control character in string")
		default:
			r, size := utf8.DecodeRune(in[pos:])
			if r == utf8.RuneError && size == 1 {
				return s.fault(pos, invalidUTF8)
			}
			pos += size
		}
	}
	s.pos = pos
	return s.unexpected()
}

// escape reads one escape, or two that are a pair of surrogates.
func (s *scanner) escape() *Error {
	if s.pos+1 == len(s.in) {
		s.pos++
		return s.unexpected()
	}
	switch c := s.in[s.pos+1]; c {
	case '"', '\\', 'b', 'f', 'n', 'r', 't':
		s.out = append(s.out, '\\', c)
	case '/':
		s.out = append(s.out, c)
	case 'u':
		return s.unicode()
	default:
		return s.fault(s.pos, invalidEscape)
	}
	s.pos += 2
	return nil
}

// unicode reads \uXXXX, and another one where the two are a pair.
func (s *scanner) unicode() *Error {
	r, ok := hexRune(s.in[s.pos:])
	if !ok {
		return s.fault(s.pos, invalidEscape)
	}
	s.pos += escapeLen
	if utf16.IsSurrogate(r) {
		if low, ok := hexRune(s.in[s.pos:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				s.pos += escapeLen
				r = pair
			}
		}
	}
	s.out = appendRune(s.out, r)
	return nil
}

const escapeLen = len(`\u0000`)

// hexRune decodes the \uXXXX that text begins with.
func hexRune(text []byte) (rune, bool) {
	if len(text) < escapeLen || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range text[2:escapeLen] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = (c | 0x20) - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// appendRune writes a code point as JSON.stringify does (ECMA-262,
// QuoteJSONString): escaped are only quotes, backslashes, control characters and
// surrogates without a partner.
func appendRune(out []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(out, '\\', byte(r))
	case '\b':
		return append(out, `\b`...)
	case '\f':
		return append(out, `\f`...)
	case '\n':
		return append(out, `\n`...)
	case '\r':
		return append(out, `\r`...)
	case '\t':
		return append(out, `\t`...)
	}
	if r >= ' ' && !utf16.IsSurrogate(r) {
		return utf8.AppendRune(out, r)
	}
	const hex = "0123456789abcdef"
	return append(out, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// appendText writes text as a JSON string. Bytes of it that are not UTF-8 become
// U+FFFD.
func appendText(out []byte, text string) []byte {
	out = append(out, '"')
	out = appendEscaped(out, text)
	return append(out, '"')
}

// appendEscaped is appendText without the quotes.
func appendEscaped(out []byte, text string) []byte {
	if isPlain(text) {
		return append(out, text...)
	}
	for _, r := range text {
		out = appendRune(out, r)
	}
	return out
}

// escapedLen is how many bytes appendEscaped writes.
func escapedLen(text string) int {
	if isPlain(text) {
		return len(text)
	}
	var one [escapeLen]byte
	n := 0
	for _, r := range text {
		n += len(appendRune(one[:0], r))
	}
	return n
}

func isPlain(text string) bool {
	for i := range len(text) {
		if !plain[text[i]] {
			return false
		}
	}
	return true
}

// unquote returns the string of a canonical form. Surrogates without a partner,
// which Go's strings cannot hold, become U+FFFD.
func unquote(canonical []byte) string {
	text := make([]byte, 0, len(canonical))
	for i := 1; i < len(canonical)-1; i++ {
		c := canonical[i]
		if c != '\\' {
			text = append(text, c)
			continue
		}
		if r, ok := hexRune(canonical[i:]); ok {
			text = utf8.AppendRune(text, r)
			i += escapeLen - 1
			continue
		}
		i++
		text = append(text, unescaped(canonical[i]))
	}
	return string(text)
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

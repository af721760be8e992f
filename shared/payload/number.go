package payload

import (
	"bytes"
	"math"
	"strconv"
)

// exactDigits is how many digits any decimal may have that becomes a double and
// then the same decimal again.
const exactDigits = 15

// literal is what the scan of a number found out about it.
type literal struct {
	text []byte
	// whole and fraction count the digits before and after the point.
	whole, fraction int
	exponent        bool
}

// number reads a number.
func (s *scanner) number() *Error {
	start := s.pos
	n, fault := s.literal()
	if fault != nil {
		return fault
	}
	if n.isCanonical() {
		s.out = append(s.out, n.text...)
		return nil
	}
	out, ok := n.appendCanonical(s.out)
	if !ok {
		return s.fault(start, "number out of range")
	}
	s.out = out
	return nil
}

// literal takes a number by the grammar of RFC 8259.
func (s *scanner) literal() (literal, *Error) {
	var n literal
	start := s.pos
	if s.in[s.pos] == '-' {
		s.pos++
	}
	if s.pos < len(s.in) && s.in[s.pos] == '0' {
		n.whole = 1 // nothing may follow a leading zero
		s.pos++
	} else if n.whole = s.digits(); n.whole == 0 {
		return n, s.unexpected()
	}
	if s.pos < len(s.in) && s.in[s.pos] == '.' {
		s.pos++
		if n.fraction = s.digits(); n.fraction == 0 {
			return n, s.unexpected()
		}
	}
	if s.pos < len(s.in) && s.in[s.pos]|0x20 == 'e' {
		n.exponent = true
		s.pos++
		if s.pos < len(s.in) && (s.in[s.pos] == '+' || s.in[s.pos] == '-') {
			s.pos++
		}
		if s.digits() == 0 {
			return n, s.unexpected()
		}
	}
	n.text = s.in[start:s.pos]
	return n, nil
}

// digits takes digits, and returns how many there were.
func (s *scanner) digits() int {
	start := s.pos
	for s.pos < len(s.in) && isDigit(s.in[s.pos]) {
		s.pos++
	}
	return s.pos - start
}

// isCanonical recognises most of the numbers that JavaScript prints as they are,
// by their digits alone.
func (n literal) isCanonical() bool {
	if n.exponent || n.whole+n.fraction > exactDigits {
		return false
	}
	if n.fraction == 0 {
		return n.text[0] != '-' || n.text[1] != '0'
	}
	last := n.text[len(n.text)-1]
	// Below 1e-6 JavaScript prints an exponent.
	tiny := n.fraction > 6 && bytes.Contains(n.text, []byte("0.000000"))
	return last != '0' && !tiny
}

// appendCanonical writes the number as JavaScript prints it, unless it is an
// integer of which that would change a digit. It reports false for a number that
// is beyond the largest double.
func (n literal) appendCanonical(out []byte) ([]byte, bool) {
	f, err := strconv.ParseFloat(string(n.text), 64)
	if err != nil {
		return out, false
	}
	if n.fraction == 0 && !n.exponent {
		var buf [32]byte
		if printed := strconv.AppendFloat(buf[:0], f, 'f', -1, 64); !bytes.Equal(printed, n.text) {
			return append(out, n.text...), true
		}
	}
	return appendFloat(out, f), true
}

// appendFloat writes a number as ECMA-262's Number::toString does: the fewest
// digits that give the same double again, and an exponent below 1e-6 and from
// 1e21 on.
func appendFloat(out []byte, f float64) []byte {
	size := math.Abs(f)
	if size == 0 {
		return append(out, '0') // minus zero too
	}
	if size >= 1e-6 && size < 1e21 {
		return strconv.AppendFloat(out, f, 'f', -1, 64)
	}
	out = strconv.AppendFloat(out, f, 'e', -1, 64)
	// Go writes two digits of an exponent at least: 1e-07.
	if n := len(out); out[n-2] == '0' && out[n-3] == '-' {
		out[n-2] = out[n-1]
		out = out[:n-1]
	}
	return out
}

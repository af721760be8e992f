package payload_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// seedOfDocuments makes every run the same. Tests print it.
const seedOfDocuments = 20240625

// generator writes JSON documents of every form that a producer could write, and
// without the integers that JavaScript cannot print as they are.
type generator struct {
	random  *rand.Rand
	deepest int
	// small keeps documents short, so that damage is likely to matter, and leaves
	// some duplicate keys in.
	small bool
}

// chance is true once in n.
func (g generator) chance(n int) bool { return g.random.IntN(n) == 0 }

func (g generator) pick(of ...string) string { return of[g.random.IntN(len(of))] }

func (g generator) space(out []byte) []byte {
	if g.chance(4) {
		return append(out, g.pick(" ", "\n", "\t", "\r\n  ", "    ")...)
	}
	return out
}

func (g generator) count() int {
	switch {
	case g.small:
		return g.random.IntN(4)
	case g.chance(50):
		return g.random.IntN(90)
	}
	return g.random.IntN(6)
}

func (g generator) value(out []byte, depth int) []byte {
	out = g.space(out)
	// A deep document needs a container at nearly every level.
	nest := 3
	if g.deepest > 50 {
		nest = 1
	}
	switch {
	case depth < g.deepest && g.random.IntN(nest) == 0 && g.chance(2):
		out = g.array(out, depth+1)
	case depth < g.deepest && g.random.IntN(nest) == 0:
		out = g.object(out, depth+1)
	case g.chance(8):
		out = append(out, g.pick("true", "false", "null")...)
	case g.chance(2):
		out = g.number(out)
	default:
		out = g.text(out)
	}
	return g.space(out)
}

func (g generator) array(out []byte, depth int) []byte {
	out = append(out, '[')
	for i := range g.containerCount(depth) {
		if i > 0 {
			out = append(out, ',')
		}
		out = g.value(out, depth)
	}
	if out[len(out)-1] == '[' {
		out = g.space(out)
	}
	return append(out, ']')
}

// containerCount keeps deep documents from growing wide.
func (g generator) containerCount(depth int) int {
	if g.deepest > 50 && depth > 2 {
		return 1
	}
	return g.count()
}

func (g generator) object(out []byte, depth int) []byte {
	out = g.space(out)
	out = append(out, '{')
	seen := map[string]bool{}
	for range g.containerCount(depth) {
		name, plain := g.name()
		if seen[plain] && (!g.small || !g.chance(2)) {
			continue
		}
		if len(seen) > 0 {
			out = append(out, ',')
		}
		seen[plain] = true
		out = append(g.space(out), name...)
		out = append(g.space(out), ':')
		out = g.value(out, depth)
	}
	if len(seen) == 0 {
		out = g.space(out)
	}
	return append(out, '}')
}

// name returns a quoted name, and what it is without its escapes.
func (g generator) name() (quoted, plain string) {
	switch g.random.IntN(6) {
	case 0: // array indexes and what looks like them
		plain = strconv.FormatUint(g.random.Uint64()>>g.random.IntN(64), 10)
		if g.chance(4) {
			plain = g.pick("0", "1", "2", "00", "-1", "1.5", "4294967294", "4294967295", "4294967296", "9007199254740993")
		}
	case 1:
		plain = g.pick("notification_type", "notification_context", "signature_key", "__proto__", "constructor",
			"toJSON", "length", "", "a b", "é", "\u2028", "😀", "</script>")
	default:
		many := 200
		if g.small {
			many = 10
		}
		plain = fmt.Sprintf("%s_%d", g.pick("width", "public_id", "secure_url", "k"), g.random.IntN(many))
	}
	if g.chance(6) {
		return `"` + g.escapeAll(plain) + `"`, plain
	}
	return `"` + plain + `"`, plain
}

// escapeAll writes each character by its number, or not.
func (g generator) escapeAll(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < 0x10000 && g.chance(2) {
			fmt.Fprintf(&b, g.pick(`\u%04x`, `\u%04X`), r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (g generator) text(out []byte) []byte {
	out = append(out, '"')
	for range g.random.IntN(8) {
		switch g.random.IntN(12) {
		case 0:
			out = append(out, g.pick(`\"`, `\\`, `\/`, `\b`, `\f`, `\n`, `\r`, `\t`)...)
		case 1: // every unit, surrogates alone among them
			out = fmt.Appendf(out, g.pick(`\u%04x`, `\u%04X`), g.random.IntN(0x10000))
		case 2: // halves of pairs, in and out of order
			out = fmt.Appendf(out, `\u%04x`, 0xd800+g.random.IntN(0x800))
		case 3: // a pair
			out = fmt.Appendf(out, `\u%04x\u%04X`, 0xd800+g.random.IntN(0x400), 0xdc00+g.random.IntN(0x400))
		case 4:
			out = fmt.Appendf(out, `\u00%02x`, g.random.IntN(0x80))
		case 5:
			out = append(out, g.pick("\u2028", "\u2029", "\x7f", "\u0080", "\ufeff", "\uffff", "<>&'", "/")...)
		case 6:
			out = append(out, g.pick("é", "日本語", "😀", "\U0010ffff", "ß", "\u07ff", "\u0800")...)
		default:
			out = append(out, g.pick("image", "upload", "https://res.cloudinary.com/demo/", "v1533125278", " ", "c_limit,w_1280")...)
		}
	}
	return append(out, '"')
}

// number writes numbers of every form but integers of more than 15 digits.
func (g generator) number(out []byte) []byte {
	digits := func(n int) {
		for range n {
			out = append(out, byte('0'+g.random.IntN(10)))
		}
	}
	if g.chance(4) {
		out = append(out, '-')
	}
	if g.chance(3) {
		out = append(out, '0')
	} else {
		out = append(out, byte('1'+g.random.IntN(9)))
		digits(g.random.IntN(15))
	}
	if g.chance(2) {
		out = append(out, '.')
		out = append(out, strings.Repeat("0", g.random.IntN(9)*g.random.IntN(2))...)
		digits(1 + g.random.IntN(22))
		out = append(out, strings.Repeat("0", g.random.IntN(3))...)
	}
	if g.chance(3) {
		out = append(out, g.pick("e", "E")...)
		out = append(out, g.pick("", "+", "-", "-0")...)
		out = strconv.AppendInt(out, int64(g.random.IntN([]int{5, 30, 290}[g.random.IntN(3)])), 10)
	}
	return out
}

// damage changes a document in a few places, or none.
func (g generator) damage(text []byte) []byte {
	for range g.random.IntN(4) {
		at := g.random.IntN(len(text) + 1)
		rest := text[at:]
		switch g.random.IntN(5) {
		case 0: // something is missing
			rest = rest[min(len(rest), 1+g.random.IntN(3)):]
			text = append(text[:at:at], rest...)
		case 1: // a byte is wrong
			text = append(append(text[:at:at], byte(g.random.IntN(256))), rest[min(len(rest), 1):]...)
		case 2: // something is there that could be
			bits := g.pick(`"`, `\`, `{`, `}`, `[`, `]`, `:`, `,`, `0`, `1e400`, `-`, `.`, `e`, `null`, ` `, "\n", "\x00",
				"\ufeff", "\xff", "\xed\xa0\x80", `\u`, `\ud800`, `"a":1,"a":2,`, `123456789012345678901`)
			text = append(append(text[:at:at], bits...), rest...)
		case 3: // something is there twice
			text = append(text[:at:at], append(rest[:min(len(rest), 6):min(len(rest), 6)], rest...)...)
		case 4: // it ends too early
			if g.chance(3) {
				text = text[:at:at]
			}
		}
	}
	return text
}

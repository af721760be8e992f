package signature

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// writer is a common library's way of writing JSON, by how it differs from the
// canonical form.
type writer struct {
	name string
	// comma and colon stand between values; indent is that of one level, empty
	// for all on one line.
	comma, colon, indent string
	// escaped are the ASCII characters that are escaped as \u003c, beyond those
	// that must be; ascii has every letter beyond ASCII escaped too.
	escaped string
	ascii   bool
	// slashes has them escaped, as \/.
	slashes bool
	// capitals has the hex digits of escapes in capitals, and quotes escaped so.
	capitals bool
	// sorted has the fields by name.
	sorted bool
}

const html = "<>&\u2028\u2029"

// writers are tried in turn. Ruby's JSON.generate, Jackson, JavaScript and
// Newtonsoft write the canonical form, as far as notifications go.
var writers = []writer{
	{name: "Python's json.dumps", comma: ", ", colon: ": ", ascii: true},
	{name: "Python's json.dumps with ensure_ascii=False", comma: ", ", colon: ": "},
	{name: `Python's json.dumps with separators=(",", ":")`, comma: ",", colon: ":", ascii: true},
	{name: "Python's json.dumps with sort_keys=True", comma: ", ", colon: ": ", ascii: true, sorted: true},
	{name: "PHP's json_encode", comma: ",", colon: ":", ascii: true, slashes: true},
	{name: "PHP's json_encode with JSON_UNESCAPED_UNICODE", comma: ",", colon: ":", slashes: true},
	{name: "PHP's json_encode with JSON_PRETTY_PRINT", comma: ",", colon: ": ", indent: "    ", ascii: true, slashes: true},
	{name: "Go's json.Marshal, from a map,", comma: ",", colon: ":", escaped: html, sorted: true},
	{name: "Go's json.Marshal, from a struct,", comma: ",", colon: ":", escaped: html},
	{name: "a library that sorts the fields", comma: ",", colon: ":", sorted: true},
	{name: "Java's Gson", comma: ",", colon: ":", escaped: "<>&='\u2028\u2029"},
	{name: "C#'s System.Text.Json", comma: ",", colon: ":", escaped: "<>&'+`\"\u007f", ascii: true, capitals: true},
	{name: "JSON.stringify(body, null, 2)", comma: ",", colon: ": ", indent: "  "},
	{name: "JSON.stringify(body, null, 4)", comma: ",", colon: ": ", indent: "    "},
	{name: "Python's json.dumps with indent=2", comma: ",", colon: ": ", indent: "  ", ascii: true},
	{name: "Python's json.dumps with indent=4", comma: ",", colon: ": ", indent: "    ", ascii: true},
	{name: "a printer that indents with tabs", comma: ",", colon: ": ", indent: "\t"},
}

// write writes a canonical body in the library's way. It reports false where its
// fields cannot be sorted.
func (w writer) write(canonical []byte) ([]byte, bool) {
	if w.sorted {
		sorted, err := sortedFields(canonical)
		if err != nil {
			return nil, false
		}
		canonical = sorted
	}
	out := make([]byte, 0, 2*len(canonical))
	depth := 0
	for i := 0; i < len(canonical); i++ {
		switch c := canonical[i]; c {
		case '"':
			end := i + 1
			for canonical[end] != '"' {
				if canonical[end] == '\\' {
					end++
				}
				end++
			}
			out = w.text(out, canonical[i:end+1])
			i = end
		case '{', '[':
			out = append(out, c)
			if next := canonical[i+1]; next == '}' || next == ']' {
				i++
				out = append(out, next)
				continue
			}
			depth++
			out = w.line(out, depth)
		case '}', ']':
			depth--
			out = append(w.line(out, depth), c)
		case ',':
			out = w.line(append(out, w.comma...), depth)
		case ':':
			out = append(out, w.colon...)
		default:
			out = append(out, c)
		}
	}
	return out, true
}

func (w writer) line(out []byte, depth int) []byte {
	if w.indent == "" {
		return out
	}
	return append(out, "\n"+strings.Repeat(w.indent, depth)...)
}

// text writes a string, from its opening quote to its closing one. What the
// canonical form escapes, everybody does.
func (w writer) text(out, quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	out = append(out, '"')
	for len(inner) > 0 {
		r, size := utf8.DecodeRune(inner)
		if r == '\\' {
			size = 2
		}
		switch {
		case w.capitals && inner[0] == '\\' && inner[1] == '"':
			out = append(out, `\u0022`...)
		case r == '/' && w.slashes:
			out = append(out, `\/`...)
		case strings.ContainsRune(w.escaped, r), w.ascii && r >= utf8.RuneSelf:
			out = w.escape(out, r)
		default:
			out = append(out, inner[:size]...)
		}
		inner = inner[size:]
	}
	return append(out, '"')
}

func (w writer) escape(out []byte, r rune) []byte {
	format := `\u%04x`
	if w.capitals {
		format = `\u%04X`
	}
	if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
		return fmt.Appendf(out, format+format, high, low)
	}
	return fmt.Appendf(out, format, r)
}

// sortedFields relies on that encoding/json writes maps by their keys.
func sortedFields(canonical []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(canonical))
	decoder.UseNumber() // keeps every digit
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("sort fields: %w", err)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("sort fields: %w", err)
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

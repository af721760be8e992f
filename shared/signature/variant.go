package signature

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mediahooks/mediahooks/shared/payload"
)

// variant is the pasted body, or another writing of it that the signature may be
// of.
type variant struct {
	bytes []byte
	code  Code
	// text and next are the finding, of a variant that is not as pasted.
	text, next string
	// likely has it tried with mistaken recipes too.
	likely bool
}

func (v variant) asPasted() bool { return v.code == "" }

func (v variant) finding() Finding { return Finding{v.code, v.text, v.next} }

const rawBody = "Verify the bytes as they came, before your framework parses them."

// variants are the writings of the pasted body: as it is; as it was sent, where
// something on the way to the person has changed it; as common libraries write it
// anew, where the signature was computed after that.
func (c claim) variants() []variant {
	all := []variant{{bytes: []byte(c.body), likely: true}}
	for _, r := range readings(c.body) {
		all = append(all, variant{
			bytes: r.bytes, code: BodyRewritten, text: r.text, next: rawBody, likely: true,
		})
	}
	canonical, err := payload.Canonical([]byte(c.body))
	if err != nil {
		return all
	}
	if string(canonical) != c.body {
		all = append(all, variant{
			bytes: canonical, code: BodyRewritten, likely: true,
			text: "The pasted body is another writing of the one that was sent: " + rewritten(c.body) + ".",
			next: "Your framework has parsed the body and written it anew. " + rawBody,
		})
	}
	for _, w := range writers {
		if written, ok := w.write(canonical); ok && string(written) != c.body {
			all = append(all, variant{
				bytes: written, code: SignedRewritten,
				text: fmt.Sprintf("The signature is of this body as %s writes it, not of the bytes that were sent.", w.name),
				next: "Your receiver computes it of a body that it has parsed and written anew. " + rawBody,
			})
		}
	}
	return all
}

// reading is a body that the pasted one may have been made of, other than by
// writing its JSON anew.
type reading struct {
	bytes []byte
	text  string
}

func readings(body string) []reading {
	var all []reading
	if trimmed := strings.TrimSpace(body); trimmed != body {
		all = append(all, reading{[]byte(trimmed), "The pasted body has space or a line break around it, which was not sent. " +
			"Copying adds one, and so do echo and text editors."})
	}
	trimmed := strings.TrimSpace(body)
	if bare, ok := strings.CutPrefix(trimmed, "\ufeff"); ok {
		all = append(all, reading{[]byte(bare), "The pasted body begins with a byte order mark, which was not sent."})
	}
	var inner string
	if json.Unmarshal([]byte(trimmed), &inner) == nil {
		all = append(all, reading{[]byte(inner), "The pasted body is a quoted string, and what was sent is the JSON within it: the body was serialised twice."})
	}
	if inner, ok := fromPython(trimmed); ok {
		all = append(all, reading{inner, "The pasted body is how Python prints bytes, b'...', and what was sent is what stands within it."})
	}
	if mended, ok := fromLatin1(trimmed); ok {
		all = append(all, reading{mended, "The pasted body was read as Latin-1, which makes two letters of é. It was sent in UTF-8."})
	}
	return all
}

// fromPython takes the quotes off bytes that Python has printed.
func fromPython(body string) ([]byte, bool) {
	n := len(body)
	if n < 4 || body[0] != 'b' || body[1] != '\'' && body[1] != '"' || body[n-1] != body[1] {
		return nil, false
	}
	return []byte(body[2 : n-1]), true
}

// fromLatin1 undoes that UTF-8 was read one byte a letter.
func fromLatin1(body string) ([]byte, bool) {
	mended := make([]byte, 0, len(body))
	for _, r := range body {
		if r > 0xff {
			return nil, false
		}
		mended = append(mended, byte(r))
	}
	return mended, utf8.Valid(mended) && len(mended) != len(body)
}

// rewritten says how a body differs from its canonical form, which is the one
// that is sent.
func rewritten(body string) string {
	var changes []string
	note := func(changed bool, text string) {
		if changed {
			changes = append(changes, text)
		}
	}
	var compact bytes.Buffer
	// It is JSON: the canonical form was made of it.
	_ = json.Compact(&compact, []byte(body))
	note(compact.Len() != len(strings.TrimSpace(body)), "there is space between its values")
	note(strings.TrimSpace(body) != body, "there is space around it")
	escapes := escapesOf(compact.Bytes())
	note(escapes.letters, `letters beyond ASCII are escaped, as \u00e9`)
	note(escapes.slashes, `slashes are escaped, as \/`)
	note(escapes.others, `characters are escaped that need not be, as \u003c`)
	if len(changes) == 0 {
		changes = []string{"numbers are written another way, or its fields stand in another order"}
	}
	return strings.Join(changes, ", ")
}

type escapes struct{ letters, slashes, others bool }

// escapesOf looks for the escapes that the canonical form does without.
func escapesOf(compact []byte) escapes {
	var found escapes
	for i := 0; i+1 < len(compact); i++ {
		if compact[i] != '\\' {
			continue
		}
		i++
		switch {
		case compact[i] == '/':
			found.slashes = true
		case compact[i] != 'u' || i+4 >= len(compact):
		case string(compact[i+1:i+3]) != "00" || compact[i+3] >= '8':
			found.letters = true
		case compact[i+3] >= '2':
			found.others = true
		}
	}
	return found
}

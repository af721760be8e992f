package console

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// indented is JSON for people; what is none stays as it is.
func indented(raw []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return string(raw)
	}
	return b.String()
}

// isText reports whether bytes are a text that a shell and a page can hold.
func isText(raw []byte) bool { return utf8.Valid(raw) && !bytes.ContainsRune(raw, 0) }

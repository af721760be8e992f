package payload

import (
	"strconv"
	"unicode/utf8"
)

// Error is a fault in JSON that was read: malformed, ambiguous, or beyond a
// bound. All of it may be shown to whoever sent the JSON.
type Error struct {
	// Path leads to the faulty value or, where none has begun, to the array or
	// object around: eager[0].width, resources["a b"]. It is empty for the whole.
	Path string
	// Offset is the fault's place, in bytes from 0.
	Offset int
	// Message says in a few words what is wrong: number out of range.
	Message string
}

// Error gives the path and the message.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Message
	}
	return e.Path + ": " + e.Message
}

// Names and paths are quoted from the input, which may be long; an error should
// not be.
const (
	longestName = 64
	longestPath = 256
)

func tooLong() *Error {
	return &Error{Message: "body longer than " + strconv.Itoa(MaxBody) + " bytes"}
}

// within puts a step before the path. A path grows from its end, on the way out
// of the nested values, so that nothing keeps track of it where nothing fails.
func (e *Error) within(step string) *Error {
	e.Path = step + e.Path
	return e
}

// report ends the path's growth.
func (e *Error) report() error {
	if len(e.Path) > 0 && e.Path[0] == '.' {
		e.Path = e.Path[1:]
	}
	e.Path = clip(e.Path, longestPath)
	return e
}

func elementStep(i int) string { return "[" + strconv.Itoa(i) + "]" }

// memberStep returns the step to a member, given its quoted name.
func memberStep(quoted []byte) string {
	if name := quoted[1 : len(quoted)-1]; len(name) <= longestName && isWord(name) {
		return "." + string(name)
	}
	return "[" + clipQuoted(quoted) + "]"
}

func isWord(name []byte) bool {
	for _, c := range name {
		if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' && c != '-' {
			return false
		}
	}
	return len(name) > 0
}

// clipQuoted shortens a quoted name, and leaves it quoted.
func clipQuoted(quoted []byte) string {
	return `"` + clip(string(quoted[1:len(quoted)-1]), longestName) + `"`
}

// clip shortens text to about so many bytes, and marks what it cut.
func clip(text string, length int) string {
	if len(text) <= length {
		return text
	}
	for !utf8.RuneStart(text[length]) {
		length--
	}
	return text[:length] + "…"
}

package misfit

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// Names come from the payload and may be long; a sentence should not be. In
// bytes.
const (
	longestName     = 64
	longestSentence = 200
)

// fault is what is wrong at one place of a document.
type fault struct {
	// place has the names and indices that lead there.
	place []string
	words string
}

// seek goes through all faults that a validation found, and keeps the first. They
// come in an order that varies, since documents are maps.
func (f *fault) seek(found *jsonschema.ValidationError) {
	for _, cause := range found.Causes {
		f.seek(cause)
	}
	if len(found.Causes) > 0 {
		return
	}
	other := fault{place: found.InstanceLocation, words: wordsFor(found.ErrorKind)}
	if missing, ok := found.ErrorKind.(*kind.Required); ok {
		other.place = append(slices.Clip(other.place), slices.Min(missing.Missing))
	}
	if f.words == "" || other.before(*f) {
		*f = other
	}
}

func (f fault) before(other fault) bool {
	return cmp.Or(slices.CompareFunc(f.place, other.place, compareSteps), strings.Compare(f.words, other.words)) < 0
}

// compareSteps puts numbers before names, and in their order.
func compareSteps(a, b string) int {
	aNumber, bNumber := isNumber(a), isNumber(b)
	switch {
	case aNumber && bNumber:
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	case aNumber:
		return -1
	case bNumber:
		return 1
	}
	return strings.Compare(a, b)
}

func isNumber(step string) bool {
	return step != "" && strings.Trim(step, "0123456789") == ""
}

// sentence writes the fault as the other faults of a request are written:
// resources["a b"].added[0]: must be a string.
func (f fault) sentence(document any) string {
	var path strings.Builder
	for _, step := range f.place {
		switch at := document.(type) {
		case []any:
			path.WriteString("[" + step + "]")
			document = nil
			if i, err := strconv.Atoi(step); err == nil && i < len(at) {
				document = at[i]
			}
		case map[string]any:
			path.WriteString(member(step, path.Len() == 0))
			document = at[step]
		}
	}
	if path.Len() == 0 {
		return clip(f.words, longestSentence)
	}
	words := ": " + clip(f.words, longestSentence/2)
	return clip(path.String(), longestSentence-len(words)) + words
}

func member(name string, first bool) string {
	switch {
	case !isWord(name):
		return "[" + strconv.Quote(clip(name, longestName)) + "]"
	case first:
		return name
	}
	return "." + name
}

func isWord(name string) bool {
	for _, c := range []byte(name) {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' && c != '-' {
			return false
		}
	}
	return name != "" && len(name) <= longestName
}

// clip shortens text to so many bytes, and marks what it cut.
func clip(text string, length int) string {
	const mark = "…"
	if len(text) <= length {
		return text
	}
	length -= len(mark)
	for !utf8.RuneStart(text[length]) {
		length--
	}
	return text[:length] + mark
}

// nouns are the types of JSON Schema, as a person would call them.
var nouns = map[string]string{
	"array": "an array", "boolean": "true or false", "integer": "an integer", "null": "null",
	"number": "a number", "object": "an object", "string": "a string",
}

// wordsFor says what is wrong, for each keyword that the schemas use. The one
// pattern that they use is that of URLs, and the one format that of times.
func wordsFor(wrong jsonschema.ErrorKind) string {
	switch k := wrong.(type) {
	case *kind.Required:
		return "is missing"
	case *kind.Type:
		wanted := make([]string, len(k.Want))
		for i, name := range k.Want {
			wanted[i] = nouns[name]
		}
		return "must be " + strings.Join(wanted, " or ")
	case *kind.Enum:
		wanted := make([]string, len(k.Want))
		for i, value := range k.Want {
			wanted[i] = fmt.Sprint(value)
		}
		return "must be one of " + strings.Join(wanted, ", ")
	case *kind.MinLength, *kind.MinItems, *kind.MinProperties:
		return "must not be empty"
	case *kind.Minimum:
		return "must be at least " + k.Want.RatString()
	case *kind.Pattern:
		return "must be an HTTP(S) URL"
	case *kind.Format:
		return "must be a time such as 2026-01-31T12:00:00Z"
	}
	return "does not fit the schema"
}

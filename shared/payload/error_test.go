package payload_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/payload"
)

func TestErrors(t *testing.T) {
	const longName = "a name that is much longer than what anyone would like to read in an error, or in a log"
	for _, test := range []struct {
		name, text string
		want       payload.Error
	}{
		{"nothing", ``, payload.Error{Offset: 0, Message: "unexpected end"}},
		{"only space", " \n", payload.Error{Offset: 2, Message: "unexpected end"}},
		{"BOM", "\ufeff{}", payload.Error{Offset: 0, Message: `unexpected character '\ufeff'`}},
		{"other space", "\u00a0{}", payload.Error{Offset: 0, Message: `unexpected character '\u00a0'`}},
		{"vertical tab", "\v{}", payload.Error{Offset: 0, Message: `unexpected character '\v'`}},
		{"NUL after the value", "{}\x00", payload.Error{Offset: 2, Message: `unexpected character '\x00'`}},
		{"trailing garbage", `{"a":1} x`, payload.Error{Offset: 8, Message: `unexpected character 'x'`}},
		{"two values", `{}{}`, payload.Error{Offset: 2, Message: `unexpected character '{'`}},
		{"comment", `{/**/}`, payload.Error{Offset: 1, Message: `unexpected character '/'`}},

		{"object without end", `{`, payload.Error{Offset: 1, Message: "unexpected end"}},
		{"array without end", `{"a":[1`, payload.Error{Path: "a", Offset: 7, Message: "unexpected end"}},
		{"comma before the end", `{"a":1,}`, payload.Error{Offset: 7, Message: `unexpected character '}'`}},
		{"comma at the beginning", `{,"a":1}`, payload.Error{Offset: 1, Message: `unexpected character ','`}},
		{"two commas", `{"a":[1,,2]}`, payload.Error{Path: "a[1]", Offset: 8, Message: `unexpected character ','`}},
		{"comma before the array's end", `{"a":[1,]}`, payload.Error{Path: "a[1]", Offset: 8, Message: `unexpected character ']'`}},
		{"wrong bracket", `{"a":[1}`, payload.Error{Path: "a", Offset: 7, Message: `unexpected character '}'`}},
		{"no comma", `{"a":1 "b":2}`, payload.Error{Offset: 7, Message: `unexpected character '"'`}},
		{"no colon", `{"a" 1}`, payload.Error{Offset: 5, Message: `unexpected character '1'`}},
		{"nothing after the name", `{"a"`, payload.Error{Offset: 4, Message: "unexpected end"}},
		{"no value", `{"a":}`, payload.Error{Path: "a", Offset: 5, Message: `unexpected character '}'`}},
		{"no value at the end", `{"a":`, payload.Error{Path: "a", Offset: 5, Message: "unexpected end"}},
		{"name without quotes", `{a:1}`, payload.Error{Offset: 1, Message: `unexpected character 'a'`}},
		{"name in single quotes", `{'a':1}`, payload.Error{Offset: 1, Message: `unexpected character '\''`}},

		{"NaN", `{"a":NaN}`, payload.Error{Path: "a", Offset: 5, Message: `unexpected character 'N'`}},
		{"literal in capitals", `{"a":True}`, payload.Error{Path: "a", Offset: 5, Message: `unexpected character 'T'`}},
		{"half a literal", `{"a":nul}`, payload.Error{Path: "a", Offset: 8, Message: `unexpected character '}'`}},
		{"half a literal at the end", `{"a":fals`, payload.Error{Path: "a", Offset: 9, Message: "unexpected end"}},
		{"more than a literal", `{"a":truely}`, payload.Error{Offset: 9, Message: `unexpected character 'l'`}},

		{"leading zero", `{"a":01}`, payload.Error{Offset: 6, Message: `unexpected character '1'`}},
		{"plus", `{"a":+1}`, payload.Error{Path: "a", Offset: 5, Message: `unexpected character '+'`}},
		{"only minus", `{"a":-}`, payload.Error{Path: "a", Offset: 6, Message: `unexpected character '}'`}},
		{"no digit before the point", `{"a":.5}`, payload.Error{Path: "a", Offset: 5, Message: `unexpected character '.'`}},
		{"no digit after the point", `{"a":1.}`, payload.Error{Path: "a", Offset: 7, Message: `unexpected character '}'`}},
		{"no digit in the exponent", `{"a":1e+}`, payload.Error{Path: "a", Offset: 8, Message: `unexpected character '}'`}},
		{"number without end", `{"a":-`, payload.Error{Path: "a", Offset: 6, Message: "unexpected end"}},
		{"hexadecimal", `{"a":0x10}`, payload.Error{Offset: 6, Message: `unexpected character 'x'`}},
		{"beyond a double", `{"a":1e400}`, payload.Error{Path: "a", Offset: 5, Message: "number out of range"}},
		{"beyond a double, negative", `{"eager":[{"width":-1e309}]}`, payload.Error{Path: "eager[0].width", Offset: 19, Message: "number out of range"}},
		{"just beyond a double", `{"a":1.7976931348623159e308}`, payload.Error{Path: "a", Offset: 5, Message: "number out of range"}},
		{"integer beyond a double", `{"a":1` + strings.Repeat("0", 309) + `}`, payload.Error{Path: "a", Offset: 5, Message: "number out of range"}},

		{"string without end", `{"a":"b`, payload.Error{Path: "a", Offset: 7, Message: "unexpected end"}},
		{"string that ends in a backslash", `{"a":"b\`, payload.Error{Path: "a", Offset: 8, Message: "unexpected end"}},
		{"line break in a string", "{\"a\":\"b\n\"}", payload.Error{Path: "a", Offset: 7, Message: "control character in string"}},
		{"NUL in a name", "{\"a\x00\":1}", payload.Error{Offset: 3, Message: "control character in string"}},
		{"unknown escape", `{"a":"b\x"}`, payload.Error{Path: "a", Offset: 7, Message: "invalid escape"}},
		{"escape in capitals", `{"a":"\N"}`, payload.Error{Path: "a", Offset: 6, Message: "invalid escape"}},
		{"escape of three digits", `{"a":"\u12G4"}`, payload.Error{Path: "a", Offset: 6, Message: "invalid escape"}},
		{"escape without end", `{"a":"\u12`, payload.Error{Path: "a", Offset: 6, Message: "invalid escape"}},
		{"broken escape after half a pair", `{"a":"\ud83d\ude0"}`, payload.Error{Path: "a", Offset: 12, Message: "invalid escape"}},
		{"stray byte", "{\"a\":\"b\xff\"}", payload.Error{Path: "a", Offset: 7, Message: "invalid UTF-8"}},
		{"stray byte in a name", "{\"a\x80\":1}", payload.Error{Offset: 3, Message: "invalid UTF-8"}},
		{"stray byte outside of strings", "{\xc3}", payload.Error{Offset: 1, Message: "invalid UTF-8"}},
		{"overlong form", "{\"a\":\"\xc0\xaf\"}", payload.Error{Path: "a", Offset: 6, Message: "invalid UTF-8"}},
		{"surrogate as bytes", "{\"a\":\"\xed\xa0\x80\"}", payload.Error{Path: "a", Offset: 6, Message: "invalid UTF-8"}},
		{"beyond the last code point", "{\"a\":\"\xf4\x90\x80\x80\"}", payload.Error{Path: "a", Offset: 6, Message: "invalid UTF-8"}},
		{"half a character", "{\"a\":\"\xe2\x82", payload.Error{Path: "a", Offset: 6, Message: "invalid UTF-8"}},

		{"duplicate key", `{"a":1,"b":2,"a":3}`, payload.Error{Offset: 13, Message: `duplicate key "a"`}},
		{"duplicate key within", `{"eager":[1,{"w":1,"w":2}]}`, payload.Error{Path: "eager[1]", Offset: 19, Message: `duplicate key "w"`}},
		{"duplicate key by escape", `{"ab":1,"\u0061b":3}`, payload.Error{Offset: 8, Message: `duplicate key "ab"`}},
		{"duplicate lone surrogate", `{"\ud800":1,"\uD800":3}`, payload.Error{Offset: 12, Message: `duplicate key "\ud800"`}},
		{"duplicate index", `{"1":1,"a":2,"1":3}`, payload.Error{Offset: 13, Message: `duplicate key "1"`}},
		{"duplicate of a dropped name", `{"signature_key":1,"signature\u005fkey":2}`, payload.Error{Offset: 19, Message: `duplicate key "signature_key"`}},
		{
			"duplicate of a long name", `{"` + longName + `":1,"` + longName + `":2}`,
			payload.Error{Offset: len(longName) + 6, Message: `duplicate key "` + longName[:64] + `…"`},
		},
		{
			"duplicate of a name that is cut within a character", `{"x` + strings.Repeat("é", 40) + `":1,"x` + strings.Repeat("é", 40) + `":2}`,
			payload.Error{Offset: 87, Message: `duplicate key "x` + strings.Repeat("é", 31) + `…"`},
		},
		{"fault in what is dropped", `{"signature_key":[1e999]}`, payload.Error{Path: "signature_key[0]", Offset: 18, Message: "number out of range"}},

		{"names that need quotes in a path", `{"a b":{"":[{"x.y":{"é\n":!}}]}}`, payload.Error{Path: `["a b"][""][0]["x.y"]["é\n"]`, Offset: 27, Message: `unexpected character '!'`}},
		{"long word in a path", `{"a":{"` + strings.Repeat("w", 65) + `":?}}`, payload.Error{Path: `a["` + strings.Repeat("w", 64) + `…"]`, Offset: 74, Message: `unexpected character '?'`}},
		{"long name in a path", `{"a":{"` + longName + `":?}}`, payload.Error{Path: `a["` + longName[:64] + `…"]`, Offset: len(longName) + 9, Message: `unexpected character '?'`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := payload.Canonical([]byte(test.text))
			if diff := cmp.Diff(&test.want, faultOf(err)); diff != "" {
				t.Errorf("Canonical(%q) error (-want +got):\n%s", test.text, diff)
			}
			// One scanner reads for all: where it is an object, the fault is the same.
			_, err = payload.Compose("upload", []byte(test.text), byAPI, payload.Form{})
			if diff := cmp.Diff(&test.want, faultOf(err)); diff != "" {
				t.Errorf("Compose(%q) error (-want +got):\n%s", test.text, diff)
			}
			_, err = payload.Fields([]byte(test.text))
			if diff := cmp.Diff(&test.want, faultOf(err)); diff != "" {
				t.Errorf("Fields(%q) error (-want +got):\n%s", test.text, diff)
			}
		})
	}
}

func TestComposeNeedsAnObject(t *testing.T) {
	for _, text := range []string{`[]`, `[{}]`, `"a"`, `1`, `-1`, `true`, `false`, ` null`} {
		_, err := payload.Compose("upload", []byte(text), byAPI, payload.Form{})
		want := &payload.Error{Offset: strings.Count(text, " "), Message: "must be an object"}
		if diff := cmp.Diff(want, faultOf(err)); diff != "" {
			t.Errorf("Compose(%s) error (-want +got):\n%s", text, diff)
		}
	}
}

func TestDepth(t *testing.T) {
	arrays := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	objects := func(n int) string { return strings.Repeat(`{"a":`, n-1) + `{}` + strings.Repeat("}", n-1) }
	for _, test := range []struct {
		name   string
		read   func([]byte) error
		text   string
		offset int // of the fault, -1 for none
		limit  string
	}{
		{"arrays at the limit", canonical, arrays(100), -1, ""},
		{"arrays beyond it", canonical, arrays(101), 100, "100"},
		{"arrays far beyond it, without end", canonical, strings.Repeat("[", 1_000_000), 100, "100"},
		{"objects at the limit", canonical, objects(100), -1, ""},
		{"objects beyond it", canonical, objects(101), 500, "100"},
		{"side by side", canonical, `[` + arrays(99) + `,` + arrays(99) + `,` + objects(99) + `]`, -1, ""},
		{"payload at the limit", compose, objects(100), -1, ""},
		{"payload beyond it", compose, objects(101), 500, "100"},
		{"request around a payload at the limit", fields, `{"events":[{"payload":` + objects(100) + `}]}`, -1, ""},
		{"request at its limit", fields, objects(104), -1, ""},
		{"request beyond it", fields, objects(105), 520, "104"},
		{"list beyond it", elements, arrays(105), 104, "104"},
	} {
		t.Run(test.name, func(t *testing.T) {
			fault := faultOf(test.read([]byte(test.text)))
			if test.offset < 0 {
				if fault != nil {
					t.Errorf("error = %v", fault)
				}
				return
			}
			if fault == nil {
				t.Fatal("no error")
			}
			want := payload.Error{Path: fault.Path, Offset: test.offset, Message: "nested deeper than " + test.limit}
			if diff := cmp.Diff(want, *fault); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if len(fault.Path) < 199 || len(fault.Path) > 256+len("…") {
				t.Errorf("path of %d bytes: %s", len(fault.Path), fault.Path)
			}
		})
	}
}

func canonical(data []byte) error { _, err := payload.Canonical(data); return err }
func compose(data []byte) error {
	_, err := payload.Compose("upload", data, byAPI, payload.Form{})
	return err
}
func fields(data []byte) error   { _, err := payload.Fields(data); return err }
func elements(data []byte) error { _, err := payload.Elements(data); return err }

func TestErrorText(t *testing.T) {
	for _, test := range []struct {
		name, text, want string
	}{
		{"with a path", `{"eager":[{"width":1e999}]}`, "eager[0].width: number out of range"},
		{"in a list", `[[0,tru]]`, "[0][1]: unexpected character ']'"},
		{"of the whole", `{"a":1`, "unexpected end"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := canonical([]byte(test.text)); err == nil || err.Error() != test.want {
				t.Errorf("error = %v, want %s", err, test.want)
			}
		})
	}
}

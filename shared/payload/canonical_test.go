package payload_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/payload"
)

// goldens are JSON texts and what JSON.stringify(JSON.parse(text)) makes of them.
// TestGoldensAgainstNode asks Node whether that is so.
var goldens = []struct{ name, text, want string }{
	{"zero", `0`, `0`},
	{"minus zero", `-0`, `0`},
	{"minus zero with fraction", `-0.0`, `0`},
	{"minus zero with exponent", `-0e5`, `0`},
	{"small integer", `7`, `7`},
	{"negative integer", `-42`, `-42`},
	{"unix time", `1719310887`, `1719310887`},
	{"15 digits", `999999999999999`, `999999999999999`},
	{"largest safe integer", `9007199254740991`, `9007199254740991`},
	{"2 to the 53rd", `9007199254740992`, `9007199254740992`},
	{"beyond, but printed as it is", `9007199254740994`, `9007199254740994`},
	{"20 digits, printed as they are", `12345678901234567000`, `12345678901234567000`},
	{"21 digits", `100000000000000000000`, `100000000000000000000`},
	{"1e21 as an integer", `1000000000000000000000`, `1e+21`},
	{"minus 1e21 as an integer", `-1000000000000000000000`, `-1e+21`},
	{"12e21 as an integer", `12000000000000000000000`, `1.2e+22`},
	{"integer with fraction", `1.0`, `1`},
	{"trailing zeros", `1.50`, `1.5`},
	{"leading zero", `0.5`, `0.5`},
	{"fraction of 15 digits", `12345.6789012345`, `12345.6789012345`},
	{"fraction of 17 digits", `0.12345678901234567`, `0.12345678901234566`},
	{"thirds", `0.333333333333333333333333333333`, `0.3333333333333333`},
	{"0.1+0.2", `0.30000000000000004`, `0.30000000000000004`},
	{"nine and more nines", `0.99999999999999999`, `1`},
	{"1e-6", `0.000001`, `0.000001`},
	{"1e-7", `0.0000001`, `1e-7`},
	{"-1.5e-7", `-0.00000015`, `-1.5e-7`},
	{"six zeros after ten", `10.0000001`, `10.0000001`},
	{"exponent", `1e3`, `1000`},
	{"capital exponent", `1E3`, `1000`},
	{"exponent with plus", `1.5e+3`, `1500`},
	{"exponent with zeros", `1e0003`, `1000`},
	{"negative exponent", `125e-3`, `0.125`},
	{"1e20", `1e20`, `100000000000000000000`},
	{"1e21", `1e21`, `1e+21`},
	{"1e-6 by exponent", `1e-6`, `0.000001`},
	{"1e-7 by exponent", `1e-7`, `1e-7`},
	{"1e-10", `1e-10`, `1e-10`},
	{"1e-100", `1e-100`, `1e-100`},
	{"large", `123456789.125`, `123456789.125`},
	{"2 to the 53rd and one, as no integer", `9007199254740993.0`, `9007199254740992`},
	{"largest double", `1.7976931348623157e308`, `1.7976931348623157e+308`},
	{"just not infinite", `1.7976931348623158e308`, `1.7976931348623157e+308`},
	{"smallest double", `5e-324`, `5e-324`},
	{"smallest normal double", `2.2250738585072014e-308`, `2.2250738585072014e-308`},
	{"nothing left of it", `1e-400`, `0`},
	{"nothing left of it, negative", `-1e-400`, `0`},

	{"empty string", `""`, `""`},
	{"plain string", `"abc"`, `"abc"`},
	{"quote and backslash", `"\"\\"`, `"\"\\"`},
	{"quote and backslash by number", `"\u0022\u005c"`, `"\"\\"`},
	{"slashes", `"\/ /"`, `"/ /"`},
	{"short escapes", `"\b\f\n\r\t"`, `"\b\f\n\r\t"`},
	{"short escapes by number", `"\u0008\u000C\u000a\u000D\u0009"`, `"\b\f\n\r\t"`},
	{"control characters", `"\u0000\u0001\u000b\u001F"`, `"\u0000\u0001\u000b\u001f"`},
	{"letters by number", `"\u0041\u00e9\u20AC"`, `"Aé€"`},
	{"HTML", `"<a href='x'>&</a>"`, `"<a href='x'>&</a>"`},
	{"HTML by number", `"\u003c\u003e\u0026"`, `"<>&"`},
	{"DEL", "\"\x7f\\u007f\"", "\"\x7f\x7f\""},
	{"line separators", "\"\u2028\u2029\\u2028\\u2029\"", "\"\u2028\u2029\u2028\u2029\""},
	{"BOM within", "\"\ufeff\\ufeff\"", "\"\ufeff\ufeff\""},
	{"non-characters", `"\uffff\ufffe\ufffd"`, "\"\uffff\ufffe\ufffd\""},
	{"emoji", `"😀"`, `"😀"`},
	{"emoji by number", `"\ud83d\ude00\uD83D\uDE00"`, `"😀😀"`},
	{"last code point", `"\udbff\udfff"`, "\"\U0010ffff\""},
	{"lone high surrogate", `"\uD83D"`, `"\ud83d"`},
	{"lone low surrogate", `"a\uDE00b"`, `"a\ude00b"`},
	{"surrogates in the wrong order", `"\ude00\ud83d"`, `"\ude00\ud83d"`},
	{"two high surrogates and a low one", `"\ud83d\ud83d\ude00"`, `"\ud83d😀"`},
	{"high surrogate before a letter", `"\ud83d\u0041"`, `"\ud83dA"`},
	{"high surrogate before a short escape", `"\ud83d\n"`, `"\ud83d\n"`},
	{"mixed", `"a\u0062c\nd\\\u00e9/é"`, `"abc\nd\\é/é"`},

	{"literals", `[true,false,null]`, `[true,false,null]`},
	{"empty containers", `[[],{},[{}]]`, `[[],{},[{}]]`},
	{"space", " [ 1 ,\t2\r\n] ", `[1,2]`},
	{"keys in order", `{"b":1,"a":2,"":3}`, `{"b":1,"a":2,"":3}`},
	{"keys are unescaped", `{"\u0061\/":1}`, `{"a/":1}`},
	{"surrogate keys", `{"\uD800":1,"\uDC00":2}`, `{"\ud800":1,"\udc00":2}`},
	{"indexes first", `{"b":1,"1":2,"a":3,"0":4}`, `{"0":4,"1":2,"b":1,"a":3}`},
	{"indexes by value", `{"10":1,"9":2,"100":3}`, `{"9":2,"10":1,"100":3}`},
	{"indexes in order already", `{"0":1,"7":2,"a":3}`, `{"0":1,"7":2,"a":3}`},
	{"escaped index", `{"a":1,"\u0031":2}`, `{"1":2,"a":1}`},
	{"largest index", `{"a":1,"4294967295":2,"4294967294":3}`, `{"4294967294":3,"a":1,"4294967295":2}`},
	{"no indexes", `{"a":1,"00":2,"01":3,"-1":4,"1.0":5,"1e3":6," 1":7,"99999999999":8,"4294967296":9}`,
		`{"a":1,"00":2,"01":3,"-1":4,"1.0":5,"1e3":6," 1":7,"99999999999":8,"4294967296":9}`},
	{"indexes within", `{"a":{"b":{"2":[],"x":1,"1":{"z":0,"3":1}}},"0":[{"q":1,"5":2}]}`,
		`{"0":[{"5":2,"q":1}],"a":{"b":{"1":{"3":1,"z":0},"2":[],"x":1}}}`},
	{"__proto__", `{"a":1,"__proto__":{"__proto__":null},"constructor":2}`,
		`{"a":1,"__proto__":{"__proto__":null},"constructor":2}`},
	{"depth of 100", strings.Repeat("[", 100) + strings.Repeat("]", 100), strings.Repeat("[", 100) + strings.Repeat("]", 100)},
}

// kept are integers whose digits JavaScript would change.
var kept = []string{
	"9007199254740993",
	"-9007199254740993",
	"12345678901234567890",
	"18446744073709551615",
	"1152921504606846976", // a double holds it, but prints as 1152921504606847000
	"1000000000000000000001",
	"1180591620717411303424", // 2 to the 70th
	strings.Repeat("1234567890", 30),
}

func TestCanonical(t *testing.T) {
	for _, test := range goldens {
		t.Run(test.name, func(t *testing.T) {
			got, err := payload.Canonical([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("Canonical(%s) (-want +got):\n%s", test.text, diff)
			}
		})
	}
}

func TestCanonicalKeepsIntegers(t *testing.T) {
	for _, integer := range kept {
		t.Run(integer, func(t *testing.T) {
			text := `{"b":[` + integer + `],"a":` + integer + `}`
			got, err := payload.Canonical([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(text, string(got)); diff != "" {
				t.Errorf("Canonical (-want +got):\n%s", diff)
			}
		})
	}
}

// Many keys take another path through the search for duplicates.
func TestCanonicalManyKeys(t *testing.T) {
	for _, n := range []int{1, 31, 32, 33, 64, 65, 100, 5000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var members []string
			for i := range n {
				members = append(members, fmt.Sprintf(`"key%d":{"key%d":%d}`, i, i, i))
			}
			text := `{` + strings.Join(members, ",") + `}`
			got, err := payload.Canonical([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(text, string(got)); diff != "" {
				t.Errorf("Canonical (-want +got):\n%s", diff)
			}
			for _, again := range []int{0, n / 2, n - 1} {
				name := fmt.Sprintf(`"key%d"`, again)
				_, err := payload.Canonical([]byte(text[:len(text)-1] + `,` + name + `:0}`))
				want := &payload.Error{Offset: len(text), Message: "duplicate key " + name}
				if diff := cmp.Diff(want, faultOf(err)); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
			}
		})
	}
}

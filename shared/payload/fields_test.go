package payload_test

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/payload"
)

func TestFields(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []payload.Field
	}{
		{"empty", ` { } `, []payload.Field{}},
		{
			"every type, as it came",
			"{ \"a\" : 1.0 ,\"b\":\"x\\u0041\" , \"c\":{ \"y\" : 1e2, \"0\" : [ ] },\"d\":[ 1 , 2 ]\n,\"e\":null,\"f\":true }",
			[]payload.Field{
				{Name: "a", Raw: []byte(`1.0`)},
				{Name: "b", Raw: []byte(`"x\u0041"`)},
				{Name: "c", Raw: []byte(`{ "y" : 1e2, "0" : [ ] }`)},
				{Name: "d", Raw: []byte(`[ 1 , 2 ]`)},
				{Name: "e", Raw: []byte(`null`)},
				{Name: "f", Raw: []byte(`true`)},
			},
		},
		{
			"order of the source, our names included", `{"b":1,"7":2,"a":3,"signature_key":4}`,
			[]payload.Field{
				{Name: "b", Raw: []byte(`1`)},
				{Name: "7", Raw: []byte(`2`)},
				{Name: "a", Raw: []byte(`3`)},
				{Name: "signature_key", Raw: []byte(`4`)},
			},
		},
		{
			"names are unescaped", `{"event\u005fid":1,"\"\\\/\b\f\n\r\t\u0001\u00e9\ud83d\ude00":2,"":3,"é":4}`,
			[]payload.Field{
				{Name: "event_id", Raw: []byte(`1`)},
				{Name: "\"\\/\b\f\n\r\t\x01é😀", Raw: []byte(`2`)},
				{Name: "", Raw: []byte(`3`)},
				{Name: "é", Raw: []byte(`4`)},
			},
		},
		{
			"lone surrogates in names", `{"a\ud800b":1,"\udfff\u0041":2}`,
			[]payload.Field{
				{Name: "a\ufffdb", Raw: []byte(`1`)},
				{Name: "\ufffdA", Raw: []byte(`2`)},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := []byte(test.text)
			got, err := payload.Fields(data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Fields (-want +got):\n%s", diff)
			}
			for _, field := range got {
				checkPart(t, data, field.Raw)
			}
		})
	}
}

// checkPart checks that raw is a piece of data's memory, and that appending to it
// would not write there.
func checkPart(t *testing.T, data, raw []byte) {
	t.Helper()
	if cap(raw) != len(raw) {
		t.Errorf("%s has a capacity of %d", raw, cap(raw))
	}
	at := uintptr(unsafe.Pointer(unsafe.SliceData(raw))) - uintptr(unsafe.Pointer(unsafe.SliceData(data)))
	if at >= uintptr(len(data)) {
		t.Errorf("%s is a copy", raw)
	}
}

func TestFieldsNeedsAnObject(t *testing.T) {
	for _, text := range []string{`[{}]`, `"a"`, `1`, `null`} {
		_, err := payload.Fields([]byte(text))
		if diff := cmp.Diff(&payload.Error{Message: "must be an object"}, faultOf(err)); diff != "" {
			t.Errorf("Fields(%s) error (-want +got):\n%s", text, diff)
		}
	}
}

func TestElements(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       [][]byte
	}{
		{"empty", ` [ ] `, nil},
		{"one", `[{}]`, [][]byte{[]byte(`{}`)}},
		{"as they came", "[ 1.0 ,\"\\u0041\", { \"b\" :1 } ,[ ]\n,null]", [][]byte{
			[]byte(`1.0`), []byte(`"\u0041"`), []byte(`{ "b" :1 }`), []byte(`[ ]`), []byte(`null`),
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := []byte(test.text)
			got, err := payload.Elements(data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Elements (-want +got):\n%s", diff)
			}
			for _, raw := range got {
				checkPart(t, data, raw)
			}
		})
	}
}

func TestElementsRefuses(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       payload.Error
	}{
		{"nothing", ``, payload.Error{Message: "unexpected end"}},
		{"an object", `{}`, payload.Error{Message: "must be an array"}},
		{"a string", `  "a"`, payload.Error{Offset: 2, Message: "must be an array"}},
		{"garbage", `]`, payload.Error{Message: "unexpected character ']'"}},
		{"no end", `[1`, payload.Error{Offset: 2, Message: "unexpected end"}},
		{"trailing comma", `[1,]`, payload.Error{Path: "[1]", Offset: 3, Message: "unexpected character ']'"}},
		{"trailing garbage", `[1] ,`, payload.Error{Offset: 4, Message: "unexpected character ','"}},
		{"fault within", `[0,{"a":[1e999]}]`, payload.Error{Path: "[1].a[0]", Offset: 9, Message: "number out of range"}},
		{"duplicate key within", `[{"a":1,"a":2}]`, payload.Error{Path: "[0]", Offset: 8, Message: `duplicate key "a"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := payload.Elements([]byte(test.text))
			if diff := cmp.Diff(&test.want, faultOf(err)); diff != "" {
				t.Errorf("Elements(%s) error (-want +got):\n%s", test.text, diff)
			}
		})
	}
}

// Splitting keeps names but not values while it reads, so its memory does not
// grow with the values.
func TestFieldsMemory(t *testing.T) {
	text := []byte(`{"events":[` + strings.Repeat(`{"payload":{"a":"`+strings.Repeat("x", 900)+`"}},`, 1000) + `0]}`)
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := payload.Fields(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	if n := result.AllocedBytesPerOp(); n > 8<<10 {
		t.Errorf("Fields of %d bytes allocates %d", len(text), n)
	}
}

package payload_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/payload"
)

// byAPI is the context of Cloudinary's documented upload notification.
var byAPI = payload.Context{
	TriggeredAt: time.Date(2024, 6, 25, 10, 21, 27, 272126000, time.UTC),
	Source:      "api",
	ID:          "614335564976464",
}

const (
	apiKey = "614335564976464"
	// ending is what byAPI and apiKey put at the end of a body.
	ending = `"notification_context":{"triggered_at":"2024-06-25T10:21:27.272126Z",` +
		`"triggered_by":{"source":"api","id":"614335564976464"}},"signature_key":"614335564976464"}`
)

// finish composes a body and adds its signature key.
func finish(t testing.TB, data []byte) []byte {
	t.Helper()
	body, err := payload.Compose("upload", data, byAPI, payload.Form{})
	if err != nil {
		t.Fatalf("Compose(%.200q): %v", data, err)
	}
	return payload.WithSignatureKey(body, apiKey)
}

// faultOf is an error's *payload.Error, or nil.
func faultOf(err error) *payload.Error {
	if fault, ok := errors.AsType[*payload.Error](err); ok {
		return fault
	}
	return nil
}

func TestCompose(t *testing.T) {
	for _, test := range []struct {
		name, payload, want string
	}{
		{
			"empty object", `{}`,
			`{"notification_type":"upload",` + ending,
		},
		{
			"fields keep their order", `{"z":1,"a":2,"m":{"y":3,"b":4}}`,
			`{"notification_type":"upload","z":1,"a":2,"m":{"y":3,"b":4},` + ending,
		},
		{
			"space is dropped", " \t\r\n{ \"a\" :\n[ 1 , { } , [ ] ] , \"b\" : \" \" } \n",
			`{"notification_type":"upload","a":[1,{},[]],"b":" ",` + ending,
		},
		{
			"our names are dropped", `{"notification_type":"x","a":1,"notification_context":{"b":[1,{"c":2}]},"signature_key":3,"d":4}`,
			`{"notification_type":"upload","a":1,"d":4,` + ending,
		},
		{
			"our names are dropped where escaped", `{"signature\u005fkey":"forged","notific\u0061tion_type":1,"a":2}`,
			`{"notification_type":"upload","a":2,` + ending,
		},
		{
			"nothing but our names", `{"signature_key":1,"notification_context":2,"notification_type":3}`,
			`{"notification_type":"upload",` + ending,
		},
		{
			"our names are left alone within", `{"context":{"signature_key":1,"notification_type":2}}`,
			`{"notification_type":"upload","context":{"signature_key":1,"notification_type":2},` + ending,
		},
		{
			"like our names", `{"Signature_key":1,"signature_key ":2,"signature_keys":3,"":4}`,
			`{"notification_type":"upload","Signature_key":1,"signature_key ":2,"signature_keys":3,"":4,` + ending,
		},
		{
			"indexes go before the type", `{"b":1,"10":2,"2":3,"a":4}`,
			`{"2":3,"10":2,"notification_type":"upload","b":1,"a":4,` + ending,
		},
		{
			"indexes and our names", `{"signature_key":1,"7":2,"a":3,"notification_type":4}`,
			`{"7":2,"notification_type":"upload","a":3,` + ending,
		},
		{
			"__proto__ is a name like others", `{"b":1,"__proto__":{"a":2},"a":3}`,
			`{"notification_type":"upload","b":1,"__proto__":{"a":2},"a":3,` + ending,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			given := strings.Clone(test.payload)
			if diff := cmp.Diff(test.want, string(finish(t, []byte(given)))); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

// The documented notification, from the upload's response to the finished body.
func TestComposeDocumentedUpload(t *testing.T) {
	const fields = `"timestamp":"2024-06-25T10:21:27+00:00","request_id":"0cc3e0d9a2ce2703563b0c93c51c35ee",` +
		`"asset_id":"be52027d24d3349b0e105c38f00ec597","public_id":"jeans","version":1719310887,` +
		`"version_id":"40c79d9223f1ca2797a55787b9c8f503","width":520,"height":693,"format":"png",` +
		`"resource_type":"image","created_at":"2024-06-25T10:21:27Z","tags":[],"bytes":147954,"type":"upload",` +
		`"etag":"ac03de878dde557f29c59e83edcbd74b","placeholder":false,` +
		`"url":"http://res.cloudinary.com/cld-docs/image/upload/v1719310887/jeans.png",` +
		`"secure_url":"https://res.cloudinary.com/cld-docs/image/upload/v1719310887/jeans.png",` +
		`"asset_folder":"","display_name":"jeans","original_filename":"jeans-1421398-1279x852","api_key":"614335564976464"`
	want := `{"notification_type":"upload",` + fields + `,` + ending
	spaced := strings.ReplaceAll(`{`+fields+`}`, `","`, "\",\n  \"")
	if diff := cmp.Diff(want, string(finish(t, []byte(spaced)))); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestComposeContext(t *testing.T) {
	for _, test := range []struct {
		name    string
		context payload.Context
		want    string
	}{
		{
			"six digits always", payload.Context{TriggeredAt: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), Source: "api", ID: "1"},
			`{"triggered_at":"2024-01-02T03:04:05.000000Z","triggered_by":{"source":"api","id":"1"}}`,
		},
		{
			"cut to microseconds", payload.Context{TriggeredAt: time.Date(2024, 1, 2, 3, 4, 5, 120999, time.UTC), Source: "ui", ID: "a@b.c"},
			`{"triggered_at":"2024-01-02T03:04:05.000120Z","triggered_by":{"source":"ui","id":"a@b.c"}}`,
		},
		{
			"in UTC", payload.Context{TriggeredAt: time.Date(2024, 1, 2, 1, 4, 5, 999999999, time.FixedZone("", 2*3600)), Source: "api", ID: "1"},
			`{"triggered_at":"2024-01-01T23:04:05.999999Z","triggered_by":{"source":"api","id":"1"}}`,
		},
		{
			"escaped, not HTML-escaped", payload.Context{Source: "a\"b\\c\n", ID: "<d&e>\u2028\x1f\xff"},
			`{"triggered_at":"0001-01-01T00:00:00.000000Z","triggered_by":{"source":"a\"b\\c\n","id":"<d&e>` + "\u2028" + `\u001f` + "\ufffd" + `"}}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := payload.Compose("upload", []byte(`{"a":1}`), test.context, payload.Form{})
			if err != nil {
				t.Fatal(err)
			}
			want := `{"notification_type":"upload","a":1,"notification_context":` + test.want
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Errorf("Compose (-want +got):\n%s", diff)
			}
		})
	}
}

func TestComposeTypeIsEscaped(t *testing.T) {
	got, err := payload.Compose("a\"\t", []byte(`{}`), byAPI, payload.Form{})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"notification_type":"a\"\t",`; !strings.HasPrefix(string(got), want) {
		t.Errorf("Compose() = %s, want it to begin with %s", got, want)
	}
}

// Short numbers may have long forms, and what Compose writes Unpack must read.
func TestComposeRefusesLongBodies(t *testing.T) {
	numbers := `{"a":[` + strings.TrimSuffix(strings.Repeat("1e20,", 48_000), ",") + `]}`
	_, err := payload.Compose("upload", []byte(numbers), byAPI, payload.Form{})
	if want := (&payload.Error{Message: "body longer than 1048576 bytes"}); !cmp.Equal(faultOf(err), want) {
		t.Errorf("Compose of %d bytes: %v, want %v", len(numbers), err, want)
	}
	text := `{"a":"` + strings.Repeat("x", payload.MaxBody-200) + `"}`
	if n := len(finish(t, []byte(text))); n > payload.MaxBody {
		t.Errorf("Compose() = %d bytes", n)
	}
}

func TestWithSignatureKey(t *testing.T) {
	for _, test := range []struct{ name, key, want string }{
		{"digits", "614335564976464", `{"a":1,"signature_key":"614335564976464"}`},
		{"empty", "", `{"a":1,"signature_key":""}`},
		{"in need of escapes", "a\"\\\n\x01é<\xfe", `{"a":1,"signature_key":"a\"\\\n\u0001é<` + "\ufffd" + `"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := append(make([]byte, 0, 1000), `{"a":1`...)
			got := payload.WithSignatureKey(body, test.key)
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("WithSignatureKey (-want +got):\n%s", diff)
			}
			if cap(got) >= len(got)+16 { // the allocator rounds up a little
				t.Errorf("%d bytes in a slice of %d", len(got), cap(got))
			}
			if rest := body[:100][len(body):]; !bytes.Equal(rest, make([]byte, len(rest))) || string(body) != `{"a":1` {
				t.Error("WithSignatureKey wrote into the body that it was given")
			}
			if n := testing.AllocsPerRun(100, func() { payload.WithSignatureKey(body, test.key) }); n > 1 {
				t.Errorf("%v allocations, want 1", n)
			}
		})
	}
}

func TestResultsShareNoMemory(t *testing.T) {
	given := []byte(`{"a":"text"}`)
	composed, err := payload.Compose("upload", given, byAPI, payload.Form{})
	if err != nil {
		t.Fatal(err)
	}
	canonical, err := payload.Canonical(given)
	if err != nil {
		t.Fatal(err)
	}
	if string(given) != `{"a":"text"}` {
		t.Errorf("the input became %s", given)
	}
	before := string(composed) + string(canonical)
	clear(given)
	if string(composed)+string(canonical) != before {
		t.Error("a result changed with the input")
	}
}

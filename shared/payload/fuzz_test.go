package payload_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mediahooks/mediahooks/shared/payload"
)

// checkAcceptance compares with encoding/json, which accepts invalid UTF-8 and
// all that JSON.parse accepts.
func checkAcceptance(t *testing.T, data []byte, err error) {
	t.Helper()
	valid := json.Valid(data)
	if err == nil {
		if !valid {
			t.Fatalf("%q was accepted", data)
		}
		if !utf8.Valid(data) {
			t.Fatalf("%q was accepted, and is not UTF-8", data)
		}
		return
	}
	fault := faultOf(err)
	if fault == nil {
		t.Fatalf("%v is no *Error", err)
	}
	if fault.Offset < 0 || fault.Offset > len(data) || !utf8.ValidString(fault.Error()) && utf8.Valid(data) {
		t.Fatalf("%q: fault at %d: %q", data, fault.Offset, fault.Error())
	}
	if len(fault.Error()) > 500 {
		t.Fatalf("an error of %d bytes", len(fault.Error()))
	}
	if valid && utf8.Valid(data) && !refusals.MatchString(fault.Message) {
		t.Fatalf("%q was refused: %v", data, err)
	}
}

func FuzzCompose(f *testing.F) {
	for _, golden := range goldens {
		f.Add([]byte(golden.text))
	}
	for _, integer := range kept {
		f.Add([]byte(`{"a":` + integer + `}`))
	}
	f.Add([]byte(`{"signature_key":1,"2":[1.50,"\ud83d\ude00"],"1":{"signature\u005fkey":-0}}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Add([]byte("{\"\xff\":1e999}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		canonical, err := payload.Canonical(data)
		checkAcceptance(t, data, err)
		if err == nil {
			again, err := payload.Canonical(canonical)
			if err != nil || !bytes.Equal(again, canonical) {
				t.Fatalf("%q became %q, and that %q, %v", data, canonical, again, err)
			}
		}
		body, composeErr := payload.Compose("upload", data, byAPI, payload.Form{})
		if composeErr != nil {
			if err == nil && canonical[0] == '{' && len(canonical) < payload.MaxBody-1000 {
				t.Fatalf("Compose(%q): %v", data, composeErr)
			}
			return
		}
		if err != nil {
			t.Fatalf("Compose(%q) accepts what Canonical refuses: %v", data, err)
		}
		finished := payload.WithSignatureKey(body, apiKey)
		again, err := payload.Canonical(finished)
		if err != nil || !bytes.Equal(again, finished) {
			t.Fatalf("%q became %q, and that %q, %v", data, finished, again, err)
		}
		unpacked, err := payload.Unpack(payload.Pack(body))
		if err != nil || !bytes.Equal(unpacked, body) {
			t.Fatalf("%q came back as %q, %v", body, unpacked, err)
		}
	})
}

func FuzzFields(f *testing.F) {
	for _, golden := range goldens {
		f.Add([]byte(golden.text))
	}
	f.Add([]byte(`{"event_id":"a","payload":{"a\u0062":[1,{"c":null}]},"events":[ {} , 2 ]}`))
	f.Add([]byte(`[{"a":1},{"a":1,"\u0061":2}]`))
	f.Add([]byte(strings.Repeat("[", 105)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if fields, err := payload.Fields(data); err == nil || faultOf(err).Message != "must be an object" {
			checkAcceptance(t, data, err)
			checkFields(t, data, fields)
		}
		if elements, err := payload.Elements(data); err == nil || faultOf(err).Message != "must be an array" {
			checkAcceptance(t, data, err)
			for _, raw := range elements {
				checkPart(t, data, raw)
			}
			if err == nil {
				sameValue(t, data, []byte(`[`+string(bytes.Join(elements, []byte(`,`)))+`]`))
			}
		}
	})
}

// checkFields puts an object together again from its fields.
func checkFields(t *testing.T, data []byte, fields []payload.Field) {
	t.Helper()
	if fields == nil {
		return
	}
	again := []byte(`{`)
	for i, field := range fields {
		checkPart(t, data, field.Raw)
		name, err := json.Marshal(field.Name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(name, []byte(`\ufffd`)) || strings.Contains(field.Name, "\ufffd") {
			return // a lone surrogate, which a name cannot hold
		}
		if i > 0 {
			again = append(again, ',')
		}
		again = append(append(append(again, name...), ':'), field.Raw...)
	}
	sameValue(t, data, append(again, '}'))
}

func sameValue(t *testing.T, a, b []byte) {
	t.Helper()
	one, err := payload.Canonical(a)
	if err != nil {
		return // deeper than a value may be on its own
	}
	other, err := payload.Canonical(b)
	if err != nil || !bytes.Equal(one, other) {
		t.Fatalf("%q was split into the parts of %q: %v", a, b, err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte(`{"a":1`))
	f.Add(payload.Pack([]byte(`{"a":"` + strings.Repeat("0123456789", 500))))
	f.Add(payload.Pack(make([]byte, payload.MaxBody+1)))
	f.Add([]byte("\x28\xb5\x2f\xfd"))
	f.Add([]byte("\x50\x2a\x4d\x18\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, packed []byte) {
		body, err := payload.Unpack(packed)
		if err != nil {
			if body != nil {
				t.Fatalf("%d bytes beside an error", len(body))
			}
			return
		}
		if len(body) > payload.MaxBody {
			t.Fatalf("a body of %d bytes", len(body))
		}
		again, err := payload.Unpack(payload.Pack(body))
		if err != nil || !bytes.Equal(again, body) {
			t.Fatalf("%q came back as %q, %v", body, again, err)
		}
	})
}

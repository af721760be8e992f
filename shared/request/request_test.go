package request_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/request"
)

func TestObject(t *testing.T) {
	type read struct {
		Text        string
		Flag, Empty bool
		Err         string
	}
	for _, test := range []struct {
		name   string
		object *request.Object
		want   read
	}{
		{"all there", request.JSON("", []byte(`{"text":"a\"b","flag":true,"object":{"a":1}}`)), read{Text: `a"b`, Flag: true}},
		{"nulls", request.JSON("", []byte(`{"text":null,"flag":null,"object":null}`)), read{Empty: true}},
		{"absent", request.JSON("", []byte(`{"other":[1]}`)), read{Empty: true}},
		{"empty body", request.JSON("", nil), read{Empty: true}},
		{"empty object", request.JSON("", []byte(`{"object":{ }}`)), read{Empty: true}},
		{"text of another type", request.JSON("", []byte(`{"text":1}`)), read{Empty: true, Err: "text: must be a string"}},
		{"flag of another type", request.JSON("", []byte(`{"flag":"maybe"}`)), read{Empty: true, Err: "flag: must be true or false"}},
		{"first fault wins", request.JSON("", []byte(`{"text":1,"flag":1}`)), read{Empty: true, Err: "text: must be a string"}},
		{"place in the request", request.JSON("events[2]", []byte(`{"text":[]}`)), read{Empty: true, Err: "events[2].text: must be a string"}},
		{"malformed", request.JSON("", []byte(`{"text":`)), read{Empty: true, Err: "text: invalid JSON at byte 8: unexpected end"}},
		{"not an object", request.JSON("", []byte(`[]`)), read{Empty: true, Err: "body: invalid JSON at byte 0: must be an object"}},
		{"form", request.Form("text=a%26b&flag=true&object="), read{Text: "a&b", Flag: true, Empty: true}},
		{"form with false", request.Form("flag=false"), read{Empty: true}},
		{"form with a name twice", request.Form("text=a&text=b"), read{Empty: true, Text: "a", Err: "text: is given more than once"}},
		{"flags of clients", request.Form("flag=True"), read{Flag: true, Empty: true}},
		{"flags of others", request.Form("flag=1"), read{Flag: true, Empty: true}},
		{"flags that are not set", request.Form("flag=0"), read{Empty: true}},
		{"malformed form", request.Form("text=%zz"), read{Empty: true, Err: "body: is not a valid form"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := test.object
			got := read{Text: o.Text("text"), Flag: o.Flag("flag"), Empty: o.IsEmptyObject("object")}
			if err := o.Err(); err != nil {
				got.Err = err.Error()
				if notification.CodeOf(err) != notification.Invalid {
					t.Errorf("code = %s", notification.CodeOf(err))
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDuplicateKeyIsNamed(t *testing.T) {
	err := request.JSON("events[0]", []byte(`{"a":1,"a":2}`)).Err()
	if err == nil || notification.CodeOf(err) != notification.Invalid {
		t.Fatalf("error = %v", err)
	}
	t.Log(err)
}

// What is kept as it was given is kept in its order.
func TestFormKeepsItsOrder(t *testing.T) {
	var got []string
	for _, f := range request.Form("c=1&a=%C3%A9&&b&x%5By%5D=a+b").Fields() {
		got = append(got, f.Name+"="+string(f.Raw))
	}
	if diff := cmp.Diff([]string{`c="1"`, `a="é"`, `b=""`, `x[y]="a b"`}, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

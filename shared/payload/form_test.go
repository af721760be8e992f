package payload_test

import (
	"testing"

	"github.com/mediahooks/mediahooks/shared/payload"
)

func TestForm(t *testing.T) {
	for _, test := range []struct {
		name, data string
		form       payload.Form
		want       string
	}{
		{"zero value", `{"asset_folder":"a","batch_id":1}`, payload.Form{}, `"asset_folder":"a","batch_id":1,`},
		{"without", `{"a":1,"requester_ip":{"b":[1]},"c":2}`, payload.Form{Without: []string{"requester_ip"}}, `"a":1,"c":2,`},
		{"without, escaped", `{"requester\u005fip":"1.2.3.4"}`, payload.Form{Without: []string{"requester_ip"}}, ``},
		{"without reaches the top level alone", `{"a":{"requester_ip":1}}`, payload.Form{Without: []string{"requester_ip"}}, `"a":{"requester_ip":1},`},
		{"with", `{"a":1}`, payload.Form{With: []payload.Text{{"batch_id", "x\"y"}}}, `"a":1,"batch_id":"x\"y",`},
		{"with instead", `{"batch_id":null,"a":1}`, payload.Form{With: []payload.Text{{"batch_id", "x"}}}, `"a":1,"batch_id":"x",`},
		{"fixed folders", `{"asset_folder":"a","folder":"f","display_name":"d","b":1}`, payload.Form{FixedFolders: true}, `"folder":"f","b":1,`},
		{"fixed folders in a list", `{"resources":[{"public_id":"p","asset_folder":"a","context":{"display_name":"own"}},"text",[{"asset_folder":1}]]}`,
			payload.Form{FixedFolders: true}, `"resources":[{"public_id":"p","context":{"display_name":"own"}},"text",[{"asset_folder":1}]],`},
		{"fixed folders in a map", `{"resources":{"display_name":{"display_name":"d","a":1},"p":{"asset_folder":"x"}}}`,
			payload.Form{FixedFolders: true}, `"resources":{"display_name":{"a":1},"p":{}},`},
		{"customers' own data stays", `{"context":{"custom":{"display_name":"own"}},"metadata":{"asset_folder":"own"},"after":{"x":{"display_name":1}}}`,
			payload.Form{FixedFolders: true}, `"context":{"custom":{"display_name":"own"}},"metadata":{"asset_folder":"own"},"after":{"x":{"display_name":1}},`},
		{"after resources all is as before", `{"resources":[],"eager":[{"display_name":1}]}`, payload.Form{FixedFolders: true}, `"resources":[],"eager":[{"display_name":1}],`},
		{"array indexes still first", `{"display_name":1,"7":2,"a":3}`, payload.Form{FixedFolders: true, With: []payload.Text{{"z", ""}}}, "7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			body, err := payload.Compose("upload", []byte(test.data), byAPI, test.form)
			if err != nil {
				t.Fatal(err)
			}
			want := `{"notification_type":"upload",` + test.want + ending
			if test.want == "7" {
				want = `{"7":2,"notification_type":"upload","a":3,"z":"",` + ending
			}
			if got := string(payload.WithSignatureKey(body, apiKey)); got != want {
				t.Errorf("body = %s\nwant   %s", got, want)
			}
		})
	}
}

package misfit_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/misfit"
)

func TestFind(t *testing.T) {
	const asset = `"asset_id":"a","resource_type":"image","type":"upload"`
	for _, test := range []struct {
		name, eventType, payload, want string
	}{
		{"least of an upload", "upload", `{"public_id":"lamp"}`, ""},
		{"what the API page shows", "upload", `{"public_id":"lamp","width":1600}`, ""},
		{"unknown fields", "upload", `{"public_id":"lamp","x":{"y":[1,null]}}`, ""},
		{"no upload", "upload", `{}`, "public_id: is missing"},
		{"empty name", "upload", `{"public_id":""}`, "public_id: must not be empty"},
		{"string for a number", "upload", `{"public_id":"lamp","width":"1600"}`, "width: must be an integer"},
		{"fraction", "upload", `{"public_id":"lamp","width":1600.5}`, "width: must be an integer"},
		{"integer written as a fraction", "upload", `{"public_id":"lamp","width":1.6e3}`, ""},
		{"integer beyond a double", "upload", `{"public_id":"lamp","bytes":9007199254740993}`, ""},
		{"huge number", "upload", `{"public_id":"lamp","bytes":1e308,"width":1e-1000000}`, ""},
		{"negative", "upload", `{"public_id":"lamp","bytes":-1}`, "bytes: must be at least 0"},
		{"number for a string", "upload", `{"public_id":7}`, "public_id: must be a string"},
		{"null", "upload", `{"public_id":"lamp","format":null}`, "format: must be a string"},
		{"null where one may be", "moderation", `{"moderation_kind":"manual","moderation_status":"approved","etag":null}`, ""},
		{"neither string nor null", "moderation", `{"moderation_kind":"manual","moderation_status":"approved","etag":1}`, "etag: must be null or a string"},
		{"string for a flag", "upload", `{"public_id":"lamp","placeholder":"no"}`, "placeholder: must be true or false"},
		{"unknown resource type", "upload", `{"public_id":"lamp","resource_type":"picture"}`, "resource_type: must be one of image, video, raw"},
		{"unix time", "upload", `{"public_id":"lamp","timestamp":1772440331}`, "timestamp: must be a string"},
		{"time of another form", "upload", `{"public_id":"lamp","created_at":"2026-03-02 08:32:11"}`, "created_at: must be a time such as 2026-01-31T12:00:00Z"},
		{"no URL", "upload", `{"public_id":"lamp","url":"//res.media.example/lamp.jpg"}`, "url: must be an HTTP(S) URL"},
		{"tags in one string", "upload", `{"public_id":"lamp","tags":"a,b"}`, "tags: must be an array"},
		{"faces", "upload", `{"public_id":"lamp","faces":[[1,2,3,4],[1,2,"3",4]]}`, "faces[1][2]: must be a number"},
		{"context", "upload", `{"public_id":"lamp","context":{"custom":{"alt text":7}}}`, `context.custom["alt text"]: must be a string`},
		{"failed transformation of an upload", "upload", `{"public_id":"lamp","eager":[{"status":"failed"}]}`, "eager[0].reason: is missing"},

		{"least of a result", "eager", `{"public_id":"lamp","eager":[{"transformation":"w_300"}]}`, ""},
		{"SDK's test vector", "eager", `{"eager":[{"transformation":"sp_full_hd/mp4","bytes":1055}],"public_id":"dog","batch_id":"9b11"}`, ""},
		{"no results", "eager", `{"public_id":"lamp"}`, "eager: is missing"},
		{"failed without a reason", "eager", `{"public_id":"lamp","eager":[{"status":"failed"}]}`, "eager[0].reason: is missing"},
		{"failed with no words", "eager", `{"public_id":"lamp","eager":[{},{"status":"failed","reason":""}]}`, "eager[1].reason: must not be empty"},
		{"failed with another reason", "eager", `{"public_id":"lamp","eager":[{"status":"failed","reason":{}}]}`, "eager[0].reason: must be a string"},
		{"first of many, in the order of numbers", "eager", `{"public_id":"lamp","eager":[{},{},{"width":"1"},{},{},{},{},{},{},{},{"width":"1"}]}`, "eager[2].width: must be an integer"},

		{"tags by asset", "resource_tags_changed", `{"resources":{"lamp":{"added":["a"]}}}`, "resources: must be an array"},
		{"tags", "resource_tags_changed", `{"resources":[{"public_id":"lamp","added":["a",1]}]}`, "resources[0].added[1]: must be a string"},
		{"no tags of nothing", "resource_tags_changed", `{"resources":[]}`, "resources: must not be empty"},
		{"access control by asset", "access_control_changed", `{"resources":{}}`, "resources: must be an array"},
		{"access control", "access_control_changed", `{"resources":[{"public_id":"lamp","new_access_control":"token"}]}`, "resources[0].new_access_control: must be an array"},
		{"deleted by asset", "delete", `{"resources":{}}`, "resources: must be an array"},
		{"deleted", "delete", `{"resources":[{"asset_id":"a"}]}`, "resources[0].public_id: is missing"},
		{"context in a list", "resource_context_changed", `{"resources":[]}`, "resources: must be an object"},
		{"context as a map", "resource_context_changed", `{"resources":{"lamp":{"added":{"alt":"x"}}}}`, "resources.lamp.added: must be an array"},
		{"context without a name", "resource_context_changed", `{"resources":{"a/lamp":{"added":[{"value":"x"}]}}}`, `resources["a/lamp"].added[0].name: is missing`},
		{"metadata in a list", "resource_metadata_changed", `{"resources":[]}`, "resources: must be an object"},
		{"metadata", "resource_metadata_changed", `{"resources":{"lamp":{` + asset + `}}}`, "resources.lamp.new_metadata: is missing"},
		{"display names in a list", "resource_display_name_changed", `{"resources":[]}`, "resources: must be an object"},
		{"moved in a list", "move", `{"resources":[]}`, "resources: must be an object"},
		{"moved nowhere", "move", `{"resources":{"lamp":{"from_asset_folder":""}}}`, "resources.lamp.to_asset_folder: is missing"},
		{"nothing moved", "move", `{"resources":{}}`, "resources: must not be empty"},
		{"names that are numbers", "move", `{"resources":{"10":{},"9":{},"x":{}}}`, "resources.9.from_asset_folder: is missing"},
		{"renamed", "rename", `{"from_public_id":"a"}`, "to_public_id: is missing"},
		{"folder", "create_folder", `{"folder_path":""}`, "folder_path: must not be empty"},

		{"unknown type", "nonsense", `{}`, ""},
		{"all", "all", `{}`, ""},
		{"no object", "upload", `[]`, "must be an object"},
		{"no JSON", "upload", `{`, "is not JSON that can be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 8 { // maps have another order each time
				if got := misfit.Find(test.eventType, []byte(test.payload)); got != test.want {
					t.Fatalf("misfit = %q, want %q", got, test.want)
				}
			}
		})
	}
}

// Whatever a payload holds, the sentence is short, on one line, and has none of
// the payload's values.
func TestSentencesAreShort(t *testing.T) {
	const secret = "a-token-that-nobody-should-read"
	long := strings.Repeat("é", 400)
	for _, test := range []struct{ name, eventType, payload, want string }{
		{"long value", "upload", `{"public_id":"p","resource_type":"` + secret + long + `"}`, "resource_type: must be one of image, video, raw"},
		{"long URL", "upload", `{"public_id":"p","url":"ftp://u:` + secret + `@h"}`, "url: must be an HTTP(S) URL"},
		{"long name", "move", `{"resources":{"` + long + `":{}}}`, `resources["` + strings.Repeat("é", 30) + `…"].from_asset_folder: is missing`},
		{"control characters", "move", `{"resources":{"a\n\u0000":{}}}`, `resources["a\n\x00"].from_asset_folder: is missing`},
		{"many control characters", "move", `{"resources":{"` + strings.Repeat(`\u0001`, 400) + `":{}}}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := misfit.Find(test.eventType, []byte(test.payload))
			if test.want != "" && got != test.want {
				t.Errorf("misfit = %q, want %q", got, test.want)
			}
			if got == "" || len(got) > 200 || strings.ContainsAny(got, "\n\x00\x01") || strings.Contains(got, secret) {
				t.Errorf("misfit = %q, %d bytes", got, len(got))
			}
		})
	}
}

// Many may ask for the same schema first.
func TestConcurrently(t *testing.T) {
	var group sync.WaitGroup
	for range 4 {
		for _, described := range catalog.Types() {
			group.Go(func() {
				if fault := misfit.Find(described.Name, described.Examples[0].Payload); fault != "" {
					t.Errorf("%s: %s", described.Name, fault)
				}
			})
		}
	}
	group.Wait()
}

// upload is the response to an upload, of about 1 KB.
const upload = `{"timestamp":"2026-03-02T08:32:11+00:00","request_id":"0d6f5ccbb7e14ffb9ad0d9a0e2e7a1d4",` +
	`"asset_id":"4af5a0d1d4047808528b5425d166c101","public_id":"catalogue/brass-lamp","version":1772440331,` +
	`"version_id":"6f4e1f7ad7f8b0a7e2f9a0d9f5c2a6b1","width":1600,"height":1200,"format":"jpg","resource_type":"image",` +
	`"created_at":"2026-03-02T08:32:11Z","tags":["lighting","sale"],"bytes":284113,"type":"upload",` +
	`"etag":"c9d2b5fbd3f7a5cbb0d9c0a9a4b3e8f1","placeholder":false,` +
	`"url":"http://res.media.example/demo/image/upload/v1772440331/catalogue/brass-lamp.jpg",` +
	`"secure_url":"https://res.media.example/demo/image/upload/v1772440331/catalogue/brass-lamp.jpg",` +
	`"asset_folder":"catalogue","display_name":"brass-lamp","original_filename":"IMG_2209",` +
	`"context":{"custom":{"alt":"A brass lamp on a table","caption":"The lamp"}},"faces":[[10,20,30,40]],` +
	`"metadata":{"photographer":"A. Moreau","stock_state":"in_stock","price_eur":180},"api_key":"111111111111111"}`

func BenchmarkFind(b *testing.B) {
	payload := []byte(upload)
	if fault := misfit.Find("upload", payload); fault != "" {
		b.Fatal(fault)
	}
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		misfit.Find("upload", payload)
	}
}

// What is full of faults, or of numbers that are slow to compare, must stay
// bounded by its size.
func BenchmarkHostile(b *testing.B) {
	const size = 256 << 10
	for _, test := range []struct{ name, field, element string }{
		{"names", "tags", `0,`},
		{"numbers", "eager", `{"width":-1e308,"bytes":-1e-308},`},
		{"reasons", "eager", `{"status":"failed"},`},
	} {
		elements := strings.Repeat(test.element, size/len(test.element))
		payload := fmt.Appendf(nil, `{"public_id":"p","%s":[%s]}`, test.field, strings.TrimSuffix(elements, ","))
		b.Run(test.name, func(b *testing.B) {
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				if misfit.Find("upload", payload) == "" {
					b.Fatal("fits")
				}
			}
		})
	}
}

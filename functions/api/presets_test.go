package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// call makes a call of the environment "demo".
func (s *server) call(t *testing.T, method, path, contentType, body string) events.APIGatewayV2HTTPResponse {
	t.Helper()
	path, query, _ := strings.Cut(path, "?")
	event := events.APIGatewayV2HTTPRequest{
		RawPath: "/v1_1/demo" + path, RawQueryString: query, Body: body,
		Headers: map[string]string{"authorization": basic("111111111111111", "a-secret-for-sample-events"), "content-type": contentType},
	}
	event.RequestContext.HTTP.Method = method
	answer, err := s.handle(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func (s *server) preset(t *testing.T, name string) notification.UploadPreset {
	t.Helper()
	found, err := s.store.UploadPresets(t.Context(), "demo", []string{name})
	if err != nil {
		t.Fatal(err)
	}
	return found[name]
}

// multipart is a form as the Python SDK sends it.
func multipart(fields ...string) string {
	var b strings.Builder
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		fmt.Fprintf(&b, "--b0undary\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", name, value)
	}
	return b.String() + "--b0undary--\r\n"
}

// What clients send is kept as it came, but for what is no parameter of an
// upload.
func TestPresetBodies(t *testing.T) {
	const asJSON, asForm, asParts = "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b0undary"
	for _, test := range []struct {
		name, contentType, body string
		unsigned                bool
		url, settings           string
	}{
		{
			"types of JSON", asJSON, `{"name":"new","unsigned":true,"tags":["a", "b"],"width":1.50,"eager_async":true,"context":{"b":1,"a":null}}`,
			true, "", `{"tags":["a", "b"],"width":1.50,"eager_async":true,"context":{"b":1,"a":null}}`,
		},
		{"nulls", asJSON, `{"name":"new","unsigned":null,"notification_url":null,"folder":null}`, false, "", `{}`},
		{"a URL", asJSON, `{"name":"new","notification_url":"https://a.example/?t=1"}`, false, "https://a.example/?t=1", `{"notification_url":"https://a.example/?t=1"}`},
		{"an empty URL", asJSON, `{"name":"new","notification_url":""}`, false, "", `{}`},
		{"a name that needs escaping", asJSON, `{"name":"new","<é>":1}`, false, "", `{"<é>":1}`},
		{
			"the npm SDK's form", asForm, "unsigned=true&name=new&timestamp=1770091506&use_filename=1&tags=a%2Cb&notification_url=https%3A%2F%2Fa.example",
			true, "https://a.example", `{"use_filename":"1","tags":"a,b","notification_url":"https://a.example"}`,
		},
		{
			"the Python SDK's form", asParts, multipart("timestamp=1770091506", "name=new", "unsigned=True", "folder=a é"),
			true, "", `{"folder":"a é"}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			answer := s.call(t, "POST", "/upload_presets", test.contentType, test.body)
			if answer.StatusCode != 200 || answer.Body != `{"message":"created","name":"new"}`+"\n" {
				t.Fatalf("answer = %d %s", answer.StatusCode, answer.Body)
			}
			got := s.preset(t, "new")
			if got.Unsigned != test.unsigned || got.NotificationURL != test.url {
				t.Errorf("preset = %+v", got)
			}
			if diff := cmp.Diff(decoded(t, test.settings), decoded(t, string(got.Settings))); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

// decoded keeps the text of numbers.
func decoded(t *testing.T, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

func TestPresetFaults(t *testing.T) {
	for _, test := range []struct {
		name, method, path, body string
		status                   int
		message                  string
	}{
		{"URL of another type", "POST", "", `{"notification_url":1}`, 400, "notification_url: must be a string"},
		{"name of another type", "POST", "", `{"name":["a"]}`, 400, "name: must be a string"},
		{"unsigned of another type", "POST", "", `{"unsigned":2}`, 400, "unsigned: must be true or false"},
		{"name with a slash", "POST", "", `{"name":"a/b"}`, 400, "name: must be 1 to 255 bytes"},
		{"settings of a duplicate key", "POST", "", `{"context":{"a":1,"a":2}}`, 400, "context"},
		{"not an object", "POST", "", `[1]`, 400, "body: "},
		{"too large", "POST", "", `{"a":"` + strings.Repeat("a", 64<<10) + `"}`, 413, "body: must be at most 65536 bytes"},
		{"settings too large", "PUT", "/web", `{"a":"` + strings.Repeat("a", 32<<10) + `"}`, 400, "settings: must be at most 32768 bytes"},
		{"page of none", "GET", "?max_results=0", "", 400, "max_results: must be a number from 1 to 500"},
		{"page of a word", "GET", "?max_results=all", "", 400, "max_results: must be a number from 1 to 500"},
		{"malformed cursor", "GET", "?next_cursor=*", "", 400, "next_cursor: is not one"},
		{"cursor of no name", "GET", "?next_cursor=" + url.QueryEscape(strings.Repeat("YWFh", 500)), "", 400, "next_cursor: is not one"},
		{"another order", "GET", "?order_by=updated_at", "", 400, "order_by: must be name"},
		{"another direction", "GET", "?direction=desc", "", 400, "direction: must be asc"},
		{"path beyond a name", "GET", "/web/more", "", 404, "no such path"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			before := s.preset(t, "web")
			answer := s.call(t, test.method, "/upload_presets"+test.path, "application/json", test.body)
			if answer.StatusCode != test.status || !strings.Contains(answer.Body, `{"error":{"message":"`+test.message) {
				t.Errorf("answer = %d %.200s, want %d with %q", answer.StatusCode, answer.Body, test.status, test.message)
			}
			if diff := cmp.Diff(before, s.preset(t, "web")); diff != "" {
				t.Errorf("a refused call changed the preset (-before +after):\n%s", diff)
			}
		})
	}
}

func TestPresetList(t *testing.T) {
	s := newServer(t)
	var want []string
	for i := range 11 {
		name := fmt.Sprintf("p %02d é", i)
		want = append(want, name)
		if answer := s.call(t, "POST", "/upload_presets", "application/json", `{"name":"`+name+`"}`); answer.StatusCode != 200 {
			t.Fatal(answer.Body)
		}
	}
	want = append(want, "web")
	var got []string
	var sizes []int
	for query := "?order_by=name&direction=asc"; query != ""; {
		var page struct {
			Presets    []struct{ Name string }
			NextCursor *string `json:"next_cursor"`
		}
		answer := s.call(t, "GET", "/upload_presets"+query, "", "")
		if err := json.Unmarshal([]byte(answer.Body), &page); err != nil {
			t.Fatalf("%v in %s", err, answer.Body)
		}
		for _, p := range page.Presets {
			got = append(got, p.Name)
		}
		sizes = append(sizes, len(page.Presets))
		query = ""
		if page.NextCursor != nil {
			query = "?next_cursor=" + url.QueryEscape(*page.NextCursor)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{10, 2}, sizes); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	if answer := s.call(t, "GET", "/upload_presets?max_results=12", "", ""); strings.Contains(answer.Body, "next_cursor") {
		t.Errorf("a page of all names a next one: %s", answer.Body)
	}
	// A path arrives unescaped, or escaped.
	for _, path := range []string{"/upload_presets/p 00 é", "/upload_presets/p%2000%20%C3%A9"} {
		if answer := s.call(t, "GET", path, "", ""); !strings.HasPrefix(answer.Body, `{"name":"p 00 é"`) {
			t.Errorf("%s: %s", path, answer.Body)
		}
	}
}

// The settings of an environment, each from what clients send to what is kept.
func TestSettingsBodies(t *testing.T) {
	const start = `{"signature_algorithm":"sha1","include_client_ip":false,"folder_mode":"dynamic","success":"200","retry_schedule":"3m,6m,9m","keep_payloads":true}`
	for _, test := range []struct {
		name, contentType, body string
		status                  int
		want                    string
	}{
		{"one alone", "application/json", `{"success":"2xx"}`, 200, strings.Replace(start, `"200"`, `"2xx"`, 1)},
		{"a status that is a number", "application/json", `{"success":200}`, 200, start},
		{"no retries", "application/json", `{"retry_schedule":""}`, 200, strings.Replace(start, `3m,6m,9m`, ``, 1)},
		{"no change of what is so", "application/json", `{"signature_algorithm":"sha1","folder_mode":"dynamic","include_client_ip":false}`, 200, start},
		{
			"nulls", "application/json", `{"signature_algorithm":null,"include_client_ip":null,"folder_mode":null,"success":null,"retry_schedule":null,"keep_payloads":null}`, 200, start,
		},
		{
			"a form", "application/x-www-form-urlencoded", "signature_algorithm=sha256&include_client_ip=true&folder_mode=fixed&success=2xx&retry_schedule=90s%2C2h&keep_payloads=0", 200,
			`{"signature_algorithm":"sha256","include_client_ip":true,"folder_mode":"fixed","success":"2xx","retry_schedule":"1m30s,2h","keep_payloads":false}`,
		},
		{"a form without retries", "application/x-www-form-urlencoded", "retry_schedule=", 200, strings.Replace(start, `3m,6m,9m`, ``, 1)},
		{"nothing", "application/json", `{}`, 400, "missing_attributes"},
		{"no body", "application/json", ``, 400, "missing_attributes"},
		{"unknown field", "application/json", `{"success":"2xx","timeout":3}`, 400, "timeout: is not a field that is known here"},
		{"unknown algorithm", "application/json", `{"signature_algorithm":"md5"}`, 400, "signature_algorithm: must be one of sha1, sha256"},
		{"algorithm of another type", "application/json", `{"signature_algorithm":1}`, 400, "signature_algorithm: must be a string"},
		{"unknown mode", "application/json", `{"folder_mode":""}`, 400, "folder_mode: must be one of dynamic, fixed"},
		{"not a flag", "application/json", `{"include_client_ip":"maybe"}`, 400, "include_client_ip: must be true or false"},
		{"another status", "application/json", `{"success":201}`, 400, "success: must be "},
		{"another word", "application/json", `{"success":"3xx"}`, 400, "success: must be one of 200, 2xx"},
		{"waits of a number", "application/json", `{"retry_schedule":3}`, 400, "retry_schedule: must be "},
		{"a wait too long", "application/json", `{"retry_schedule":"169h"}`, 400, "retry_schedule: must be waits such as 3m,6m,9m"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			answer := s.call(t, "PUT", "/notification_settings", test.contentType, test.body)
			if answer.StatusCode != test.status || !strings.Contains(answer.Body, test.want) {
				t.Errorf("answer = %d %s, want %d %s", answer.StatusCode, answer.Body, test.status, test.want)
			}
			if test.status != 200 {
				test.want = start
			}
			s.start() // another process reads them from the store
			if shown := s.call(t, "GET", "/notification_settings", "", ""); strings.TrimSpace(shown.Body) != test.want {
				t.Errorf("shown: %s, want %s", shown.Body, test.want)
			}
		})
	}
}

package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	api "github.com/mediahooks/mediahooks/infra/api"
)

// watcher holds each request and each answer against openapi.yaml, whoever calls.
type watcher struct {
	spec   routers.Router
	mu     sync.Mutex
	faults []string
}

func (w *watcher) load() error {
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		return err
	}
	doc.Servers = nil // wherever it is served
	w.spec, err = gorillamux.NewRouter(doc)
	return err
}

// watch is put around the HTTP API.
func (w *watcher) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(out, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if r.Context().Err() == nil { // or nobody waits for the answer
			if err := w.check(r, answer); err != nil {
				w.mu.Lock()
				w.faults = append(w.faults, fmt.Sprintf("%s %s: %d: %v", r.Method, r.URL, answer.Code, err))
				w.mu.Unlock()
			}
		}
		maps.Copy(out.Header(), answer.Header())
		out.WriteHeader(answer.Code)
		_, _ = out.Write(answer.Body.Bytes())
	})
}

// take returns the faults that there were since it was last called.
func (w *watcher) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	faults := w.faults
	w.faults = nil
	return faults
}

// described fails a test for what was not as openapi.yaml has it.
func described(t *testing.T) {
	t.Helper()
	for _, fault := range contract.take() {
		t.Errorf("not as openapi.yaml has it: %s", fault)
	}
}

// check holds a call against the description. What is accepted must be what the
// description asks for, and what that asks for must not be refused but for the
// rules that it has in words. A path or method of nobody's is a 404 or 405 in the
// error shape.
func (w *watcher) check(r *http.Request, answer *httptest.ResponseRecorder) error {
	if answer.Header().Get("X-Request-Id") == "" {
		return fmt.Errorf("no X-Request-Id")
	}
	route, params, err := w.spec.FindRoute(r)
	if err != nil {
		var body struct{ Error struct{ Message string } }
		if answer.Code != http.StatusNotFound && answer.Code != http.StatusMethodNotAllowed {
			return err
		}
		if answer.Code == http.StatusMethodNotAllowed && answer.Header().Get("Allow") == "" {
			return fmt.Errorf("no Allow")
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &body); r.Method != http.MethodHead && (err != nil || body.Error.Message == "") {
			return fmt.Errorf("%s is not in the error shape", answer.Body)
		}
		return nil
	}
	for name, value := range params { // as they stand in the path
		if params[name], err = url.PathUnescape(value); err != nil {
			return err
		}
	}
	request := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true},
	}
	invalid := openapi3filter.ValidateRequest(r.Context(), request)
	switch {
	case answer.Code < http.StatusBadRequest && invalid != nil && !loosely(r):
		return fmt.Errorf("accepted, but %w", invalid)
	case answer.Code == http.StatusBadRequest && invalid == nil && !inWords.Match(answer.Body.Bytes()):
		return fmt.Errorf("refused as %s, but it is described as right", answer.Body)
	}
	response := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: answer.Code, Header: answer.Header(),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	response.SetBodyBytes(answer.Body.Bytes())
	return openapi3filter.ValidateResponse(r.Context(), response)
}

// loosely reports whether a body is JSON by its first character alone, as what
// curl -d sends, which calls everything a form. OpenAPI cannot say that.
func loosely(r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && r.Header.Get("Content-Type") != "application/json" && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{"))
}

// inWords are the rules that openapi.yaml has in its descriptions, since no schema
// can say them.
var inWords = regexp.MustCompile(`limit_reached|missing_attributes|number out of range|` +
	`may not be spoken to|must be a valid URL|must be an http or https URL|must not contain a user name|` +
	`cloud_name: \S+ (is not free|cannot be changed)|cloud_name: is \S+ and cannot be changed|` +
	`"name: is required|ids: must be at most|settings: must be at most|next_cursor: is not one|retry_schedule: must be waits|` +
	`event_type: (the trigger is for|there is no example)|from: must not be after|` +
	`from: must be a time|cannot be given with unmatched|there is no such trigger to tell|is too large where keep_payloads is false`)

// A wrong method is told which are right, wherever the right one is served.
func TestWrongMethods(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		got := callAs(t, "", "", http.MethodPatch, parameter.ReplaceAllStringFunc(path, func(part string) string {
			before, _, _ := strings.Cut(part, "{")
			return before + "x"
		}), "")
		var want []string
		for method := range item.Operations() {
			want = append(want, method)
			if method == http.MethodGet {
				want = append(want, http.MethodHead)
			}
		}
		slices.Sort(want)
		if allow := regexp.MustCompile(`[A-Z]+`).FindAllString(got.header.Get("Allow"), -1); got.status != http.StatusMethodNotAllowed || !slices.Equal(allow, want) {
			t.Errorf("PATCH %s: %d, Allow %v, want %v: %s", path, got.status, allow, want, got.body)
		}
	}
	if got := call(t, "GET", "/nowhere", ""); got.status != http.StatusNotFound {
		t.Errorf("an unknown path: %d %s", got.status, got.body)
	}
}

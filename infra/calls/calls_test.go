package calls_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mediahooks/mediahooks/infra/calls"
)

// header is what the SDK sends in a function on the local stack.
func header() http.Header {
	return http.Header{
		"User-Agent":      {"aws-sdk-go-v2/1.48.0 ua/2.1 os/linux lang/go#1.26 api/dynamodb#1.73.2 app/mediahooks-local-IntakeFunction-39C5"},
		"Authorization":   {"AWS4-HMAC-SHA256 Credential=ASIA1/20261124/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=5ec7e7"},
		"X-Amz-Target":    {"DynamoDB_20120810.PutItem"},
		"X-Amzn-Trace-Id": {"Root=1-6b05924c-e474f4ba;Parent=53995c3f42cd8ad8;Sampled=1"},
	}
}

func TestRecorder(t *testing.T) {
	emulator := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, err := io.ReadAll(r.Body)
		if err != nil || string(asked) != "asked" {
			t.Errorf("AWS got %q, %v", asked, err)
		}
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "answered")
	})
	var recorder calls.Recorder
	req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("asked"))
	req.Header = header()
	answer := httptest.NewRecorder()
	recorder.Around(emulator).ServeHTTP(answer, req)
	if answer.Code != http.StatusTeapot || answer.Body.String() != "answered" {
		t.Errorf("the function got %d %s", answer.Code, answer.Body)
	}
	got, err := recorder.Take()
	want := []calls.Call{{
		Function: "mediahooks-local-IntakeFunction-39C5", Invocation: "1-6b05924c-e474f4ba",
		Service: "dynamodb", Operation: "PutItem",
		Request: []byte("asked"), Status: http.StatusTeapot, Answer: []byte("answered"),
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(calls.Call{}, "Began", "Ended")); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if again, err := recorder.Take(); len(again) != 0 || err != nil {
		t.Errorf("taken twice: %v, %v", again, err)
	}
}

// What no function has sent, or what cannot be told apart, must not be counted as
// if it had been.
func TestRecorderRefuses(t *testing.T) {
	for name := range header() {
		t.Run(name, func(t *testing.T) {
			var recorder calls.Recorder
			req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("asked"))
			req.Header = header()
			req.Header.Del(name)
			answer := httptest.NewRecorder()
			recorder.Around(http.NotFoundHandler()).ServeHTTP(answer, req)
			if answer.Code != http.StatusBadRequest {
				t.Errorf("answered %d", answer.Code)
			}
			if got, err := recorder.Take(); err == nil || strings.Contains(err.Error(), "5ec7e7") {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

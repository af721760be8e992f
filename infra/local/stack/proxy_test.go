package stack

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

// served starts a proxy before the given emulator and returns its base URL.
func served(t *testing.T, endpoint string, errorLog io.Writer) string {
	t.Helper()
	l, err := workspace.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	server, err := serveAPI(l, endpoint, "a1b2c3", log.New(errorLog, "", 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + l.Addr().String()
}

func TestProxyPassesUnchanged(t *testing.T) {
	type seen struct {
		Method, URI, Host, Body string
		Header                  http.Header
	}
	var got seen
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = seen{r.Method, r.RequestURI, r.Host, string(body), r.Header}
		w.Header().Set("X-Request-Id", "7")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short and stout")
	}))
	defer backend.Close()
	base := served(t, backend.URL, t.Output())

	for _, uri := range []string{"/", "/v1_1/demo/triggers?event_type=all", "/v1_1/demo/a%2Fb%20c?x=1;y=%zz&empty="} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, base+"/", strings.NewReader(`{"a":1}`))
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Opaque = uri // as it stands, also where net/url would write it otherwise
		req.Header = http.Header{"Authorization": {"Basic x"}, "X-Forwarded-For": {"192.0.2.1"}, "User-Agent": {""}}
		client := http.Client{Transport: &http.Transport{DisableCompression: true}}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusTeapot || string(answer) != "short and stout" || res.Header.Get("X-Request-Id") != "7" {
			t.Errorf("%s: got %s %s %v", uri, res.Status, answer, res.Header)
		}
		want := seen{
			http.MethodPut, "/_aws/execute-api/a1b2c3/$default" + uri, strings.TrimPrefix(base, "http://"), `{"a":1}`,
			http.Header{"Authorization": {"Basic x"}, "X-Forwarded-For": {"192.0.2.1"}, "Content-Length": {"7"}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", uri, diff)
		}
	}
}

func TestProxyWithoutEmulator(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	var errorLog bytes.Buffer
	base := served(t, gone.URL, &errorLog)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/v1_1/demo/ping", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusBadGateway {
		t.Errorf("got %s, want 502", res.Status)
	}
	if !strings.Contains(errorLog.String(), "/v1_1/demo/ping") {
		t.Errorf("the log does not name the call: %s", errorLog.String())
	}
}

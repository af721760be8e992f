package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

func TestOneLine(t *testing.T) {
	const id = "01KGGVH71G3T9W6QH0ZC5V8N20"
	for _, test := range []struct{ name, answer, event, want string }{
		{"http", `{"statusCode":404,"body":"{\"error\":1}\n","headers":{}}`, "", `404 {"error":1}`},
		{"another way", " {\"batchItemFailures\": []}\n", "", `- {"batchItemFailures":[]}`},
		{"nothing", "null", "", "- null"},
		{"several lines", `{"statusCode":200,"body":"a\nb\n"}`, "", `200 a\nb`},
		{"what differs", `{"delivery_id":"` + id + `","accepted_at":"2026-11-24T13:40:46.5Z","api_secret":"x y"}`, "", `- {"delivery_id":"<id>","accepted_at":"<time>","api_secret":"..."}`},
		{"what the event names", `{"delivery_id":"` + id + `"}`, "/deliveries/" + id, `- {"delivery_id":"` + id + `"}`},
		{"too long", `"` + strings.Repeat("a", 300) + `"`, "", `- "` + strings.Repeat("a", shown-1) + "..."},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := oneLine([]byte(test.answer), test.event)
			if err != nil || got != test.want {
				t.Errorf("got %s, %v, want %s", got, err, test.want)
			}
		})
	}
	if _, err := oneLine([]byte("Segmentation fault"), ""); err == nil {
		t.Error("what is no JSON was taken for an answer")
	}
}

func TestDifferences(t *testing.T) {
	want := map[string]string{"api/same.json": "200 a", "api/other.json": "200 a", "api/gone.json": "200 a"}
	got := map[string]string{"api/same.json": "200 a", "api/other.json": "500 b", "api/new.json": "200 a"}
	faults := map[string]bool{}
	for _, fault := range differences(want, got) {
		name, _, _ := strings.Cut(fault.Error(), ":")
		faults[name] = true
	}
	if diff := cmp.Diff(map[string]bool{"api/other.json": true, "api/gone.json": true, "api/new.json": true}, faults); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every file in events has a line, and every line a file, before anything is run.
func TestGoldenIsComplete(t *testing.T) {
	root, err := workspace.Root()
	if err != nil {
		t.Fatal(err)
	}
	golden, err := readGolden(filepath.Join(root, goldenFile))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "events", "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file)) + "/" + filepath.Base(file)
		if _, ok := golden[name]; !ok {
			t.Errorf("%s has no line of %s: make sam-local UPDATE=1 writes it", goldenFile, name)
		}
		delete(golden, name)
	}
	for name := range golden {
		t.Errorf("%s has a line of %s, which is not there", goldenFile, name)
	}
}

func TestJoin(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer server.Close()
	listener, err := workspace.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			go join(from, strings.TrimPrefix(server.URL, "http://"))
		}
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusTeapot {
		t.Errorf("got %s", res.Status)
	}
}

// Where nothing answers, the error says where an engine was looked for.
func TestConnect(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "socket")
	if _, err := connect(t.Context(), socket); err == nil || !strings.Contains(err.Error(), socket) {
		t.Errorf("got %v, want an error that names %s", err, socket)
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	engine := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("OK")) })}
	defer engine.Close()
	go func() { _ = engine.Serve(listener) }()
	if _, err := connect(t.Context(), socket); err != nil {
		t.Error(err)
	}
}

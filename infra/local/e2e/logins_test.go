package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// logLines reads the lines of a log group.
func logLines(t *testing.T, output string) (lines []string) {
	t.Helper()
	for token := ""; ; {
		input := map[string]any{"logGroupName": local.Outputs()[output]}
		if token != "" {
			input["nextToken"] = token
		}
		body, err := json.Marshal(input)
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			Events    []struct{ Message string }
			NextToken string
		}
		answer := signedCall(t, "logs", http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"Logs_20140328.FilterLogEvents"}}, body)
		if err := json.Unmarshal(answer, &page); err != nil {
			t.Fatalf("read log group %s: %v", output, err)
		}
		for _, event := range page.Events {
			lines = append(lines, strings.Split(strings.TrimSpace(event.Message), "\n")...)
		}
		if page.NextToken == "" || page.NextToken == token {
			return lines
		}
		token = page.NextToken
	}
}

// iam makes a call of IAM with the given names and values.
func iam(t *testing.T, action string, parameters ...string) {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for i := 0; i < len(parameters); i += 2 {
		form.Set(parameters[i], parameters[i+1])
	}
	signedCall(t, "iam", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form.Encode()))
}

// signedCall makes a call of a service by hand, where the SDK's package would be a
// dependency for this alone.
func signedCall(t *testing.T, service string, header http.Header, body []byte) []byte {
	t.Helper()
	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, local.Endpoint(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, req, hex.EncodeToString(sum[:]), service, cfg.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v, %s", service, res.Status, err, answer)
	}
	return answer
}

// failedLogins counts the lines that count one, each of which is a metric.
func failedLogins(t *testing.T, output string) (n int) {
	t.Helper()
	for _, line := range logLines(t, output) {
		if !strings.Contains(line, "LoginsFailed") {
			continue
		}
		var metric struct {
			AWS struct{ Timestamp int64 } `json:"_aws"`
			N   int                       `json:"LoginsFailed"`
		}
		if err := json.Unmarshal([]byte(line), &metric); err != nil || metric.AWS.Timestamp == 0 || metric.N != 1 {
			t.Errorf("line %s: %v", line, err)
		}
		n += metric.N
	}
	return n
}

// Both functions count failed logins, and slow down whoever goes on with them,
// and nobody else.
func TestFailedLogins(t *testing.T) {
	n := newTenant(t, "logins")
	for _, function := range []struct{ group, method, path, body string }{
		{"ApiLogGroupName", "GET", "/v1_1/logins/ping", ""},
		{"IntakeLogGroupName", "POST", "/v1_1/logins/events", `{"notification_type":"upload","payload":{}}`},
	} {
		home := stranger()
		before := failedLogins(t, function.group)
		slowest := time.Duration(0)
		tries := 0
		for ; slowest < 500*time.Millisecond && tries < 60; tries++ { // there may be several processes
			began := time.Now()
			got := callFrom(t, home, n.APIKey, "wrong", function.method, function.path, function.body)
			if tries >= 5 { // or a cold start would do
				slowest = max(slowest, time.Since(began))
			}
			if got.status != http.StatusUnauthorized {
				t.Fatalf("%s: %d %s", function.path, got.status, got.body)
			}
		}
		began := time.Now()
		if got := callFrom(t, home, n.APIKey, n.APISecret, function.method, function.path, function.body); got.status >= 400 {
			t.Errorf("%s with the right secret: %d %s", function.path, got.status, got.body)
		}
		t.Logf("%s: %d failures, the slowest %s, then a success in %s", function.path, tries, slowest, time.Since(began))
		if slowest < 500*time.Millisecond {
			t.Errorf("%s: %d failures were not slowed down", function.path, tries)
		}
		for end := time.Now().Add(10 * time.Second); failedLogins(t, function.group) != before+tries; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: %d failures counted of %d", function.path, failedLogins(t, function.group)-before, tries)
			}
		}
	}
}

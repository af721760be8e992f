// Package e2e tests the whole on real parts: template.yaml, deployed by the SAM
// CLI to the emulator, with the functions' own binaries, called by Cloudinary's
// SDKs and by plain HTTP.
package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/mediahooks/mediahooks/infra/calls"
	"github.com/mediahooks/mediahooks/infra/local/demo"
	"github.com/mediahooks/mediahooks/infra/local/stack"
	"github.com/mediahooks/mediahooks/infra/privileges"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/store"
)

// The schedule takes both ways to wait: a second and two by SQS, and 16 minutes
// by Step Functions, which the wait scale makes two seconds of.
const (
	schedule  = "1s,16m,2s"
	waitScale = 0.002
	// holdTimeout is how long one half of an eager pair waits for the other.
	holdTimeout = 3 * time.Second
)

var (
	local *stack.Stack
	table *store.Table
	// contract is openapi.yaml, and what was not as it says.
	contract watcher
	// recorder has the functions' calls of AWS.
	recorder calls.Recorder
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if err := contract.load(); err != nil {
		return 1, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	local, err = stack.Start(ctx, stack.Options{
		Params:    map[string]string{"RetrySchedule": schedule, "HoldTimeout": "3s"},
		WaitScale: waitScale,
		Auth:      true,
		Provision: demo.Provision,
		Around:    contract.watch,
		AroundAWS: recorder.Around,
		Progress:  func(step string, took time.Duration) { fmt.Printf("e2e: %-10s %5.1f s\n", step, took.Seconds()) },
	})
	if err != nil {
		return 1, err
	}
	defer func() {
		if closing := local.Close(); err == nil {
			err = closing
		}
	}()
	cfg, err := local.AWSConfig(ctx)
	if err != nil {
		return 1, err
	}
	table = store.New(dynamodb.NewFromConfig(cfg), local.Outputs()["TableName"], time.Now)
	code = m.Run()
	for _, fault := range contract.take() { // of calls by SDKs
		fmt.Fprintln(os.Stderr, "e2e: not as openapi.yaml has it:", fault)
		code = 1
	}
	privileged, err := holdRoles(ctx, cfg)
	for _, fault := range privileged {
		fmt.Fprintln(os.Stderr, "e2e: not as the roles of template.yaml have it:", fault)
		code = 1
	}
	return code, err
}

// holdRoles holds what the tests made the functions call against their roles.
// Whether something was never needed, all tests together can tell, and no choice
// of them.
func holdRoles(ctx context.Context, cfg aws.Config) (faults []string, err error) {
	made, err := recorder.Take()
	if err != nil {
		return nil, err
	}
	// A drill has a function ask for a table that is not the stack's.
	made = slices.DeleteFunc(made, func(c calls.Call) bool { return bytes.Contains(c.Request, []byte(`"`+noTable+`"`)) })
	roles, err := privileges.Open(ctx, cfg, stack.Name)
	if err != nil {
		return nil, err
	}
	denied, idle, err := roles.Hold(made)
	if flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.skip").Value.String() != "" {
		return denied, err
	}
	return append(denied, idle...), err
}

// answer is what the API answered.
type answer struct {
	status int
	header http.Header
	body   string
}

// decode reads the answer's JSON.
func (a answer) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

// message returns the answer's error message.
func (a answer) message(t *testing.T) string {
	t.Helper()
	var body struct{ Error struct{ Message string } }
	a.decode(t, &body)
	return body.Error.Message
}

// call calls the API below /v1_1/demo with the demo's credentials. What comes and
// goes is held against openapi.yaml.
func call(t *testing.T, method, path, body string) answer {
	t.Helper()
	c := local.Credentials()
	return callAs(t, c.APIKey, c.APISecret, method, "/v1_1/demo"+path, body)
}

func callAs(t *testing.T, key, secret, method, path, body string) answer {
	t.Helper()
	return callFrom(t, nil, key, secret, method, path, body)
}

// callFrom makes a call with further headers.
func callFrom(t *testing.T, header http.Header, key, secret, method, path, body string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, local.APIURL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.SetBasicAuth(key, secret)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	described(t)
	answers.Lock()
	answers.all = append(answers.all, called{method + " " + path, string(got)})
	answers.Unlock()
	return answer{res.StatusCode, res.Header, string(got)}
}

// called is a call and its answer's body.
type called struct{ call, body string }

// answers are those that the tests have had so far.
var answers struct {
	sync.Mutex
	all []called
}

func allAnswers() []called {
	answers.Lock()
	defer answers.Unlock()
	return slices.Clone(answers.all)
}

// addTrigger creates a trigger and removes it with the test.
func addTrigger(t *testing.T, uri, eventType string) string {
	t.Helper()
	created := call(t, "POST", "/triggers", fmt.Sprintf(`{"uri":%q,"event_type":%q}`, uri, eventType))
	if created.status != http.StatusCreated {
		t.Fatalf("create trigger: %d %s", created.status, created.body)
	}
	var trigger struct{ ID string }
	created.decode(t, &trigger)
	t.Cleanup(func() {
		c := local.Credentials()
		req, err := http.NewRequest(http.MethodDelete, local.APIURL()+"/v1_1/demo/triggers/"+trigger.ID, nil)
		if err != nil {
			t.Error(err)
			return
		}
		req.SetBasicAuth(c.APIKey, c.APISecret)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		_ = res.Body.Close()
	})
	return trigger.ID
}

// drained waits until nothing is left on the hold queue and the lanes, not even
// what is due later or in somebody's hands: then nothing more is going to be sent.
func drained(t *testing.T) {
	t.Helper()
	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := sqs.NewFromConfig(cfg)
	left := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		left = ""
		for _, queue := range []string{"HoldQueueUrl", "FirstQueueUrl", "SlowQueueUrl"} {
			out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
				QueueUrl:       aws.String(local.Outputs()[queue]),
				AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, state := range []string{"", "NotVisible", "Delayed"} {
				if n := out.Attributes["ApproximateNumberOfMessages"+state]; n != "0" {
					left += fmt.Sprintf(" %s: %s%s", queue, n, state)
				}
			}
		}
		if left == "" {
			return
		}
	}
	t.Fatalf("after a minute there are still messages:%s", left)
}

// reported is the answer to one event.
type reported struct {
	EventID    string `json:"event_id"`
	Status     string
	Deliveries []struct {
		DeliveryID string `json:"delivery_id"`
		URI        string
		Why        string
	}
}

func report(t *testing.T, event string) reported {
	t.Helper()
	a := call(t, "POST", "/events", event)
	if a.status != http.StatusAccepted {
		t.Fatalf("report event: %d %s", a.status, a.body)
	}
	var r reported
	a.decode(t, &r)
	return r
}

// settled returns the record of a delivery once it is decided.
func settled(t *testing.T, deliveryID string) notification.Delivery {
	t.Helper()
	return settledOf(t, demo.CloudName, deliveryID)
}

func settledOf(t *testing.T, cloudName, deliveryID string) notification.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cfg, err := local.AWSConfig(ctx)
	if err != nil {
		t.Fatal(err)
	}
	key := notification.DeliveryKey{CloudName: cloudName, DeliveryID: deliveryID}
	d, err := demo.Settled(ctx, cfg, local.Outputs(), key)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var eventCount atomic.Int64

// eventID returns an id that no other event of this run has.
func eventID() string { return fmt.Sprintf("event-%d-%d", os.Getpid(), eventCount.Add(1)) }

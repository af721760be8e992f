package e2e_test

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/getkin/kin-openapi/openapi3"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/oklog/ulid/v2"

	api "github.com/mediahooks/mediahooks/infra/api"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/registry"
)

// public are the calls that anybody may make: security: [] in openapi.yaml.
var public = []string{"GET /openapi.yaml"}

// bodies are what the calls of openapi.yaml with a body are made with, by
// operationId: what its owner would be answered with success. {receiver} is a URL
// of the environment's own.
var bodies = map[string]string{
	"createTrigger":           `{"uri":"{receiver}/created","event_type":"rename"}`,
	"updateTrigger":           `{"new_uri":"{receiver}/updated"}`,
	"testTrigger":             `{"sample_data":{}}`,
	"sendExample":             `{}`,
	"createUploadPreset":      `{"name":"created"}`,
	"updateUploadPreset":      `{"notification_url":"{receiver}/preset"}`,
	"putNotificationSettings": `{"success":"2xx"}`,
	"createRecovery":          `{}`,
	"reportEvents":            `{"notification_type":"delete","payload":{}}`,
	"createEnvironment":       `{"name":"isolated-created"}`,
	"updateEnvironment":       `{"name":"Renamed"}`,
	"createAccessKey":         `{"name":"created"}`,
	"updateAccessKey":         `{"name":"renamed"}`,
}

// queries are what calls without a body need.
var queries = map[string]string{"deleteAccessKeyByName": "?name=by-name"}

// isolated is environment A, with an object of every kind, and who knows what.
type isolated struct {
	tenant
	off, other, stopped registry.Credentials
	// examples are the path parameters, each with the part of the path before it:
	// real objects of A.
	examples map[string]string
	receiver *notificationtest.Receiver
}

func newIsolated(t *testing.T) isolated {
	t.Helper()
	a := signing{newTenant(t, "isolated-a"), notificationtest.NewReceiver(t)}
	b, c := newTenant(t, "isolated-b"), newTenant(t, "isolated-c")
	i := isolated{tenant: a.tenant, receiver: a.receiver, off: a.newKey(t, "off"), other: b.Credentials, stopped: c.Credentials}
	a.change(t, "PUT", "/access_keys/"+i.off.APIKey, `{"enabled":false}`)
	spare := a.newKey(t, "spare")
	a.newKey(t, "by-name")
	var trigger struct{ ID string }
	a.call(t, "POST", "/triggers", fmt.Sprintf(`{"uri":%q,"event_type":"upload"}`, i.receiver.URL("/hook"))).decode(t, &trigger)
	a.call(t, "POST", "/upload_presets", `{"name":"web"}`)
	var event reported
	a.call(t, "POST", "/events", `{"notification_type":"upload","payload":{}}`).decode(t, &event)
	settledOf(t, a.CloudName, event.Deliveries[0].DeliveryID)
	if got := provision(t, "PUT", "/"+c.id, `{"enabled":false}`); got.status != http.StatusOK {
		t.Fatalf("disable environment: %d %s", got.status, got.body)
	}
	stopped := notification.Recovery{
		RecoveryKey: notification.RecoveryKey{CloudName: i.CloudName, ID: ulid.Make().String()}, Status: notification.RecoveryStopped,
		From: time.Now().Add(-time.Hour), To: time.Now(), MaxPerSecond: 1, Part: 1, StartedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour), Revision: 1,
	}
	if err := table.InsertRecovery(t.Context(), stopped); err != nil {
		t.Fatal(err)
	}
	i.examples = map[string]string{
		"recoveries/{id}":               stopped.ID,
		"v1_1/{cloud_name}":             i.CloudName,
		"triggers/{id}":                 trigger.ID,
		"upload_presets/{name}":         "web",
		"event_types/{name}":            "upload",
		"events/{event_id}":             event.EventID,
		"deliveries/{delivery_id}":      event.Deliveries[0].DeliveryID,
		"accounts/{account_id}":         local.Account().ID,
		"sub_accounts/{sub_account_id}": i.id,
		"access_keys/{key}":             spare.APIKey,
	}
	return i
}

// operation is a call of openapi.yaml with the values that it is made with.
type operation struct {
	id, method, template, path, body string
	account                          bool // takes the account key
}

var parameter = regexp.MustCompile(`[^/]+/\{[^}]+\}`)

// operations are all calls that take credentials, those that remove something
// last and from the inside out. A call that lacks its values fails the test.
func (i isolated) operations(t *testing.T) []operation {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	var all []operation
	var open []string
	for template, item := range doc.Paths.Map() {
		for method, described := range item.Operations() {
			o := operation{id: described.OperationID, method: method, template: template}
			if s := described.Security; s != nil && len(*s) == 0 {
				open = append(open, method+" "+template)
				continue
			} else if s != nil {
				_, o.account = (*s)[0]["accountKey"]
			}
			o.path = parameter.ReplaceAllStringFunc(template, func(part string) string {
				value, ok := i.examples[part]
				if !ok {
					t.Errorf("%s %s: no example for %s: add to isolated.examples one that is an object of environment A", method, template, part)
				}
				before, _, _ := strings.Cut(part, "{")
				return before + value
			}) + queries[o.id]
			if described.RequestBody != nil {
				body, ok := bodies[o.id]
				if !ok {
					t.Errorf("%s %s: no body: add to bodies one for %s that its owner would be answered with success", method, template, o.id)
				}
				o.body = strings.ReplaceAll(body, "{receiver}", i.receiver.URL(""))
			}
			all = append(all, o)
		}
	}
	if diff := gocmp.Diff(public, open); diff != "" {
		t.Errorf("calls without credentials (-those by design +security: [] in openapi.yaml):\n%s", diff)
	}
	if t.Failed() {
		t.FailNow()
	}
	order := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete}
	slices.SortFunc(all, func(a, b operation) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.method), slices.Index(order, b.method)),
			cmp.Compare(strings.Count(a.template, "{account_id}"), strings.Count(b.template, "{account_id}")),
			-cmp.Compare(len(a.template), len(b.template)))
	})
	return all
}

// callers is how many there were.
var callers atomic.Int64

// stranger returns an address that no other call comes from, so that failed
// logins are not slowed down: the local stack believes X-Forwarded-For.
func stranger() http.Header {
	n := callers.Add(1)
	return http.Header{"X-Forwarded-For": {fmt.Sprintf("203.%d.%d.%d", n>>16&255, n>>8&255, n&255)}}
}

// Whoever has not the very credentials that a call takes is answered the same,
// whatever is wrong with those that come, and nothing is read or changed.
func TestIsolation(t *testing.T) {
	i := newIsolated(t)
	account := local.Account()
	operations := i.operations(t)
	if len(operations) < 20 {
		t.Fatalf("%d operations", len(operations))
	}
	drained(t)
	before := scanTable(t)

	type attempt struct {
		name        string
		key, secret string
		instead     string // of the environment or account in the path
	}
	wrong := func(secret string) string { return strings.Repeat("0", len(secret)) }
	ofEnvironment := []attempt{
		{"nobody", "", "", ""},
		{"key alone", i.APIKey, "", ""},
		{"wrong secret", i.APIKey, wrong(i.APISecret), ""},
		{"unknown key", strings.Repeat("1", 15), i.APISecret, ""},
		{"disabled key", i.off.APIKey, i.off.APISecret, ""},
		{"key of another environment", i.other.APIKey, i.other.APISecret, ""},
		{"own key, another's secret", i.APIKey, i.other.APISecret, ""},
		{"key of a disabled environment", i.stopped.APIKey, i.stopped.APISecret, ""},
		{"key of a disabled environment, for that", i.stopped.APIKey, i.stopped.APISecret, i.stopped.CloudName},
		{"unknown environment", i.APIKey, i.APISecret, "isolated-nowhere"},
		{"malformed environment", i.APIKey, i.APISecret, "Isolated_A"},
		{"account key", account.Key.APIKey, account.Key.APISecret, ""},
	}
	ofAccount := []attempt{
		{"nobody", "", "", ""},
		{"key alone", account.Key.APIKey, "", ""},
		{"wrong secret", account.Key.APIKey, wrong(account.Key.APISecret), ""},
		{"unknown key", "nobody", account.Key.APISecret, ""},
		{"key of the environment", i.APIKey, i.APISecret, ""},
		{"disabled key", i.off.APIKey, i.off.APISecret, ""},
		{"key of another environment", i.other.APIKey, i.other.APISecret, ""},
		{"key of a disabled environment", i.stopped.APIKey, i.stopped.APISecret, ""},
		{"unknown account", account.Key.APIKey, account.Key.APISecret, strings.Replace(account.ID, "-", "0", 1)},
	}
	refusal := normal(callFrom(t, stranger(), "", "", "GET", "/v1_1/"+i.CloudName+"/ping", ""))
	if refusal.status != http.StatusUnauthorized || refusal.message(t) != "Invalid credentials" {
		t.Fatalf("refusal = %+v", refusal)
	}
	for _, o := range operations {
		attempts, of := ofEnvironment, i.CloudName
		if o.account {
			attempts, of = ofAccount, account.ID
		}
		var calls sync.WaitGroup // one at a time they would take a minute
		for _, a := range attempts {
			path := o.path
			if a.instead != "" {
				path = strings.Replace(path, "/"+of, "/"+a.instead, 1)
			}
			calls.Go(func() {
				got := normal(callFrom(t, stranger(), a.key, a.secret, o.method, path, o.body))
				if diff := gocmp.Diff(refusal, got, gocmp.AllowUnexported(answer{})); diff != "" {
					t.Errorf("%s %s: %s: (-refusal +answer)\n%s", o.method, o.template, a.name, diff)
				}
			})
		}
		calls.Wait()
	}
	drained(t)
	for key, item := range scanTable(t) {
		if was, ok := before[key]; !ok || !reflect.DeepEqual(was, item) {
			t.Errorf("item %s was changed by calls that were refused", key)
		}
		delete(before, key)
	}
	for key := range before {
		t.Errorf("item %s was removed by calls that were refused", key)
	}
	if n := len(i.receiver.Requests()); n != 1 {
		t.Errorf("%d notifications, want the one from before", n)
	}

	// The same calls with the right credentials: it was these that made the difference.
	for _, o := range operations {
		key, secret := i.APIKey, i.APISecret
		if o.account {
			key, secret = account.Key.APIKey, account.Key.APISecret
		}
		got := callAs(t, key, secret, o.method, o.path, o.body)
		if got.status >= http.StatusBadRequest {
			t.Errorf("%s %s by its owner: %d %s", o.method, o.path, got.status, got.body)
		}
		if o.id == "createEnvironment" {
			var made struct{ ID string }
			got.decode(t, &made)
			defer provision(t, "DELETE", "/"+made.ID, "")
		}
	}
	for _, path := range public {
		method, path, _ := strings.Cut(path, " ")
		if got := callFrom(t, stranger(), "nobody", "nothing", method, path, ""); got.status != http.StatusOK {
			t.Errorf("%s %s by anybody: %d %s", method, path, got.status, got.body)
		}
	}
}

// normal is an answer without what differs from one call to the next.
func normal(a answer) answer {
	header := maps.Clone(a.header)
	for _, name := range []string{"X-Request-Id", "Date", "X-Amzn-Requestid", "Apigw-Requestid"} {
		header.Del(name)
	}
	return answer{a.status, header, a.body}
}

// scanTable reads all of the table.
func scanTable(t *testing.T) map[string]map[string]types.AttributeValue {
	t.Helper()
	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]map[string]types.AttributeValue)
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(cfg), &dynamodb.ScanInput{TableName: aws.String(local.Outputs()["TableName"])})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			key := ""
			for _, name := range []string{"pk", "sk"} {
				if value, ok := item[name].(*types.AttributeValueMemberS); ok {
					key += " " + value.Value
				}
			}
			all[strings.TrimSpace(key)] = item
		}
	}
	return all
}

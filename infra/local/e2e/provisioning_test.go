package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/infra/account"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/secret"
)

// provision calls the Provisioning API with the account key.
func provision(t *testing.T, method, path, body string) answer {
	t.Helper()
	a := local.Account()
	return callAs(t, a.Key.APIKey, a.Key.APISecret, method, "/v1_1/provisioning/accounts/"+a.ID+"/sub_accounts"+path, body)
}

// tenant is an environment of a test's own.
type tenant struct {
	registry.Credentials
	id string
}

// newTenant makes an environment and deletes it with the test, unless the test has.
func newTenant(t *testing.T, cloudName string) tenant {
	t.Helper()
	made := provision(t, "POST", "", fmt.Sprintf(`{"name":%q,"cloud_name":%q}`, cloudName, cloudName))
	var env struct {
		ID   string
		Keys []struct{ Key, Secret string } `json:"api_access_keys"`
	}
	if made.status != http.StatusOK {
		t.Fatalf("create environment: %d %s", made.status, made.body)
	}
	made.decode(t, &env)
	t.Cleanup(func() {
		a := local.Account()
		req, err := http.NewRequest(http.MethodDelete, local.APIURL()+"/v1_1/provisioning/accounts/"+a.ID+"/sub_accounts/"+env.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(a.Key.APIKey, a.Key.APISecret)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNotFound {
			t.Errorf("delete environment: %s", res.Status)
		}
	})
	return tenant{registry.Credentials{CloudName: cloudName, APIKey: env.Keys[0].Key, APISecret: env.Keys[0].Secret}, env.ID}
}

// call calls the API below the tenant's cloud_name with its first key.
func (n tenant) call(t *testing.T, method, path, body string) answer {
	t.Helper()
	return callAs(t, n.APIKey, n.APISecret, method, "/v1_1/"+n.CloudName+path, body)
}

// The npm SDK's provisioning calls do the whole round, with a generated secret of
// any punctuation, which it takes out of its URL as it stands there.
func TestProvisioningByNPM(t *testing.T) {
	node := exec.CommandContext(t.Context(), "node", "provisioning.js", "npm-round")
	node.Dir = "../clients"
	node.Env = append(os.Environ(), "CLOUDINARY_URL="+local.CloudinaryURL(), "CLOUDINARY_ACCOUNT_URL="+local.Account().URL())
	out, err := node.Output()
	if err != nil {
		t.Fatalf("node provisioning.js (make test installs what it needs): %v\n%s", err, out)
	}
	const environment = `"cloud_name,name,enabled,id,api_access_keys,created_at,updated_at,custom_attributes"`
	var got map[string]any
	answer{body: string(out)}.decode(t, &got)
	last, _ := got["last"].([]any)
	if len(last) != 2 || last[0] != 409.0 || !strings.Contains(fmt.Sprint(last[1]), "is the last enabled one of its environment and cannot be deleted") {
		t.Errorf("delete of the last enabled key: %v", last)
	}
	delete(got, "last")
	var want map[string]any
	answer{body: `{"made":` + environment + `,"madeKey":"key,secret,enabled","attributes":{"team":"web"},"again":409,"derived":"npm-round-s-hne",
		"read":` + environment + `,"readKey":"key,enabled","listed":["npm-round","npm-round-s-hne"],"byIDs":["npm-round","npm-round-s-hne"],
		"renamed":["Renamed","npm-round","print",true],"disabled":false,"stillEnabled":["npm-round"],
		"second":["name,api_key,api_secret,created_at,updated_at,enabled,root",false],"taken":409,
		"page":["access_keys,total",["main_key"],3],"order":["main_key","b","a"],"tooFar":400,
		"dedicated":["name,api_key,created_at,updated_at,enabled,dedicated_for,root","c",true,["webhooks"]],"moved":["webhooks"],
		"keys":[["a",["webhooks"]],["c",null],["main_key",null]],"deleted":"ok","byName":"ok","keyServes":200,
		"gone":"ok","afterwards":[404,401],"nameAgain":409}`}.decode(t, &want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the npm SDK got (-want +got):\n%s", diff)
	}
}

// Account key and access keys do not serve for each other, and whatever is wrong
// looks the same.
func TestAccountsAndEnvironmentsApart(t *testing.T) {
	n := newTenant(t, "apart")
	a, c := local.Account(), local.Credentials()
	const account = "/v1_1/provisioning/accounts/"
	for _, test := range []struct {
		name, key, secret, path string
		status                  int
	}{
		{"account key for the account", a.Key.APIKey, a.Key.APISecret, account + a.ID + "/sub_accounts", 200},
		{"access key for its environment", n.APIKey, n.APISecret, "/v1_1/apart/triggers", 200},
		{"access key for the account", c.APIKey, c.APISecret, account + a.ID + "/sub_accounts", 401},
		{"account key for an environment", a.Key.APIKey, a.Key.APISecret, "/v1_1/demo/triggers", 401},
		{"access key for another environment", c.APIKey, c.APISecret, "/v1_1/apart/triggers", 401},
		{"account key for another account", a.Key.APIKey, a.Key.APISecret, account + strings.Replace(a.ID, "-", "0", 1) + "/sub_accounts", 401},
		{"another account key", "x", a.Key.APISecret, account + a.ID + "/sub_accounts", 401},
		{"another secret", a.Key.APIKey, a.Key.APISecret + "x", account + a.ID + "/sub_accounts/" + n.id, 401},
		{"nothing", "", "", account + a.ID + "/sub_accounts", 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := callAs(t, test.key, test.secret, "GET", test.path, "")
			if got.status != test.status || test.status == 401 && got.message(t) != "Invalid credentials" {
				t.Errorf("answer = %d %s, want %d", got.status, got.body, test.status)
			}
		})
	}
}

// putAccountKey gives the account another key, and returns when the API takes it.
func putAccountKey(t *testing.T, key notification.AccountKey) {
	t.Helper()
	cfg, err := local.AWSConfig(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	text, err := secret.Encode(key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = secretsmanager.NewFromConfig(cfg).PutSecretValue(context.Background(), &secretsmanager.PutSecretValueInput{
		SecretId: aws.String(local.Outputs()["AccountKeyArn"]), SecretString: &text,
	})
	if err != nil {
		t.Fatal(err)
	}
	eventuallyStatus(t, "the account's new key", 200, func() int { return accountStatus(t, key) })
}

// accountStatus is what the API answers to an account key.
func accountStatus(t *testing.T, key notification.AccountKey) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, local.APIURL()+"/v1_1/provisioning/accounts/"+local.Account().ID+"/sub_accounts", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(key.APIKey, key.APISecret)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// A new account key serves at once, whatever its punctuation and however it is
// written in a URL, and the one before stops to.
func TestAccountKeyRotation(t *testing.T) {
	before := local.Account()
	next := account.Account{ID: before.ID, Key: notification.AccountKey{
		APIKey: before.Key.APIKey, APISecret: "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ %41 long enough",
	}}
	_, encoded, _ := strings.Cut(strings.TrimSuffix(next.URL(), "@"+before.ID), "//"+before.Key.APIKey+":")
	t.Cleanup(func() { putAccountKey(t, before.Key) })
	putAccountKey(t, next.Key)
	if got := accountStatus(t, notification.AccountKey{APIKey: next.Key.APIKey, APISecret: encoded}); got != 200 {
		t.Errorf("the new secret, percent-encoded: %d", got)
	}
	eventuallyStatus(t, "the key before", 401, func() int { return accountStatus(t, before.Key) })
}

func TestRefusedProvisioning(t *testing.T) {
	n := newTenant(t, "refused")
	keys := "/" + n.id + "/access_keys"
	for _, test := range []struct {
		name, method, path, body string
		status                   int
		message                  string
	}{
		{"no name", "POST", "", `{}`, 400, "name: is required"},
		{"name of a number", "POST", "", `{"name":1}`, 400, "name: must be a string"},
		{"cloud_name with capitals", "POST", "", `{"name":"a","cloud_name":"Acme"}`, 400, "cloud_name: must be"},
		{"cloud_name of the account's paths", "POST", "", `{"name":"a","cloud_name":"provisioning"}`, 400, "cloud_name: provisioning is not free"},
		{"cloud_name taken", "POST", "", `{"name":"a","cloud_name":"refused"}`, 409, "cloud_name: refused is taken"},
		{"enabled of a word", "POST", "", `{"name":"a","enabled":"perhaps"}`, 400, "enabled: must be true or false"},
		{"attributes of a list", "POST", "", `{"name":"a","custom_attributes":[1]}`, 400, "custom_attributes: must be an object"},
		{"base environment", "POST", "", `{"name":"a","base_sub_account_id":"x"}`, 400, "base_sub_account_id: is not supported"},
		{"malformed", "POST", "", `{"name"`, 400, "invalid JSON"},
		{"another cloud_name", "PUT", "/" + n.id, `{"cloud_name":"other"}`, 400, "cloud_name: is refused and cannot be changed"},
		{"nothing to change", "PUT", "/" + n.id, `{}`, 400, "missing_attributes"},
		{"unknown environment", "GET", "/" + strings.Repeat("0", 34), "", 404, "not found"},
		{"malformed id", "DELETE", "/nobody", "", 404, "not found"},
		{"enabled in a list", "GET", "?enabled=perhaps", "", 400, "enabled: must be true or false"},
		{"too many ids", "GET", "?ids=" + strings.Repeat("a,", 101), "", 400, "ids: must be at most 100"},
		{"page of a word", "GET", keys + "?page=one", "", 400, "page: must be a number from 1 to 100"},
		{"page too far", "GET", keys + "?page=101", "", 400, "page: must be a number from 1 to 100"},
		{"empty page", "GET", keys + "?page_size=0", "", 400, "page_size: must be a number from 1 to 100"},
		{"unknown order", "GET", keys + "?sort_by=secret", "", 400, "sort_by: must be one of api_key, created_at, name, enabled"},
		{"unknown direction", "GET", keys + "?sort_order=up", "", 400, "sort_order: must be asc or desc"},
		{"name taken", "POST", keys, `{"name":"main_key"}`, 409, "name: another access key is named main_key"},
		{"nothing to change in a key", "PUT", keys + "/" + n.APIKey, `{}`, 400, "missing_attributes"},
		{"unknown purpose", "PUT", keys + "/" + n.APIKey, `{"dedicated_for":"uploads"}`, 400, "dedicated_for: must be webhooks"},
		{"empty name", "PUT", keys + "/" + n.APIKey, `{"name":""}`, 400, "name: is required"},
		{"unknown key", "PUT", keys + "/1", `{"enabled":true}`, 404, "not found"},
		{"disable the last", "PUT", keys + "/" + n.APIKey, `{"enabled":false}`, 409, "is the last enabled one of its environment and cannot be disabled"},
		{"delete the last", "DELETE", keys + "/" + n.APIKey, "", 409, "cannot be deleted"},
		{"delete the last by name", "DELETE", keys + "?name=main_key", "", 409, "cannot be deleted"},
		{"delete no name", "DELETE", keys, "", 400, "name: is required"},
		{"delete an unknown name", "DELETE", keys, `{"name":"x"}`, 404, "not found"},
		{"no such method", "PATCH", keys, "", 405, "method PATCH is not allowed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := provision(t, test.method, test.path, test.body)
			if got.status != test.status || !strings.Contains(got.message(t), test.message) {
				t.Errorf("answer = %d %s, want %d with %q", got.status, got.body, test.status, test.message)
			}
		})
	}
}

// A disabled environment is to everybody as if it did not exist, from the moment
// that it is answered; so is a deleted one, for good.
func TestEnvironmentStops(t *testing.T) {
	n := newTenant(t, "stops")
	receiver := notificationtest.NewReceiver(t)
	if got := n.call(t, "POST", "/triggers", fmt.Sprintf(`{"uri":%q,"event_type":"all"}`, receiver.URL("/all"))); got.status != 201 {
		t.Fatalf("create trigger: %d %s", got.status, got.body)
	}
	if got := n.call(t, "POST", "/upload_presets", `{"name":"one"}`); got.status != 200 {
		t.Fatalf("create preset: %d %s", got.status, got.body)
	}
	serves := func(step string, want int) {
		t.Helper()
		if got := n.call(t, "GET", "/ping", ""); got.status != want {
			t.Errorf("%s, a call: %d %s, want %d", step, got.status, got.body, want)
		}
		event := `{"notification_type":"upload","payload":{}}`
		if got := n.call(t, "POST", "/events", event); got.status != map[int]int{200: 202, 401: 401}[want] {
			t.Errorf("%s, an event: %d %s", step, got.status, got.body)
		}
		answered, failed := invoke(t, lambdatypes.InvocationTypeRequestResponse, strings.Replace(event, "{", `{"cloud_name":"stops",`, 1))
		wantAnswer := map[int]string{200: `"accepted"`, 401: `unknown cloud_name \"stops\"`}[want]
		if failed != "" || !strings.Contains(answered, wantAnswer) {
			t.Errorf("%s, a direct invocation: %s %s, want %s", step, answered, failed, wantAnswer)
		}
	}
	serves("at first", 200)
	for _, step := range []struct {
		body string
		want int
	}{{`{"enabled":false}`, 401}, {`{"enabled":true}`, 200}} {
		if got := provision(t, "PUT", "/"+n.id, step.body); got.status != 200 {
			t.Fatalf("update environment: %d %s", got.status, got.body)
		}
		serves("after "+step.body, step.want)
	}
	receiver.Wait(t, 4) // or the last of them would find no key
	if got := provision(t, "DELETE", "/"+n.id, ""); got.status != 200 {
		t.Fatalf("delete environment: %d %s", got.status, got.body)
	}
	serves("after its deletion", 401)
	if got := provision(t, "POST", "", `{"name":"again","cloud_name":"stops"}`); got.status != 409 {
		t.Errorf("the name of a deleted environment: %d %s, want 409", got.status, got.body)
	}
}

// However many calls come at once, one enabled key is left, and one at most is
// dedicated.
func TestManyKeyChangesAtOnce(t *testing.T) {
	n := newTenant(t, "crowd")
	keys := "/" + n.id + "/access_keys"
	all := []string{n.APIKey}
	for i := range 4 {
		var made struct {
			APIKey string `json:"api_key"`
		}
		provision(t, "POST", keys, fmt.Sprintf(`{"name":"key %d"}`, i)).decode(t, &made)
		all = append(all, made.APIKey)
	}
	atOnce := func(change string) (statuses map[int]int) {
		statuses = make(map[int]int)
		var calls sync.WaitGroup
		var mu sync.Mutex
		for _, key := range all {
			calls.Go(func() {
				got := provision(t, "PUT", keys+"/"+key, change)
				mu.Lock()
				defer mu.Unlock()
				statuses[got.status]++
			})
		}
		calls.Wait()
		return statuses
	}
	if got := atOnce(`{"dedicated_for":"webhooks"}`); got[200] != len(all) {
		t.Errorf("all dedicated at once: %v", got)
	}
	if got := atOnce(`{"enabled":false}`); got[200] != len(all)-1 || got[409] != 1 {
		t.Errorf("all disabled at once: %v", got)
	}
	if got := atOnce(`{"name":"one name"}`); got[200] != 1 || got[409] != len(all)-1 {
		t.Errorf("all renamed at once: %v", got)
	}
	var listed struct {
		Keys []struct {
			Enabled      bool
			DedicatedFor []string `json:"dedicated_for"`
		} `json:"access_keys"`
	}
	provision(t, "GET", keys, "").decode(t, &listed)
	enabled, dedicated := 0, 0
	for _, key := range listed.Keys {
		if key.Enabled {
			enabled++
		}
		dedicated += len(key.DedicatedFor)
	}
	if len(listed.Keys) != len(all) || enabled != 1 || dedicated != 1 {
		t.Errorf("%d keys, %d of them enabled and %d dedicated", len(listed.Keys), enabled, dedicated)
	}
}

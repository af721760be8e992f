package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// provision calls below the account.
func (s *server) provision(t *testing.T, method, path, body string) events.APIGatewayV2HTTPResponse {
	t.Helper()
	path, query, _ := strings.Cut(path, "?")
	event := events.APIGatewayV2HTTPRequest{
		RawPath: "/v1_1/provisioning/accounts/" + accountID + "/sub_accounts" + path, RawQueryString: query, Body: body,
		Headers: map[string]string{"authorization": basic("account", accountSecret), "content-type": "application/json"},
	}
	event.RequestContext.HTTP.Method = method
	answer, err := s.handle(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// A secret is in the answer that creates its key, and in no other; what it opens
// is that key's environment alone.
func TestSecretsAreShownOnce(t *testing.T) {
	s := newServer(t)
	var env struct {
		ID   string
		Keys []struct{ Key, Secret string } `json:"api_access_keys"`
	}
	var key struct {
		APIKey    string `json:"api_key"`
		APISecret string `json:"api_secret"`
	}
	decode := func(answer events.APIGatewayV2HTTPResponse, into any) {
		t.Helper()
		if err := json.Unmarshal([]byte(answer.Body), into); answer.StatusCode != 200 || err != nil {
			t.Fatalf("%d %s, %v", answer.StatusCode, answer.Body, err)
		}
	}
	decode(s.provision(t, "POST", "", `{"name":"shop"}`), &env)
	decode(s.provision(t, "POST", "/"+env.ID+"/access_keys", `{"name":"second"}`), &key)
	for _, call := range []struct{ method, path, body string }{
		{"GET", "", ""},
		{"GET", "/" + env.ID, ""},
		{"PUT", "/" + env.ID, `{"name":"Shop"}`},
		{"GET", "/" + env.ID + "/access_keys", ""},
		{"PUT", "/" + env.ID + "/access_keys/" + key.APIKey, `{"name":"third"}`},
	} {
		answer := s.provision(t, call.method, call.path, call.body)
		if answer.StatusCode != 200 || strings.Contains(answer.Body, key.APISecret) || strings.Contains(answer.Body, env.Keys[0].Secret) || strings.Contains(answer.Body, "secret") {
			t.Errorf("%s %s: %d %s", call.method, call.path, answer.StatusCode, answer.Body)
		}
	}
	for _, test := range []struct {
		key, secret, cloud string
		want               int
	}{
		{env.Keys[0].Key, env.Keys[0].Secret, "shop", 200},
		{key.APIKey, key.APISecret, "shop", 200},
		{key.APIKey, env.Keys[0].Secret, "shop", 401},
		{key.APIKey, key.APISecret, "demo", 401},
		{"account", accountSecret, "shop", 401},
	} {
		event := events.APIGatewayV2HTTPRequest{
			RawPath: "/v1_1/" + test.cloud + "/ping", Headers: map[string]string{"authorization": basic(test.key, test.secret)},
		}
		event.RequestContext.HTTP.Method = "GET"
		answer, err := s.handle(t.Context(), event)
		if err != nil || answer.StatusCode != test.want {
			t.Errorf("%s at %s: %d %s, %v, want %d", test.key, test.cloud, answer.StatusCode, answer.Body, err, test.want)
		}
	}
	if log := s.log.String(); strings.Contains(log, key.APISecret) || strings.Contains(log, env.Keys[0].Secret) {
		t.Errorf("the log holds a secret: %s", log)
	}
}

// Bodies and queries as clients write them.
func TestProvisioningOfClients(t *testing.T) {
	const keys = "/" + environmentID + "/access_keys"
	const first = keys + "/111111111111111"
	for _, test := range []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"nulls", "POST", "", `{"name":"a","cloud_name":null,"custom_attributes":null,"enabled":null,"base_sub_account_id":null}`, 200, `"custom_attributes":{}`},
		{"empty texts", "POST", "", `{"name":"a","cloud_name":"","description":"","enabled":"","base_sub_account_id":""}`, 200, `"enabled":true`},
		{"attributes as text", "POST", "", `{"name":"a","custom_attributes":"{\"b\" : 1}"}`, 200, `"custom_attributes":{"b":1}`},
		{"malformed attributes", "POST", "", `{"name":"a","custom_attributes":"{"}`, 400, "custom_attributes: must be an object"},
		{"another base", "POST", "", `{"name":"a","base_sub_account_id":"x"}`, 400, "base_sub_account_id: is not supported"},
		{"ids repeated", "GET", "?ids=x&ids=" + environmentID, "", 200, `"cloud_name":"demo"`},
		{"ids with brackets", "GET", "?ids[]=x", "", 200, `{"sub_accounts":[]}`},
		{"ids with commas", "GET", "?ids=x," + environmentID, "", 200, `"cloud_name":"demo"`},
		{"cloud_names", "GET", "?cloud_names=demo", "", 200, `"cloud_name":"demo"`},
		{"a prefix in capitals", "GET", "?enabled=True&prefix=" + url.QueryEscape("DEM"), "", 200, `"cloud_name":"demo"`},
		{"disabled ones", "GET", "?enabled=false", "", 200, `{"sub_accounts":[]}`},
		{"same cloud_name", "PUT", "/" + environmentID, `{"cloud_name":"demo"}`, 200, `"cloud_name":"demo"`},
		{"attributes removed", "PUT", "/" + environmentID, `{"custom_attributes":null}`, 200, `"custom_attributes":{}`},
		{"nothing but nulls", "PUT", "/" + environmentID, `{"name":null,"enabled":null}`, 400, "missing_attributes"},
		{"dedicated as an answer has it", "PUT", first, `{"dedicated_for":["webhooks"]}`, 200, `"dedicated_for":["webhooks"]`},
		{"dedicated for nothing", "PUT", first, `{"dedicated_for":""}`, 200, `"enabled":true,"root":true`},
		{"dedicated for null", "PUT", first, `{"dedicated_for":null}`, 200, `"enabled":true,"root":true`},
		{"dedicated for an empty list", "PUT", first, `{"dedicated_for":[]}`, 200, `"enabled":true,"root":true`},
		{"dedicated for something else", "PUT", first, `{"dedicated_for":"uploads"}`, 400, "dedicated_for: must be webhooks"},
		{"dedicated for a number", "PUT", first, `{"dedicated_for":1}`, 400, "dedicated_for: must be webhooks"},
		{"a key of no name", "POST", keys, ``, 200, `"name":"key_`},
		{"a page past the last", "GET", keys + "?page=100", "", 200, `{"access_keys":[],"total":2}`},
		{"an empty id", "GET", "//access_keys", "", 404, "no such path"},
		{"the newest first", "GET", keys + "?sort_by=name", "", 200, `{"access_keys":[{"name":"spare"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := newServer(t).provision(t, test.method, test.path, test.body)
			if answer.StatusCode != test.status || !strings.Contains(answer.Body, test.want) {
				t.Errorf("answer = %d %s, want %d with %s", answer.StatusCode, answer.Body, test.status, test.want)
			}
		})
	}
}

package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/config"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/outbound"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/retry"
	"github.com/mediahooks/mediahooks/shared/telemetry"
	"github.com/mediahooks/mediahooks/shared/web"
)

const (
	triggerID = "0123456789abcdef0123456789abcdef"
	// environmentID is 34 digits.
	environmentID = "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f"
	accountID     = "16a8ff3b-736b-49a6-85c0-03b69d5a357b"
	// accountSecret has every punctuation that a generated one may have.
	accountSecret = "a-secret-of!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~the-account"
)

// accountKey is the account key that the files in events use.
type accountKey struct{}

func (accountKey) AccountKey(context.Context) (notification.AccountKey, error) {
	return notification.AccountKey{APIKey: "account", APISecret: accountSecret}, nil
}

// server is the function over a store that holds the environment which the
// files in events speak of, with one trigger.
type server struct {
	store *notificationtest.Store
	queue *notificationtest.Queue
	// started are the parts of recoveries that were started.
	started []int
	handle  func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)
	log     strings.Builder
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{store: notificationtest.NewStore(time.Now), queue: notificationtest.NewQueue(time.Now)}
	made := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	err := s.store.CreateEnvironment(t.Context(), notification.Environment{
		CloudName: "demo", ID: environmentID, Name: "Demo", CreatedAt: made, UpdatedAt: made, Version: 1,
		Keys: []notification.AccessKey{
			{
				APIKey: "111111111111111", Name: "main_key", SecretHash: registry.HashSecret("a-secret-for-sample-events"),
				Enabled: true, Root: true, CreatedAt: made, UpdatedAt: made,
			},
			{APIKey: "222222222222222", Name: "spare", SecretHash: registry.HashSecret("another"), CreatedAt: made, UpdatedAt: made},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.store.ReplaceHooks(t.Context(), "demo", notification.Hooks{Version: 1, Triggers: []notification.Trigger{
		{ID: triggerID, URI: "https://shop.example/hooks/first", EventType: "upload", CreatedAt: made, UpdatedAt: made},
	}})
	if err != nil {
		t.Fatal(err)
	}
	err = s.store.PutUploadPreset(t.Context(), notification.UploadPreset{
		CloudName: "demo", Name: "web", Unsigned: true, Settings: []byte(`{"folder":"a"}`), Version: 1, CreatedAt: made, UpdatedAt: made,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.keepHistory(t)
	s.start()
	return s
}

// start begins anew, with nothing but the store.
func (s *server) start() {
	log := slog.New(slog.NewJSONHandler(&s.log, nil))
	stack := config.API{
		Limits: config.Limits{URLLimit: 10}, AccountID: accountID, Queues: config.Queues{RetentionDays: 30},
		Defaults: config.Defaults{RetrySchedule: config.Schedule(retry.Cloudinary()), SuccessStatus: "200"},
	}
	handler := newAPI(stack, parts{
		store: s.store, queue: s.queue, guard: outbound.Guard{}, vault: notificationtest.NewVault(), account: accountKey{}, recover: s,
		metrics: telemetry.NewMetrics(&s.log, "mediahooks-api", "dev", time.Now), log: log,
	})
	atOnce := func(context.Context, time.Duration) error { return nil }
	handler.triggers.Wait, handler.presets.Wait, handler.settings.Wait = atOnce, atOnce, atOnce
	handler.environments.Wait, handler.keys.Wait = atOnce, atOnce
	s.handle = web.Lambda(handler.routes(), log)
}

// serve answers the event of a file in events/api.
func (s *server) serve(t *testing.T, file string) events.APIGatewayV2HTTPResponse {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../events/api", file))
	if err != nil {
		t.Fatal(err)
	}
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(raw, &event); err != nil {
		t.Fatal(err)
	}
	answer, err := s.handle(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// wantFor holds the status of each file in events/api, and a part of its answer.
var wantFor = map[string]struct {
	status int
	body   string
}{
	"ping.json":                                 {200, `{"status":"ok"}`},
	"list-triggers.json":                        {200, `"total":1`},
	"list-triggers-of-a-type.json":              {200, `"event_type":"upload"`},
	"list-triggers-of-no-type.json":             {400, `{"error":{"message":"Invalid value a for parameter event_type"}}`},
	"create-trigger.json":                       {201, `"uri":"https://shop.example/hooks/media","event_type":"rename"`},
	"create-trigger-form.json":                  {201, `"uri":"https://shop.example/hooks/form","event_type":"all"`},
	"create-trigger-again.json":                 {409, `{"error":{"message":"record_already_exists"}}`},
	"create-trigger-malformed.json":             {400, `{"error":{"message":"uri: invalid JSON at byte 7: unexpected end"}}`},
	"create-trigger-with-filter.json":           {400, `{"error":{"message":"filter: is not supported; only an empty object is accepted"}}`},
	"update-trigger.json":                       {200, `{"message":"ok","id":"` + triggerID + `"`},
	"update-trigger-go-sdk.json":                {200, `"uri":"https://shop.example/hooks/third"`},
	"update-trigger-nothing.json":               {400, `{"error":{"message":"missing_attributes"}}`},
	"delete-trigger.json":                       {200, `{"message":"ok"}`},
	"delete-trigger-unknown.json":               {404, `{"error":{"message":"record_not_found"}}`},
	"delete-trigger-malformed-id.json":          {400, `{"error":{"message":"invalid_or_malformed_attribute"}}`},
	"test-trigger.json":                         {200, `{"trigger_id":"` + triggerID + `","filter_present":false,"filter_result":true}`},
	"test-trigger-malformed-sample.json":        {400, `{"error":{"message":"invalid_sample_data_json"}}`},
	"event-types.json":                          {200, `"fixed_folder_mode":true,"schema":{"$schema":"https://json-schema.org/draft/2020-12/schema"`},
	"event-type.json":                           {200, `{"name":"eager","description":"Eager transformations`},
	"event-type-unknown.json":                   {404, `{"error":{"message":"record_not_found"}}`},
	"list-presets.json":                         {200, `{"presets":[{"name":"web","unsigned":true,"settings":{"folder":"a"}}]}`},
	"list-presets-malformed.json":               {400, `{"error":{"message":"max_results: must be a number from 1 to 500"}}`},
	"create-preset.json":                        {200, `{"message":"created","name":"print"}`},
	"create-preset-form.json":                   {200, `{"message":"created","name":"`},
	"create-preset-again.json":                  {409, `{"error":{"message":"Preset web already exists"}}`},
	"create-preset-private-url.json":            {400, `{"error":{"message":"notification_url: `},
	"get-preset.json":                           {200, `{"name":"web","unsigned":true,"settings":{"folder":"a"}}`},
	"get-preset-unknown.json":                   {404, `{"error":{"message":"Can't find upload preset named none"}}`},
	"update-preset.json":                        {200, `{"message":"updated"}`},
	"update-preset-another-name.json":           {400, `{"error":{"message":"name: is not the one in the path; a preset cannot be renamed"}}`},
	"delete-preset.json":                        {200, `{"message":"deleted"}`},
	"get-settings.json":                         {200, `{"signature_algorithm":"sha1","include_client_ip":false,"folder_mode":"dynamic","success":"200","retry_schedule":"3m,6m,9m","keep_payloads":true}`},
	"put-settings.json":                         {200, `{"signature_algorithm":"sha256","include_client_ip":true,"folder_mode":"fixed","success":"2xx","retry_schedule":"1m,10m","keep_payloads":false}`},
	"put-settings-unknown-field.json":           {400, `{"error":{"message":"retries: is not a field that is known here"}}`},
	"put-settings-nothing.json":                 {400, `{"error":{"message":"missing_attributes"}}`},
	"put-settings-malformed.json":               {400, `{"error":{"message":"retry_schedule: must be waits such as 3m,6m,9m`},
	"list-environments.json":                    {200, `{"sub_accounts":[{"cloud_name":"demo","name":"Demo","enabled":true,"id":"` + environmentID + `","api_access_keys":[{"key":"111111111111111","enabled":true},{"key":"222222222222222","enabled":false}],"created_at":"2026-02-01T00:00:00Z","updated_at":"2026-02-01T00:00:00Z","custom_attributes":{}}]}`},
	"list-environments-malformed.json":          {400, `{"error":{"message":"enabled: must be true or false"}}`},
	"list-environments-secret-encoded.json":     {200, `"cloud_name":"demo"`},
	"list-environments-by-access-key.json":      {401, `{"error":{"message":"Invalid credentials"}}`},
	"list-environments-of-another-account.json": {401, `{"error":{"message":"Invalid credentials"}}`},
	"create-environment.json":                   {200, `{"cloud_name":"acme","name":"Acme","enabled":true,"id":"`},
	"create-environment-form.json":              {200, `{"cloud_name":"acme-prints","name":"Acme Prints","enabled":false,"id":"`},
	"create-environment-no-name.json":           {400, `{"error":{"message":"name: is required"}}`},
	"create-environment-again.json":             {409, `{"error":{"message":"cloud_name: demo is taken"}}`},
	"get-environment.json":                      {200, `{"cloud_name":"demo","name":"Demo","enabled":true,"id":"` + environmentID + `","api_access_keys":[{"key":"111111111111111","enabled":true},{"key":"222222222222222","enabled":false}],"created_at":"2026-02-01T00:00:00Z","updated_at":"2026-02-01T00:00:00Z","custom_attributes":{}}`},
	"get-environment-unknown.json":              {404, `{"error":{"message":"not found"}}`},
	"update-environment.json":                   {200, `{"cloud_name":"demo","name":"Renamed","enabled":false,"id":"`},
	"update-environment-cloud-name.json":        {400, `{"error":{"message":"cloud_name: is demo and cannot be changed`},
	"delete-environment.json":                   {200, `{"message":"ok"}`},
	"list-access-keys.json":                     {200, `{"access_keys":[{"name":"spare","api_key":"222222222222222","created_at":"2026-02-01T00:00:00Z","updated_at":"2026-02-01T00:00:00Z","enabled":false,"root":false}],"total":2}`},
	"list-access-keys-page-too-far.json":        {400, `{"error":{"message":"page: must be a number from 1 to 100"}}`},
	"list-access-keys-unknown-order.json":       {400, `{"error":{"message":"sort_by: must be one of api_key, created_at, name, enabled"}}`},
	"create-access-key.json":                    {200, `{"name":"second","api_key":"`},
	"create-access-key-again.json":              {409, `{"error":{"message":"name: another access key is named main_key"}}`},
	"update-access-key.json":                    {200, `"enabled":true,"dedicated_for":["webhooks"],"root":true}`},
	"update-access-key-last.json":               {409, `{"error":{"message":"access key 111111111111111 is the last enabled one of its environment and cannot be disabled`},
	"update-access-key-malformed.json":          {400, `{"error":{"message":"dedicated_for: must be webhooks, or empty"}}`},
	"delete-access-key.json":                    {200, `{"message":"ok"}`},
	"delete-access-key-last.json":               {409, `is the last enabled one of its environment and cannot be deleted`},
	"delete-access-key-by-name.json":            {200, `{"message":"ok"}`},
	"delete-access-key-by-name-in-query.json":   {200, `{"message":"ok"}`},
	"account-key-for-an-environment.json":       {401, `{"error":{"message":"Invalid credentials"}}`},
	"list-events.json":                          {200, `{"events":[{"event_id":"nobody","notification_type":"delete","status":"accepted","public_ids":["cat"],"accepted_at":"` + acceptedAt + `"`},
	"list-events-by-asset.json":                 {200, `{"events":[{"event_id":"nobody"`},
	"list-events-malformed.json":                {400, `{"error":{"message":"status: must be accepted, held or suppressed"}}`},
	"get-event.json":                            {200, `"notification":{"notification_type":"upload","public_id":"dog"},"deliveries":[{"delivery_id":"01KGGVH71G3T9W6QH0ZC5V8N20"`},
	"get-event-nobody-told.json":                {200, `"deliveries":[],"explanation":["No trigger was told: when the event was accepted, none was for delete or for all.","So nobody was told."]}`},
	"get-event-unknown.json":                    {404, `{"error":{"message":"event_id: no such event, or its record has expired"}}`},
	"list-deliveries.json":                      {200, `"next_cursor":"01KGGVH71G3T9W6QH0ZC5V8N30"}`},
	"list-deliveries-exhausted.json":            {200, `{"deliveries":[{"delivery_id":"01KGGVH71G3T9W6QH0ZC5V8N30","event_id":"order/17"`},
	"list-deliveries-of-an-event.json":          {200, `{"deliveries":[{"delivery_id":"01KGGVH71G3T9W6QH0ZC5V8N40","event_id":"order/17","notification_type":"upload","public_ids":["dog"],"uri":"https://shop.example/hooks/waiting","why":"preset","status":"pending"`},
	"list-deliveries-pending.json":              {200, `{"deliveries":[],"note":"A delivery has no record before its first attempt is over.`},
	"list-deliveries-malformed.json":            {400, `{"error":{"message":"from: must be a time such as 2026-01-31T12:00:00Z, a day such as 2026-01-31, or unix seconds"}}`},
	"list-deliveries-bad-cursor.json":           {400, `{"error":{"message":"next_cursor: is not one that a list has answered"}}`},
	"get-delivery.json":                         {200, `"headers":{"Content-Type":"application/json","X-Cld-Signature":"5f0e","X-Cld-Timestamp":"1770091506","X-Mediahooks-Attempt":"1","X-Mediahooks-Delivery":"01KGGVH71G3T9W6QH0ZC5V8N20"},"body":"{\"notification_type\":\"upload\",\"public_id\":\"dog\",\"signature_key\":\"111111111111111\"}"}}]}`},
	"get-delivery-unknown.json":                 {404, `{"error":{"message":"delivery_id: no such delivery, or its record has expired`},
	"resend.json":                               {202, `"next_lane":"first","expires_at":"2126-02-03T00:00:00.000Z","next_attempt":2}`},
	"resend-unknown.json":                       {404, `{"error":{"message":"delivery_id: no such delivery`},
	"create-recovery.json":                      {202, `"status":"running","unmatched":false,"filter":{"status":"exhausted","notification_type":"upload","from":"2026-02-01T00:00:00.000Z","to":"`},
	"create-recovery-form.json":                 {200, `{"dry_run":true,"deliveries":1,"urls":1,"seconds":1,"skipped":{},"more":false}`},
	"create-recovery-unmatched.json":            {200, `{"dry_run":true,"deliveries":0,"urls":0,"seconds":0,"skipped":{"no_trigger":1},"more":false}`},
	"create-recovery-unmatched-status.json":     {400, `{"error":{"message":"status: cannot be given with unmatched, which asks for events that have no deliveries"}}`},
	"create-recovery-malformed.json":            {400, `{"error":{"message":"max_per_second: must be a number from 1 to 500"}}`},
	"create-recovery-unknown-field.json":        {400, `{"error":{"message":"max_per_minute: is not a field that is known here"}}`},
	"list-recoveries.json":                      {200, `{"recoveries":[{"id":"01KGGVH71G3T9W6QH0ZC5V8N60","status":"running"`},
	"get-recovery.json":                         {200, `"reached_at":"` + acceptedAt + `","started_at":"` + acceptedAt + `","expires_at":"2126-02-03T00:00:00.000Z","results":{"exhausted":1},"more":false}`},
	"get-recovery-unknown.json":                 {404, `{"error":{"message":"id: no such recovery, or its record has expired"}}`},
	"stop-recovery.json":                        {200, `"status":"stopped"`},
	"resume-recovery.json":                      {202, `"status":"running"`},
	"console-with-a-slash.json":                 {301, `<a href="/console">Moved Permanently</a>`},
	"openapi.json":                              {200, "openapi: 3.0.3"},
	"unknown-path.json":                         {404, `{"error":{"message":"no such path: /nowhere"}}`},
	"wrong-method-of-events.json":               {405, `{"error":{"message":"method PATCH is not allowed here; allowed: `},
	"wrong-method.json":                         {405, `{"error":{"message":"method PATCH is not allowed here; allowed: GET, HEAD, POST"}}`},
	"no-credentials.json":                       {401, `{"error":{"message":"Invalid credentials"}}`},
	"wrong-secret.json":                         {401, `{"error":{"message":"Invalid credentials"}}`},
	"unknown-environment.json":                  {401, `{"error":{"message":"Invalid credentials"}}`},
}

func TestEvents(t *testing.T) {
	files, err := os.ReadDir("../../events/api")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(wantFor) {
		t.Errorf("%d files in events/api, %d expectations", len(files), len(wantFor))
	}
	for _, file := range files {
		t.Run(file.Name(), func(t *testing.T) {
			want, known := wantFor[file.Name()]
			if !known {
				t.Fatal("no expectation for this file")
			}
			s := newServer(t)
			answer := s.serve(t, file.Name())
			if answer.StatusCode != want.status || !strings.Contains(answer.Body, want.body) {
				t.Errorf("answer = %d %.200s\nwant     %d %s", answer.StatusCode, answer.Body, want.status, want.body)
			}
			if answer.Headers["X-Request-Id"] == "" || answer.Headers["Content-Type"] == "" {
				t.Errorf("headers = %v", answer.Headers)
			}
			if strings.Contains(s.log.String(), "a-secret-") || strings.Contains(s.log.String(), "hooks/") {
				t.Errorf("the log holds a secret or a URL: %s", s.log.String())
			}
		})
	}
}

func TestTriggerShape(t *testing.T) {
	answer := newServer(t).serve(t, "list-triggers.json")
	const want = `{"triggers":[{"id":"` + triggerID + `","product_environment_id":"7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",` +
		`"uri_type":"webhook","uri":"https://shop.example/hooks/first","event_type":"upload",` +
		`"created_at":"2026-02-01T00:00:00+00:00","updated_at":"2026-02-01T00:00:00+00:00"}],"total":1}` + "\n"
	if diff := cmp.Diff(want, answer.Body); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}

// Bodies as real clients send them: nulls, unknown fields, curl's idea of a
// form, no body at all, base64 from API Gateway.
func TestBodiesOfClients(t *testing.T) {
	for _, test := range []struct {
		name, method, path, contentType, body string
		want                                  int
	}{
		{"null optional fields", "POST", "", "application/json", `{"uri":"https://a.example","event_type":"all","filter":null,"payload_template":null,"auth_scheme":null,"additive":null}`, 201},
		{"newer fields of today's meaning", "POST", "", "application/json", `{"uri":"https://a.example","event_type":"all","additive":true,"filter":{},"filter_language":"jsonlogic","auth_scheme":"legacy_hmac","uri_type":"webhook"}`, 201},
		{"newer fields of another meaning", "POST", "", "application/json", `{"uri":"https://a.example","event_type":"all","auth_scheme":"eddsa_v2"}`, 400},
		{"another kind of trigger", "POST", "", "application/json", `{"uri":"https://a.example","event_type":"all","uri_type":"poll"}`, 400},
		{"unknown fields", "POST", "", "application/json", `{"uri":"https://a.example","event_type":"all","x":[1,{}]}`, 201},
		{"JSON that curl calls a form", "POST", "", "application/x-www-form-urlencoded", ` {"uri":"https://a.example","event_type":"all"}`, 201},
		{"no content type", "POST", "", "", `{"uri":"https://a.example","event_type":"all"}`, 201},
		{"charset", "POST", "", "application/json; charset=utf-8", `{"uri":"https://a.example","event_type":"all"}`, 201},
		{"no body", "POST", "", "application/json", ``, 400},
		{"duplicate key", "POST", "", "application/json", `{"uri":"https://a.example","uri":"https://b.example","event_type":"all"}`, 400},
		{"private address", "POST", "", "application/json", `{"uri":"http://10.0.0.1/","event_type":"all"}`, 400},
		{"not http", "POST", "", "application/json", `{"uri":"ftp://a.example/","event_type":"all"}`, 400},
		{"too large", "POST", "", "application/json", `{"uri":"` + strings.Repeat("a", 64<<10) + `"}`, 413},
		{"delete without a body", "DELETE", "/" + triggerID, "application/json", ``, 200},
		{"test without a body", "POST", "/" + triggerID + "/test", "application/json", ``, 200},
		{"update of what is so already", "PUT", "/" + triggerID, "application/json", `{"auth_scheme":"legacy_hmac"}`, 200},
		{"update of the type", "PUT", "/" + triggerID, "application/json", `{"new_uri":"https://a.example","event_type":"all"}`, 400},
	} {
		for _, encoded := range []bool{false, true} {
			t.Run(test.name, func(t *testing.T) {
				event := events.APIGatewayV2HTTPRequest{
					RawPath: "/v1_1/demo/triggers" + test.path, Body: test.body, IsBase64Encoded: encoded,
					Headers: map[string]string{"authorization": basic("111111111111111", "a-secret-for-sample-events")},
				}
				event.RequestContext.HTTP.Method = test.method
				if encoded {
					event.Body = base64.StdEncoding.EncodeToString([]byte(test.body))
				}
				if test.contentType != "" {
					event.Headers["content-type"] = test.contentType
				}
				answer, err := newServer(t).handle(t.Context(), event)
				if err != nil || answer.StatusCode != test.want {
					t.Errorf("answer = %d %s, %v, want %d", answer.StatusCode, answer.Body, err, test.want)
				}
			})
		}
	}
}

func basic(user, password string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

// What breaks inside is told apart from what the caller did, and says nothing of
// the inside.
func TestFaultsOfOurs(t *testing.T) {
	s := newServer(t)
	s.store.OnCall(func(notificationtest.Call) error { return io.ErrUnexpectedEOF })
	answer := s.serve(t, "list-triggers.json")
	if answer.StatusCode != 500 || strings.Contains(answer.Body, "EOF") || !strings.Contains(answer.Body, "Quote request JKJaXmPLvHcESHA=") {
		t.Errorf("answer = %d %s", answer.StatusCode, answer.Body)
	}
	if !strings.Contains(s.log.String(), "unexpected EOF") {
		t.Errorf("the log lacks the cause: %s", s.log.String())
	}
	s.store.OnCall(func(notificationtest.Call) error { panic("a bug") })
	if answer := s.serve(t, "list-triggers.json"); answer.StatusCode != 500 || strings.Contains(answer.Body, "bug") {
		t.Errorf("answer to a panic = %d %s", answer.StatusCode, answer.Body)
	}
}

func TestMalformedRequest(t *testing.T) {
	answer, err := newServer(t).handle(t.Context(), events.APIGatewayV2HTTPRequest{RawPath: "/%zz"})
	if err != nil || answer.StatusCode != 400 || !strings.Contains(answer.Body, `"error"`) {
		t.Errorf("answer = %d %s, %v", answer.StatusCode, answer.Body, err)
	}
}

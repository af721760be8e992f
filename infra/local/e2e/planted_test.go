package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	packing "github.com/mediahooks/mediahooks/shared/payload"
)

// refusedToken is the name of the one in URLs that were never accepted.
const refusedToken = "refused token"

// planted is what must not turn up, by names that may.
type planted map[string]string

// find returns the names of what a text holds: as it is, in base64 or in hex, be it
// that the text itself is base64 or compressed.
func (p planted) find(text []byte) (names []string) {
	views := [][]byte{text}
	for i := 0; i < len(views); i++ {
		for _, part := range base64Text.FindAll(views[i], -1) {
			if plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(string(part), "=")); err == nil {
				views = append(views, plain)
			}
		}
		if plain, err := packing.Unpack(views[i]); err == nil && len(plain) > 0 && plain[0] == '{' && views[i][0] != '{' {
			views = append(views, plain)
		}
	}
	for name, secret := range p {
		forms := []string{secret, hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))}
		for _, view := range views {
			for _, form := range forms {
				if bytes.Contains(bytes.ToLower(view), bytes.ToLower([]byte(form))) {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

var base64Text = regexp.MustCompile(`[A-Za-z0-9+/]{24,}={0,2}`)

// leaves visits the texts and bytes of an attribute, each with its path, in which
// list indices and ids are left out.
func leaves(path string, value types.AttributeValue, visit func(path string, text []byte)) {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		visit(path, []byte(v.Value))
	case *types.AttributeValueMemberB:
		visit(path, v.Value)
	case *types.AttributeValueMemberL:
		for _, element := range v.Value {
			leaves(path, element, visit)
		}
	case *types.AttributeValueMemberM:
		for name, element := range v.Value {
			leaves(path+"."+name, element, visit)
		}
	case *types.AttributeValueMemberSS:
		visit(path, []byte(strings.Join(v.Value, "\n")))
	case *types.AttributeValueMemberBS:
		visit(path, bytes.Join(v.Value, []byte("\n")))
	}
}

// plant makes an environment that has done everything that touches a secret, and
// returns what must not turn up anywhere (secrets) and what only where it is
// needed (tokens), and the messages that waited on the lanes meanwhile.
func plant(t *testing.T) (secrets, tokens planted, messages []string) {
	t.Helper()
	receiver := notificationtest.NewReceiver(t)
	// One goes through queue and workflow to the end of the schedule.
	receiver.Answer(func(_ int, r notificationtest.Request) notificationtest.Reply {
		if strings.HasPrefix(r.Path, "/down") {
			return notificationtest.Reply{StatusCode: http.StatusServiceUnavailable}
		}
		return notificationtest.Reply{StatusCode: http.StatusOK}
	})
	s := signing{newTenant(t, "planted"), receiver}
	second := s.newKey(t, "second")
	tokens = planted{
		"trigger's token": "planted-8Qk2vTrigger", "call's token": "planted-8Qk2vPerCall", "preset's token": "planted-8Qk2vPreset",
		"dead receiver's token": "planted-8Qk2vDead", refusedToken: "planted-8Qk2vRefused",
	}
	secrets = planted{
		"first api_secret": s.APISecret, "second api_secret": second.APISecret, "account's secret": local.Account().Key.APISecret,
	}
	for name, key := range dataKeys(t, s.CloudName) {
		secrets[name] = key
	}

	// Logins, right ones and wrong ones.
	for _, key := range []struct{ key, secret string }{
		{s.APIKey, s.APISecret}, {s.APIKey, second.APISecret}, {"1", s.APISecret}, {s.APISecret, s.APIKey}, {local.Account().Key.APISecret, s.APISecret},
	} {
		for _, path := range []string{"/v1_1/planted/ping", "/v1_1/nowhere/ping", "/v1_1/provisioning/accounts/" + local.Account().ID + "/sub_accounts"} {
			callFrom(t, stranger(), key.key, key.secret, "GET", path, "")
		}
		callFrom(t, stranger(), key.key, key.secret, "POST", "/v1_1/planted/events", `{"notification_type":"upload","payload":{}}`)
	}

	// What is refused, by every way in.
	refused := tokens[refusedToken]
	for _, bad := range []struct{ method, path, body string }{
		{"POST", "/triggers", `{"event_type":"all","uri":"https://user:` + refused + `@shop.example/"}`},
		{"POST", "/triggers", `{"event_type":"all","uri":"https://10.0.0.1/?token=` + refused + `"}`},
		{"POST", "/triggers", `{"event_type":"all","uri":"ftp://shop.example/?token=` + refused + `"}`},
		{"POST", "/triggers", `{"event_type":"all","uri":"https://shop.example/%zz?token=` + refused + `"}`},
		{"POST", "/triggers", `{"api_secret":"` + s.APISecret + `","uri":{"a":"` + s.APISecret + `"}}`},
		{"POST", "/triggers", `{"api_secret":"` + s.APISecret},
		{"PUT", "/notification_settings", `{"api_secret":"` + s.APISecret + `","success":["` + s.APISecret + `"]}`},
		{"PUT", "/notification_settings", `{"include_client_ip":"` + s.APISecret + `"}`},
		{"POST", "/upload_presets", `{"name":"bad","notification_url":"https://10.0.0.1/?token=` + refused + `"}`},
		{"POST", "/events", `{"notification_type":"upload","payload":{},"api_secret":"` + s.APISecret + `"}`},
		{"POST", "/events", `{"notification_type":"upload","payload":"` + s.APISecret + `"}`},
		{"POST", "/events", `{"notification_type":"upload","payload":{},"notification_url":"https://10.0.0.1/?token=` + refused + `"}`},
		{"POST", "/events", `{"notification_type":"upload","payload":{},"notification_url":"https://u:` + refused + `@shop.example/"}`},
	} {
		if got := s.call(t, bad.method, bad.path, bad.body); got.status != http.StatusBadRequest {
			t.Errorf("%s %s %s: %d %s", bad.method, bad.path, bad.body, got.status, got.body)
		}
		if bad.path != "/events" {
			continue
		}
		event := strings.Replace(bad.body, "{", `{"cloud_name":"planted",`, 1)
		putEvent(t, event)
		invoke(t, lambdatypes.InvocationTypeEvent, event)
	}
	for _, bad := range []struct{ method, path, body string }{
		{"POST", "", `{"name":"bad","enabled":"` + s.APISecret + `"}`},
		{"POST", "", `{"name":"bad","custom_attributes":"` + s.APISecret + `"}`},
		{"POST", "/" + s.id + "/access_keys", `{"name":["` + s.APISecret + `"]}`},
		{"PUT", "/" + s.id + "/access_keys/" + second.APIKey, `{"dedicated_for":"` + second.APISecret + `"}`},
		{"PUT", "/" + s.id, `{"api_secret":"` + s.APISecret + `"`},
	} {
		if got := provision(t, bad.method, bad.path, bad.body); got.status != http.StatusBadRequest {
			t.Errorf("%s %s %s: %d %s", bad.method, bad.path, bad.body, got.status, got.body)
		}
	}
	for _, read := range []string{"", "/" + s.id, "/" + s.id + "/access_keys"} {
		provision(t, "GET", read, "")
	}

	// Events whose notification URLs carry tokens; the first while nobody delivers.
	trigger := s.call(t, "POST", "/triggers", fmt.Sprintf(`{"event_type":"all","uri":%q}`, receiver.URL("/down?token="+tokens["trigger's token"])))
	preset := s.call(t, "POST", "/upload_presets", fmt.Sprintf(`{"name":"web","notification_url":%q}`, receiver.URL("/up?token="+tokens["preset's token"])))
	if trigger.status >= 400 || preset.status >= 400 {
		t.Fatalf("%s %s", trigger.body, preset.body)
	}
	var event reported
	withoutDelivery(t, func() {
		s.call(t, "POST", "/events", fmt.Sprintf(`{"notification_type":"upload","method":"upload","payload":{"note":%q},"upload_preset":"web","notification_url":%q}`,
			strings.Repeat("long enough to be compressed ", 100), receiver.URL("/up?token="+tokens["call's token"]))).decode(t, &event)
		s.call(t, "GET", "/triggers", "")
		messages = peek(t, "FirstQueueUrl", len(event.Deliveries))
	})
	ids := event.Deliveries
	s.call(t, "POST", "/events", fmt.Sprintf(`{"notification_type":"upload","payload":{},"notification_url":%q}`,
		deadURL(t)+"/?token="+tokens["dead receiver's token"])).decode(t, &event)
	for _, d := range append(ids, event.Deliveries...) {
		settledOf(t, s.CloudName, d.DeliveryID)
	}
	return secrets, tokens, messages
}

// dataKeys opens the data keys of an environment, which only its delivery may.
func dataKeys(t *testing.T, cloudName string) planted {
	t.Helper()
	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	env, found, err := table.Environment(t.Context(), cloudName)
	if err != nil || !found {
		t.Fatalf("read environment %s: %t, %v", cloudName, found, err)
	}
	keys := make(planted)
	for _, key := range env.Keys {
		out, err := kms.NewFromConfig(cfg).Decrypt(t.Context(), &kms.DecryptInput{
			CiphertextBlob: key.DataKey, EncryptionContext: map[string]string{"cloud_name": cloudName, "api_key": key.APIKey},
		})
		if err != nil || len(out.Plaintext) < 16 {
			t.Fatalf("open data key of %s: %v", key.APIKey, err)
		}
		keys["data key of "+key.Name] = string(out.Plaintext)
	}
	return keys
}

// deadURL is the URL of a port on which nobody listens.
func deadURL(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// withoutDelivery stops the delivery function from taking messages meanwhile.
func withoutDelivery(t *testing.T, do func()) {
	t.Helper()
	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := lambda.NewFromConfig(cfg)
	var mappings []*string
	for _, name := range []string{"DeliveryFunctionName", "SlowDeliveryFunctionName"} {
		listed, err := client.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{
			FunctionName: aws.String(local.Outputs()[name]),
		})
		if err != nil || len(listed.EventSourceMappings) != 1 {
			t.Fatalf("%s: %d event source mappings, %v", name, len(listed.EventSourceMappings), err)
		}
		mappings = append(mappings, listed.EventSourceMappings[0].UUID)
	}
	set := func(enabled bool) {
		for _, mapping := range mappings {
			_, err := client.UpdateEventSourceMapping(t.Context(), &lambda.UpdateEventSourceMappingInput{UUID: mapping, Enabled: &enabled})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	set(false)
	defer set(true)
	time.Sleep(2 * time.Second) // polls that have begun may still take messages
	do()
}

// peek reads at least so many messages of a queue, and leaves them there.
func peek(t *testing.T, output string, atLeast int) (bodies []string) {
	t.Helper()
	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; {
		out, err := sqs.NewFromConfig(cfg).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: aws.String(local.Outputs()[output]), MaxNumberOfMessages: 10, VisibilityTimeout: 1,
			MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			attributes, err := json.Marshal(m.MessageAttributes)
			if err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, aws.ToString(m.Body), string(attributes))
		}
		if len(bodies) >= 2*atLeast {
			return bodies
		}
		if time.Now().After(end) {
			t.Fatalf("%s has %d messages, want %d", output, len(bodies)/2, atLeast)
		}
	}
}

// executions reads inputs and histories of the workflow.
func executions(t *testing.T) (texts []string) {
	t.Helper()
	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := sfn.NewFromConfig(cfg)
	for _, output := range []string{"WaitWorkflowArn", "RecoverWorkflowArn"} {
		pages := sfn.NewListExecutionsPaginator(client, &sfn.ListExecutionsInput{StateMachineArn: aws.String(local.Outputs()[output])})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Executions {
				described, err := client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: e.ExecutionArn})
				if err != nil {
					t.Fatal(err)
				}
				history, err := client.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: e.ExecutionArn})
				if err != nil {
					t.Fatal(err)
				}
				steps, err := json.Marshal(history.Events)
				if err != nil {
					t.Fatal(err)
				}
				texts = append(texts, aws.ToString(e.Name), aws.ToString(described.Input), aws.ToString(described.Output), string(steps))
			}
		}
	}
	return texts
}

// notificationURL are the places where a notification URL is needed to POST to it,
// and the answers in which its owner reads it.
var notificationURL = regexp.MustCompile(`^table \w+ (url|notification_url|settings|urls\.uri|targets\.url)$|` +
	`^answer (GET|POST|PUT) /v1_1/planted/(triggers|upload_presets|events|deliveries)\b|` +
	`^answer (GET|POST) /console`)

// secretMade are the answers that make an access key.
var secretMade = regexp.MustCompile(`^answer POST \S+/(sub_accounts|access_keys)$`)

// No secret is anywhere in clear but in the answer that makes it. What a
// notification URL carries is where it is needed to POST, and where its owner
// reads it, and nowhere else.
func TestPlantedSecrets(t *testing.T) {
	secrets, tokens, messages := plant(t)
	drained(t)
	plantInConsole(t, secrets, tokens[refusedToken])
	looked := make(map[string]int)
	found := make(map[string]bool)
	look := func(place string, text []byte) {
		looked[strings.Fields(place)[0]]++
		for _, name := range secrets.find(text) {
			found[name] = true
			if !secretMade.MatchString(place) {
				t.Errorf("%s holds the %s", place, name)
			}
		}
		for _, name := range tokens.find(text) {
			found[name] = true
			if !notificationURL.MatchString(place) || name == refusedToken {
				t.Errorf("%s holds the %s", place, name)
			}
		}
	}
	for key, item := range scanTable(t) {
		kind, _, _ := strings.Cut(key, "#")
		for name, value := range item {
			leaves(name, value, func(path string, text []byte) { look("table "+kind+" "+path, text) })
		}
	}
	for _, group := range []string{
		"ApiLogGroupName", "IntakeLogGroupName", "ConsoleLogGroupName", "DeliveryLogGroupName", "SlowDeliveryLogGroupName", "RecoveryLogGroupName", "ApiAccessLogGroupName",
	} {
		for _, line := range logLines(t, group) {
			look("log "+group, []byte(line))
		}
	}
	for _, body := range messages {
		var message notification.Message
		if err := json.Unmarshal([]byte(body), &message); err == nil && message.URL != "" {
			if names := secrets.find([]byte(body)); len(names) > 0 {
				t.Errorf("a message holds the %s", names)
			}
			look("message's packed body", message.Body)
			body = strings.ReplaceAll(body, message.URL, "")
		}
		look("message", []byte(body))
	}
	for _, queue := range []string{
		"FirstDeadLetterQueueUrl", "SlowDeadLetterQueueUrl", "HoldDeadLetterQueueUrl", "EventDeadLetterQueueUrl", "IntakeFailureQueueUrl",
	} {
		for _, body := range peek(t, queue, 0) {
			look("queue "+queue, []byte(body))
		}
	}
	for _, text := range executions(t) {
		look("execution", []byte(text))
	}
	for _, a := range allAnswers() {
		look("answer "+a.call, []byte(a.body))
	}
	t.Logf("looked at %v", looked)
	for _, place := range []string{"table", "log", "message", "execution", "answer"} {
		if looked[place] == 0 {
			t.Errorf("no %s was looked at", place)
		}
	}
	for _, name := range []string{"first api_secret", "second api_secret", "trigger's token", "call's token", "preset's token", "dead receiver's token"} {
		if !found[name] {
			t.Errorf("the %s was found nowhere: this test does not look where it should", name)
		}
	}
}

// Whatever shape a secret is in, it is found.
func TestPlantedIsFound(t *testing.T) {
	p := planted{"secret": "s3cr3t-of-27-letters-_abcDE"}
	inside := `{"a":"` + p["secret"] + `"}`
	long := packing.Pack([]byte(`{"a":"` + p["secret"] + strings.Repeat(" and more", 1000) + `"}`))
	if long[0] == '{' {
		t.Fatal("it is not compressed")
	}
	for name, text := range map[string]string{
		"plain":                inside,
		"hex":                  hex.EncodeToString([]byte(p["secret"])),
		"hex in capitals":      strings.ToUpper(hex.EncodeToString([]byte(p["secret"]))),
		"base64":               `"` + base64.StdEncoding.EncodeToString([]byte(p["secret"])) + `"`,
		"inside of base64":     `{"body":"` + base64.StdEncoding.EncodeToString([]byte(inside)) + `"}`,
		"compressed":           string(long),
		"compressed in base64": base64.StdEncoding.EncodeToString(long),
	} {
		if got := p.find([]byte(text)); len(got) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
	if got := p.find([]byte(`{"a":"s3cr3t-of-27-letters-_abcD"}`)); len(got) != 0 {
		t.Errorf("found %v, which is not there", got)
	}
}

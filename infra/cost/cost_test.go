package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/infra/calls"
)

func text(s string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: s} }
func number(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }

// Sizes by the rules of the developer guide, Item sizes and formats.
func TestItemSize(t *testing.T) {
	for _, test := range []struct {
		name string
		item item
		want int
	}{
		{"nothing", nil, 0},
		{"a text in UTF-8", item{"name": text("zoë")}, 4 + 4},
		{"a binary value", item{"b": &types.AttributeValueMemberB{Value: make([]byte, 700)}}, 1 + 700},
		{"a boolean", item{"lead": &types.AttributeValueMemberBOOL{Value: true}}, 4 + 1},
		{"a number: a byte for two digits, and one", item{"n": number("1770091506789")}, 1 + 7 + 1},
		{"zeros at its ends do not count", item{"n": number("-1500")}, 1 + 1 + 1},
		{"zero", item{"n": number("0")}, 1 + 1},
		{"a list: 3, and one for each element", item{"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{text("ab"), text("c")}}}, 1 + 3 + 1 + 2 + 1 + 1},
		{"a map: 3, and one for each", item{"m": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"key": text("v")}}}, 1 + 3 + 1 + 3 + 1},
		{"a set", item{"s": &types.AttributeValueMemberSS{Value: []string{"ab", "cd"}}}, 1 + 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.item.size(); got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}

func TestUnits(t *testing.T) {
	sized := func(size int, open ...string) item {
		it := item{"x": text(strings.Repeat("x", size-1))}
		if len(open) == 2 {
			it["open_in"], it["open_at"] = text(open[0]), text(open[1])
		}
		return it
	}
	for _, test := range []struct {
		name          string
		before, after item
		write, index  float64
	}{
		{"an insert of up to 1 KB", nil, sized(1024), 1, 0},
		{"a byte more", nil, sized(1025), 2, 0},
		{"a change counts the larger one", sized(3000), sized(10), 3, 0},
		{"a delete", sized(1500), nil, 2, 0},
		{"a condition that finds nothing", nil, nil, 1, 0},
		{"into the index", sized(10), sized(10, "DUE#1", "a"), 1, 1},
		{"out of the index", sized(10, "DUE#1", "a"), sized(10), 1, 1},
		{"elsewhere in the index", sized(10, "DUE#1", "a"), sized(10, "DUE#1", "b"), 1, 2},
		{"the same place in the index", sized(10, "DUE#1", "a"), sized(20, "DUE#1", "a"), 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if write, index := writeUnits(test.before, test.after), indexUnits(test.before, test.after); write != test.write || index != test.index {
				t.Errorf("%v and %v, want %v and %v", write, index, test.write, test.index)
			}
		})
	}
	found := map[key]item{{"a", "1"}: sized(3000), {"a", "2"}: sized(3000)}
	both := []key{{"a", "1"}, {"a", "2"}, {"a", "absent"}}
	for _, test := range []struct {
		operation string
		touched   touched
		want      float64
	}{
		{"Query", touched{reads: both, consistent: true}, 2},        // 6,000 bytes together
		{"BatchGetItem", touched{reads: both, consistent: true}, 3}, // each alone
		{"GetItem", touched{reads: both[:1]}, 0.5},
		{"Query", touched{}, 0.5},
	} {
		if got := readUnits(test.operation, test.touched, found); got != test.want {
			t.Errorf("%s: %v read units, want %v", test.operation, got, test.want)
		}
	}
}

func TestTouchedBy(t *testing.T) {
	one := []key{{"P", "S"}}
	for _, test := range []struct {
		operation, request string
		want               touched
	}{
		{"PutItem", `{"Item":{"pk":{"S":"P"},"sk":{"S":"S"},"n":{"N":"1"}}}`, touched{writes: one}},
		{"UpdateItem", `{"Key":{"pk":{"S":"P"},"sk":{"S":"S"}}}`, touched{writes: one}},
		{"DeleteItem", `{"Key":{"pk":{"S":"P"},"sk":{"S":"S"}}}`, touched{writes: one}},
		{"GetItem", `{"Key":{"pk":{"S":"P"},"sk":{"S":"S"}},"ConsistentRead":true}`, touched{reads: one, consistent: true}},
		{"BatchGetItem", `{"RequestItems":{"t":{"ConsistentRead":true,"Keys":[{"pk":{"S":"P"},"sk":{"S":"S"}}]}}}`, touched{reads: one, consistent: true}},
		{"BatchExecuteStatement", `{"Statements":[{"Statement":"INSERT INTO \"t\" VALUE {'pk':?,'sk':?,'n':?}","Parameters":[{"S":"P"},{"S":"S"},{"N":"1"}]}]}`, touched{writes: one}},
		{"BatchExecuteStatement", `{"Statements":[{"Statement":"UPDATE \"t\" SET \"n\"=? WHERE \"pk\"=? AND \"sk\"=?","Parameters":[{"N":"1"},{"S":"P"},{"S":"S"}]}]}`, touched{writes: one}},
		{"Query", `{"ConsistentRead":true}`, touched{consistent: true}},
	} {
		got, err := touchedBy(test.operation, []byte(test.request))
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(touched{}, key{})); err != nil || diff != "" {
			t.Errorf("%s %s: %v (-want +got):\n%s", test.operation, test.request, err, diff)
		}
	}
	for operation, request := range map[string]string{
		"Scan":                  `{}`,
		"PutItem":               `{}`,
		"BatchExecuteStatement": `{"Statements":[{"Statement":"DELETE FROM \"t\" WHERE \"pk\"=?","Parameters":[{"S":"P"}]}]}`,
		"UpdateItem":            `no JSON`,
	} {
		if _, err := touchedBy(operation, []byte(request)); err == nil {
			t.Errorf("%s %s: counted all the same", operation, request)
		}
	}
	if _, err := queried([]byte(`{"Items":[],"Count":0,"ScannedCount":3}`)); err == nil {
		t.Error("a filtered query was counted")
	}
}

// at makes spans in milliseconds: began, ended and what it takes on AWS.
func at(spans ...[3]int) []span {
	var all []span
	begin := time.Unix(0, 0)
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	for _, s := range spans {
		all = append(all, span{begin.Add(ms(s[0])), begin.Add(ms(s[1])), ms(s[2])})
	}
	return all
}

func TestWaited(t *testing.T) {
	for _, test := range []struct {
		name  string
		spans []span
		want  time.Duration
	}{
		{"nothing", nil, 0},
		{"one after the other", at([3]int{0, 1, 6}, [3]int{1, 2, 15}), 21 * time.Millisecond},
		{"at once", at([3]int{0, 9, 6}, [3]int{1, 8, 15}), 15 * time.Millisecond},
		{"two at once and one after both", at([3]int{0, 9, 6}, [3]int{1, 8, 15}, [3]int{9, 10, 5}), 20 * time.Millisecond},
		{"one after the first of two", at([3]int{0, 3, 6}, [3]int{0, 20, 15}, [3]int{4, 9, 5}), 15 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := waited(test.spans); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
	// 1.5 ms of work take six times as long with a sixth of a processor.
	if got := billed(20*time.Millisecond, 1500*time.Microsecond, vCPUMemory/6); got != 31*time.Millisecond {
		t.Errorf("billed %s", got)
	}
}

func TestRecordedBy(t *testing.T) {
	posted := time.Unix(100, 0)
	all := []calls.Call{
		{Invocation: "before", Operation: "BatchExecuteStatement", Request: []byte("x D1 x"), Began: posted.Add(-1)},
		{Invocation: "read", Operation: "BatchGetItem", Request: []byte("x D1 x"), Began: posted.Add(1)},
		{Invocation: "another's", Operation: "BatchExecuteStatement", Request: []byte("x D2 x"), Began: posted.Add(2)},
		{Invocation: "its own", Operation: "BatchExecuteStatement", Request: []byte("x D1 x"), Began: posted.Add(3)},
		{Invocation: "its retry's", Operation: "BatchExecuteStatement", Request: []byte("x D1 x"), Began: posted.Add(4)},
	}
	if c, err := recordedBy(all, post{deliveryID: "D1", ended: posted}); err != nil || c.Invocation != "its own" {
		t.Errorf("%s, %v", c.Invocation, err)
	}
	if c, err := recordedBy(all, post{deliveryID: "D3", ended: posted}); err == nil {
		t.Errorf("found %s", c.Invocation)
	}
}

func TestBill(t *testing.T) {
	u := usage{
		deliveries: 1000, gateway: gatewayUse{calls: 1000, chunks: 1000, bytesOut: 500_000},
		functions: map[string]functionUse{"Intake": {invocations: 1000, billed: 20 * time.Second, memory: 512, said: logged{bytes: 400_000}}},
		queues:    queueUse{sends: 1000, receives: 100, deletes: 100, fair: 1200},
		table: tableUse{
			writes: map[string]float64{"EVT": 1000, "LOG": 1100, "open": 100, "ORG": 1, "HOURS": 1}, reads: 1000,
			stored: map[key]int{{"EVT#demo#1", "EVENT"}: 900, {"LOG#demo#h#0", "1"}: 500, {"ORG#demo#x", "HEALTH"}: 99},
		},
		egress: 2e6, kmsCalls: 1, waits: 2,
	}
	got := billFor(u, described{accessLine: 300, platformLines: 400, retentionDays: 30, logRetentionDays: 30})
	want := map[string]float64{
		apiCalls: 1.00, "Lambda: invocations of Intake": 0.20, "Lambda: duration of Intake": 10 * 1000 * 13.3334 / million,
		"SQS: sends": 0.40, "SQS: receives and deletes": 0.08, "SQS: message groups": 0.12,
		"DynamoDB: writes of events": 0.625, "DynamoDB: writes of deliveries": 0.6875, "DynamoDB: writes of the index": 0.0625,
		"DynamoDB: other writes": 0.00125, "DynamoDB: reads": 0.125,
		"KMS": 0.003, "Step Functions: waits": 0.15, "Egress: notifications": 0.18, "Egress: answers of the HTTP API": 0.072,
		ourLog: 0.20, accessLog: 0.15, platformLog: 0.20,
		"DynamoDB: storage": 1600 * 1000 * (32 / daysAMonth) / gigabyte * 0.25, recovery: 1600 * 1000 * (32 / daysAMonth) / gigabyte * 0.20,
		"Logs: storage": 1.1 * 0.15 * (30 / daysAMonth) * 0.03,
	}
	for what, dollars := range want {
		if math.Abs(got.dollars(what)-dollars) > 1e-9 {
			t.Errorf("%s: $%v, want $%v", what, got.dollars(what), dollars)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d lines, want %d: %v", len(got), len(want), got)
	}
}

func TestPayload(t *testing.T) {
	p := payload("single/1")
	if len(p) != payloadSize || !json.Valid(p) {
		t.Errorf("%d bytes: %s", len(p), p)
	}
}

func TestAccessLine(t *testing.T) {
	line, err := accessLine(`{"status":"$context.status","ip":"$context.identity.sourceIp"}`)
	if want := `{"status":"202","ip":"198.51.100.107"}`; err != nil || line != want {
		t.Errorf("%s, %v, want %s", line, err, want)
	}
	if _, err := accessLine("$context.unheardOf"); err == nil {
		t.Error("an unknown value has a length")
	}
}

func TestCheck(t *testing.T) {
	ok := bills{single: bill{{part: delivering, dollars: 3.9}}, listed: bill{{part: delivering, dollars: 1.9}}}
	if err := ok.check(); err != nil {
		t.Error(err)
	}
	for _, high := range []bills{
		{single: bill{{part: delivering, dollars: 4.1}}},
		{listed: bill{{part: delivering, dollars: 2.1}}},
		{single: bill{{part: logging, dollars: 6.1}}},
		{listed: bill{{part: keeping, dollars: 3.8}}},
	} {
		if high.check() == nil {
			t.Errorf("%v is not too high", high)
		}
	}
}

package main

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"
	"sync"
)

// cloud answers the calls of AWS that the functions make, as quickly as can be
// and without keeping more than environments and the health of origins: what is
// measured is our side of each call. It speaks the JSON protocols of DynamoDB, SQS and KMS.
type cloud struct {
	mu    sync.Mutex
	items map[string][]map[string]attribute // by pk
	// sent are the bodies that were put on a queue since somebody last looked.
	sent  []string
	calls map[string]int
	// events are the keys of the large events that are kept, the oldest first.
	events []string
	// queue gets each body that is put on a queue, at once, unless it is nil.
	queue chan string
}

// attribute is a value in DynamoDB's JSON: {"S":"text"}.
type attribute map[string]any

func newCloud() *cloud {
	return &cloud{items: make(map[string][]map[string]attribute), calls: make(map[string]int)}
}

// ServeHTTP answers one call.
func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	answer, err := c.answer(operation, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_, _ = w.Write(answer) // the caller has gone where this fails
}

func (c *cloud) answer(operation string, body []byte) ([]byte, error) {
	c.mu.Lock()
	c.calls[operation]++
	c.mu.Unlock()
	switch operation {
	case "PutItem":
		return c.put(body)
	case "UpdateItem":
		return c.update(body)
	case "TransactWriteItems":
		return c.transact(body)
	case "Query":
		return c.query(body)
	case "BatchGetItem":
		return c.get(body)
	case "GetItem":
		return c.getOne(body)
	case "BatchExecuteStatement":
		n := strings.Count(string(body), `"Statement":`)
		return []byte(`{"Responses":[` + strings.TrimSuffix(strings.Repeat("{},", n), ",") + `]}`), nil
	case "SendMessageBatch":
		return c.send(body)
	case "GenerateDataKey":
		return []byte(`{"CiphertextBlob":"c2VhbGVk","Plaintext":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=","KeyId":"bench"}`), nil
	case "Decrypt":
		return []byte(`{"Plaintext":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=","KeyId":"bench"}`), nil
	}
	return nil, fmt.Errorf("answer %s: not one of the calls that are known here", operation)
}

// keptEvents is how many large events are kept, of which a message is a reference
// and is read back.
const keptEvents = 20

// large is how long a call is that writes one, in bytes.
const large = 50 << 10

// put keeps large events.
func (c *cloud) put(body []byte) ([]byte, error) {
	if len(body) < large {
		return []byte("{}"), nil
	}
	var in struct{ Item map[string]attribute }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	pk := fmt.Sprint(in.Item["pk"]["S"])
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.events = append(c.events, pk); len(c.events) > keptEvents {
		delete(c.items, c.events[0])
		c.events = c.events[1:]
	}
	c.items[pk] = []map[string]attribute{in.Item}
	return []byte("{}"), nil
}

// transact keeps the items of an environment that is created.
func (c *cloud) transact(body []byte) ([]byte, error) {
	var in struct {
		TransactItems []struct {
			Put struct{ Item map[string]attribute }
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, write := range in.TransactItems {
		pk := fmt.Sprint(write.Put.Item["pk"]["S"])
		c.items[pk] = append(c.items[pk], write.Put.Item)
	}
	return []byte("{}"), nil
}

// update keeps the health of an origin, since each batch asks for it.
func (c *cloud) update(body []byte) ([]byte, error) {
	var in struct {
		Key                       map[string]attribute
		ExpressionAttributeValues map[string]attribute
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	if in.Key["sk"]["S"] == "HEALTH" {
		item := map[string]attribute{"pk": in.Key["pk"], "sk": in.Key["sk"]}
		for value, name := range map[string]string{":proven": "proven_until", ":slow": "slow_since", ":expires_at": "expires_at"} {
			item[name] = in.ExpressionAttributeValues[value]
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.items[fmt.Sprint(in.Key["pk"]["S"])] = []map[string]attribute{item}
	}
	return []byte("{}"), nil
}

// get finds the health of origins; of deliveries there are no records.
func (c *cloud) get(body []byte) ([]byte, error) {
	var in struct {
		RequestItems map[string]struct{ Keys []map[string]attribute }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	responses := make(map[string][]map[string]attribute)
	c.mu.Lock()
	defer c.mu.Unlock()
	for table, wanted := range in.RequestItems {
		for _, key := range wanted.Keys {
			if sk := key["sk"]["S"]; sk == "HEALTH" {
				responses[table] = append(responses[table], c.items[fmt.Sprint(key["pk"]["S"])]...)
			}
		}
	}
	return json.Marshal(map[string]any{"Responses": responses, "UnprocessedKeys": map[string]any{}})
}

// getOne finds a large event.
func (c *cloud) getOne(body []byte) ([]byte, error) {
	var in struct{ Key map[string]attribute }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, item := range c.items[fmt.Sprint(in.Key["pk"]["S"])] {
		return json.Marshal(map[string]any{"Item": item})
	}
	return []byte("{}"), nil
}

func (c *cloud) query(body []byte) ([]byte, error) {
	var in struct{ ExpressionAttributeValues map[string]attribute }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	items := c.items[fmt.Sprint(in.ExpressionAttributeValues[":pk"]["S"])]
	sort.Slice(items, func(i, j int) bool { return fmt.Sprint(items[i]["sk"]["S"]) < fmt.Sprint(items[j]["sk"]["S"]) })
	return json.Marshal(map[string]any{"Items": items, "Count": len(items)})
}

// send answers with the digests that the SDK checks.
func (c *cloud) send(body []byte) ([]byte, error) {
	var in struct {
		Entries []struct {
			ID          string `json:"Id"`
			MessageBody string
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	type successful struct {
		ID               string `json:"Id"`
		MessageID        string `json:"MessageId"`
		MD5OfMessageBody string
	}
	var out struct{ Successful []successful }
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, entry := range in.Entries {
		digest := md5.Sum([]byte(entry.MessageBody))
		out.Successful = append(out.Successful, successful{entry.ID, entry.ID, hex.EncodeToString(digest[:])})
		if c.queue != nil {
			c.queue <- entry.MessageBody
			continue
		}
		c.sent = append(c.sent, entry.MessageBody)
	}
	return json.Marshal(out)
}

// taken returns what was sent since the last look, and forgets it.
func (c *cloud) taken() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	sent := c.sent
	c.sent = nil
	return sent
}

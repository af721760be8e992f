package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// meter stands before the emulator: it answers no sooner than AWS would, and
// counts what DynamoDB bills for each call, which depends on what was stored
// before and after. The emulator's own capacity figures do not (a statement of
// a batch is always one there).
type meter struct {
	table  *dynamodb.Client // set before the first call
	name   string
	mu     sync.Mutex
	counts tableUse
	err    error
}

// tableUse is what was used of the table.
type tableUse struct {
	// writes are write units, by what was written; reads are read units.
	writes map[string]float64
	reads  float64
	// stored is the size of each item that was written.
	stored map[key]int
}

func newTableUse() tableUse {
	return tableUse{writes: make(map[string]float64), stored: make(map[key]int)}
}

// take returns what was used since the last take.
func (m *meter) take() (tableUse, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.counts
	m.counts = newTableUse()
	return taken, m.err
}

// around is to be put around AWS, inside of what records the calls.
func (m *meter) around(emulator http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		target, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		answer := &answer{header: make(http.Header), status: http.StatusOK}
		service := serviceOf(target)
		takes, err := latency(service, operation)
		switch {
		case err != nil:
		case service == "dynamodb":
			err = m.count(emulator, answer, r, operation)
		default:
			emulator.ServeHTTP(answer, r)
		}
		if err != nil {
			m.mu.Lock()
			m.err = err
			m.mu.Unlock()
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		time.Sleep(takes - time.Since(began))
		maps.Copy(w.Header(), answer.header)
		w.WriteHeader(answer.status)
		_, _ = w.Write(answer.body.Bytes()) // the function has gone where this fails
	})
}

// serviceOf gives the name by which calls of an X-Amz-Target are signed.
func serviceOf(target string) string {
	switch {
	case strings.HasPrefix(target, "DynamoDB_"):
		return "dynamodb"
	case target == "AmazonSQS":
		return "sqs"
	case target == "TrentService":
		return "kms"
	}
	return target
}

// count passes a call on, and counts it.
func (m *meter) count(emulator http.Handler, answer *answer, r *http.Request, operation string) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	t, err := touchedBy(operation, body)
	if err != nil {
		return err
	}
	before, err := m.items(r.Context(), t.writes)
	if err != nil {
		return err
	}
	emulator.ServeHTTP(answer, r)
	if operation == "Query" && answer.status == http.StatusOK {
		if t.reads, err = queried(answer.body.Bytes()); err != nil {
			return err
		}
	}
	after, err := m.items(r.Context(), append(t.reads, t.writes...))
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range t.writes {
		kind, _, _ := strings.Cut(k.pk, "#")
		m.counts.writes[kind] += writeUnits(before[k], after[k])
		m.counts.writes["open"] += indexUnits(before[k], after[k])
		m.counts.stored[k] = after[k].size()
	}
	m.counts.reads += readUnits(operation, t, after)
	return nil
}

// readUnits is what reading costs: a query for all that it found together, anything
// else for each item, absent ones included.
func readUnits(operation string, t touched, found map[key]item) float64 {
	each := 0.5
	if t.consistent {
		each = 1
	}
	if operation == "Query" {
		size := 0
		for _, k := range t.reads {
			size += found[k].size()
		}
		return each * units(size, readChunk)
	}
	total := 0.0
	for _, k := range t.reads {
		total += each * units(found[k].size(), readChunk)
	}
	return total
}

// items reads what is stored now.
func (m *meter) items(ctx context.Context, keys []key) (map[key]item, error) {
	found := make(map[key]item, len(keys))
	var asked []map[string]types.AttributeValue
	for _, k := range keys {
		if _, twice := found[k]; !twice {
			found[k] = nil
			asked = append(asked, k.attributes())
		}
	}
	for len(asked) > 0 {
		n := min(100, len(asked))
		out, err := m.table.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			m.name: {Keys: asked[:n], ConsistentRead: aws.Bool(true)},
		}})
		if err != nil {
			return nil, fmt.Errorf("read %d items: %w", n, err)
		}
		asked = append(asked[n:], out.UnprocessedKeys[m.name].Keys...)
		for _, it := range out.Responses[m.name] {
			pk, _ := it["pk"].(*types.AttributeValueMemberS)
			sk, _ := it["sk"].(*types.AttributeValueMemberS)
			if pk == nil || sk == nil {
				return nil, fmt.Errorf("read %d items: one without a key", n)
			}
			found[key{pk.Value, sk.Value}] = it
		}
	}
	return found, nil
}

// answer keeps an answer until it is due.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header is http.ResponseWriter's.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader is http.ResponseWriter's.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write is http.ResponseWriter's.
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// key is the key of an item.
type key struct{ pk, sk string }

func (k key) attributes() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: k.pk}, "sk": &types.AttributeValueMemberS{Value: k.sk},
	}
}

// item is what is stored under a key; nil is nothing.
type item map[string]types.AttributeValue

// size is what DynamoDB counts an item as, in bytes.
//
// Source: DynamoDB developer guide, Item sizes and formats.
func (it item) size() int {
	total := 0
	for name, value := range it {
		total += len(name) + valueSize(value)
	}
	return total
}

func valueSize(value types.AttributeValue) int {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return numberSize(v.Value)
	case *types.AttributeValueMemberL:
		total := 3
		for _, element := range v.Value {
			total += 1 + valueSize(element)
		}
		return total
	case *types.AttributeValueMemberM:
		total := 3
		for name, element := range v.Value {
			total += 1 + len(name) + valueSize(element)
		}
		return total
	case *types.AttributeValueMemberSS:
		total := 0
		for _, element := range v.Value {
			total += len(element)
		}
		return total
	}
	return 1 // a boolean or null
}

// numberSize is a byte for two significant digits, and one.
func numberSize(number string) int {
	digits := strings.Trim(strings.TrimLeft(number, "-"), "0")
	return (len(digits)+1)/2 + 1
}

// units are how many chunks a size is, at least one.
func units(size, chunk int) float64 { return float64(max(1, (size+chunk-1)/chunk)) }

// writeUnits is what a write costs that found one item and left another.
func writeUnits(before, after item) float64 {
	return units(max(before.size(), after.size()), writeChunk)
}

// indexUnits is what the same costs for the index open, which has the keys alone
// of the items that have its own.
func indexUnits(before, after item) float64 {
	was, is := indexed(before), indexed(after)
	switch {
	case was == is:
		return 0
	case was == "" || is == "":
		return 1
	}
	return 2 // one entry goes, another comes
}

func indexed(it item) string {
	partition, _ := it["open_in"].(*types.AttributeValueMemberS)
	sort, _ := it["open_at"].(*types.AttributeValueMemberS)
	if partition == nil || sort == nil {
		return ""
	}
	return partition.Value + "\x00" + sort.Value
}

// jsonKey is a key in DynamoDB's JSON.
type jsonKey struct {
	PK struct{ S string } `json:"pk"`
	SK struct{ S string } `json:"sk"`
}

func (k jsonKey) key() key { return key{k.PK.S, k.SK.S} }

// touched are the keys that a call reads and writes.
type touched struct {
	reads, writes []key
	consistent    bool
}

// touchedBy reads a request for its keys. Those of a query are in its answer.
func touchedBy(operation string, request []byte) (touched, error) {
	var call struct {
		ConsistentRead bool
		Item, Key      *jsonKey
		RequestItems   map[string]struct {
			ConsistentRead bool
			Keys           []jsonKey
		}
		Statements []struct {
			Statement  string
			Parameters []map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(request, &call); err != nil {
		return touched{}, fmt.Errorf("read %s: %w", operation, err)
	}
	t := touched{consistent: call.ConsistentRead}
	switch {
	case operation == "Query":
		return t, nil
	case operation == "PutItem" && call.Item != nil:
		t.writes = []key{call.Item.key()}
	case (operation == "UpdateItem" || operation == "DeleteItem") && call.Key != nil:
		t.writes = []key{call.Key.key()}
	case operation == "GetItem" && call.Key != nil:
		t.reads = []key{call.Key.key()}
	case operation == "BatchGetItem":
		for _, table := range call.RequestItems {
			t.consistent = table.ConsistentRead
			for _, k := range table.Keys {
				t.reads = append(t.reads, k.key())
			}
		}
	case operation == "BatchExecuteStatement":
		for _, s := range call.Statements {
			k, err := statementKey(s.Statement, s.Parameters)
			if err != nil {
				return touched{}, err
			}
			t.writes = append(t.writes, k)
		}
	default:
		return touched{}, fmt.Errorf("read %s: what it costs is not known here", operation)
	}
	return t, nil
}

var (
	statementPK = regexp.MustCompile(`['"]pk['"]\s*[:=]\s*\?`)
	statementSK = regexp.MustCompile(`['"]sk['"]\s*[:=]\s*\?`)
)

// statementKey finds the key of a PartiQL statement that inserts or updates.
func statementKey(statement string, parameters []map[string]json.RawMessage) (key, error) {
	if !strings.HasPrefix(statement, "INSERT ") && !strings.HasPrefix(statement, "UPDATE ") {
		return key{}, fmt.Errorf("read statement %q: what it costs is not known here", statement)
	}
	var parts [2]string
	for i, of := range []*regexp.Regexp{statementPK, statementSK} {
		at := of.FindStringIndex(statement)
		if at == nil {
			return key{}, fmt.Errorf("read statement %q: no key", statement)
		}
		nth := strings.Count(statement[:at[0]], "?")
		if nth >= len(parameters) {
			return key{}, fmt.Errorf("read statement %q: %d parameters", statement, len(parameters))
		}
		if err := json.Unmarshal(parameters[nth]["S"], &parts[i]); err != nil {
			return key{}, fmt.Errorf("read statement %q: %w", statement, err)
		}
	}
	return key{parts[0], parts[1]}, nil
}

// queried are the keys in a query's answer. What a filter drops is read all the
// same, and cannot be counted.
func queried(answer []byte) ([]key, error) {
	var page struct {
		Items               []jsonKey
		Count, ScannedCount int
	}
	if err := json.Unmarshal(answer, &page); err != nil {
		return nil, fmt.Errorf("read the answer of Query: %w", err)
	}
	if page.Count != len(page.Items) || page.ScannedCount != page.Count {
		return nil, errors.New("read the answer of Query: it has dropped what it read")
	}
	keys := make([]key, len(page.Items))
	for i, k := range page.Items {
		keys[i] = k.key()
	}
	return keys, nil
}

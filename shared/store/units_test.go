package store_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// metered counts the calls that go to DynamoDB, and the units that DynamoDB bills
// for them: a write by the larger of what was there before and is there afterwards,
// in KB, and one more for each entry of the index that comes or goes; a read by what
// is there, in 4 KB. The emulator's own figures are not by size.
//
// Source: DynamoDB developer guide, Read and write operations; Item sizes and formats.
type metered struct {
	*dynamodb.Client
	mu     sync.Mutex
	counts metering
}

// metering is what was counted: calls by operation, and units by what they are for,
// which is the first part of a key.
type metering struct {
	calls         map[string]int
	writes, reads map[string]float64
}

func newMetering() metering {
	return metering{make(map[string]int), make(map[string]float64), make(map[string]float64)}
}

func (m metering) String() string {
	return fmt.Sprintf("%s; written %s; read %s", inWords(m.calls), inWords(m.writes), inWords(m.reads))
}

func inWords[N int | float64](counts map[string]N) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprint(counts[name], " ", name))
	}
	return cmp.Or(strings.Join(words, ", "), "nothing")
}

// take returns what was counted since it was last asked.
func (m *metered) take() metering {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.counts
	m.counts = newMetering()
	return taken
}

// around makes a call that writes some keys and reads others.
func (m *metered) around(ctx context.Context, operation string, writes, reads []attributes, call func() error) error {
	before, err := m.items(ctx, writes)
	if err != nil {
		return err
	}
	if err := call(); err != nil {
		return err
	}
	after, err := m.items(ctx, append(slices.Clone(writes), reads...))
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.calls[operation]++
	for i, k := range writes {
		m.counts.writes[kind(k)] += chunks(max(size(before[i]), size(after[i])), 1<<10)
		if units := indexUnits(before[i], after[i]); units > 0 {
			m.counts.writes["index"] += units
		}
	}
	for i, it := range after[len(writes):] {
		m.counts.reads[kind(reads[i])] += chunks(size(it), 4<<10)
	}
	return nil
}

func kind(k attributes) string {
	partition, _ := k["pk"].(*types.AttributeValueMemberS)
	if partition == nil {
		return "no key"
	}
	name, _, _ := strings.Cut(partition.Value, "#")
	return name
}

type attributes = map[string]types.AttributeValue

func (m *metered) items(ctx context.Context, keys []attributes) ([]attributes, error) {
	items := make([]attributes, len(keys))
	for i, k := range keys {
		out, err := m.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(tableName), Key: k, ConsistentRead: aws.Bool(true)})
		if err != nil {
			return nil, err
		}
		items[i] = out.Item
	}
	return items, nil
}

func chunks(bytes, of int) float64 { return float64(max(1, (bytes+of-1)/of)) }

func size(it attributes) int {
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
		return (len(strings.Trim(v.Value, "-0"))+1)/2 + 1
	case *types.AttributeValueMemberL:
		total := 3
		for _, element := range v.Value {
			total += 1 + valueSize(element)
		}
		return total
	case *types.AttributeValueMemberM:
		return 3 + len(v.Value) + size(v.Value)
	default:
		return 1
	}
}

// indexUnits is what a write costs in the index open, which has keys alone.
func indexUnits(before, after attributes) float64 {
	entry := func(it attributes) string {
		partition, _ := it["open_in"].(*types.AttributeValueMemberS)
		sort, _ := it["open_at"].(*types.AttributeValueMemberS)
		if partition == nil || sort == nil {
			return ""
		}
		return partition.Value + sort.Value
	}
	switch was, is := entry(before), entry(after); {
	case was == is:
		return 0
	case was == "" || is == "":
		return 1
	default:
		return 2 // one goes, another comes
	}
}

func keyIn(it attributes) attributes { return attributes{"pk": it["pk"], "sk": it["sk"]} }

func (m *metered) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (out *dynamodb.PutItemOutput, err error) {
	err = m.around(ctx, "PutItem", []attributes{keyIn(in.Item)}, nil, func() (err error) {
		out, err = m.Client.PutItem(ctx, in, opts...)
		return err
	})
	return out, err
}

func (m *metered) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (out *dynamodb.UpdateItemOutput, err error) {
	err = m.around(ctx, "UpdateItem", []attributes{in.Key}, nil, func() (err error) {
		out, err = m.Client.UpdateItem(ctx, in, opts...)
		return err
	})
	return out, err
}

func (m *metered) GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (out *dynamodb.GetItemOutput, err error) {
	err = m.around(ctx, "GetItem", nil, []attributes{in.Key}, func() (err error) {
		out, err = m.Client.GetItem(ctx, in, opts...)
		return err
	})
	return out, err
}

func (m *metered) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, opts ...func(*dynamodb.Options)) (out *dynamodb.BatchGetItemOutput, err error) {
	err = m.around(ctx, "BatchGetItem", nil, in.RequestItems[tableName].Keys, func() (err error) {
		out, err = m.Client.BatchGetItem(ctx, in, opts...)
		return err
	})
	return out, err
}

// BatchExecuteStatement finds the keys of statements where the store writes them:
// an insert begins with them, and an update ends with them and a number.
func (m *metered) BatchExecuteStatement(ctx context.Context, in *dynamodb.BatchExecuteStatementInput, opts ...func(*dynamodb.Options)) (out *dynamodb.BatchExecuteStatementOutput, err error) {
	var writes []attributes
	for _, s := range in.Statements {
		switch text, values := *s.Statement, s.Parameters; {
		case strings.HasPrefix(text, `INSERT INTO "`+tableName+`" VALUE {'pk':?,'sk':?,`):
			writes = append(writes, attributes{"pk": values[0], "sk": values[1]})
		case strings.HasSuffix(text, ` WHERE "pk"=? AND "sk"=? AND "attempt_count"=?`):
			values = values[len(values)-3:]
			writes = append(writes, attributes{"pk": values[0], "sk": values[1]})
		default:
			return nil, fmt.Errorf("count units of statement %s: no key found", text)
		}
	}
	err = m.around(ctx, "BatchExecuteStatement", writes, nil, func() (err error) {
		out, err = m.Client.BatchExecuteStatement(ctx, in, opts...)
		return err
	})
	return out, err
}

// The calls that are not counted are those that no delivery may make.
var errNotCounted = errors.New("not counted: no delivery is to make this call")

func (m *metered) Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return nil, errNotCounted
}

func (m *metered) DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	return nil, errNotCounted
}

func (m *metered) TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	return nil, errNotCounted
}

package store

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Items are encoded by hand: on the record path, which every delivery takes,
// attributevalue with tagged structs took almost twice the CPU (8.8 against 4.9
// microseconds a record) and needed structs of its own beside the domain's.
//
// Times and durations are nanoseconds, so that what is read equals what was
// written and compares as a number; expires_at alone is in seconds, because
// DynamoDB's TTL asks for that. A zero value is not stored.

// item is a list of attributes, in the order in which they were added.
type item []attribute

type attribute struct {
	name  string
	value types.AttributeValue
}

// newItem returns an item with the given key, and room for more.
func newItem(k key, room int) item {
	return append(make(item, 0, room+2), attribute{"pk", text(k.pk)}, attribute{"sk", text(k.sk)})
}

func (it item) text(name, value string) item {
	if value == "" {
		return it
	}
	return append(it, attribute{name, text(value)})
}

func (it item) number(name string, value int64) item {
	if value == 0 {
		return it
	}
	return append(it, attribute{name, number(value)})
}

func (it item) binary(name string, value []byte) item {
	if len(value) == 0 {
		return it
	}
	return append(it, attribute{name, &types.AttributeValueMemberB{Value: value}})
}

func (it item) boolean(name string, value bool) item {
	if !value {
		return it
	}
	return append(it, attribute{name, &types.AttributeValueMemberBOOL{Value: true}})
}

func (it item) time(name string, value time.Time) item {
	return it.number(name, nanoseconds(value))
}

func (it item) expiry(value time.Time) item {
	if value.IsZero() {
		return it
	}
	return append(it, attribute{"expires_at", number(seconds(value))})
}

func (it item) list(name string, values []types.AttributeValue) item {
	if len(values) == 0 {
		return it
	}
	return append(it, attribute{name, &types.AttributeValueMemberL{Value: values}})
}

// texts adds strings in their order, unlike set.
func (it item) texts(name string, values []string) item {
	list := make([]types.AttributeValue, len(values))
	for i, value := range values {
		list[i] = text(value)
	}
	return it.list(name, list)
}

func (it item) document(name string, value item) item {
	return append(it, attribute{name, value.asDocument()})
}

// attributes gives the item as PutItem takes it.
func (it item) attributes() map[string]types.AttributeValue {
	m := make(map[string]types.AttributeValue, len(it))
	for _, a := range it {
		m[a.name] = a.value
	}
	return m
}

// asDocument gives the item as a value within another.
func (it item) asDocument() types.AttributeValue {
	return &types.AttributeValueMemberM{Value: it.attributes()}
}

// insertInto gives the item as a PartiQL statement that fails where its key is
// taken. Values are parameters, so that none can change the statement.
func (it item) insertInto(table string) types.BatchStatementRequest {
	var b strings.Builder
	b.Grow(32 + len(table) + 24*len(it))
	b.WriteString(`INSERT INTO "`)
	b.WriteString(table)
	b.WriteString(`" VALUE {`)
	values := make([]types.AttributeValue, len(it))
	for i, a := range it {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\'')
		b.WriteString(a.name)
		b.WriteString(`':?`)
		values[i] = a.value
	}
	b.WriteByte('}')
	statement := b.String()
	return types.BatchStatementRequest{Statement: &statement, Parameters: values}
}

func text(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }

func number(value int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(value, 10)}
}

// set gives a set of strings, which must not be empty.
func set(values ...string) types.AttributeValue {
	return &types.AttributeValueMemberSS{Value: values}
}

// nanoseconds is 0 for the zero time, which lies outside of what an int64 of
// nanoseconds can hold.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// seconds is how exactly it is kept when a record expires; 0 is never.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

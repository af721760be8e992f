package store

import (
	"context"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// logReader reads the partitions that a page needs.
type logReader struct {
	table *Table
	query notification.LogQuery
	// first and last bound the ids; exclusive says that last itself is not wanted.
	first, last string
	exclusive   bool
	// index says that the partitions are those of the index.
	index  bool
	budget *budget
}

// What one query reads: enough for a page out of one partition, fewer out of each
// of several, and more where a filter drops most of it.
const (
	fewestRows = 10
	mostRows   = 500
)

// readOn reads on in sources that have nothing left, all at the same time.
func (r *logReader) readOn(ctx context.Context, behind []*source, of int) error {
	n := max(fewestRows, 2*(r.query.Limit+1)/of)
	if r.filters() {
		n = mostRows
	}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * inFlight)
	for _, s := range behind {
		group.Go(func() error {
			examined, err := r.read(ctx, s, n)
			mu.Lock()
			defer mu.Unlock()
			r.budget.rows -= examined
			r.budget.queries--
			return err
		})
	}
	return group.Wait()
}

func (r *logReader) filters() bool {
	return r.query.LogFilter != notification.LogFilter{} && !r.index || r.query.Events
}

// read reads the next n rows of a source, and returns how many it examined.
func (r *logReader) read(ctx context.Context, s *source, n int) (examined int, err error) {
	input := r.input(s, n)
	out, err := r.table.client.Query(ctx, input)
	if err != nil {
		return 0, err
	}
	s.started = true
	if s.ended = len(out.LastEvaluatedKey) == 0; !s.ended {
		f := fields{attributes: out.LastEvaluatedKey}
		s.readTo = f.text("sk")
	}
	items := out.Items
	if r.index {
		if items, err = r.records(ctx, out.Items); err != nil {
			return 0, err
		}
	}
	for _, attributes := range items {
		f := fields{attributes: attributes}
		d, err := readDelivery(deliveryOf(key{f.text("pk"), f.text("sk")}), attributes)
		if err != nil {
			return 0, err
		}
		if d.DeliveryID == r.last && r.exclusive || r.table.expired(d.ExpiresAt) || !r.query.Matches(d) {
			continue
		}
		s.rows = append(s.rows, d)
	}
	return int(out.ScannedCount), nil
}

// input is the query for the next n rows of a source.
func (r *logReader) input(s *source, n int) *dynamodb.QueryInput {
	input := &dynamodb.QueryInput{
		TableName:                &r.table.name,
		ScanIndexForward:         aws.Bool(false),
		Limit:                    aws.Int32(int32(n)), //nolint:gosec // at most mostRows
		KeyConditionExpression:   aws.String("#partition = :partition AND #sort BETWEEN :first AND :last"),
		ExpressionAttributeNames: map[string]string{"#partition": "pk", "#sort": "sk"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":partition": text(s.partition), ":first": text(r.first), ":last": text(s.readTo),
		},
	}
	// Not by ExclusiveStartKey, which a cursor would have to carry for each
	// partition: what was read last is read once more, and dropped.
	if s.started {
		input.ExpressionAttributeValues[":last"] = text(before(s.readTo))
	}
	if r.index {
		input.IndexName = aws.String(openIndex)
		input.ExpressionAttributeNames = map[string]string{"#partition": openPartition, "#sort": openSort}
		return input
	}
	input.ConsistentRead = aws.Bool(true)
	r.filter(input)
	return input
}

// before is the id that comes before another, as texts of the letters of ULIDs
// sort.
func before(id string) string {
	const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	b := []byte(id)
	for i := len(b) - 1; i >= 0; i-- {
		if at := strings.IndexByte(letters, b[i]); at > 0 {
			b[i] = letters[at-1]
			return string(b)
		}
		b[i] = letters[len(letters)-1]
	}
	return ""
}

// filter has DynamoDB drop what the query does not ask for. Matches has the same
// rules; here they save the rows' way to us.
func (r *logReader) filter(input *dynamodb.QueryInput) {
	var conditions []string
	equals := func(name, value string) {
		if value != "" {
			conditions = append(conditions, "#"+name+" = :"+name)
			input.ExpressionAttributeNames["#"+name] = name
			input.ExpressionAttributeValues[":"+name] = text(value)
		}
	}
	q := r.query
	equals("status", string(q.Status))
	equals("notification_type", q.NotificationType)
	equals("trigger_id", q.TriggerID)
	equals("url", q.URL)
	if q.PublicID != "" {
		conditions = append(conditions, "contains(public_ids, :public_id)")
		input.ExpressionAttributeValues[":public_id"] = text(q.PublicID)
	}
	if q.Events {
		conditions = append(conditions, "(#lead = :true OR attribute_not_exists(attempt_count))")
		input.ExpressionAttributeNames["#lead"] = "lead"
		input.ExpressionAttributeValues[":true"] = &types.AttributeValueMemberBOOL{Value: true}
	} else {
		conditions = append(conditions, "attribute_exists(attempt_count)")
	}
	input.FilterExpression = aws.String(strings.Join(conditions, " AND "))
}

// records reads the records that items of the index stand for, in their order.
func (r *logReader) records(ctx context.Context, items []map[string]types.AttributeValue) ([]map[string]types.AttributeValue, error) {
	keys := keysOf(items)
	found, err := r.table.read(ctx, keys)
	if err != nil {
		return nil, err
	}
	var records []map[string]types.AttributeValue
	for _, k := range keys {
		if attributes, ok := found[k]; ok {
			records = append(records, attributes)
		}
	}
	return records, nil
}

// keysOf returns the keys of items.
func keysOf(items []map[string]types.AttributeValue) []key {
	keys := make([]key, len(items))
	for i, attributes := range items {
		f := fields{attributes: attributes}
		keys[i] = key{f.text("pk"), f.text("sk")}
	}
	return keys
}

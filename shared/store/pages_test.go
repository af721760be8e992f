package store_test

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/oklog/ulid/v2"
	"golang.org/x/sync/errgroup"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/store"
)

// reads counts what reading takes: calls, and the items that they examine.
type reads struct {
	*dynamodb.Client
	calls, items atomic.Int64
}

func (r *reads) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out, err := r.Client.Query(ctx, in, opts...)
	if err == nil {
		r.items.Add(int64(out.ScannedCount))
	}
	r.calls.Add(1)
	return out, err
}

func (r *reads) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	for _, asked := range in.RequestItems {
		r.items.Add(int64(len(asked.Keys)))
	}
	r.calls.Add(1)
	return r.Client.BatchGetItem(ctx, in, opts...)
}

const (
	// pageHours is over how many hours the rows of the test are spread, in 16
	// partitions each, as those of a busy environment are.
	pageHours = 10
	pageSize  = 50
	// rareRows are as many as pass a filter that lets little pass.
	rareRows = 20
)

// rowCount is how many rows there are: 3,000, or as make bench-pages asks for.
func rowCount(t *testing.T) int {
	t.Helper()
	text := os.Getenv("PAGE_ROWS")
	if text == "" {
		return 3_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1_000 {
		t.Fatalf("PAGE_ROWS %q: must be a number of rows, 1000 or more", text)
	}
	return n
}

// newLog returns deliveries from now on backwards, the latest first.
func newLog(cloud string, n int, now time.Time) []notification.Delivery {
	log := make([]notification.Delivery, n)
	for i := range log {
		at := now.Add(-time.Duration(i) * pageHours * time.Hour / time.Duration(n))
		d := notification.Delivery{
			DeliveryKey: notification.DeliveryKey{CloudName: cloud, DeliveryID: ulid.MustNew(ulid.Timestamp(at), ulid.DefaultEntropy()).String()},
			EventID:     fmt.Sprint(i), NotificationType: []string{"upload", "delete"}[i%2], URL: fmt.Sprintf("https://example.com/%d", i%8), TriggerID: fmt.Sprint(i % 4),
			PublicIDs: []string{"common"}, Lead: i%3 == 0, Status: notification.Delivered, AcceptedAt: at, ExpiresAt: now.Add(24 * time.Hour),
		}
		reason := notification.Reason("")
		if i%10 == 0 {
			d.Status, reason = notification.Exhausted, notification.ReasonTimeout
		}
		if i%(n/rareRows) == 7 {
			d.PublicIDs = []string{"rare"}
		}
		d.Attempted(notification.Attempt{Number: 1, StartedAt: at, StatusCode: 200, Reason: reason})
		log[i] = d
	}
	return log
}

// keep stores deliveries: one of each hour, shard and status by the table itself,
// and the others as copies of its items, which is ten times as quick.
func keep(t *testing.T, table *store.Table, log []notification.Delivery) {
	t.Helper()
	group := func(d notification.Delivery) string {
		return d.AcceptedAt.UTC().Format("2006010215") + d.DeliveryID[len(d.DeliveryID)-1:] + string(d.Status)
	}
	var originals, copies []notification.Delivery
	first := make(map[string]notification.Delivery)
	for _, d := range log {
		if _, there := first[group(d)]; there {
			copies = append(copies, d)
			continue
		}
		first[group(d)] = d
		originals = append(originals, d)
	}
	if failed := table.RecordAttempts(t.Context(), originals); len(failed) > 0 {
		t.Fatal(failed)
	}
	items := originalItems(t, originals[0].CloudName)
	var calls errgroup.Group
	calls.SetLimit(4)
	for len(copies) > 0 {
		batch := copies[:min(25, len(copies))]
		copies = copies[len(batch):]
		calls.Go(func() error {
			var writes []types.WriteRequest
			for _, d := range batch {
				writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: copyOf(items[first[group(d)].DeliveryID], d)}})
			}
			out, err := client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{tableName: writes}})
			if err == nil && len(out.UnprocessedItems) > 0 {
				err = fmt.Errorf("write %d rows: %d were not", len(batch), len(out.UnprocessedItems[tableName]))
			}
			return err
		})
	}
	if err := calls.Wait(); err != nil {
		t.Fatal(err)
	}
}

// originalItems reads the rows of an environment as they are stored, by id.
func originalItems(t *testing.T, cloud string) map[string]attributes {
	t.Helper()
	items := make(map[string]attributes)
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: aws.String(tableName)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			partition, _ := it["pk"].(*types.AttributeValueMemberS)
			id, _ := it["sk"].(*types.AttributeValueMemberS)
			if partition != nil && id != nil && strings.HasPrefix(partition.Value, "LOG#"+cloud+"#") {
				items[id.Value] = it
			}
		}
	}
	return items
}

// copyOf is the item of a delivery that differs from another in what newLog varies.
func copyOf(original attributes, d notification.Delivery) attributes {
	text := func(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }
	it := make(attributes, len(original))
	for name, value := range original {
		it[name] = value
	}
	it["sk"], it["event_id"], it["notification_type"] = text(d.DeliveryID), text(d.EventID), text(d.NotificationType)
	it["url"], it["trigger_id"] = text(d.URL), text(d.TriggerID)
	it["public_ids"] = &types.AttributeValueMemberL{Value: []types.AttributeValue{text(d.PublicIDs[0])}}
	it["accepted_at"] = &types.AttributeValueMemberN{Value: fmt.Sprint(d.AcceptedAt.UnixNano())}
	delete(it, "lead")
	if d.Lead {
		it["lead"] = &types.AttributeValueMemberBOOL{Value: true}
	}
	if d.Status == notification.Exhausted {
		it["open_at"] = text(d.DeliveryID)
	}
	return it
}

// The keys that lists are read by.
const (
	byHours = "HOURS#cloud; LOG#cloud#hour#shard by sk"
	byIndex = "open: FAILED#cloud#shard by open_at; records by key"
)

// A page costs the same at the end of a log as at its start, however much there is
// before it or behind it: the same calls, and the same items that they examine.
// docs/architecture.md has the table that make bench-pages prints.
func TestPagesCostTheSame(t *testing.T) {
	n, now := rowCount(t), time.Now()
	counted := &reads{Client: client}
	table := store.New(counted, tableName, time.Now)
	log := newLog("pages", n, now)
	began := time.Now()
	keep(t, table, log)
	t.Logf("%d rows in %d hours of 16 partitions, stored in %s", n, pageHours, time.Since(began).Round(time.Second))
	t.Logf("%-28s %-52s %7s  %s", "filter", "keys", "rows", "calls and items of the first, middle and last page of 50")
	for _, list := range []struct {
		name, keys string
		events     bool
		notification.LogFilter
	}{
		{"none", byHours, false, notification.LogFilter{}},
		{"status=exhausted", byIndex, false, notification.LogFilter{Status: notification.Exhausted}},
		{"status, reason", byIndex, false, notification.LogFilter{Status: notification.Exhausted, Reason: notification.ReasonTimeout}},
		{"notification_type (1 of 2)", byHours, false, notification.LogFilter{NotificationType: "upload"}},
		{"trigger_id (1 of 4)", byHours, false, notification.LogFilter{TriggerID: "1"}},
		{"uri (1 of 8)", byHours, false, notification.LogFilter{URL: "https://example.com/1"}},
		{"public_id (20 of all)", byHours, false, notification.LogFilter{PublicID: "rare"}},
		{"events (1 row of 3)", byHours, true, notification.LogFilter{}},
	} {
		q := notification.LogQuery{CloudName: "pages", From: now.Add(-24 * time.Hour), To: now, Limit: pageSize, Events: list.events, LogFilter: list.LogFilter}
		var passing []string
		for _, d := range log {
			if list.Matches(d) && (!list.events || d.Lead) {
				passing = append(passing, d.DeliveryID)
			}
		}
		var costs []string
		var firstCalls, firstItems int64
		for at, from := range []int{0, len(passing) / 2, max(0, len(passing)-pageSize)} {
			q.Before = ""
			if from > 0 {
				q.Before = passing[from-1]
			}
			counted.calls.Store(0)
			counted.items.Store(0)
			page, err := table.Log(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			calls, items := counted.calls.Load(), counted.items.Load()
			if at == 0 {
				firstCalls, firstItems = calls, items
			}
			costs = append(costs, fmt.Sprintf("%d, %d", calls, items))
			wantRows(t, list.name, passing[from:min(from+pageSize, len(passing))], page)
			// A page may stand in two hours, and begin where the other partitions of the
			// first have to be read on.
			if calls > 2*firstCalls+2*16 || items > 2*firstItems+2*16*10 {
				t.Errorf("%s: a page takes %d calls and examines %d items, the first one %d and %d", list.name, calls, items, firstCalls, firstItems)
			}
			// However little passes: the last queries of a page are one for each partition.
			if calls > 500+16 || items > 10_000+16*500 {
				t.Errorf("%s: a page takes %d calls and examines %d items", list.name, calls, items)
			}
		}
		t.Logf("%-28s %-52s %7d  %s", list.name, list.keys, len(passing), strings.Join(costs, " | "))
	}
}

// Nothing that the table does can scan it.
func TestNoScan(t *testing.T) {
	if _, scans := reflect.TypeFor[store.API]().MethodByName("Scan"); scans {
		t.Error("the store can scan")
	}
	template, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, action := range []string{"dynamodb:Scan", "dynamodb:*", "dynamodb:PartiQLSelect"} {
		if strings.Contains(string(template), action) {
			t.Errorf("template.yaml allows %s", action)
		}
	}
}

// wantRows fails for a page with other rows than the first of those that pass. It may
// be short, since what is examined for it is bounded, but then goes on.
func wantRows(t *testing.T, name string, passing []string, page notification.LogPage) {
	t.Helper()
	for i, row := range page.Rows {
		if i >= len(passing) || row.DeliveryID != passing[i] {
			t.Errorf("%s: row %d is %s, want the next of %d", name, i, row.DeliveryID, len(passing))
			return
		}
	}
	if len(page.Rows) < len(passing) && page.Next == "" {
		t.Errorf("%s: %d rows of %d, and no cursor", name, len(page.Rows), len(passing))
	}
}

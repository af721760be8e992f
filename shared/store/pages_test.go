package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/store"
)

// reads counts what reading takes.
type reads struct {
	*dynamodb.Client
	queries, gets, rows atomic.Int64
}

func (r *reads) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out, err := r.Client.Query(ctx, in, opts...)
	if err == nil {
		r.rows.Add(int64(out.ScannedCount))
	}
	r.queries.Add(1)
	return out, err
}

func (r *reads) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	r.gets.Add(1)
	return r.Client.BatchGetItem(ctx, in, opts...)
}

// A page costs the same wherever it is in a log, and however much of the log there
// is behind it.
func TestPagesCostTheSame(t *testing.T) {
	const kept, hours, page = 3_000, 10, 50
	counted := &reads{Client: client}
	now := time.Now()
	table := store.New(counted, tableName, time.Now)
	var all []notification.Delivery
	for i := range kept {
		at := now.Add(-time.Duration(i) * hours * time.Hour / kept)
		d := notification.Delivery{
			DeliveryKey: notification.DeliveryKey{CloudName: "pages", DeliveryID: ulid.MustNew(ulid.Timestamp(at), ulid.DefaultEntropy()).String()},
			EventID:     fmt.Sprint(i), NotificationType: "upload", URL: "https://example.com/", Status: notification.Delivered,
			AcceptedAt: at, ExpiresAt: now.Add(24 * time.Hour),
		}
		if i%10 == 0 {
			d.Status = notification.Exhausted
		}
		d.Attempted(notification.Attempt{Number: 1, StartedAt: at, StatusCode: 200})
		all = append(all, d)
	}
	if failed := table.RecordAttempts(t.Context(), all); len(failed) > 0 {
		t.Fatal(failed)
	}
	for _, filter := range []notification.LogFilter{{}, {Status: notification.Exhausted}} {
		q := notification.LogQuery{CloudName: "pages", From: now.Add(-24 * time.Hour), To: now, Limit: page, LogFilter: filter}
		var first, most int64
		found := 0
		for number := 0; ; number++ {
			before := counted.queries.Load() + counted.gets.Load()
			got, err := table.Log(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			calls := counted.queries.Load() + counted.gets.Load() - before
			if number == 0 {
				first = calls
			}
			most = max(most, calls)
			found += len(got.Rows)
			if q.Before = got.Next; q.Before == "" {
				break
			}
		}
		want := kept
		if filter.Status == notification.Exhausted {
			want = kept / 10
		}
		t.Logf("%+v: %d rows; the first page took %d calls, the most %d", filter, found, first, most)
		if found != want {
			t.Errorf("%+v: %d rows, want %d", filter, found, want)
		}
		// A page may stand in two hours, with 16 partitions each.
		if most > first+2*16+2 {
			t.Errorf("%+v: a page took %d calls, the first one %d", filter, most, first)
		}
	}
}

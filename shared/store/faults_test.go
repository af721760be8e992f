package store_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/store"
)

func throttling() types.BatchStatementResponse {
	return types.BatchStatementResponse{Error: &types.BatchStatementError{
		Code: types.BatchStatementErrorCodeEnumThrottlingError, Message: aws.String("slow down"),
	}}
}

func requestOf(keys types.KeysAndAttributes) map[string]types.KeysAndAttributes {
	return map[string]types.KeysAndAttributes{tableName: keys}
}

// faulty answers batch writes as it is told.
type faulty struct {
	*dynamodb.Client
	write func(ctx context.Context, n int, in *dynamodb.BatchExecuteStatementInput) (*dynamodb.BatchExecuteStatementOutput, error)
	calls int
}

func (f *faulty) BatchExecuteStatement(ctx context.Context, in *dynamodb.BatchExecuteStatementInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchExecuteStatementOutput, error) {
	f.calls++
	return f.write(ctx, f.calls, in)
}

// UpdateItem takes the marks of hours, and nothing else here.
func (f *faulty) UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return &dynamodb.UpdateItemOutput{}, nil
}

func newDelivery(cloud string) notification.Delivery {
	now := time.Now().UTC().Truncate(time.Millisecond)
	d := notification.Delivery{
		DeliveryKey: notification.DeliveryKey{CloudName: cloud, DeliveryID: ulid.Make().String()},
		EventID:     "e", URL: "https://a.example", Status: notification.Delivered, AcceptedAt: now, ExpiresAt: now.Add(time.Hour),
	}
	d.Attempted(notification.Attempt{Number: 1, StartedAt: now, StatusCode: 200})
	return d
}

// A statement that stays throttled is a failure of that one alone.
func TestThrottledThroughout(t *testing.T) {
	f := &faulty{write: func(_ context.Context, _ int, in *dynamodb.BatchExecuteStatementInput) (*dynamodb.BatchExecuteStatementOutput, error) {
		out := &dynamodb.BatchExecuteStatementOutput{}
		for i := range in.Statements {
			answer := types.BatchStatementResponse{}
			if i == len(in.Statements)-1 {
				answer = throttling()
			}
			out.Responses = append(out.Responses, answer)
		}
		return out, nil
	}}
	table := store.New(f, tableName, time.Now)
	failed := table.RecordAttempts(t.Context(), []notification.Delivery{newDelivery("a"), newDelivery("a"), newDelivery("a")})
	if len(failed) != 1 || failed[2] == nil || f.calls != 5 {
		t.Errorf("failed = %v after %d calls, want the last one after 5", failed, f.calls)
	}
}

// A call that failed as a whole, though it took effect, leaves the fate of its
// records open; to record them again finds that they are.
func TestLostAnswer(t *testing.T) {
	f := &faulty{Client: client}
	f.write = func(ctx context.Context, n int, in *dynamodb.BatchExecuteStatementInput) (*dynamodb.BatchExecuteStatementOutput, error) {
		out, err := client.BatchExecuteStatement(ctx, in)
		if n == 1 {
			return nil, io.ErrUnexpectedEOF
		}
		return out, err
	}
	table := store.New(f, tableName, time.Now)
	d := newDelivery("lost-answer")
	failed := table.RecordAttempts(t.Context(), []notification.Delivery{d})
	if !errors.Is(failed[0], io.ErrUnexpectedEOF) {
		t.Fatalf("failed = %v", failed)
	}
	if failed := table.RecordAttempts(t.Context(), []notification.Delivery{d}); len(failed) > 0 {
		t.Errorf("recorded again: %v", failed)
	}
	other := d
	other.Attempts = nil
	other.Attempted(notification.Attempt{Number: 1, StartedAt: d.Attempts[0].StartedAt.Add(time.Second), StatusCode: 500})
	if failed := table.RecordAttempts(t.Context(), []notification.Delivery{other}); !errors.Is(failed[0], notification.ErrConflict) {
		t.Errorf("another attempt of the same number: %v", failed)
	}
}

// An answer that does not fit the question is an error, not a success.
func TestAnswerOfTheWrongLength(t *testing.T) {
	f := &faulty{write: func(context.Context, int, *dynamodb.BatchExecuteStatementInput) (*dynamodb.BatchExecuteStatementOutput, error) {
		return &dynamodb.BatchExecuteStatementOutput{}, nil
	}}
	if failed := store.New(f, tableName, time.Now).RecordAttempts(t.Context(), []notification.Delivery{newDelivery("a")}); len(failed) != 1 {
		t.Errorf("failed = %v", failed)
	}
}

// losing loses the answer to every second call, which has taken effect.
type losing struct {
	dynamodb.HTTPClient
	calls atomic.Int64
}

func (l *losing) Do(req *http.Request) (*http.Response, error) {
	out, err := l.HTTPClient.Do(req)
	if err != nil || l.calls.Add(1)%2 == 0 {
		return out, err
	}
	_ = out.Body.Close()
	return nil, errors.New("connection reset") // which the client takes for a reason to ask again
}

func losingTable() *store.Table {
	return store.New(dynamodb.New(client.Options(), func(o *dynamodb.Options) {
		o.HTTPClient = &losing{HTTPClient: o.HTTPClient}
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = 20, 5*time.Millisecond
			o.RateLimiter = ratelimit.None
		})
	}), tableName, time.Now)
}

// The client asks again when an answer is lost, and then meets its own write.
// That is no other event's, and counts once.
func TestLostAnswersOfBatches(t *testing.T) {
	table, events := losingTable(), newEvents("lost-answers", notification.MaxBatch)
	var group sync.WaitGroup
	for i := range events {
		if i%2 == 0 {
			events[i].NotificationType = "eager"
		}
		events[i].BatchID = "b"
		events[i].ExpiresAt = events[i].ExpiresAt.Add(time.Duration(i%3) * time.Second)
		group.Go(func() {
			if _, err := table.JoinBatch(t.Context(), events[i]); err != nil {
				t.Errorf("number %d: %v", i, err)
			}
		})
	}
	group.Wait()
	batch, err := table.JoinBatch(t.Context(), events[0])
	if err != nil || len(batch.Uploads) != len(events)/2 || len(batch.Eagers) != len(events)/2 {
		t.Errorf("%d uploads, %d eagers, %v", len(batch.Uploads), len(batch.Eagers), err)
	}
	more := newEvents("lost-answers", 1)[0]
	more.BatchID = "b"
	if _, err := table.JoinBatch(t.Context(), more); notification.CodeOf(err) != notification.Conflict {
		t.Errorf("one more: %v", err)
	}
}

func TestLostAnswersOfReplace(t *testing.T) {
	table, event := losingTable(), newEvents("lost-answers", 1)[0]
	if _, failed := table.InsertEvents(t.Context(), []notification.Event{event}); len(failed) > 0 {
		t.Fatal(failed)
	}
	for event.Revision < 10 {
		event.Revision++
		event.ReleasedAt = time.Now().UTC()
		if err := table.ReplaceEvent(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
}

// unordered answers with a set in an order of its own, as DynamoDB may.
type unordered struct{ *dynamodb.Client }

func (unordered) UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	set := func(values ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: values} }
	return &dynamodb.UpdateItemOutput{Attributes: map[string]types.AttributeValue{
		"uploads": set("c", "a", "b"), "eagers": set("e", "d"),
	}}, nil
}

func TestUnorderedSets(t *testing.T) {
	batch, err := store.New(unordered{client}, tableName, time.Now).JoinBatch(t.Context(), newEvents("a", 1)[0])
	if err != nil || !slices.IsSorted(batch.Uploads) || !slices.IsSorted(batch.Eagers) || len(batch.Uploads) != 3 || len(batch.Eagers) != 2 {
		t.Errorf("batch = %+v, %v", batch, err)
	}
}

// meddled does after the first update what another process may do just then.
type meddled struct {
	*dynamodb.Client
	meddle func()
	calls  int
}

func (m *meddled) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if m.calls++; m.calls == 1 {
		defer m.meddle()
	}
	return m.Client.UpdateItem(ctx, in, opts...)
}

// What an event that joins again saw of its batch is old by the time that it
// wants to let it expire later.
func TestMeddledBatch(t *testing.T) {
	clock := notificationtest.NewClock(time.Now().UTC().Truncate(time.Second))
	table := store.New(client, tableName, clock.Now)
	for _, test := range []struct {
		name    string
		meddle  func(other notification.Event)
		uploads int
		expires time.Duration
	}{
		{"another prolongs it further", func(other notification.Event) {
			other.ExpiresAt = clock.Now().Add(3 * time.Hour)
			if _, err := table.JoinBatch(t.Context(), other); err != nil {
				t.Error(err)
			}
		}, 2, 3 * time.Hour},
		{"it expires", func(notification.Event) { clock.Advance(90 * time.Minute) }, 1, 2 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			events, began := newEvents("meddled", 2), clock.Now()
			for i := range events {
				events[i].BatchID, events[i].ExpiresAt = ulid.Make().String(), began.Add(time.Hour)
			}
			events[1].BatchID = events[0].BatchID
			for _, event := range events {
				if _, err := table.JoinBatch(t.Context(), event); err != nil {
					t.Fatal(err)
				}
			}
			// The first update finds that the event is in it.
			m := &meddled{Client: client, meddle: func() { test.meddle(events[1]) }}
			events[0].ExpiresAt = began.Add(2 * time.Hour)
			batch, err := store.New(m, tableName, clock.Now).JoinBatch(t.Context(), events[0])
			if err != nil || len(batch.Uploads) != test.uploads || !batch.ExpiresAt.Equal(began.Add(test.expires)) {
				t.Errorf("batch = %+v, %v, want %d uploads until %s", batch, err, test.uploads, began.Add(test.expires))
			}
		})
	}
}

// A claim whose answer is lost is still the caller's: to take it for another's
// would drop the retry that it was made for.
func TestClaimWhoseAnswerIsLost(t *testing.T) {
	table := losingTable()
	for range 10 {
		d := newDelivery("lost-claim")
		d.Status = notification.Retrying
		if failed := table.RecordAttempts(t.Context(), []notification.Delivery{d}); len(failed) > 0 {
			t.Fatal(failed)
		}
		now := time.Now()
		if _, claimed, err := table.Claim(t.Context(), d.DeliveryKey, 2, now, now.Add(time.Minute)); err != nil || !claimed {
			t.Errorf("claimed %t, %v", claimed, err)
		}
		if _, claimed, err := table.Claim(t.Context(), d.DeliveryKey, 2, now, now.Add(time.Minute)); err != nil || claimed {
			t.Errorf("another claimed it too: %t, %v", claimed, err)
		}
	}
}

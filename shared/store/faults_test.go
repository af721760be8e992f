package store_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
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

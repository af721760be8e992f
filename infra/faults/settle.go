package faults

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// group is a number of goroutines that can be waited for and looked at. The zero
// group is ready.
type group struct {
	sync.WaitGroup
	mu sync.Mutex
	n  int
}

// Go runs f.
func (g *group) Go(f func()) {
	g.count(1)
	g.WaitGroup.Go(func() {
		defer g.count(-1)
		f()
	})
}

func (g *group) count(d int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n += d
}

// Busy reports whether one of them still runs.
func (g *group) Busy() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.n > 0
}

// backlog is how many messages are on the queues, waiting, delayed or invisible,
// or held by a workflow; and how many are dead letters.
type backlog struct {
	live, dead int
	where      map[string]int
}

func (r *round) left(ctx context.Context) (backlog, error) {
	left := backlog{where: make(map[string]int)}
	// Workflows first: one that is over has sent its message.
	waits, err := r.account.waits.ListExecutions(ctx, &sfn.ListExecutionsInput{
		StateMachineArn: &r.made.machine, StatusFilter: sfntypes.ExecutionStatusRunning,
	})
	if err != nil {
		return left, fmt.Errorf("list executions: %w", err)
	}
	left.add("workflow", len(waits.Executions), &left.live)
	for _, pair := range []queuePair{r.made.first, r.made.slow, r.made.hold} {
		live, err := r.account.depth(ctx, pair.url)
		if err != nil {
			return left, err
		}
		left.add(pair.name, live, &left.live)
		dead, err := r.account.depth(ctx, pair.dead)
		if err != nil {
			return left, err
		}
		left.add(pair.name+"-dead", dead, &left.dead)
		if left.live > 0 {
			break // there is no need to know more
		}
	}
	return left, nil
}

func (b *backlog) add(where string, n int, to *int) {
	*to += n
	if n > 0 {
		b.where[where] = n
	}
}

// depth returns how many messages are on a queue, in whatever state.
func (a *account) depth(ctx context.Context, url string) (int, error) {
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
	out, err := a.queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: names})
	if err != nil {
		return 0, fmt.Errorf("read depth of %s: %w", url, err)
	}
	total := 0
	for _, name := range names {
		n, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			return 0, fmt.Errorf("read depth of %s: %w", url, err)
		}
		total += n
	}
	return total, nil
}

// redrive puts the dead letters back on their queues.
func (r *round) redrive(ctx context.Context) {
	for _, pair := range []queuePair{r.made.first, r.made.slow, r.made.hold} {
		for {
			out, err := r.account.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &pair.dead, MaxNumberOfMessages: 10, VisibilityTimeout: 10})
			if err != nil {
				r.unreachable("ReceiveMessage", err)
				return // until the next time
			}
			if len(out.Messages) == 0 {
				break
			}
			for _, message := range out.Messages {
				r.counts.dead()
				r.endLeases(message)
				r.insist("SendMessage", func(ctx context.Context) error {
					_, err := r.account.queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &pair.url, MessageBody: message.Body})
					return err
				})
				r.insist("DeleteMessage", func(ctx context.Context) error {
					_, err := r.account.queues.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &pair.dead, ReceiptHandle: message.ReceiptHandle})
					return err
				})
			}
		}
	}
}

// endLeases makes up for the time that a message is invisible for, which is longer
// than any lease: whoever holds one by then is dead. It waits for those that are
// not. First attempts are not leased.
func (r *round) endLeases(message types.Message) {
	deliveryID, attempt := attemptOf(message)
	if attempt < 2 {
		return
	}
	for deadline := time.Now().Add(longest); !r.endLeasesNow(deliveryID); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.fail(fmt.Errorf("delivery %s is in hand for ever", deliveryID))
			return
		}
	}
}

func (r *round) endLeasesNow(deliveryID string) bool {
	r.leases.Lock()
	defer r.leases.Unlock()
	if r.hasInHand(deliveryID) {
		return false
	}
	now := &dbtypes.AttributeValueMemberN{Value: strconv.FormatInt(time.Now().UnixNano(), 10)}
	out, err := r.account.db.Scan(context.Background(), &dynamodb.ScanInput{
		TableName: &r.made.table, ConsistentRead: aws.Bool(true), FilterExpression: aws.String("sk = :id AND leased_until > :now"),
		ExpressionAttributeValues: map[string]dbtypes.AttributeValue{":id": &dbtypes.AttributeValueMemberS{Value: deliveryID}, ":now": now},
	})
	if err != nil {
		r.unreachable("Scan", err)
		return false
	}
	for _, found := range out.Items {
		_, err := r.account.db.UpdateItem(context.Background(), &dynamodb.UpdateItemInput{
			TableName: &r.made.table, Key: map[string]dbtypes.AttributeValue{"pk": found["pk"], "sk": found["sk"]},
			UpdateExpression: aws.String("SET leased_until = :now"), ExpressionAttributeValues: map[string]dbtypes.AttributeValue{":now": now},
		})
		if err != nil {
			r.unreachable("UpdateItem", err)
			return false
		}
	}
	return true
}

// insist has the emulator do what the harness needs, however often it has to be
// asked while it is being restarted.
func (r *round) insist(operation string, do func(context.Context) error) {
	for {
		err := do(context.Background())
		if err == nil {
			return
		}
		r.unreachable(operation, err)
		// What is refused stays so: a receipt, say, that the restart has forgotten.
		refused, answered := errors.AsType[interface {
			error
			HTTPStatusCode() int
		}](err)
		if answered && refused.HTTPStatusCode() < http.StatusInternalServerError {
			return
		}
		if !r.account.restarts || time.Since(r.started) > longest {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// unreachable takes note that the emulator did not do what the harness, or a
// process through it, asked for. That is a fault of the test, unless the emulator
// is restarted.
func (r *round) unreachable(operation string, err error) {
	if r.account.restarts {
		r.counts.fault(operation, away)
		return
	}
	r.fail(fmt.Errorf("%s: %w", operation, err))
}

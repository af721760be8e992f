package queue_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/mediahooks/mediahooks/infra/local/emulator"
	"github.com/mediahooks/mediahooks/shared/delivery"
	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/queue"
)

var (
	_ intake.Queue   = (*queue.Lanes)(nil)
	_ delivery.Queue = (*queue.Lanes)(nil)
)

var client *sqs.Client

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "queue:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	e, err := emulator.Start(context.Background(), emulator.Options{})
	if err != nil {
		return 1, err
	}
	defer func() {
		if closing := e.Close(); err == nil {
			err = closing
		}
	}()
	cfg, err := e.AWSConfig(context.Background())
	if err != nil {
		return 1, err
	}
	client = sqs.NewFromConfig(cfg)
	return m.Run(), nil
}

var queues atomic.Int64

func newQueue(t *testing.T) string {
	t.Helper()
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String(fmt.Sprintf("lane-%d", queues.Add(1))),
		// Where the answer to a receive is lost, its messages come again soon.
		Attributes: map[string]string{"VisibilityTimeout": "2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.QueueUrl
}

// takingLanes takes messages off the real queues.
type takingLanes struct {
	*queue.Lanes
	urls map[notification.Lane]string
}

func (l takingLanes) Take(t *testing.T, lane notification.Lane, n int) []notification.Message {
	t.Helper()
	return take[notification.Message](t, l.urls[lane], n)
}

// take receives and deletes what can be received of a queue now, at least n
// messages unless fewer come for a while.
func take[M any](t *testing.T, url string, n int) []M {
	t.Helper()
	var taken []M
	deadline := time.Now().Add(10 * time.Second)
	for first := true; first || len(taken) < n && time.Now().Before(deadline); first = false {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, message := range out.Messages {
			var m M
			if err := json.Unmarshal([]byte(*message.Body), &m); err != nil {
				t.Fatal(err)
			}
			taken = append(taken, m)
			if _, err := client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: message.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return taken
}

func TestLanes(t *testing.T) {
	notificationtest.ExerciseQueue(t, func(t *testing.T) (notificationtest.QueueContract, func() time.Time) {
		urls := map[notification.Lane]string{notification.First: newQueue(t), notification.Slow: newQueue(t)}
		return takingLanes{queue.New(client, urls, time.Now), urls}, time.Now
	})
}

// recorder answers calls as it is told, and keeps what it was asked.
type recorder struct {
	mu     sync.Mutex
	calls  [][]types.SendMessageBatchRequestEntry
	answer func(call int, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error)
}

func (r *recorder) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, in.Entries)
	return r.answer(len(r.calls), in)
}

// all is the answer that every entry was sent, but those at the given places.
func all(in *sqs.SendMessageBatchInput, senderFault bool, but ...int) *sqs.SendMessageBatchOutput {
	out := &sqs.SendMessageBatchOutput{}
	for i, entry := range in.Entries {
		if slices.Contains(but, i) {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: entry.Id, Code: aws.String("Code"), SenderFault: senderFault})
			continue
		}
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: entry.Id})
	}
	return out
}

var epoch = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

func message(n int, due time.Time) notification.Message {
	return notification.Message{CloudName: "demo", DeliveryID: fmt.Sprint(n), Lane: notification.First, DueAt: due, URL: "https://A.example:8443/x?y", Origin: "https://a.example:8443"}
}

func send(r *recorder, messages ...notification.Message) map[int]error {
	lanes := queue.New(r, map[notification.Lane]string{notification.First: "u"}, func() time.Time { return epoch })
	return lanes.Send(context.Background(), messages)
}

func TestPartialFailures(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(call int, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error)
		calls  []int // entries of each
		failed []int
	}{
		{"failed entries are sent again", func(call int, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
			if call == 1 {
				return all(in, false, 0, 2), nil
			}
			return all(in, false), nil
		}, []int{3, 2}, nil},
		{"our own fault is not", func(_ int, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
			return all(in, true, 1), nil
		}, []int{3}, []int{1}},
		{"failing throughout", func(_ int, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
			return all(in, false, len(in.Entries)-1), nil
		}, []int{3, 1, 1, 1, 1}, []int{2}},
		{"not in the answer", func(int, *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
			return &sqs.SendMessageBatchOutput{}, nil
		}, []int{3}, []int{0, 1, 2}},
		{"no answer", func(int, *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
			return nil, context.DeadlineExceeded
		}, []int{3}, []int{0, 1, 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &recorder{answer: test.answer}
			failed := send(r, message(0, epoch), message(1, epoch), message(2, epoch))
			var calls, which []int
			for _, call := range r.calls {
				calls = append(calls, len(call))
			}
			for i := range failed {
				which = append(which, i)
			}
			slices.Sort(which)
			if !slices.Equal(calls, test.calls) || !slices.Equal(which, test.failed) {
				t.Errorf("calls of %v entries, failed %v; want %v and %v", calls, which, test.calls, test.failed)
			}
		})
	}
}

func TestEntries(t *testing.T) {
	r := &recorder{answer: func(_ int, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		return all(in, false), nil
	}}
	reference, other := message(3, epoch).Reference(), message(4, epoch)
	other.Origin = "https://other.example"
	if failed := send(r, message(0, epoch.Add(-time.Hour)), message(1, epoch.Add(1)), message(2, epoch.Add(900*time.Second)), reference, other); len(failed) > 0 {
		t.Fatal(failed)
	}
	for i, want := range []int32{0, 1, 900, 0, 0} {
		if got := r.calls[0][i].DelaySeconds; got != want {
			t.Errorf("message %d is delayed by %d s, want %d", i, got, want)
		}
	}
	for i, entry := range r.calls[0] { // two origins, and a reference
		if got := *entry.MessageGroupId; got != "demo" {
			t.Errorf("message %d is in group %q, want its environment's", i, got)
		}
	}
}

func TestBatchesBySize(t *testing.T) {
	r := &recorder{answer: func(_ int, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		return all(in, false), nil
	}}
	var messages []notification.Message
	for n := range 5 {
		m := message(n, epoch)
		m.Body = make([]byte, 44<<10) // 59 KiB in base64
		messages = append(messages, m)
	}
	if failed := send(r, messages...); len(failed) > 0 {
		t.Fatal(failed)
	}
	for _, call := range r.calls {
		size := 0
		for _, entry := range call {
			size += len(*entry.MessageBody)
		}
		if size > 256<<10 {
			t.Errorf("a call of %d bytes", size)
		}
	}
	if len(r.calls) != 2 {
		t.Errorf("%d calls, want 2", len(r.calls))
	}
}

// What usual sends cost: a call more is a cost to justify.
func TestCalls(t *testing.T) {
	calls := &notificationtest.Calls{}
	counted := sqs.New(client.Options(), func(o *sqs.Options) {
		calls.Client, o.HTTPClient = o.HTTPClient, calls
	})
	lanes := queue.New(counted, map[notification.Lane]string{notification.First: newQueue(t)}, time.Now)
	for _, test := range []struct{ messages, want int }{{1, 1}, {10, 1}, {11, 2}, {100, 10}} {
		var messages []notification.Message
		for n := range test.messages {
			messages = append(messages, message(n, time.Now()))
		}
		if failed := lanes.Send(t.Context(), messages); len(failed) > 0 {
			t.Fatal(failed)
		}
		if got := calls.Take(); len(got) != 1 || got["SendMessageBatch"] != test.want {
			t.Errorf("%d messages: calls %v, want %d of SendMessageBatch", test.messages, got, test.want)
		}
	}
}

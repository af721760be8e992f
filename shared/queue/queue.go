// Package queue puts messages on the two lanes, which are SQS standard queues.
// It knows the limits of SQS and nothing of what a message asks for: which lane
// it takes and when it is due is written in the message.
package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Limits of one SendMessageBatch call. SQS takes 1 MiB of bodies; 256 KiB was
// the limit until 2025 and is what every stand-in for SQS takes.
//
// Source: SQS API reference, SendMessageBatch.
const (
	maxEntries    = 10
	maxBatchBytes = 256 << 10
)

// MaxDelay is how far ahead a message may be due.
//
// Source: SQS API reference, SendMessage, DelaySeconds.
const MaxDelay = 900 * time.Second

// Failed entries are sent again a few times, after a random wait of at most
// firstPause, twice that, and so on. The client has its own retries for calls
// that fail as a whole.
const (
	maxRepeats = 4
	firstPause = 50 * time.Millisecond
	// inFlight bounds the calls that one Send makes at the same time.
	inFlight = 4
)

// API is what is used of an SQS client.
type API interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// Lanes are the two queues. It is safe for concurrent use.
type Lanes struct {
	client API
	urls   map[notification.Lane]string
	now    func() time.Time
}

// New returns the lanes at the given queue URLs.
func New(client API, urls map[notification.Lane]string, now func() time.Time) *Lanes {
	return &Lanes{client: client, urls: urls, now: now}
}

// outgoing is a message that is ready to be sent, and its place in the list
// that was given.
type outgoing struct {
	index int
	body  string
	group string
	dueAt time.Time
}

// Send puts messages on the lanes that they name, to be received when they are
// due, which is at most MaxDelay ahead and is rounded up to the second. It
// returns an error for each message, by index, that was not sent; one whose
// answer was lost may have been sent all the same.
//
// A message whose JSON is larger than MaxMessageSize goes as its reference.
func (l *Lanes) Send(ctx context.Context, messages []notification.Message) (failed map[int]error) {
	errs := make([]error, len(messages))
	byLane := make(map[notification.Lane][]outgoing)
	for i, m := range messages {
		out, err := l.prepare(i, m)
		if err != nil {
			errs[i] = err
			continue
		}
		byLane[m.Lane] = append(byLane[m.Lane], out)
	}
	var group errgroup.Group
	group.SetLimit(inFlight)
	for lane, list := range byLane {
		for _, batch := range batches(list) {
			group.Go(func() error {
				l.sendBatch(ctx, l.urls[lane], batch, errs)
				return nil
			})
		}
	}
	_ = group.Wait() // no part of it returns an error
	for i, err := range errs {
		if err != nil {
			if failed == nil {
				failed = make(map[int]error)
			}
			failed[i] = fmt.Errorf("send message of delivery %s: %w", messages[i].DeliveryID, err)
		}
	}
	return failed
}

func (l *Lanes) prepare(i int, m notification.Message) (outgoing, error) {
	if l.urls[m.Lane] == "" {
		return outgoing{}, fmt.Errorf("no lane %q", m.Lane)
	}
	if ahead := m.DueAt.Sub(l.now()); ahead > MaxDelay {
		return outgoing{}, fmt.Errorf("due in %s, more than %s ahead", ahead, MaxDelay)
	}
	body, err := encode(m)
	if err != nil {
		return outgoing{}, err
	}
	return outgoing{index: i, body: body, group: group(m), dueAt: m.DueAt}, nil
}

// delay is how many seconds of DelaySeconds keep a message back until it is
// due: never fewer than are left.
func delay(now, dueAt time.Time) int32 {
	left := dueAt.Sub(now)
	if left <= 0 {
		return 0
	}
	return int32(min((left+time.Second-1)/time.Second, MaxDelay/time.Second))
}

// batches cuts a list so that each part fits into a call.
func batches(list []outgoing) [][]outgoing {
	var all [][]outgoing
	start, size := 0, 0
	for i, m := range list {
		if i-start == maxEntries || i > start && size+len(m.body) > maxBatchBytes {
			all = append(all, list[start:i])
			start, size = i, 0
		}
		size += len(m.body)
	}
	if start < len(list) {
		all = append(all, list[start:])
	}
	return all
}

// sendBatch sends what fits into one call, and again those entries that SQS
// has refused through no fault of theirs.
func (l *Lanes) sendBatch(ctx context.Context, url string, batch []outgoing, errs []error) {
	for repeat := 0; ; repeat++ {
		batch = l.sendOnce(ctx, url, batch, errs)
		if len(batch) == 0 || repeat == maxRepeats || pause(ctx, repeat) != nil {
			return
		}
	}
}

// errNoAnswer is for an entry that an answer of SQS leaves out.
var errNoAnswer = errors.New("sqs did not say what became of it")

// sendOnce makes one call, sets the error of each message and returns those to
// send again.
func (l *Lanes) sendOnce(ctx context.Context, url string, batch []outgoing, errs []error) (again []outgoing) {
	ids := make(map[string]outgoing, len(batch))
	entries := make([]types.SendMessageBatchRequestEntry, len(batch))
	for at, m := range batch {
		id := string(rune('a' + at))
		ids[id] = m
		entries[at] = types.SendMessageBatchRequestEntry{
			Id:             &id,
			MessageBody:    &m.body,
			MessageGroupId: &m.group,
			DelaySeconds:   delay(l.now(), m.dueAt),
		}
	}
	out, err := l.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
	if err != nil {
		for _, m := range batch {
			errs[m.index] = err
		}
		return nil
	}
	for _, m := range batch {
		errs[m.index] = errNoAnswer
	}
	for _, entry := range out.Successful {
		if m, ok := ids[aws.ToString(entry.Id)]; ok {
			errs[m.index] = nil
		}
	}
	for _, entry := range out.Failed {
		m, ok := ids[aws.ToString(entry.Id)]
		if !ok {
			continue
		}
		errs[m.index] = fmt.Errorf("%s: %s", aws.ToString(entry.Code), aws.ToString(entry.Message))
		if !entry.SenderFault {
			again = append(again, m)
		}
	}
	return again
}

// pause waits before repeat number n, counted from 0.
func pause(ctx context.Context, n int) error {
	timer := time.NewTimer(rand.N(firstPause << n))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

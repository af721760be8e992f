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

// sender sends to any queue what was made ready for it.
type sender struct {
	client API
	now    func() time.Time
}

// outgoing is a message that is ready to be sent, and its place in the list
// that was given.
type outgoing struct {
	index int
	body  string
	group string // empty for none
	dueAt time.Time
}

// send sends what goes to each queue, by URL, and sets the error of each message
// that was not sent.
func (s sender) send(ctx context.Context, byURL map[string][]outgoing, errs []error) {
	var group errgroup.Group
	group.SetLimit(inFlight)
	for url, list := range byURL {
		for _, batch := range batches(list) {
			group.Go(func() error {
				s.sendBatch(ctx, url, batch, errs)
				return nil
			})
		}
	}
	_ = group.Wait() // no part of it returns an error
}

// delay is how many seconds of DelaySeconds keep a message back until it is
// due: never fewer than are left, unless those are more than SQS takes.
func delay(now, dueAt time.Time) int32 {
	left := min(max(0, dueAt.Sub(now)), MaxDelay) // before rounding, which a time far ahead would overflow
	return int32((left + time.Second - 1) / time.Second)
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
func (s sender) sendBatch(ctx context.Context, url string, batch []outgoing, errs []error) {
	for repeat := 0; ; repeat++ {
		batch = s.sendOnce(ctx, url, batch, errs)
		if len(batch) == 0 || repeat == maxRepeats || pause(ctx, repeat) != nil {
			return
		}
	}
}

// errNoAnswer is for an entry that an answer of SQS leaves out.
var errNoAnswer = errors.New("sqs did not say what became of it")

// sendOnce makes one call, sets the error of each message and returns those to
// send again.
func (s sender) sendOnce(ctx context.Context, url string, batch []outgoing, errs []error) (again []outgoing) {
	ids := make(map[string]outgoing, len(batch))
	entries := make([]types.SendMessageBatchRequestEntry, len(batch))
	for at, m := range batch {
		id := string(rune('a' + at))
		ids[id] = m
		entries[at] = types.SendMessageBatchRequestEntry{
			Id:           &id,
			MessageBody:  &m.body,
			DelaySeconds: delay(s.now(), m.dueAt),
		}
		if m.group != "" {
			entries[at].MessageGroupId = &m.group
		}
	}
	out, err := s.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
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

// byIndex names the messages that were not sent; what says which one it was.
func byIndex(errs []error, what func(i int) string) (failed map[int]error) {
	for i, err := range errs {
		if err != nil {
			if failed == nil {
				failed = make(map[int]error)
			}
			failed[i] = fmt.Errorf("send %s: %w", what(i), err)
		}
	}
	return failed
}

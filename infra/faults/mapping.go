package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// mapping plays the event source mapping of a queue: it takes messages off the
// queue, hands them to the function and deletes those that the function is done
// with. It does so as badly as SQS and Lambda may: in batches of any size and
// order, late, to two processes at once, again after the deletion; and a deletion
// may fail.
type mapping struct {
	round    *round
	function string
	queue    queuePair
	batches  int
	slots    chan struct{}
}

// The functions that are mapped.
const (
	intake   = "intake"
	delivery = "delivery"
)

// atOnce is how many batches of a queue are under way at the same time.
const atOnce = 3

// invisible is how long a message that was received is kept from others, unless
// the mapping says otherwise: longer than a round. Where the emulator is restarted,
// an answer with messages may be lost, and nobody but time brings those back.
func (a *account) invisible() int32 {
	if a.restarts {
		return 20
	}
	return 900
}

func (m *mapping) run(ctx context.Context) {
	for ctx.Err() == nil {
		m.batches++
		dice := roll(m.round.plan.seed, "batch", m.queue.name, m.batches)
		m.slots <- struct{}{}
		out, err := m.round.account.queues.ReceiveMessage(context.WithoutCancel(ctx), &sqs.ReceiveMessageInput{
			QueueUrl: &m.queue.url, MaxNumberOfMessages: 1 + dice.Int32N(10), WaitTimeSeconds: 2, VisibilityTimeout: m.round.account.invisible(),
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			<-m.slots
			m.round.unreachable("ReceiveMessage", err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if len(out.Messages) == 0 {
			<-m.slots
			continue
		}
		m.round.touch()
		m.round.group.Go(func() {
			defer func() { <-m.slots }()
			m.take(dice, out.Messages)
		})
	}
}

// take works through messages that were received together.
func (m *mapping) take(dice *rand.Rand, messages []types.Message) {
	dice.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
	if chance(dice, 0.1) && len(messages) > 1 { // hold some back, so that others overtake them
		m.round.counts.redelivery("held back")
		back := messages[:len(messages)/2]
		messages = messages[len(back):]
		late, later := within(dice, time.Second), roll(dice.Uint64(), "held back")
		m.round.group.Go(func() {
			time.Sleep(late)
			m.hand(later, back)
		})
	}
	m.hand(dice, messages)
}

// hand gives a batch to a process, or to two at once, and then the messages back
// or away.
func (m *mapping) hand(dice *rand.Rand, messages []types.Message) {
	copies := 1
	if chance(dice, 0.15) {
		copies = 2
		m.round.counts.redelivery("to two at once")
	}
	finished := make(chan map[string]bool, copies)
	for range copies {
		pause := within(dice, 30*time.Millisecond)
		m.round.group.Go(func() {
			if copies > 1 {
				time.Sleep(pause)
			}
			finished <- m.invoke(messages, copies > 1)
		})
	}
	// A deletion may fail, and a message may come once more after it.
	forgotten, echoed := make(map[string]bool), make(map[string]bool)
	for _, message := range messages {
		id := aws.ToString(message.MessageId)
		forgotten[id], echoed[id] = chance(dice, 0.04), chance(dice, 0.04)
	}
	deleted := make(map[string]bool)
	for range copies {
		done := <-finished
		for _, message := range messages {
			id := aws.ToString(message.MessageId)
			if done[id] && !deleted[id] && !forgotten[id] {
				deleted[id] = true
				m.round.story.tell([]string{deliveryOf(message)}, "message %s is deleted", id)
				m.delete(message)
				if echoed[id] {
					m.echo(within(dice, 1500*time.Millisecond), message)
				}
			}
		}
	}
	for _, message := range messages {
		if id := aws.ToString(message.MessageId); !deleted[id] {
			if forgotten[id] {
				m.round.counts.redelivery("not deleted")
			}
			m.comeBack(message, dice.Int32N(2))
			m.round.story.tell([]string{deliveryOf(message)}, "message %s comes back", id)
		}
	}
}

// invoke hands messages to a process and returns which of them, by id, the
// function is done with.
func (m *mapping) invoke(messages []types.Message, twin bool) map[string]bool {
	done := make(map[string]bool)
	i := &invocation{event: m.event(messages), limit: 30 * time.Second, twin: twin}
	for _, message := range messages {
		id := deliveryOf(message)
		i.deliveries = append(i.deliveries, id)
		m.round.story.tell([]string{id}, "message %s of %s is handed over: %.300s", aws.ToString(message.MessageId), m.queue.name, aws.ToString(message.Body))
	}
	said, err := m.round.invoke(m.function, i)
	switch {
	case errors.Is(err, errKilled):
		m.round.counts.redelivery("after a kill")
		return done
	case err != nil:
		m.round.fail(err)
		return done
	case i.failed:
		m.round.counts.redelivery("after an error")
		return done
	}
	var answer struct {
		BatchItemFailures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(said, &answer); err != nil || answer.BatchItemFailures == nil {
		m.round.fail(errors.Join(fmt.Errorf("read answer of %s: %s", m.function, said), err))
		return done
	}
	for _, message := range messages {
		done[aws.ToString(message.MessageId)] = true
	}
	for _, failure := range answer.BatchItemFailures {
		m.round.counts.redelivery("left on the queue")
		delete(done, failure.ItemIdentifier)
	}
	return done
}

// event gives the batch as Lambda does.
func (m *mapping) event(messages []types.Message) []byte {
	records := make([]map[string]any, len(messages))
	for i, message := range messages {
		records[i] = map[string]any{
			"messageId": aws.ToString(message.MessageId), "receiptHandle": aws.ToString(message.ReceiptHandle), "body": aws.ToString(message.Body),
			"attributes": message.Attributes, "messageAttributes": map[string]any{}, "md5OfBody": aws.ToString(message.MD5OfBody),
			"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:" + m.queue.name, "awsRegion": "us-east-1",
		}
	}
	return encode(map[string]any{"Records": records})
}

func (m *mapping) delete(message types.Message) {
	m.round.insist("DeleteMessage", func(ctx context.Context) error {
		_, err := m.round.account.queues.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &m.queue.url, ReceiptHandle: message.ReceiptHandle})
		return err
	})
}

// echo hands over a message once more that is no longer on the queue, which SQS
// may do. What the function says to it counts for nothing.
func (m *mapping) echo(after time.Duration, message types.Message) {
	m.round.counts.redelivery("after its deletion")
	m.round.group.Go(func() {
		time.Sleep(after)
		m.invoke([]types.Message{message}, false)
	})
}

// comeBack makes a message visible again. In production that takes the queue's 180
// seconds, by when no invocation is left that had it, and the lease of 60 seconds
// of one that was killed is over: so both are waited for, or made up.
func (m *mapping) comeBack(message types.Message, after int32) {
	m.round.endLeases(message)
	m.round.insist("ChangeMessageVisibility", func(ctx context.Context) error {
		_, err := m.round.account.queues.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
			QueueUrl: &m.queue.url, ReceiptHandle: message.ReceiptHandle, VisibilityTimeout: after,
		})
		return err
	})
	if receives, _ := strconv.Atoi(message.Attributes["ApproximateReceiveCount"]); receives >= maxReceives {
		m.round.counts.redelivery("as a dead letter")
	}
}

// deliveryOf is the delivery that a message names, empty for a hold.
func deliveryOf(message types.Message) string {
	id, _ := attemptOf(message)
	return id
}

// attemptOf is the attempt that a message asks for.
func attemptOf(message types.Message) (deliveryID string, number int) {
	var asks struct {
		DeliveryID string `json:"delivery_id"`
		Attempt    int    `json:"attempt"`
	}
	_ = json.Unmarshal([]byte(aws.ToString(message.Body)), &asks) // a hold asks for none
	return asks.DeliveryID, asks.Attempt
}

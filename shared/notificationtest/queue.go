package notificationtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// What the queue shares with queue.Lanes: a message is received at most this
// long after it was sent, and one whose JSON is larger goes as its reference.
const (
	maxDelay       = 900 * time.Second
	maxMessageSize = 60 << 10
	// maxCallSize is the largest that one without a reference may be.
	maxCallSize = 256 << 10
)

// Received is a message that a consumer holds, until it deletes it or the
// visibility timeout gives it to another.
type Received struct {
	notification.Message
	// ID is the same for all receipts of one sent message.
	ID int

	receipt int
}

// Queue holds both lanes in memory, on a virtual clock: a message can be
// received once the clock has come to its time.
type Queue struct {
	Faults
	// Visibility is how long a received message is hidden from others; 2
	// minutes unless set. MaxReceives is how often a message is received before
	// it becomes a dead letter; 0, which is what it is unless set, is for ever.
	// Set them before use.
	Visibility  time.Duration
	MaxReceives int

	now  func() time.Time
	mu   sync.Mutex
	next int
	held []*held
	dead []notification.Message
}

// held is a message in the queue, as JSON: what a consumer gets has been
// encoded and decoded, as it is with the real one.
type held struct {
	id        int
	lane      notification.Lane
	body      []byte
	visibleAt time.Time
	count     int
	receipt   int
}

// NewQueue returns an empty queue on the given clock.
func NewQueue(now func() time.Time) *Queue {
	return &Queue{Visibility: 2 * time.Minute, now: now}
}

// Send puts messages on their lanes. See delivery.Queue.
func (q *Queue) Send(ctx context.Context, messages []notification.Message) (failed map[int]error) {
	q.called("Send")
	for i, m := range messages {
		call := Call{Op: "Send", Index: i, Key: m.DeliveryID}
		if err := q.effect(ctx, call, func() error { return q.send(m) }); err != nil {
			failed = fail(failed, i, err)
		}
	}
	return failed
}

func (q *Queue) send(m notification.Message) error {
	if m.Lane != notification.First && m.Lane != notification.Slow {
		return fmt.Errorf("send message: no lane %q", m.Lane)
	}
	now := q.now()
	ahead := m.DueAt.Sub(now)
	if ahead > maxDelay && !m.LeftOut {
		return fmt.Errorf("send message: due in %s, more than %s ahead", ahead, maxDelay)
	}
	body, err := encode(m)
	if err != nil {
		return err
	}
	q.put(m.Lane, body, now.Add(delayOf(ahead)))
	return nil
}

// delayOf is how long a queue keeps back what is due in that time: whole
// seconds, never fewer than are left unless those are more than it can.
func delayOf(ahead time.Duration) time.Duration {
	ahead = min(max(0, ahead), maxDelay)
	return (ahead + time.Second - 1).Truncate(time.Second)
}

// encode gives the message's JSON, that of its reference if it is too large.
func encode(m notification.Message) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(m)
	switch {
	case err == nil && m.LeftOut && body.Len() > maxCallSize:
		err = fmt.Errorf("it takes %d bytes", body.Len())
	case err == nil && !m.LeftOut && body.Len() > maxMessageSize:
		body.Reset()
		err = encoder.Encode(m.Reference())
	}
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return body.Bytes(), nil
}

func (q *Queue) put(lane notification.Lane, body []byte, visibleAt time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.next++
	q.held = append(q.held, &held{id: q.next, lane: lane, body: body, visibleAt: visibleAt})
}

// Receive returns up to n messages of a lane that are due, those due longest
// first, and hides them from others until Visibility has passed.
func (q *Queue) Receive(lane notification.Lane, n int) []Received {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	q.bury(now)
	slices.SortStableFunc(q.held, func(a, b *held) int { return a.visibleAt.Compare(b.visibleAt) })
	var received []Received
	for _, h := range q.held {
		if len(received) == n {
			break
		}
		if h.lane != lane || h.visibleAt.After(now) {
			continue
		}
		q.next++
		h.count++
		h.receipt = q.next
		m := decode(h.body)
		m.Received = h.count
		received = append(received, Received{Message: m, ID: h.id, receipt: h.receipt})
		h.visibleAt = now.Add(q.Visibility)
	}
	return received
}

// bury turns what was received too often into dead letters.
func (q *Queue) bury(now time.Time) {
	if q.MaxReceives == 0 {
		return
	}
	q.held = slices.DeleteFunc(q.held, func(h *held) bool {
		worn := h.count >= q.MaxReceives && !h.visibleAt.After(now)
		if worn {
			q.dead = append(q.dead, decode(h.body))
		}
		return worn
	})
}

// Delete acknowledges a message. A receipt that another one has replaced
// deletes nothing.
func (q *Queue) Delete(r Received) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held = slices.DeleteFunc(q.held, func(h *held) bool { return h.id == r.ID && h.receipt == r.receipt })
}

// Release makes a received message visible again at once, as a failed entry of
// a batch does when its visibility timeout has passed.
func (q *Queue) Release(r Received) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, h := range q.held {
		if h.id == r.ID && h.receipt == r.receipt {
			h.visibleAt = q.now()
		}
	}
}

// Redeliver lets a message be received once more, deleted or not, as a standard
// queue does now and then.
func (q *Queue) Redeliver(r Received) {
	body, err := encode(r.Message)
	if err != nil {
		panic(err) // it was decoded from JSON before
	}
	q.put(r.Lane, body, q.now())
}

// Waiting returns the messages of both lanes, due or not, hidden or not, in the
// order in which they can be received.
func (q *Queue) Waiting() []notification.Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	slices.SortStableFunc(q.held, func(a, b *held) int { return a.visibleAt.Compare(b.visibleAt) })
	var messages []notification.Message
	for _, h := range q.held {
		messages = append(messages, decode(h.body))
	}
	return messages
}

// DeadLetters returns the messages that were received MaxReceives times.
func (q *Queue) DeadLetters() []notification.Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bury(q.now())
	return slices.Clone(q.dead)
}

// NextAt returns when the next message of any lane can be received, which may
// be in the past. It reports false for an empty queue.
func (q *Queue) NextAt() (time.Time, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.held) == 0 {
		return time.Time{}, false
	}
	first := slices.MinFunc(q.held, func(a, b *held) int { return a.visibleAt.Compare(b.visibleAt) })
	return first.visibleAt, true
}

func decode(body []byte) notification.Message {
	var m notification.Message
	if err := json.Unmarshal(body, &m); err != nil {
		panic(err) // encode made it
	}
	return m
}

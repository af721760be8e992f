// Package queue puts messages on SQS standard queues: on the two lanes, and on
// the hold queue. It knows the limits of SQS and nothing of what a message asks
// for: which lane it takes and when it is due is written in the message.
package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Lanes are the two queues of messages. It is safe for concurrent use.
type Lanes struct {
	sender
	urls map[notification.Lane]string
}

// New returns the lanes at the given queue URLs.
func New(client API, urls map[notification.Lane]string, now func() time.Time) *Lanes {
	return &Lanes{sender: sender{client, now}, urls: urls}
}

// Send puts messages on the lanes that they name, to be received when they are
// due, which is at most MaxDelay ahead and is rounded up to the second. It
// returns an error for each message, by index, that was not sent; one whose
// answer was lost may have been sent all the same.
//
// A message whose JSON is larger than MaxMessageSize goes as its reference. One
// whose notification is not on record has none: it goes whole, up to 256 KiB, and
// where it is due later than MaxDelay, it is received then, and early.
func (l *Lanes) Send(ctx context.Context, messages []notification.Message) (failed map[int]error) {
	errs := make([]error, len(messages))
	byURL := make(map[string][]outgoing)
	for i, m := range messages {
		out, err := l.prepare(i, m)
		if err != nil {
			errs[i] = err
			continue
		}
		byURL[l.urls[m.Lane]] = append(byURL[l.urls[m.Lane]], out)
	}
	l.send(ctx, byURL, errs)
	return byIndex(errs, func(i int) string { return "message of delivery " + messages[i].DeliveryID })
}

func (l *Lanes) prepare(i int, m notification.Message) (outgoing, error) {
	if l.urls[m.Lane] == "" {
		return outgoing{}, fmt.Errorf("no lane %q", m.Lane)
	}
	if ahead := m.DueAt.Sub(l.now()); ahead > MaxDelay && !m.LeftOut {
		return outgoing{}, fmt.Errorf("due in %s, more than %s ahead", ahead, MaxDelay)
	}
	body, err := encode(m)
	if err != nil {
		return outgoing{}, err
	}
	return outgoing{index: i, body: body, group: group(m), dueAt: m.DueAt}, nil
}

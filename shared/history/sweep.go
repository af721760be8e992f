package history

import (
	"context"
	"fmt"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Overdue finds deliveries whose next attempt should have been made.
type Overdue interface {
	// Overdue hands the retrying deliveries of all environments that were due at
	// or before an instant to visit, page by page, and ends with the first error
	// that visit returns.
	Overdue(ctx context.Context, at time.Time, visit func([]notification.Delivery) error) error
	// PutOff keeps a delivery out of Overdue until an instant, or until its next
	// attempt is on record.
	PutOff(ctx context.Context, d notification.Delivery, until time.Time) error
}

// Queue sends messages to the lanes that they name. It returns an error for each
// message, by index, that was not sent.
type Queue interface {
	Send(ctx context.Context, messages []notification.Message) (failed map[int]error)
}

// Sweep queues again what is long past its time. No crash of ours is known to lose
// a retry; the sweep is for what is not known: a message that an operator purged, a
// wait that failed, a fault in our own reckoning.
type Sweep struct {
	Overdue Overdue
	Queue   Queue
	Now     func() time.Time
}

// Swept counts what a sweep has found and queued again, and what it has left to the
// message that alone carries it.
type Swept struct {
	Found, Queued, Left, Failed int
	// Oldest is how far past its time the most overdue delivery is.
	Oldest time.Duration
}

// lateAfter is how far past its time a delivery is taken for lost. Retries wait
// for minutes, and a queue that is a little behind is no loss.
const lateAfter = 15 * time.Minute

// Run queues again all that is 15 minutes past its time, until none is left or the
// context ends. It returns what it has done together with the first fault: one
// delivery's fault keeps no other from being queued.
//
// What is late may still stand in a long queue, so that it is now there twice.
// That costs the second message's claim and nothing more, since an attempt is
// claimed once; but what is found is put off for as long as it is already overdue,
// or a queue that is hours behind would fill with copies.
//
// A delivery whose notification is not on record cannot be made from its record: to
// queue it would end it, while its message may be waiting still. So it is left
// alone until no queue can hold that message any more.
func (s Sweep) Run(ctx context.Context) (Swept, error) {
	var swept Swept
	var fault error
	note := func(d notification.Delivery, err error) {
		if err == nil {
			return
		}
		swept.Failed++
		if fault == nil {
			fault = fmt.Errorf("queue delivery %s again: %w", d.DeliveryID, err)
		}
	}
	now := s.Now().UTC()
	err := s.Overdue.Overdue(ctx, now.Add(-lateAfter), func(page []notification.Delivery) error {
		swept.Found += len(page)
		var messages []notification.Message
		var late []notification.Delivery
		for _, d := range page {
			swept.Oldest = max(swept.Oldest, now.Sub(d.NextAt))
			if !isCarried(d, now) {
				late, messages = append(late, d), append(messages, nextMessage(d, now))
				continue
			}
			swept.Left++
			note(d, s.putOff(ctx, d, d.NextAt.Add(carriedFor)))
		}
		failed := s.Queue.Send(ctx, messages)
		for i, d := range late {
			if failed[i] != nil {
				note(d, failed[i])
				continue
			}
			swept.Queued++
			note(d, s.putOff(ctx, d, now.Add(now.Sub(d.NextAt))))
		}
		return ctx.Err()
	})
	if fault == nil && err != nil {
		fault = fmt.Errorf("find overdue deliveries: %w", err)
	}
	return swept, fault
}

// putOff keeps a delivery out of sweeps until then. They ask for what was due
// lateAfter before, and so is what it is put off to.
func (s Sweep) putOff(ctx context.Context, d notification.Delivery, until time.Time) error {
	return s.Overdue.PutOff(ctx, d, until.Add(-lateAfter))
}

// carriedFor is how long SQS keeps a message at most, on a lane and among the dead
// letters together.
//
// Source: SQS developer guide, dead-letter queues: a message expires by the time at
// which it was first sent.
const carriedFor = 14 * 24 * time.Hour

// isCarried reports whether a delivery may still be attempted by the message that
// carries its notification, and by no other.
func isCarried(d notification.Delivery, now time.Time) bool {
	return d.LeftOut && now.Sub(d.NextAt) < carriedFor
}

// nextMessage asks for the next attempt of a delivery, now. It is a reference: the
// record of a delivery has no body. Where nothing has, the attempt ends the delivery
// and says so.
func nextMessage(d notification.Delivery, now time.Time) notification.Message {
	return notification.Message{
		CloudName:  d.CloudName,
		EventID:    d.EventID,
		DeliveryID: d.DeliveryID,
		Attempt:    d.AttemptCount + 1,
		Lane:       d.NextLane,
		DueAt:      now,
		Origin:     notification.OriginOf(d.URL),
		LeftOut:    d.LeftOut,
	}
}

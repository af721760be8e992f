package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/mediahooks/mediahooks/shared/lane"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/retry"
)

// Service makes the attempts that messages ask for.
type Service struct {
	Records  Records
	Events   Events
	Keys     Keys
	Settings Settings
	Origins  *Origins
	Sender   Sender
	Queue    Queue
	Workflow Workflow
	Log      *slog.Logger
	// Schedule holds the waits before each retry, where the environment has no
	// schedule of its own.
	Schedule retry.Schedule
	// AnySuccess counts every 2xx as a success, where the environment says
	// nothing of it. Cloudinary, and the zero value, count 200 alone.
	AnySuccess bool
	// Retention is how long a delivery's record is kept after its event's
	// acceptance.
	Retention time.Duration
	Now       func() time.Time
	// After returns a channel that is sent to when a duration has passed.
	After func(time.Duration) <-chan time.Time
}

// recordEvery is how long attempts that are over may wait to be recorded with
// those that are still under way.
const recordEvery = 2 * time.Second

// leaseTime is how long a retry belongs to the process that claimed it: longer
// than an invocation can last, shorter than SQS hides its message.
const leaseTime = 60 * time.Second

// longestDelay is the longest wait that a queue can make.
const longestDelay = 15 * time.Minute

// task is one attempt to make, and what becomes of it.
type task struct {
	message notification.Message
	// places are the message's in the batch: SQS may deliver a message twice,
	// even in one batch.
	places []int
	// received is how often its lane has handed the message out.
	received int
	// delivery is the record, as it is to be written.
	delivery notification.Delivery
	attempt  notification.Attempt
	answer   notification.Answer
	// probes is what the attempt finds out, waits what it has to wait for; nil
	// for most.
	probes, waits *probe
	// posted says that the origin was spoken to, and took for how long.
	posted bool
	took   time.Duration
	// passed says that the message was passed on to where it keeps nobody waiting.
	passed bool
	// decided says that there is nothing to attempt: it was made before.
	// elsewhere says that it is being made, by another process.
	decided, elsewhere bool
	// err says that nothing was decided, and the message must stay.
	err error
}

// ready reports whether the task's attempt is to be made.
func (t *task) ready() bool { return t.err == nil && !t.decided && !t.passed }

// Deliver makes the attempts that the messages ask for, all at once. It returns
// an error, by index, for each message that must stay on its queue, because a
// fault of ours kept it from being decided; all others are done with.
//
// The sequence is: send back what is early; pass on what would keep the lane waiting;
// read the records and drop what is decided; POST the rest;
// record, every two seconds and at the end, so that quick ones do not wait for a
// slow one; send the retries; answer. A message whose attempt is on record sends
// the retry that followed from it again, in case the process that recorded it
// came no further. So a message that is received twice is not POSTed twice, and
// a crash loses no retry.
func (s Service) Deliver(ctx context.Context, messages []notification.Message) (failed map[int]error) {
	tasks := group(messages)
	s.sendBack(ctx, tasks)
	s.gate(ctx, tasks)
	s.load(ctx, tasks)
	s.attemptAll(ctx, tasks)
	failed = make(map[int]error)
	for _, t := range tasks {
		if t.err != nil {
			for _, place := range t.places {
				failed[place] = t.err
			}
		}
	}
	return failed
}

// group makes one task of all messages that ask for the same attempt, and marks
// those that nobody here has sent.
func group(messages []notification.Message) []*task {
	type name struct {
		notification.DeliveryKey
		attempt int
	}
	var tasks []*task
	known := make(map[name]*task, len(messages))
	for i, m := range messages {
		n := name{key(m), m.Attempt}
		if known[n] == nil {
			known[n] = &task{message: m}
			if m.Attempt < 1 || m.CloudName == "" || m.DeliveryID == "" || m.EventID == "" || m.Origin == "" {
				known[n].err = fmt.Errorf("read message of delivery %q: not one of ours", m.DeliveryID)
			}
			tasks = append(tasks, known[n])
		}
		known[n].places = append(known[n].places, i)
		known[n].received = max(known[n].received, m.Received)
	}
	return tasks
}

func key(m notification.Message) notification.DeliveryKey {
	return notification.DeliveryKey{CloudName: m.CloudName, DeliveryID: m.DeliveryID}
}

// attemptAll makes the attempts of all tasks that are ready, and settles them as
// they come in.
func (s Service) attemptAll(ctx context.Context, tasks []*task) {
	adopt(tasks)
	made := make(chan *task, len(tasks))
	under := 0
	for _, t := range tasks {
		if t.ready() {
			under++
			go func() {
				if s.mayAttempt(t) {
					s.attempt(ctx, t)
					t.endProbe(false) // where a fault of ours kept it from being made
				}
				made <- t
			}()
		}
	}
	var over []*task
	tick := s.After(recordEvery)
	for under > 0 {
		select {
		case t := <-made:
			over = append(over, t)
			under--
		case <-tick:
			s.settle(ctx, over)
			over, tick = nil, s.After(recordEvery)
		}
	}
	s.settle(ctx, over)
}

// mayAttempt waits for what the task has to wait for, and reports false where
// that has shown the origin to be slow: the message then is to be passed on.
func (s Service) mayAttempt(t *task) bool {
	if t.waits == nil {
		return true
	}
	<-t.waits.over
	if !t.waits.quick {
		t.message = lane.Divert(t.message, s.Now().UTC())
		return false
	}
	t.waits = nil
	return true
}

// settle records attempts that are over and sends the retries that follow.
func (s Service) settle(ctx context.Context, over []*task) {
	var tasks, passed []*task
	var deliveries []notification.Delivery
	defer func() { s.passOn(ctx, passed) }()
	for _, t := range over {
		switch {
		case t.waits != nil:
			passed = append(passed, t)
		case t.err == nil:
			tasks, deliveries = append(tasks, t), append(deliveries, t.delivery)
		}
	}
	if len(tasks) == 0 {
		return
	}
	failed := s.Records.RecordAttempts(ctx, deliveries)
	var recorded, elsewhere []*task
	for i, t := range tasks {
		s.logAttempt(ctx, t)
		switch err := failed[i]; {
		case errors.Is(err, notification.ErrConflict):
			elsewhere = append(elsewhere, t)
		case err != nil:
			t.err = fmt.Errorf("record attempt %d of delivery %s: %w", t.message.Attempt, t.message.DeliveryID, err)
		default:
			recorded = append(recorded, t)
		}
	}
	s.sendRetries(ctx, recorded)
	// Another process has recorded these, and may die before it sends the retry.
	s.read(ctx, elsewhere)
	s.noteRepeats(ctx, elsewhere)
	s.resume(ctx, elsewhere)
	for _, t := range tasks {
		if t.posted {
			s.learned(ctx, t)
		}
	}
}

// noteRepeats notes of attempts that another process has recorded that they were
// made here too. That is for people to know: what cannot be noted is only logged.
func (s Service) noteRepeats(ctx context.Context, tasks []*task) {
	for _, t := range tasks {
		if t.err != nil || !t.posted {
			continue
		}
		if err := s.Records.NoteRepeat(ctx, key(t.message), t.message.Attempt); err != nil {
			s.Log.WarnContext(ctx, "repeat not noted", "delivery_id", t.message.DeliveryID, "error", err)
		}
	}
}

// sendRetries sends the next message of each task whose delivery is retrying.
func (s Service) sendRetries(ctx context.Context, tasks []*task) {
	var waits sync.WaitGroup
	var queued []*task
	var messages []notification.Message
	for _, t := range tasks {
		if t.delivery.Status != notification.Retrying {
			continue
		}
		next := t.message
		next.Attempt, next.DueAt, next.Lane, next.Passes = t.delivery.AttemptCount+1, t.delivery.NextAt, t.delivery.NextLane, 0
		// A workflow takes references alone. What has none waits on the queue, in hops.
		if next.LeftOut || next.DueAt.Sub(s.Now()) <= longestDelay {
			queued, messages = append(queued, t), append(messages, next)
			continue
		}
		waits.Go(func() {
			if err := s.Workflow.WaitThenSend(ctx, next.Reference()); err != nil {
				t.err = fmt.Errorf("start wait for attempt %d of delivery %s: %w", next.Attempt, next.DeliveryID, err)
			}
		})
	}
	if len(messages) > 0 {
		for i, err := range s.Queue.Send(ctx, messages) {
			queued[i].err = fmt.Errorf("send attempt %d of delivery %s: %w", messages[i].Attempt, messages[i].DeliveryID, err)
		}
	}
	waits.Wait()
}

package delivery

import (
	"context"
	"fmt"
	"sync"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// load gives each task its delivery's record: first attempts by one read, which
// mostly finds nothing, later ones by a claim, because two messages may ask for
// the same retry (a retry is sent again where it may have been lost).
func (s Service) load(ctx context.Context, tasks []*task) {
	var first []*task
	var claims sync.WaitGroup
	for _, t := range tasks {
		switch {
		case !t.ready():
		case t.message.Attempt == 1:
			first = append(first, t)
		default:
			claims.Go(func() { s.claim(ctx, t) })
		}
	}
	s.read(ctx, first)
	claims.Wait()
	s.resume(ctx, tasks)
	s.readEvents(ctx, tasks)
}

// resume compares messages with their records, and sends the retry of each whose
// attempt is the last on record. One that lacks its notification has none to send.
func (s Service) resume(ctx context.Context, tasks []*task) {
	var repeat []*task
	for _, t := range tasks {
		if t.err == nil && !t.passed {
			t.compare()
		}
		if t.err == nil && t.delivery.AttemptCount == t.message.Attempt && !t.message.IsLost() {
			repeat = append(repeat, t)
		}
	}
	s.sendRetries(ctx, repeat)
}

func (s Service) read(ctx context.Context, tasks []*task) {
	if len(tasks) == 0 {
		return
	}
	keys := make([]notification.DeliveryKey, len(tasks))
	for i, t := range tasks {
		keys[i] = key(t.message)
	}
	records, err := s.Records.Deliveries(ctx, keys)
	for i, t := range tasks {
		if err != nil {
			t.err = fmt.Errorf("read delivery %s: %w", t.message.DeliveryID, err)
			continue
		}
		t.delivery = records[keys[i]]
	}
}

func (s Service) claim(ctx context.Context, t *task) {
	now := s.Now()
	record, claimed, err := s.Records.Claim(ctx, key(t.message), t.message.Attempt, now, now.Add(leaseTime))
	if err != nil {
		t.err = fmt.Errorf("claim attempt %d of delivery %s: %w", t.message.Attempt, t.message.DeliveryID, err)
		return
	}
	t.delivery, t.elsewhere = record, !claimed
}

// compare holds what the message says against the record. One that speaks of
// another event or URL, or of an attempt that nothing led to, is not ours.
func (t *task) compare() {
	m, d := t.message, t.delivery
	switch {
	case d.AttemptCount == 0 && m.Attempt == 1:
	case d.EventID != m.EventID || !m.IsReference() && d.URL != m.URL:
		t.err = fmt.Errorf("message of delivery %s contradicts its record", m.DeliveryID)
	case d.AttemptCount < m.Attempt-1:
		t.err = fmt.Errorf("message of delivery %s asks for attempt %d after %d", m.DeliveryID, m.Attempt, d.AttemptCount)
	case d.AttemptCount >= m.Attempt:
		t.decided = true
	case t.elsewhere:
		// That process may die of it, and it may have this very message: so the
		// message stays until the attempt is on record.
		t.err = fmt.Errorf("claim attempt %d of delivery %s: another process is making it", m.Attempt, m.DeliveryID)
	}
}

// readEvents fills in the messages that are references.
func (s Service) readEvents(ctx context.Context, tasks []*task) {
	var reads sync.WaitGroup
	for _, t := range tasks {
		if t.ready() && t.message.IsReference() {
			reads.Go(func() { t.err = s.readEvent(ctx, t) })
		}
	}
	reads.Wait()
}

func (s Service) readEvent(ctx context.Context, t *task) error {
	m := t.message
	event, found, err := s.Events.Event(ctx, m.CloudName, m.EventID)
	if err != nil {
		return fmt.Errorf("read event %s: %w", m.EventID, err)
	}
	target, named := event.Target(m.DeliveryID)
	if !found || !named {
		return fmt.Errorf("event %s has no delivery %s on record", m.EventID, m.DeliveryID)
	}
	t.message = event.Message(target, m.Attempt, m.Lane, m.DueAt)
	return nil
}

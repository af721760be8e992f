package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// The two halves of an eager pair come in either order, at the same instant,
// repeatedly, or one of them never; whoever brings them together may die at any
// step. What makes that safe is the order of the steps. Each half inserts its
// event and then joins the batch, so that of two that join, the later one sees
// both and finds both events on record. Whoever sees something to decide writes
// the decision into the event, over the revision that it was made from, and only
// then sends; whoever finds it decided sends what has no delivery record yet. A
// half that is left waiting is given a clock before its producer is answered, and
// when that runs out, the same steps are taken again.

// joining bounds how many batches of one call are brought together at a time.
const joining = 8

// maxConflicts is how often a decision is made anew because another process has
// decided meanwhile.
const maxConflicts = 5

// join brings each of the events that is a half of a pair together with its
// batch, and leaves it as it is afterwards, told or with its clock started.
func (s Service) join(ctx context.Context, env notification.Environment, events []notification.Event, results []Result) {
	batches := make(map[string][]int)
	for i, event := range events {
		if joins(event) && (results[i].Status == Accepted || results[i].Status == Duplicate) {
			batches[event.BatchID] = append(batches[event.BatchID], i)
		}
	}
	if len(batches) == 0 {
		return
	}
	var group sync.WaitGroup
	slots := make(chan struct{}, joining)
	for _, members := range batches {
		slots <- struct{}{}
		group.Go(func() {
			for _, i := range members {
				s.joinOne(ctx, env, &events[i], &results[i])
			}
			<-slots
		})
	}
	group.Wait()
	s.startClocks(ctx, events, results)
}

func (s Service) joinOne(ctx context.Context, env notification.Environment, event *notification.Event, result *Result) {
	batch, err := s.Records.JoinBatch(ctx, *event)
	if err == nil {
		var settled map[notification.EventKey]notification.Event
		settled, err = s.settle(ctx, env, batch)
		if now, ok := settled[event.Key()]; ok {
			*event = now
		}
	}
	if notification.CodeOf(err) == notification.Conflict && event.Status == notification.EventHeld {
		// Nobody will ever release it: its record says so, and its producer is told.
		event.Status, event.Targets = notification.EventSuppressed, nil
		if event.LeftOut {
			*event = forget(*event)
		}
		event.Revision++
		if replaced := s.Records.ReplaceEvent(ctx, *event); replaced != nil && !errors.Is(replaced, notification.ErrConflict) {
			err = replaced
		}
	}
	if err != nil {
		result.fail(fmt.Errorf("join event %s with batch %s: %w", event.ID, event.BatchID, err))
		return
	}
	result.Targets, result.Release = event.Targets, event.Release
	if event.Status == notification.EventHeld {
		result.HeldUntil = event.HeldUntil
		if result.Status == Accepted {
			result.Status = Held
		}
	}
}

func holdOf(event notification.Event) notification.Hold {
	return notification.Hold{CloudName: event.CloudName, EventID: event.ID, BatchID: event.BatchID, Until: event.HeldUntil}
}

// startClocks sees to it that no held event is held for ever. The clocks of some
// were started before.
func (s Service) startClocks(ctx context.Context, events []notification.Event, results []Result) {
	var holds []notification.Hold
	var owner []int
	for i, event := range events {
		if joins(event) && event.Status == notification.EventHeld && results[i].Err == nil && !event.LeftOut {
			holds, owner = append(holds, holdOf(event)), append(owner, i)
		}
	}
	if len(holds) == 0 {
		return
	}
	for at, err := range s.Clock.StartHolds(ctx, holds) {
		results[owner[at]].fail(fmt.Errorf("start the clock of event %s: %w", holds[at].EventID, err))
	}
}

// Release is called when the clock of a held event runs out. It releases the
// event unless its other half has come, and mends what a crash has left undone
// where it has. A hold that is early is sent on its way again.
func (s Service) Release(ctx context.Context, hold notification.Hold) error {
	now := s.Now().UTC()
	if now.Before(hold.Until) {
		if err := s.Clock.StartHolds(ctx, []notification.Hold{hold})[0]; err != nil {
			return fmt.Errorf("continue the clock of event %s: %w", hold.EventID, err)
		}
		return nil
	}
	settled, err := s.timeOut(ctx, hold, now)
	if err != nil {
		return err
	}
	key := notification.EventKey{CloudName: hold.CloudName, EventID: hold.EventID}
	if _, told := settled[key]; told {
		return nil
	}
	return s.forgetStray(ctx, key)
}

// timeOut ends the time of a hold's batch. It returns the events of the batch; none
// where there is nobody to tell any more.
func (s Service) timeOut(ctx context.Context, hold notification.Hold, now time.Time) (map[notification.EventKey]notification.Event, error) {
	env, err := s.Environments.Environment(ctx, hold.CloudName)
	if notification.CodeOf(err) == notification.NotFound {
		return nil, nil // it was deleted, and its events with it
	}
	if err != nil {
		return nil, err
	}
	batch, found, err := s.Records.TimeOutBatch(ctx, hold.CloudName, hold.BatchID, now)
	if err != nil {
		return nil, fmt.Errorf("time out batch %s: %w", hold.BatchID, err)
	}
	if !found {
		return nil, nil // expired, and its events with it
	}
	settled, err := s.settle(ctx, env, batch)
	if err != nil {
		return nil, fmt.Errorf("release event %s: %w", hold.EventID, err)
	}
	return settled, nil
}

// settle decides every event of a batch, records the decisions and sends what
// they release. It returns the events as they are afterwards.
func (s Service) settle(ctx context.Context, env notification.Environment, batch notification.Batch) (map[notification.EventKey]notification.Event, error) {
	for range maxConflicts {
		settled, err := s.settleOnce(ctx, env, batch)
		if !errors.Is(err, notification.ErrConflict) {
			return settled, err
		}
	}
	return nil, &notification.Error{
		Code: notification.Unavailable, Message: "too many events of one batch_id at once: repeat the call",
		Err: fmt.Errorf("settle batch %s: %w", batch.ID, notification.ErrConflict),
	}
}

func (s Service) settleOnce(ctx context.Context, env notification.Environment, batch notification.Batch) (map[notification.EventKey]notification.Event, error) {
	events, err := s.Records.Events(ctx, keysOf(batch))
	if err != nil {
		return nil, fmt.Errorf("read events of batch %s: %w", batch.ID, err)
	}
	p := pair{ids: s.IDs, batch: batch, hooks: env.Hooks, now: s.Now().UTC()}
	p.uploads = present(events, batch, batch.Uploads)
	p.eagers = present(events, batch, batch.Eagers)
	var sends sending
	for _, half := range [][]notification.Event{p.uploads, p.eagers} {
		for i, before := range half {
			event, changed := p.decide(before)
			if changed {
				event.Revision++
				if err := s.Records.ReplaceEvent(ctx, event); err != nil {
					return nil, errors.Join(fmt.Errorf("release event %s: %w", event.ID, err), s.sendAll(ctx, sends))
				}
				half[i], events[event.Key()] = event, event
				sends.fresh(event, before, p.now)
			} else if !event.ReleasedAt.IsZero() && !event.IsLost() { // what is lost was sent before it was forgotten
				sends.repeat(event)
			}
		}
	}
	if err := s.sendAll(ctx, sends); err != nil {
		return nil, err
	}
	return events, s.forgetTold(ctx, events)
}

// keysOf names the events of a batch.
func keysOf(batch notification.Batch) []notification.EventKey {
	keys := make([]notification.EventKey, 0, len(batch.Uploads)+len(batch.Eagers))
	for _, id := range slices.Concat(batch.Uploads, batch.Eagers) {
		keys = append(keys, notification.EventKey{CloudName: batch.CloudName, EventID: id})
	}
	return keys
}

// present returns those events of the given ids that are on record.
func present(events map[notification.EventKey]notification.Event, batch notification.Batch, ids []string) []notification.Event {
	var list []notification.Event
	for _, id := range ids {
		if event, ok := events[notification.EventKey{CloudName: batch.CloudName, EventID: id}]; ok {
			list = append(list, event)
		}
	}
	return list
}

// since is when an event's first messages were sent.
func since(event notification.Event) time.Time {
	if event.ReleasedAt.IsZero() {
		return event.AcceptedAt
	}
	return event.ReleasedAt
}

package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Service accepts events.
type Service struct {
	Records Records
	Queue   Queue
	Guard   URLGuard
	Now     func() time.Time
	// Retention is how long a record is kept, and so how long an event_id
	// stands for its event.
	Retention time.Duration
}

// Status says what became of a reported event.
type Status string

// The states of a reported event. Accepted and duplicate are promises; a failed
// one may or may not be stored, and is to be reported again.
const (
	Accepted  Status = "accepted"
	Duplicate Status = "duplicate"
	Conflict  Status = "conflict"
	Failed    Status = "failed"
)

// Result is the answer for one event.
type Result struct {
	EventID string
	Status  Status
	BatchID string
	Targets []notification.Target
	// Err is why the event is in conflict or failed.
	Err error
}

// repeatAfter is when a repeat's messages are due, counted from the event's
// acceptance: long enough for the first attempt that may be under way (20 s) to
// be on record, which then makes the repeat's message void. Sent at once, it
// would be a second POST.
const repeatAfter = 30 * time.Second

// Accept records each event and puts a message for each of its targets on a
// lane. The sequence makes every accepted or duplicate result a promise: all
// reports are judged; the events are inserted with their targets and delivery
// ids; the messages are sent; only then is there an answer. Whoever repeats an
// event_id finds the event, has the messages sent again of every target that
// has no record yet, with the same delivery ids, and so mends a crash at any
// point without a second notification.
//
// A *notification.Error of code Invalid says that nothing was done. One of code
// Conflict or Unavailable comes with the result of each event.
func (s Service) Accept(ctx context.Context, env notification.Environment, caller Caller, reports []Report) ([]Result, error) {
	events, place, err := s.composeAll(env, caller, reports)
	if err != nil {
		return nil, err
	}
	unique := s.insert(ctx, events)
	s.send(ctx, events, unique)
	results := make([]Result, len(reports))
	mentioned := make([]bool, len(events))
	for i, r := range reports {
		results[i] = unique[place[i]]
		results[i].BatchID = r.BatchID
		if mentioned[place[i]] && results[i].Status == Accepted {
			results[i].Status = Duplicate
		}
		mentioned[place[i]] = true
	}
	return results, summary(results)
}

// composeAll makes the events of the reports, each event_id once, and tells for
// each report which of them is its.
func (s Service) composeAll(env notification.Environment, caller Caller, reports []Report) (events []notification.Event, place []int, err error) {
	now := s.Now().UTC()
	seen := make(map[string]int, len(reports))
	place = make([]int, len(reports))
	for i, r := range reports {
		event, err := s.compose(env, caller, r, now)
		if err != nil {
			return nil, nil, err
		}
		earlier, again := seen[event.ID]
		switch {
		case !again:
			seen[event.ID], place[i] = len(events), len(events)
			events = append(events, event)
		case bytes.Equal(events[earlier].Hash, event.Hash):
			place[i] = earlier
		default:
			return nil, nil, notification.Errorf(notification.Invalid,
				"%s.event_id: stands for another event in the same list", r.Path)
		}
	}
	return events, place, nil
}

// insert records the events. Where an id was taken, the event becomes the one
// that holds it.
func (s Service) insert(ctx context.Context, events []notification.Event) []Result {
	existing, failed := s.Records.InsertEvents(ctx, events)
	results := make([]Result, len(events))
	for i := range events {
		results[i] = Result{EventID: events[i].ID, Status: Accepted, Targets: events[i].Targets}
		switch held := existing[i]; {
		case failed[i] != nil:
			results[i] = Result{EventID: events[i].ID, Status: Failed, Err: fmt.Errorf("record event %s: %w", events[i].ID, failed[i])}
		case held == nil:
		case bytes.Equal(held.Hash, events[i].Hash):
			events[i] = *held
			results[i].Status, results[i].Targets = Duplicate, held.Targets
		default:
			results[i] = Result{EventID: events[i].ID, Status: Conflict,
				Err: notification.Errorf(notification.Conflict, "event_id: %s stands for an event with another content", events[i].ID)}
		}
	}
	return results
}

// send puts the messages of the events on their lanes, and turns the results of
// those whose messages did not all get there into failed ones.
func (s Service) send(ctx context.Context, events []notification.Event, results []Result) {
	var messages []notification.Message
	var owner []int
	add := func(i int, due time.Time, skip map[notification.DeliveryKey]notification.Delivery) {
		for _, target := range events[i].Targets {
			if _, recorded := skip[key(events[i], target)]; !recorded {
				messages = append(messages, events[i].Message(target, 1, notification.First, due))
				owner = append(owner, i)
			}
		}
	}
	recorded, err := s.recorded(ctx, events, results)
	for i := range events {
		switch results[i].Status {
		case Accepted:
			add(i, events[i].AcceptedAt, nil)
		case Duplicate:
			if err != nil {
				results[i].Status, results[i].Err = Failed, err
				continue
			}
			add(i, events[i].AcceptedAt.Add(repeatAfter), recorded)
		}
	}
	if len(messages) == 0 {
		return
	}
	for i, err := range s.Queue.Send(ctx, messages) {
		results[owner[i]].Status = Failed
		results[owner[i]].Err = fmt.Errorf("send delivery %s: %w", messages[i].DeliveryID, err)
	}
}

// recorded reads the records of the deliveries of all repeated events.
func (s Service) recorded(ctx context.Context, events []notification.Event, results []Result) (map[notification.DeliveryKey]notification.Delivery, error) {
	var keys []notification.DeliveryKey
	for i, event := range events {
		if results[i].Status == Duplicate {
			for _, target := range event.Targets {
				keys = append(keys, key(event, target))
			}
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	recorded, err := s.Records.Deliveries(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read deliveries of repeated events: %w", err)
	}
	return recorded, nil
}

func key(event notification.Event, target notification.Target) notification.DeliveryKey {
	return notification.DeliveryKey{CloudName: event.CloudName, DeliveryID: target.DeliveryID}
}

// summary is the error of a call whose events did not all come through: a fault
// of ours before a conflict, because it asks the caller to repeat the call.
func summary(results []Result) error {
	var failed, conflicts []error
	for _, r := range results {
		switch r.Status {
		case Failed:
			failed = append(failed, r.Err)
		case Conflict:
			conflicts = append(conflicts, r.Err)
		}
	}
	switch {
	case len(failed) > 0:
		return &notification.Error{
			Code:    notification.Unavailable,
			Message: "not every event could be accepted: repeat the call with the same event_id, nothing is doubled",
			Err:     errors.Join(failed...),
		}
	case len(conflicts) > 0:
		return conflicts[0]
	}
	return nil
}

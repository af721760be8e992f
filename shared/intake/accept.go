package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Service accepts events.
type Service struct {
	Environments Environments
	Presets      Presets
	Records      Records
	Queue        Queue
	Clock        Clock
	Guard        URLGuard
	IDs          *IDs
	Now          func() time.Time
	// HoldTimeout is how long one half of an eager pair waits for the other.
	HoldTimeout time.Duration
	// Retention is how long a record is kept, and so how long an event_id
	// stands for its event.
	Retention time.Duration
}

// Status says what became of a reported event.
type Status string

// The states of a reported event. A failed one may or may not be stored, and is
// to be reported again; a conflict is for its producer to resolve; all others are
// promises.
const (
	Accepted   Status = "accepted"
	Held       Status = "held"
	Suppressed Status = "suppressed"
	Duplicate  Status = "duplicate"
	Conflict   Status = "conflict"
	Failed     Status = "failed"
)

// Result is the answer for one event.
type Result struct {
	EventID string
	Status  Status
	BatchID string
	// HeldUntil is when a held event is told without its other half, and Release
	// why one is held no longer.
	HeldUntil time.Time
	Release   notification.Release
	Targets   []notification.Target
	// Misfit says where the payload does not fit the schema of its type.
	Misfit string
	// Derived are the events that follow from this one.
	Derived []Result
	// Err is why the event is in conflict or failed.
	Err error
}

func (r *Result) fail(err error) {
	r.Status, r.Err = Failed, err
	if notification.CodeOf(err) == notification.Conflict {
		r.Status = Conflict
	}
}

// Accept records each event and puts a message for each of its targets on a
// lane. The sequence makes every result but conflict and failed a promise: all
// reports are judged; the events are inserted with their targets and delivery
// ids; halves of eager pairs are joined; the messages are sent; only then is
// there an answer. Whoever repeats an event_id finds the event, has the messages
// sent again of every target that has no record yet, with the same delivery ids,
// and so mends a crash at any point without a second notification.
//
// A *notification.Error of code Invalid says that nothing was done. One of code
// Conflict or Unavailable comes with the result of each event, if anything was.
func (s Service) Accept(ctx context.Context, env notification.Environment, caller Caller, reports []Report) ([]Result, error) {
	presets, err := s.presets(ctx, env.CloudName, reports)
	if err != nil {
		return nil, err
	}
	list := eventList{place: make(map[string]int, len(reports))}
	c := composer{Service: s, env: env, caller: caller, presets: presets, now: s.Now().UTC()}
	for _, r := range reports {
		if err := list.add(c, r); err != nil {
			return nil, err
		}
	}
	if err := s.startClocksFirst(ctx, list.events); err != nil {
		return nil, err
	}
	unique := s.insert(ctx, list.events)
	list.restore(c, unique)
	s.log(ctx, list.events, unique)
	due := gather(list.events, unique)
	s.join(ctx, env, list.events, unique)
	for event, err := range s.send(ctx, due) {
		unique[list.place[event.EventID]].fail(err)
	}
	return list.results(unique), summary(unique)
}

// presets reads the upload presets that the reports name. One that does not
// exist is no fault: a platform may have presets that nobody here is told of.
func (s Service) presets(ctx context.Context, cloudName string, reports []Report) (map[string]notification.UploadPreset, error) {
	var names []string
	for _, r := range reports {
		if r.UploadPreset != "" && !slices.Contains(names, r.UploadPreset) {
			names = append(names, r.UploadPreset)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	presets, err := s.Presets.UploadPresets(ctx, cloudName, names)
	if err != nil {
		return nil, &notification.Error{
			Code: notification.Unavailable, Message: "an upload preset cannot be read: repeat the call",
			Err: fmt.Errorf("read upload presets of %s: %w", cloudName, err),
		}
	}
	return presets, nil
}

// eventList is the events of a call, those that were derived behind those that
// they follow from, each event_id once.
type eventList struct {
	events []notification.Event
	// said are the reports that the events were made of.
	said  []Report
	place map[string]int
	// reported are the places of the reports' events, derived those that follow
	// from the event at a place.
	reported []int
	derived  map[int][]int
}

// add composes a report's event, and those that follow from it.
func (l *eventList) add(c composer, r Report) error {
	at, isNew, err := l.addOne(c, r)
	if err != nil {
		return err
	}
	l.reported = append(l.reported, at)
	if !isNew {
		return nil
	}
	derived, err := derive(r, l.events[at])
	if err != nil {
		return err
	}
	for _, d := range derived {
		child, isNew, err := l.addOne(c, d)
		if err != nil {
			return err
		}
		if isNew { // a folder's list may name an asset twice
			if l.derived == nil {
				l.derived = make(map[int][]int)
			}
			l.derived[at] = append(l.derived[at], child)
		}
	}
	return nil
}

func (l *eventList) addOne(c composer, r Report) (at int, isNew bool, err error) {
	event, err := c.compose(r)
	if err != nil {
		return 0, false, err
	}
	earlier, again := l.place[event.ID]
	switch {
	case !again:
		at = len(l.events)
		l.place[event.ID] = at
		l.events, l.said = append(l.events, event), append(l.said, r)
		return at, true, nil
	case bytes.Equal(l.events[earlier].Hash, event.Hash):
		return earlier, false, nil
	}
	return 0, false, notification.Errorf(notification.Invalid, "%s: stands for another event in the same list", r.field("event_id"))
}

// results gives each report the result of its event, with those that follow.
func (l *eventList) results(unique []Result) []Result {
	results := make([]Result, len(l.reported))
	mentioned := make(map[int]bool, len(l.reported))
	for i, at := range l.reported {
		results[i] = unique[at]
		for _, child := range l.derived[at] {
			results[i].Derived = append(results[i].Derived, unique[child])
		}
		if mentioned[at] && results[i].Err == nil {
			results[i].Status = Duplicate
		}
		mentioned[at] = true
	}
	return results
}

// insert records the events. Where an id was taken, the event becomes the one
// that holds it.
func (s Service) insert(ctx context.Context, events []notification.Event) []Result {
	existing, failed := s.Records.InsertEvents(ctx, forRecord(events))
	results := make([]Result, len(events))
	for i := range events {
		status := Accepted
		switch held := existing[i]; {
		case failed[i] != nil:
			results[i] = Result{EventID: events[i].ID, Status: Failed, Err: fmt.Errorf("record event %s: %w", events[i].ID, failed[i])}
			continue
		case held == nil:
			if events[i].Status == notification.EventSuppressed {
				status = Suppressed
			}
		case bytes.Equal(held.Hash, events[i].Hash):
			events[i], status = *held, Duplicate
		default:
			results[i] = Result{EventID: events[i].ID, Status: Conflict,
				Err: notification.Errorf(notification.Conflict, "event_id: %s stands for an event with another content", events[i].ID)}
			continue
		}
		results[i] = Result{
			EventID: events[i].ID, Status: status, BatchID: events[i].BatchID, Targets: events[i].Targets,
			Release: events[i].Release, Misfit: events[i].Misfit,
		}
	}
	return results
}

// log writes the rows of events that no delivery stands for in lists. A repeat
// writes them again, in case the first call came no further than its events.
func (s Service) log(ctx context.Context, events []notification.Event, results []Result) {
	var logged []notification.Event
	var owner []int
	for i, event := range events {
		if event.LogID != "" && results[i].Err == nil {
			logged, owner = append(logged, event), append(owner, i)
		}
	}
	if len(logged) == 0 {
		return
	}
	for at, err := range s.Records.LogEvents(ctx, logged) {
		results[owner[at]].fail(fmt.Errorf("log event %s: %w", logged[at].ID, err))
	}
}

// gather lists the messages of the events that need not wait. What is, or was,
// held is sent by those who release it.
func gather(events []notification.Event, results []Result) sending {
	var l sending
	for i, event := range events {
		switch {
		case event.Status != notification.EventAccepted || results[i].Err != nil:
		case results[i].Status != Duplicate:
			l.first(event)
		case event.ReleasedAt.IsZero():
			l.repeat(event)
		}
	}
	return l
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

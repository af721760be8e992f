package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Recoveries keeps recoveries.
type Recoveries interface {
	// InsertRecovery writes a new one.
	InsertRecovery(ctx context.Context, r notification.Recovery) error
	// ReplaceRecovery writes one over its revision r.Revision-1;
	// notification.ErrConflict where another revision is there.
	ReplaceRecovery(ctx context.Context, r notification.Recovery) error
	// Recovery reads one; false, and no error, for one that does not exist or has
	// expired.
	Recovery(ctx context.Context, k notification.RecoveryKey) (notification.Recovery, bool, error)
	// Recoveries reads those of an environment, the latest first, from the one
	// before an id on, and reports whether there are more.
	Recoveries(ctx context.Context, cloudName, before string, limit int) ([]notification.Recovery, bool, error)
	// PlanRecoveryPage writes down what a page is about to do, unless that has been
	// done. It returns the plan that counts, and whether it was there.
	PlanRecoveryPage(ctx context.Context, page notification.RecoveryPage) (notification.RecoveryPage, bool, error)
	// RecoveryPages reads the latest pages of a recovery.
	RecoveryPages(ctx context.Context, k notification.RecoveryKey, limit int) ([]notification.RecoveryPage, error)
}

// RecoveryWorkflow goes through recoveries page by page.
type RecoveryWorkflow interface {
	// StartRecovery starts a part of a recovery; to start it twice is to start it
	// once.
	StartRecovery(ctx context.Context, k notification.RecoveryKey, part int) error
}

// Environments finds the environment whose triggers are told. It returns a
// *notification.Error of code NotFound for one that does not exist.
type Environments interface {
	Environment(ctx context.Context, cloudName string) (notification.Environment, error)
}

// Untold are events that may get targets after they were accepted.
type Untold interface {
	// Events reads events. Those that do not exist, or have expired, are absent from
	// the result.
	Events(ctx context.Context, keys []notification.EventKey) (map[notification.EventKey]notification.Event, error)
	// ReplaceEvent writes an event over its revision event.Revision-1;
	// notification.ErrConflict where another revision is there.
	ReplaceEvent(ctx context.Context, event notification.Event) error
}

// Recover has many deliveries attempted once more, or many events told that nobody
// was told of. What it needs of others is in its service.
type Recover struct {
	Service
	Environments Environments
	Untold       Untold
	Recoveries   Recoveries
	Workflow     RecoveryWorkflow
	// Retention is how long a recovery is kept.
	Retention time.Duration
}

// The bounds of what is counted before a recovery begins, and of what is read to
// say what became of one: somebody waits for either.
const (
	mostCounted = 10_000
	countFor    = 5 * time.Second
	countRows   = 500
)

// RecoveryCount is what a recovery would do.
type RecoveryCount struct {
	// Deliveries would be attempted once more, Skipped not.
	Deliveries int
	Skipped    map[notification.SkipReason]int
	// URLs is how many URLs they go to, Takes how long it takes to queue them.
	URLs  int
	Takes time.Duration
	// More says that counting ended before the end.
	More bool
}

// Count says what a recovery would do, and changes nothing. It counts at most
// 10,000 deliveries, and for some seconds.
func (r Recover) Count(ctx context.Context, planned notification.Recovery) (RecoveryCount, error) {
	count := RecoveryCount{Skipped: make(map[notification.SkipReason]int)}
	urls := make(map[string]bool)
	work, err := r.work(ctx, planned)
	if err != nil {
		return RecoveryCount{}, err
	}
	ends := r.Now().Add(countFor)
	for found := 0; ; {
		page, err := r.Records.Log(ctx, query(planned, min(countRows, mostCounted-found)))
		if err != nil {
			return RecoveryCount{}, err
		}
		made, err := work.plan(ctx, page.Rows)
		if err != nil {
			return RecoveryCount{}, err
		}
		for _, url := range made.urls {
			count.Deliveries++
			urls[url] = true
		}
		add(count.Skipped, made.skipped)
		found += len(page.Rows)
		planned.Cursor = page.Next
		count.More = page.Next != ""
		if !count.More || found >= mostCounted || r.Now().After(ends) {
			break
		}
	}
	count.URLs, count.Takes = len(urls), time.Duration(count.Deliveries)*time.Second/time.Duration(planned.MaxPerSecond)
	return count, nil
}

// Start begins a recovery. Its key, filter, times, rate and who asks for it are
// given; it returns it as it then is.
func (r Recover) Start(ctx context.Context, planned notification.Recovery) (notification.Recovery, error) {
	now := r.Now().UTC()
	planned.Status, planned.StartedAt, planned.ExpiresAt = notification.RecoveryRunning, now, now.Add(r.Retention)
	planned.Part, planned.Revision = 1, 1
	if planned.To.After(now) {
		planned.To = now // what comes in meanwhile is not meant
	}
	if err := r.Recoveries.InsertRecovery(ctx, planned); err != nil {
		return planned, err
	}
	return planned, r.startPart(ctx, planned)
}

// startPart starts the workflow. A recovery that has none is marked as failed, so
// that nobody waits for it.
func (r Recover) startPart(ctx context.Context, of notification.Recovery) error {
	err := r.Workflow.StartRecovery(ctx, of.RecoveryKey, of.Part)
	if err == nil {
		return nil
	}
	failure := &notification.Error{
		Code:    notification.Unavailable,
		Message: "recovery " + of.ID + " is on record, but its workflow could not be started: resume it",
		Err:     fmt.Errorf("start part %d of recovery %s: %w", of.Part, of.ID, err),
	}
	// Without the caller's deadline, which may be what ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if failing := r.Fail(ctx, of.RecoveryKey, of.Part, "the workflow could not be started"); failing != nil {
		failure.Err = errors.Join(failure.Err, failing)
	}
	return failure
}

// List returns recoveries, the latest first, and where the next page goes on.
func (r Recover) List(ctx context.Context, cloudName, before string, limit int) (list []notification.Recovery, next string, err error) {
	list, more, err := r.Recoveries.Recoveries(ctx, cloudName, before, limit)
	if more {
		next = list[len(list)-1].ID
	}
	return list, next, err
}

// Progress is a recovery with what became of the deliveries that it has queued.
type Progress struct {
	notification.Recovery
	// Results counts those queued, by the status that they have now.
	Results map[notification.Status]int
	// More says that only the latest 10,000 were read for it.
	More bool
}

// Progress reads one recovery. It returns a *notification.Error of code NotFound
// for one that does not exist or has expired.
func (r Recover) Progress(ctx context.Context, k notification.RecoveryKey) (Progress, error) {
	of, err := r.read(ctx, k)
	if err != nil {
		return Progress{}, err
	}
	progress := Progress{Recovery: of}
	pages, err := r.Recoveries.RecoveryPages(ctx, k, of.Pages+1)
	if err != nil {
		return Progress{}, err
	}
	var steps []notification.RecoveryStep
	for _, page := range pages {
		if page.Number > of.Pages {
			continue // it is under way, and not counted yet
		}
		if progress.More = len(steps)+len(page.Steps) > mostCounted; progress.More {
			break
		}
		steps = append(steps, page.Steps...)
	}
	work, err := r.work(ctx, of)
	if err != nil {
		return Progress{}, err
	}
	progress.Results, err = work.results(ctx, steps)
	return progress, err
}

// Stop ends a recovery; what is queued by then is attempted all the same. To stop
// one that is over does nothing. It returns the recovery as it then is.
func (r Recover) Stop(ctx context.Context, k notification.RecoveryKey) (notification.Recovery, error) {
	return r.change(ctx, k, func(of *notification.Recovery) bool {
		if of.Status != notification.RecoveryRunning {
			return false
		}
		of.Status, of.EndedAt = notification.RecoveryStopped, r.Now().UTC()
		return true
	})
}

// Resume has a recovery that was stopped, or has failed, go on where it ended. For
// one that runs it starts the workflow anew where that has come to nothing.
func (r Recover) Resume(ctx context.Context, k notification.RecoveryKey) (notification.Recovery, error) {
	of, err := r.change(ctx, k, func(of *notification.Recovery) bool {
		if of.Status != notification.RecoveryStopped && of.Status != notification.RecoveryFailed {
			return false
		}
		of.Status, of.EndedAt, of.Failure = notification.RecoveryRunning, time.Time{}, ""
		// Another part, so that an execution which still waits finds that it is over.
		of.Part, of.FirstPage = of.Part+1, of.Pages
		return true
	})
	if err != nil {
		return of, err
	}
	if of.Status == notification.RecoveryDone {
		return of, notification.Errorf(notification.Conflict, "id: the recovery is done; nothing is left of it")
	}
	return of, r.startPart(ctx, of)
}

// Fail marks a recovery as failed, unless it is over or another part has begun.
func (r Recover) Fail(ctx context.Context, k notification.RecoveryKey, part int, why string) error {
	_, err := r.change(ctx, k, func(of *notification.Recovery) bool {
		if of.Status != notification.RecoveryRunning || of.Part != part {
			return false
		}
		of.Status, of.EndedAt, of.Failure = notification.RecoveryFailed, r.Now().UTC(), why
		return true
	})
	return err
}

func (r Recover) read(ctx context.Context, k notification.RecoveryKey) (notification.Recovery, error) {
	of, found, err := r.Recoveries.Recovery(ctx, k)
	if err == nil && !found {
		err = notification.Errorf(notification.NotFound, "id: no such recovery, or its record has expired")
	}
	return of, err
}

// maxChanges is how often a change is tried again where others were quicker. Each
// page is a change.
const maxChanges = 10

// change writes what edit makes of a recovery, unless it reports false, over and
// over where somebody else changes it meanwhile. It returns the recovery as it
// then is.
func (r Recover) change(ctx context.Context, k notification.RecoveryKey, edit func(*notification.Recovery) bool) (notification.Recovery, error) {
	for range maxChanges {
		of, err := r.read(ctx, k)
		if err != nil || !edit(&of) {
			return of, err
		}
		of.Revision++
		if err = r.Recoveries.ReplaceRecovery(ctx, of); !errors.Is(err, notification.ErrConflict) {
			return of, err
		}
	}
	return notification.Recovery{}, fmt.Errorf("change recovery %s: it changed %d times meanwhile", k.ID, maxChanges)
}

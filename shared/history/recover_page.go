package history

import (
	"context"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// RecoveryNext is what a workflow does after a page.
type RecoveryNext string

// What comes after a page.
const (
	NextPage      RecoveryNext = "page"
	NextSuccessor RecoveryNext = "successor"
	NextEnd       RecoveryNext = "end"
)

// Turn is the outcome of a page: what comes next, and when.
type Turn struct {
	Next RecoveryNext
	// NextAt is when the last delivery of the page is due, and the next may be.
	NextAt time.Time
	// Part is the one to start, where a successor comes next.
	Part     int
	Recovery notification.Recovery
}

const (
	// pageSeconds is how many seconds' worth of deliveries a page has: the longer,
	// the fewer steps of a workflow it takes, and the later a stop is in force.
	pageSeconds = 5
	// pageRows is how many it has at most, which is a batch read.
	pageRows = 100
	// pagesOfPart is how many pages one execution of the workflow does. A page takes
	// 9 of the 25,000 events that an execution may have, and 4 for each retry: with
	// so few, a whole execution can still be read by a person.
	//
	// Source: Step Functions, Service quotas.
	pagesOfPart = 40
)

// work is what a recovery does with the rows of the log.
type work interface {
	// plan says what is to be done with a page of rows, and changes nothing.
	plan(ctx context.Context, rows []notification.Delivery) (plan, error)
	// do does it, from an instant on. To do it again is to do it once.
	do(ctx context.Context, steps []notification.RecoveryStep, from time.Time) (done, error)
	// results counts what was done, by what became of it.
	results(ctx context.Context, steps []notification.RecoveryStep) (map[notification.Status]int, error)
}

// plan is what is to be done: urls has one entry for each delivery that is queued.
type plan struct {
	steps   []notification.RecoveryStep
	urls    []string
	skipped map[notification.SkipReason]int
}

// done is what a page has done.
type done struct {
	queued  int
	skipped map[notification.SkipReason]int
}

func (r Recover) work(ctx context.Context, of notification.Recovery) (work, error) {
	if !of.Unmatched {
		return attemptAgain{r, of, make(map[string]bool)}, nil
	}
	env, err := r.Environments.Environment(ctx, of.CloudName)
	return tellNow{r, of, env.Hooks}, err
}

// Page does the next page of a part of a recovery. It may be repeated, by anybody
// and at any time, also while it is still under way: what it is about to do is
// written down first, so that a repeat has the same deliveries attempted, each
// once.
func (r Recover) Page(ctx context.Context, k notification.RecoveryKey, part int) (Turn, error) {
	of, err := r.read(ctx, k)
	if err != nil {
		return Turn{}, err
	}
	if turn, over := r.turnOf(of, part); over {
		return turn, nil
	}
	work, err := r.work(ctx, of)
	if err != nil {
		return Turn{}, err
	}
	page, err := r.planPage(ctx, of, work)
	if err != nil {
		return Turn{}, err
	}
	from := r.Now().UTC()
	made, err := work.do(ctx, page.Steps, from)
	if err != nil {
		return Turn{}, err
	}
	of, err = r.change(ctx, k, func(of *notification.Recovery) bool {
		if of.Pages >= page.Number {
			return false // somebody else has done it meanwhile
		}
		r.turnPage(of, page, made)
		return true
	})
	if err != nil {
		return Turn{}, err
	}
	turn, over := r.turnOf(of, part)
	if !over {
		turn = Turn{Next: NextPage, Recovery: of}
	}
	turn.NextAt = spread(from, max(made.queued, len(page.Steps)), of.MaxPerSecond)
	return turn, nil
}

// planPage writes down what the next page does, or reads what somebody else has.
func (r Recover) planPage(ctx context.Context, of notification.Recovery, work work) (notification.RecoveryPage, error) {
	found, err := r.Records.Log(ctx, query(of, min(of.MaxPerSecond*pageSeconds, pageRows)))
	if err != nil {
		return notification.RecoveryPage{}, err
	}
	planned, err := work.plan(ctx, found.Rows)
	if err != nil {
		return notification.RecoveryPage{}, err
	}
	page, _, err := r.Recoveries.PlanRecoveryPage(ctx, notification.RecoveryPage{
		RecoveryKey: of.RecoveryKey, Number: of.Pages + 1, Steps: planned.steps, Skipped: planned.skipped, Next: found.Next,
		ExpiresAt: of.ExpiresAt,
	})
	return page, err
}

// turnPage counts a page as done.
func (r Recover) turnPage(of *notification.Recovery, page notification.RecoveryPage, made done) {
	of.Pages, of.Cursor = page.Number, page.Next
	of.Queued += made.queued
	of.Examined += len(page.Steps)
	for _, n := range page.Skipped {
		of.Examined += n
	}
	skipped := make(map[notification.SkipReason]int)
	add(skipped, of.Skipped)
	add(skipped, page.Skipped)
	add(skipped, made.skipped)
	of.Skipped = skipped
	switch {
	case of.Status != notification.RecoveryRunning:
	case page.Next == "":
		of.Status, of.EndedAt = notification.RecoveryDone, r.Now().UTC()
	case of.Pages-of.FirstPage >= pagesOfPart:
		of.Part, of.FirstPage = of.Part+1, of.Pages
	}
}

// turnOf says what is next for an execution that does a part, where it is not a
// page.
func (r Recover) turnOf(of notification.Recovery, part int) (turn Turn, over bool) {
	turn = Turn{Next: NextEnd, NextAt: r.Now().UTC(), Recovery: of}
	switch {
	case of.Status != notification.RecoveryRunning:
		return turn, true
	case of.Part == part+1:
		// Either this part is full, or it was resumed; who starts the next one twice
		// has started it once.
		turn.Next, turn.Part = NextSuccessor, of.Part
		return turn, true
	}
	return turn, of.Part != part
}

// query asks for the next rows of a recovery.
func query(of notification.Recovery, limit int) notification.LogQuery {
	q := notification.LogQuery{
		CloudName: of.CloudName, From: of.From, To: of.To, Before: of.Cursor, Limit: limit, LogFilter: of.Filter,
	}
	if of.Unmatched {
		q.Events, q.Untold = true, true
		q.TriggerID = "" // it is the one to tell, and is on no row
	}
	return q
}

func add(to, more map[notification.SkipReason]int) {
	for reason, n := range more {
		to[reason] += n
	}
}

// Reached is how far back in time a recovery has come: what was accepted later is
// done. It is the zero time before the first page, and where nothing is left.
func Reached(r notification.Recovery) time.Time {
	id, err := ulid.ParseStrict(r.Cursor)
	if err != nil {
		return time.Time{}
	}
	return ulid.Time(id.Time()).UTC()
}

// spread is when the nth delivery of a page is due, so that not all of them are
// at once.
func spread(from time.Time, n, perSecond int) time.Time {
	return from.Add(time.Duration(n) * time.Second / time.Duration(perSecond))
}

// statuses counts deliveries by status.
func statuses(deliveries []notification.Delivery) map[notification.Status]int {
	counts := make(map[notification.Status]int)
	for _, d := range deliveries {
		counts[d.Status]++
	}
	return counts
}

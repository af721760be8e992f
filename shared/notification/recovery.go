package notification

import "time"

// RecoveryStatus is how far a recovery has come.
type RecoveryStatus string

// The statuses of a recovery.
const (
	RecoveryRunning RecoveryStatus = "running"
	RecoveryDone    RecoveryStatus = "done"
	RecoveryStopped RecoveryStatus = "stopped"
	RecoveryFailed  RecoveryStatus = "failed"
)

// SkipReason is why a recovery leaves a delivery as it is.
type SkipReason string

// The reasons to skip a delivery.
const (
	// SkipEventExpired says that what was to be told is no longer on record.
	SkipEventExpired SkipReason = "event_expired"
	// SkipURLNotAllowed says that the URL may no longer be told.
	SkipURLNotAllowed SkipReason = "url_not_allowed"
	// SkipUnderWay says that somebody else has it attempted.
	SkipUnderWay SkipReason = "under_way"
	// SkipNoTrigger says that no trigger is for the event, now as before.
	SkipNoTrigger SkipReason = "no_trigger"
	// SkipNotKept says that the record leaves out what was to be told.
	SkipNotKept SkipReason = "payload_not_kept"
)

// SkipReasons are all of them.
var SkipReasons = []SkipReason{SkipEventExpired, SkipURLNotAllowed, SkipUnderWay, SkipNoTrigger, SkipNotKept}

// RecoveryKey names a recovery.
type RecoveryKey struct {
	CloudName string
	// ID is a ULID.
	ID string
}

// Recovery has many deliveries attempted once more, page by page, or many events
// told that nobody was told of.
type Recovery struct {
	RecoveryKey
	Status RecoveryStatus
	// Unmatched asks for the events that matched nothing when they were accepted, to
	// be told to the triggers that there are now.
	Unmatched bool
	// Filter says which deliveries or events, From and To when they were accepted.
	// Of unmatched events the trigger is the one to tell, empty for all.
	Filter   LogFilter
	From, To time.Time
	// MaxPerSecond is how many attempts a second it asks for at most.
	MaxPerSecond int
	// By is the API key that asked for it.
	By string
	// Cursor is the row that its next page begins after; Pages how many it has
	// done.
	Cursor string
	Pages  int
	// Part counts the workflow executions that it took so far, FirstPage how many
	// pages were done when the present one began.
	Part, FirstPage int
	// Examined deliveries or events were looked at, Skipped those of them that are
	// left as they are. Queued deliveries were put on a lane; an unmatched event may
	// have several.
	Examined, Queued int
	Skipped          map[SkipReason]int
	// Failure is why it failed.
	Failure            string
	StartedAt, EndedAt time.Time
	ExpiresAt          time.Time
	// Revision counts the changes, from 1.
	Revision int64
}

// RecoveryPage is what a recovery is about to do in one page, written down before
// it begins: so that whoever repeats the page does the same once more, and nothing
// else.
type RecoveryPage struct {
	RecoveryKey
	// Number counts from 1.
	Number int
	Steps  []RecoveryStep
	// Skipped are those that have no step, by reason.
	Skipped map[SkipReason]int
	// Next is where the page after it begins, empty at the end.
	Next      string
	ExpiresAt time.Time
}

// RecoveryStep is a delivery to be attempted once more, or an event to be told.
type RecoveryStep struct {
	// DeliveryID is the row of the log: of an event, its LogID.
	DeliveryID string
	// Attempts is how many the delivery had.
	Attempts int
	// EventID is the event to be told, empty where a delivery is meant.
	EventID string
}

// Reopened reports whether a delivery was had attempted once more after the
// attempts of the step.
func (s RecoveryStep) Reopened(d Delivery) bool { return d.ScheduleFrom >= s.Attempts }

package notification

import "time"

// Event is one thing that happened to an asset, as it was accepted.
type Event struct {
	CloudName        string
	ID               string
	NotificationType string
	// Method is the API method or console action behind the event, where its
	// producer named one.
	Method string
	// Hash is the digest of what the producer said. The same id with another
	// hash is a conflict, with the same one a repeat.
	Hash []byte
	// Body is the packed notification up to its signature_key; see package
	// payload.
	Body []byte
	// LeftOut says that the record leaves out what the payload says: messages carry
	// Body, and the record has it only while the event is held. Such an event has no
	// PublicIDs.
	LeftOut bool
	Status  EventStatus
	Targets []Target
	// PublicIDs are the assets that the payload names, at most MaxPublicIDs.
	PublicIDs []string
	// LogID names the row that stands for the event in lists, where none of its
	// deliveries does: it had none when it was accepted, or had to wait.
	LogID string
	// BatchID ties an eager result to its upload.
	BatchID string
	// Eager is what the call behind the event asked for; nil where it asked for
	// no eager transformations and the event is no result of any.
	Eager *Eager
	// Misfit says where the payload does not fit the schema of its type, in
	// words. It is a remark: such an event is told like any other.
	Misfit string
	// ParentID is the event that this one was derived from: a delete from its
	// folder's, say.
	ParentID   string
	AcceptedAt time.Time
	// HeldUntil is when a held event is released without its other half; zero
	// for one that never was held.
	HeldUntil time.Time
	// ReleasedAt is when a held event was, and Release why.
	ReleasedAt time.Time
	Release    Release
	// Revision counts the changes of the record: it is replaced only over the
	// revision before.
	Revision int64
	// ExpiresAt is when the record may be forgotten.
	ExpiresAt time.Time
}

// EventKey names one event.
type EventKey struct {
	CloudName string
	EventID   string
}

// Key returns the event's key.
func (e Event) Key() EventKey { return EventKey{e.CloudName, e.ID} }

// EventStatus is the state of an event.
type EventStatus string

// The states of an event. An accepted one is told to its targets, of which it may
// have none.
const (
	EventAccepted EventStatus = "accepted"
	// EventHeld waits for the other half of its eager pair.
	EventHeld EventStatus = "held"
	// EventSuppressed is told to nobody by rule: the deletion of an empty folder.
	EventSuppressed EventStatus = "suppressed"
)

// Release says why a held event was released, or that an event came late.
type Release string

// The reasons of releases.
const (
	// ReleasedByBoth is a pair of which both halves have come.
	ReleasedByBoth Release = "both"
	// ReleasedByTime is a half whose other did not come in time.
	ReleasedByTime Release = "time"
	// ReleasedLate is a half that came when the other had been released by time.
	ReleasedLate Release = "late"
)

// Eager is what a call asked for about eager transformations; on an event of type
// eager, what that event says of itself.
//
// Source: Cloudinary, Webhook notifications, Notification combinations with
// eager.
type Eager struct {
	// Requested says that transformations were asked for whose result comes as
	// an event of its own.
	Requested bool
	// Async says that nothing waits for them (eager_async).
	Async bool
	// NotificationURL is eager_notification_url.
	NotificationURL string
	// CallURL says that the call named a notification_url too.
	CallURL bool
	// Uploads is how many uploads of its batch the targets of an eager event
	// take into account.
	Uploads int64
}

// Batch is what is known of a batch_id: the events that name it.
type Batch struct {
	CloudName string
	ID        string
	// Uploads and Eagers are the event ids of the two kinds of halves, each
	// sorted.
	Uploads, Eagers []string
	// TimedOutAt is when the clock of one half last ran out without the other;
	// zero for never.
	TimedOutAt time.Time
	ExpiresAt  time.Time
}

// MaxPublicIDs is how many of the assets of an event can be searched for.
const MaxPublicIDs = 10

// MaxBatch is how many events may name one batch_id.
const MaxBatch = 100

// Complete reports whether both halves have come.
func (b Batch) Complete() bool { return len(b.Uploads) > 0 && len(b.Eagers) > 0 }

// Hold asks for a held event to be released when its time is over.
type Hold struct {
	CloudName string    `json:"cloud_name"`
	EventID   string    `json:"event_id"`
	BatchID   string    `json:"batch_id"`
	Until     time.Time `json:"until"`
}

// Target is one URL that an event goes to, and the delivery that takes it
// there.
type Target struct {
	DeliveryID string
	URL        string
	Why        Why
	// TriggerID is the trigger that named the URL, where one did.
	TriggerID string
	// Also is what else named the URL, which is told once.
	Also []Naming
}

// AddTarget adds a URL to a list of targets. One that is there already gets a
// further reason: a URL is told once. newID makes the id of a delivery.
func AddTarget(list []Target, url string, named Naming, newID func() string) []Target {
	for i, t := range list {
		if t.URL == url {
			list[i].Also = append(list[i].Also, named)
			return list
		}
	}
	return append(list, Target{DeliveryID: newID(), URL: url, Why: named.Why, TriggerID: named.TriggerID})
}

// Naming is one reason for which an event goes to a URL.
type Naming struct {
	Why       Why
	TriggerID string
}

// Target returns the target of the given delivery.
func (e Event) Target(deliveryID string) (Target, bool) {
	for _, t := range e.Targets {
		if t.DeliveryID == deliveryID {
			return t, true
		}
	}
	return Target{}, false
}

// IsLost reports whether the notification is neither on record nor in the event: it
// is, or was, in messages alone.
func (e Event) IsLost() bool { return e.LeftOut && len(e.Body) == 0 }

// Message returns the message that asks for an attempt of the given target.
func (e Event) Message(t Target, attempt int, lane Lane, due time.Time) Message {
	return Message{
		CloudName:        e.CloudName,
		EventID:          e.ID,
		DeliveryID:       t.DeliveryID,
		Attempt:          attempt,
		Lane:             lane,
		DueAt:            due,
		Origin:           OriginOf(t.URL),
		NotificationType: e.NotificationType,
		URL:              t.URL,
		Why:              t.Why,
		TriggerID:        t.TriggerID,
		Lead:             e.LogID == "" && len(e.Targets) > 0 && e.Targets[0].DeliveryID == t.DeliveryID,
		PublicIDs:        e.PublicIDs,
		AcceptedAt:       e.AcceptedAt,
		LeftOut:          e.LeftOut,
		Body:             e.Body,
	}
}

// Package delivery is the stage that carries a delivery out: it signs, sends,
// classifies, records and decides what comes next. batch.go has the sequence
// that loses no retry and repeats no attempt that is on record.
package delivery

import (
	"context"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Records keeps what became of each delivery.
type Records interface {
	// Deliveries reads records, strongly consistent. Those that do not exist
	// are absent from the result.
	Deliveries(ctx context.Context, keys []notification.DeliveryKey) (map[notification.DeliveryKey]notification.Delivery, error)
	// Claim leases the delivery for the given attempt until a time, and returns
	// its record as it was before: a lease in it is of a process that claimed this
	// attempt and never recorded it. It reports false, with the record as it is,
	// where an attempt of that number is on record, or another process holds a
	// lease that has not run out at now. A delivery without a record is an error.
	Claim(ctx context.Context, key notification.DeliveryKey, attempt int, now, until time.Time) (notification.Delivery, bool, error)
	// RecordAttempts writes each delivery over its state of one attempt before
	// (no record at all, where AttemptCount is 1). It returns an error for each
	// that was not written, by index: notification.ErrConflict where the record
	// has moved on.
	RecordAttempts(ctx context.Context, deliveries []notification.Delivery) (failed map[int]error)
	// NoteRepeat says of an attempt that is on record that it was made twice, and
	// that what became of it the other time is not on record.
	NoteRepeat(ctx context.Context, key notification.DeliveryKey, attempt int) error
}

// Events reads back the event of a message that is a reference. It reports
// false for one that is not there or has expired.
type Events interface {
	Event(ctx context.Context, cloudName, eventID string) (notification.Event, bool, error)
}

// Keys returns the key that signs for an environment at this moment. It returns
// notification.ErrSigningKeyDisabled or notification.ErrNoSigningKey where
// there is none to use.
type Keys interface {
	SigningKey(ctx context.Context, cloudName string) (notification.SigningKey, error)
}

// Settings returns what an environment has decided about its notifications.
type Settings interface {
	Settings(ctx context.Context, cloudName string) (notification.Settings, error)
}

// Sender makes one POST. It never fails: what went wrong is the answer's
// reason.
type Sender interface {
	Post(ctx context.Context, req notification.Request) notification.Answer
}

// Queue sends messages to the lanes that they name, to be received when they
// are due, which is at most 15 minutes ahead. It returns an error for each
// message, by index, that was not sent.
type Queue interface {
	Send(ctx context.Context, messages []notification.Message) (failed map[int]error)
}

// Workflow holds a message back for longer than a queue can, and then puts it
// on its lane. To ask twice for the same attempt of a delivery is to ask once.
type Workflow interface {
	WaitThenSend(ctx context.Context, message notification.Message) error
}

// Package intake is the stage that accepts events: it validates them, finds
// who must be told, records each event once, and puts one message for each
// target on a lane. Its answer is a promise; accept.go has the sequence that
// keeps it. What belongs to an eager transformation may have to wait for its
// other half; eager.go says who is told when, and join.go brings them together.
package intake

import (
	"context"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Environments finds the environment that an event belongs to. It returns a
// *notification.Error of code NotFound for one that does not exist.
type Environments interface {
	Environment(ctx context.Context, cloudName string) (notification.Environment, error)
}

// Presets finds the upload presets of an environment. Those that do not exist
// are absent from the result.
type Presets interface {
	UploadPresets(ctx context.Context, cloudName string, names []string) (map[string]notification.UploadPreset, error)
}

// Records keeps events and knows their deliveries.
type Records interface {
	// InsertEvents stores each event whose id is free (an expired record frees
	// it). The result has an entry for each event: nil where it was stored, else
	// the event that holds its id. An event whose fate is unknown is in failed,
	// by index; it may or may not have been stored.
	InsertEvents(ctx context.Context, events []notification.Event) (existing []*notification.Event, failed map[int]error)
	// LogEvents writes the row that stands for an event in lists, for each of the
	// events that has a LogID. To find it there is a success. It returns an error
	// for each that was not written, by index.
	LogEvents(ctx context.Context, events []notification.Event) (failed map[int]error)
	// Events reads events, strongly consistent. Those that do not exist or have
	// expired are absent from the result.
	Events(ctx context.Context, keys []notification.EventKey) (map[notification.EventKey]notification.Event, error)
	// ReplaceEvent writes an event over its revision event.Revision-1. It returns
	// notification.ErrConflict where another revision is there. To find there
	// the very event that was to be written is a success: it is the repeat of a
	// write whose answer was lost.
	ReplaceEvent(ctx context.Context, event notification.Event) error
	// JoinBatch adds an event to the batch that it names, among its eagers where
	// its type is eager and else among its uploads, and returns the batch as it
	// is afterwards. To join twice is to join once. The batch's record expires
	// when the last of its events does. A *notification.Error of code Conflict
	// says that notification.MaxBatch events are in it.
	JoinBatch(ctx context.Context, event notification.Event) (notification.Batch, error)
	// TimeOutBatch sets the batch's TimedOutAt, unless both halves are there, and
	// returns it as it is afterwards. It reports false for a batch that does not
	// exist or has expired.
	TimeOutBatch(ctx context.Context, cloudName, batchID string, at time.Time) (notification.Batch, bool, error)
	// Deliveries reads the records of deliveries, strongly consistent. Those
	// without one are absent from the result.
	Deliveries(ctx context.Context, keys []notification.DeliveryKey) (map[notification.DeliveryKey]notification.Delivery, error)
}

// Queue sends messages to the lanes that they name, to be received when they
// are due. It returns an error for each message, by index, that was not sent.
type Queue interface {
	Send(ctx context.Context, messages []notification.Message) (failed map[int]error)
}

// Clock brings holds back to Release, at their time or before: a queue holds a
// message for 15 minutes at most. It returns an error for each hold, by index,
// that was not started.
type Clock interface {
	StartHolds(ctx context.Context, holds []notification.Hold) (failed map[int]error)
}

// URLGuard judges a notification URL when it is named, by the rules that will
// hold when it is dialled. It returns a *notification.Error of code Invalid
// whose message begins with the field's name.
type URLGuard interface {
	CheckURL(field, url string) error
}

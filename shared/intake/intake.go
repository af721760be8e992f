// Package intake is the stage that accepts events: it validates them, finds
// who must be told, records each event once, and puts one message for each
// target on a lane. Its answer is a promise; accept.go has the sequence that
// keeps it.
package intake

import (
	"context"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Environments finds the environment that an event belongs to. It returns a
// *notification.Error of code NotFound for one that does not exist.
type Environments interface {
	Environment(ctx context.Context, cloudName string) (notification.Environment, error)
}

// Records keeps events and knows their deliveries.
type Records interface {
	// InsertEvents stores each event whose id is free (an expired record frees
	// it). The result has an entry for each event: nil where it was stored, else
	// the event that holds its id. An event whose fate is unknown is in failed,
	// by index; it may or may not have been stored.
	InsertEvents(ctx context.Context, events []notification.Event) (existing []*notification.Event, failed map[int]error)
	// Deliveries reads the records of deliveries, strongly consistent. Those
	// without one are absent from the result.
	Deliveries(ctx context.Context, keys []notification.DeliveryKey) (map[notification.DeliveryKey]notification.Delivery, error)
}

// Queue sends messages to the lanes that they name, to be received when they
// are due. It returns an error for each message, by index, that was not sent.
type Queue interface {
	Send(ctx context.Context, messages []notification.Message) (failed map[int]error)
}

// URLGuard judges a notification URL when it is named, by the rules that will
// hold when it is dialled. It returns a *notification.Error of code Invalid
// whose message begins with the field's name.
type URLGuard interface {
	CheckURL(field, url string) error
}

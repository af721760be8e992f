package notification

import "time"

// Event is one thing that happened to an asset, as it was accepted.
type Event struct {
	CloudName        string
	ID               string
	NotificationType string
	// Hash is the digest of what the producer said. The same id with another
	// hash is a conflict, with the same one a repeat.
	Hash []byte
	// Body is the packed notification up to its signature_key; see package
	// payload.
	Body       []byte
	Targets    []Target
	AcceptedAt time.Time
	// ExpiresAt is when the record may be forgotten.
	ExpiresAt time.Time
}

// Target is one URL that an event goes to, and the delivery that takes it
// there.
type Target struct {
	DeliveryID string
	URL        string
	Why        Why
	// TriggerID is the trigger that named the URL, where one did.
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

// Message returns the message that asks for an attempt of the given target.
func (e Event) Message(t Target, attempt int, lane Lane, due time.Time) Message {
	return Message{
		CloudName:        e.CloudName,
		EventID:          e.ID,
		DeliveryID:       t.DeliveryID,
		Attempt:          attempt,
		Lane:             lane,
		DueAt:            due,
		NotificationType: e.NotificationType,
		URL:              t.URL,
		Why:              t.Why,
		TriggerID:        t.TriggerID,
		AcceptedAt:       e.AcceptedAt,
		Body:             e.Body,
	}
}

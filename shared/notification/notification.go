// Package notification is the domain: what an environment, an access key, a
// trigger, an event, a delivery and an attempt are, and which words name their
// states. It knows no AWS, no HTTP and no clock, and it imports nothing of ours.
//
// The words are Cloudinary's where it has them (cloud_name, event_type,
// notification_type, signature_key); docs/architecture.md lists them all.
package notification

import "time"

// Lane names one of the two delivery queues.
type Lane string

// The lanes. First carries what is expected to be answered quickly; slow
// carries what has shown that it keeps a sender waiting.
const (
	First Lane = "first"
	Slow  Lane = "slow"
)

// Why says what named a URL as a target of an event.
type Why string

// The reasons for which an event goes to a URL.
const (
	ByTrigger Why = "trigger"
	ByCall    Why = "per_call"
	ByPreset  Why = "preset"
)

// Message asks for one attempt of one delivery. It is what a lane carries, and
// it holds all that an attempt needs but secrets. A reference is a message
// without URL and Body: its event is then read from the store, which keeps
// large bodies out of the queue and every body out of a workflow's history.
type Message struct {
	CloudName  string `json:"cloud_name"`
	EventID    string `json:"event_id"`
	DeliveryID string `json:"delivery_id"`
	// Attempt is the number of the attempt to make, counted from 1.
	Attempt int `json:"attempt"`
	// Lane is where the message waits, and DueAt when it may be taken up.
	Lane  Lane      `json:"lane"`
	DueAt time.Time `json:"due_at"`
	// Origin is the URL's; a reference has it too.
	Origin string `json:"origin,omitempty"`
	// Passes is how often the message was put back because nothing was known of
	// its origin yet.
	Passes int `json:"passes,omitempty"`
	// Received is how often the lane has handed this message out, this time included;
	// 0 where that is not known. The lane tells it: no message says it of itself.
	Received int `json:"-"`

	NotificationType string `json:"notification_type,omitempty"`
	URL              string `json:"url,omitempty"`
	Why              Why    `json:"why,omitempty"`
	TriggerID        string `json:"trigger_id,omitempty"`
	// Lead says that the delivery's record stands for its event in lists: it is
	// the event's first.
	Lead bool `json:"lead,omitempty"`
	// PublicIDs are the assets that the event is about.
	PublicIDs  []string  `json:"public_ids,omitempty"`
	AcceptedAt time.Time `json:"accepted_at,omitzero"`
	// LeftOut says that Body is not on record: there is no reference to it, and what
	// its receiver answers, which may repeat it, is not recorded either.
	LeftOut bool `json:"left_out,omitempty"`
	// Body is the packed notification up to its signature_key; see package
	// payload.
	Body []byte `json:"body,omitempty"`
}

// IsReference reports whether the message leaves its URL and body to the
// event's record.
func (m Message) IsReference() bool { return m.URL == "" }

// IsLost reports whether the message asks for a notification that is neither in it nor
// on record: it was in another message, which is taken for lost.
func (m Message) IsLost() bool { return m.LeftOut && len(m.Body) == 0 }

// Reference returns the message without its URL and body.
func (m Message) Reference() Message {
	m.URL, m.Body, m.Why, m.TriggerID, m.NotificationType = "", nil, "", "", ""
	m.AcceptedAt, m.Lead, m.PublicIDs = time.Time{}, false, nil
	return m
}

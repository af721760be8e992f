package history

import (
	"strconv"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
)

// Sent is what an attempt has POSTed.
type Sent struct {
	Header []Header
	// Body is the very bytes; nil where they are left out of the record.
	Body []byte
}

// Header is a header that is ours to choose; HTTP's own are not kept.
type Header struct{ Name, Value string }

// Sent returns what an attempt has sent. It reports false where nothing was, or it
// is no longer known.
func (d Delivery) Sent(a notification.Attempt) (Sent, bool) {
	if a.Signature == "" || d.Body == nil && !d.LeftOut {
		return Sent{}, false
	}
	sent := Sent{
		Header: []Header{
			{"Content-Type", "application/json"},
			{notification.TimestampHeader, strconv.FormatInt(a.Timestamp, 10)},
			{notification.SignatureHeader, a.Signature},
			{notification.DeliveryHeader, d.DeliveryID},
			{notification.AttemptHeader, strconv.Itoa(a.Number)},
		},
	}
	if d.Body != nil {
		sent.Body = payload.WithSignatureKey(d.Body, a.SigningKey)
	}
	return sent, true
}

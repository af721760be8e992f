package queue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// MaxMessageSize is the largest JSON of a message, in bytes, that carries its
// notification. SQS bills every 64 KiB of a call as a request.
const MaxMessageSize = 60 << 10

// encode gives the body that a message has in the queue: its JSON, or that of
// its reference. A message whose notification is not on record has no reference: it
// takes what it takes, up to what a call can carry.
func encode(m notification.Message) (string, error) {
	body, err := encodeJSON(m, 512+len(m.Body)*4/3)
	switch {
	case err == nil && m.LeftOut && len(body) > maxBatchBytes:
		return "", fmt.Errorf("encode message: it takes %d bytes, more than %d", len(body), maxBatchBytes)
	case err == nil && !m.LeftOut && len(body) > MaxMessageSize:
		body, err = encodeJSON(m.Reference(), 512)
	}
	if err != nil {
		return "", fmt.Errorf("encode message: %w", err)
	}
	return body, nil
}

// notCharacters are the two characters that SQS refuses and JSON does not
// escape. Control characters, which SQS refuses too, are escaped in any JSON.
//
// Source: SQS API reference, SendMessage, MessageBody.
var notCharacters = strings.NewReplacer("\ufffe", `\ufffe`, "\uffff", `\uffff`)

// encodeJSON gives the JSON of a value that takes about size bytes.
func encodeJSON(value any, size int) (string, error) {
	var b bytes.Buffer
	b.Grow(size)
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // it would make six bytes of each & in a URL
	if err := encoder.Encode(value); err != nil {
		return "", err
	}
	body := strings.TrimSuffix(b.String(), "\n")
	if !strings.Contains(body, "\ufffe") && !strings.Contains(body, "\uffff") {
		return body, nil
	}
	return notCharacters.Replace(body), nil
}

// group names whom a message is for: an environment. SQS uses it to serve those
// with a few messages before one that fills the queue or keeps its consumers busy;
// unlike in FIFO queues, it orders and blocks nothing. It is not the origin: of an
// environment that floods twenty of them, none has enough in flight to be noticed.
//
// Source: SQS developer guide, Amazon SQS fair queues; docs/capacity.md.
func group(m notification.Message) string { return m.CloudName }

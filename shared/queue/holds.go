package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Holds is the hold queue, the clock of held events. It is safe for concurrent
// use.
type Holds struct {
	sender
	url string
}

// NewHolds returns the hold queue at the given URL.
func NewHolds(client API, url string, now func() time.Time) *Holds {
	return &Holds{sender: sender{client, now}, url: url}
}

// StartHolds puts holds on the queue, to be received when they are over, rounded
// up to the second, or after MaxDelay where that is earlier. It returns an error
// for each hold, by index, that was not started; one whose answer was lost may
// have been started all the same.
func (h *Holds) StartHolds(ctx context.Context, holds []notification.Hold) (failed map[int]error) {
	errs := make([]error, len(holds))
	list := make([]outgoing, 0, len(holds))
	for i, hold := range holds {
		body, err := encodeJSON(hold, holdSize)
		if err != nil {
			errs[i] = fmt.Errorf("encode hold: %w", err)
			continue
		}
		list = append(list, outgoing{index: i, body: body, dueAt: hold.Until})
	}
	h.send(ctx, map[string][]outgoing{h.url: list}, errs)
	return byIndex(errs, func(i int) string { return "hold of event " + holds[i].EventID })
}

// holdSize is about how long the JSON of a hold is.
const holdSize = 256

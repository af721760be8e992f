package intake

import (
	"context"
	"fmt"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// exampleSource marks examples: as what triggered them, where a notification says
// so, and as the method behind them. Their event_id begins with it.
const exampleSource = "example"

// Example tells the URL of one trigger, and nobody else, of an event that has not
// happened. In all but that it is an event like others: recorded, signed, retried.
// Payload is the catalogue's example of its type. The error is a
// *notification.Error of code Invalid for a type that does not exist in the
// environment's folder mode, and of code Unavailable where the example was not
// accepted.
func (s Service) Example(ctx context.Context, env notification.Environment, caller Caller, trigger notification.Trigger, eventType string, payload []byte) (Result, error) {
	c := composer{Service: s, env: env, caller: caller, now: s.Now().UTC()}
	event, err := c.compose(Report{
		NotificationType: eventType, Payload: payload, Source: exampleSource, SourceID: caller.ID,
	})
	if err != nil {
		return Result{}, err
	}
	event.ID = exampleSource + "-" + event.ID
	event.Method = exampleSource
	event.Status, event.LogID = notification.EventAccepted, ""
	target := targetList{ids: s.IDs, at: event.AcceptedAt}
	target.add(trigger.URI, notification.ByTrigger, trigger.ID)
	event.Targets = target.targets
	results := s.insert(ctx, []notification.Event{event})
	if results[0].Err == nil {
		var l sending
		l.first(event)
		if err := s.sendAll(ctx, l); err != nil {
			results[0].fail(fmt.Errorf("send example %s: %w", event.ID, err))
		}
	}
	return results[0], summary(results)
}

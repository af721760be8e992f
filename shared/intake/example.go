package intake

import (
	"cmp"
	"context"
	"fmt"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// exampleSource marks examples: as what triggered them, where a notification says
// so, and as the method behind them. Their event_id begins with it.
const exampleSource = "example"

// usualExample is the type of which a trigger for all gets an example where nobody
// names another.
const usualExample = "upload"

// ExampleType returns the type of which a trigger is sent an example, where asked
// may be empty: a trigger for all takes any type, another its own. It returns a
// *notification.Error of code Invalid for a type that it does not take.
func ExampleType(trigger notification.Trigger, asked string) (catalog.Type, error) {
	eventType := cmp.Or(asked, trigger.EventType)
	if asked == "" && trigger.EventType == notification.AllEvents {
		eventType = usualExample
	}
	described, known := catalog.Find(eventType)
	switch {
	case !known:
		return catalog.Type{}, notification.Errorf(notification.Invalid, "event_type: Invalid value %.64s", eventType)
	case trigger.EventType != notification.AllEvents && trigger.EventType != eventType:
		return catalog.Type{}, notification.Errorf(notification.Invalid, "event_type: the trigger is for %s alone", trigger.EventType)
	case len(described.Examples) == 0:
		return catalog.Type{}, notification.Errorf(notification.Invalid, "event_type: there is no example of %s", eventType)
	}
	return described, nil
}

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

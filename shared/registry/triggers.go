package registry

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// Triggers keeps Cloudinary's rules for triggers.
//
// Source: Cloudinary, Webhook notifications, Managing webhook notifications
// programmatically; Admin API, triggers.
type Triggers struct {
	Store Store
	Guard URLGuard
	// URLLimit is how many distinct notification URLs an environment may have,
	// TriggerLimit how many triggers.
	URLLimit, TriggerLimit int
	Now                    func() time.Time
	// Wait returns after a duration, or with the context's error before that.
	Wait func(ctx context.Context, d time.Duration) error
}

// The answers that clients know Cloudinary's triggers by.
var (
	errLimitReached = notification.Errorf(notification.Invalid, "limit_reached")
	errDuplicate    = notification.Errorf(notification.Conflict, "record_already_exists")
	errNoSuchRecord = notification.Errorf(notification.NotFound, "record_not_found")
	errMalformedID  = notification.Errorf(notification.Invalid, "invalid_or_malformed_attribute")
	errNothingToDo  = notification.Errorf(notification.Invalid, "missing_attributes")
)

// List returns an environment's triggers, of one event type where one is given,
// in the order in which they were made.
func (t Triggers) List(env notification.Environment, eventType string) ([]notification.Trigger, error) {
	if eventType == "" {
		return env.Hooks.Triggers, nil
	}
	if !catalog.IsTriggerType(eventType) {
		return nil, invalidEventType(eventType)
	}
	return slices.DeleteFunc(slices.Clone(env.Hooks.Triggers), func(other notification.Trigger) bool {
		return other.EventType != eventType
	}), nil
}

// Create adds a trigger. Its errors are those of the Admin API: a
// *notification.Error of code Invalid for bad input and reached limits, of code
// Conflict where the pair of URL and event type is there.
func (t Triggers) Create(ctx context.Context, cloudName, uri, eventType string) (notification.Trigger, error) {
	switch {
	case uri == "":
		return notification.Trigger{}, notification.Errorf(notification.Invalid, "uri: is required")
	case eventType == "":
		return notification.Trigger{}, notification.Errorf(notification.Invalid, "event_type: is required")
	case !catalog.IsTriggerType(eventType):
		return notification.Trigger{}, invalidEventType(eventType)
	}
	if err := t.Guard.CheckURL("uri", uri); err != nil {
		return notification.Trigger{}, err
	}
	now := t.now()
	trigger := notification.Trigger{ID: randomHex(16), URI: uri, EventType: eventType, CreatedAt: now, UpdatedAt: now}
	err := t.change(ctx, cloudName, func(hooks *notification.Hooks) error {
		before := *hooks
		hooks.Triggers = append(hooks.Triggers, trigger)
		return t.check(before, *hooks, trigger)
	})
	return trigger, err
}

// Update is a change of a trigger. What is empty stays as it is.
type Update struct {
	URI string
	// EventType can only be the one that the trigger has: Cloudinary's triggers
	// cannot change it.
	EventType string
	// Confirmed says that the call named other attributes, with the values that
	// they have here anyhow.
	Confirmed bool
}

// Update changes a trigger, and returns it as it is afterwards.
func (t Triggers) Update(ctx context.Context, cloudName, id string, update Update) (notification.Trigger, error) {
	if !triggerID.MatchString(id) {
		return notification.Trigger{}, errMalformedID
	}
	if update.URI == "" && !update.Confirmed {
		return notification.Trigger{}, errNothingToDo
	}
	if update.URI != "" {
		if err := t.Guard.CheckURL("new_uri", update.URI); err != nil {
			return notification.Trigger{}, err
		}
	}
	var updated notification.Trigger
	err := t.change(ctx, cloudName, func(hooks *notification.Hooks) error {
		i := indexOf(*hooks, id)
		if i < 0 {
			return errNoSuchRecord
		}
		trigger := &hooks.Triggers[i]
		if update.EventType != "" && update.EventType != trigger.EventType {
			return notification.Errorf(notification.Invalid,
				"event_type: is %s and cannot be changed; delete the trigger and create another", trigger.EventType)
		}
		before := *hooks
		before.Triggers = slices.Clone(hooks.Triggers)
		trigger.URI = cmp.Or(update.URI, trigger.URI)
		trigger.UpdatedAt = t.now()
		updated = *trigger
		return t.check(before, *hooks, updated)
	})
	return updated, err
}

// Delete removes a trigger.
func (t Triggers) Delete(ctx context.Context, cloudName, id string) error {
	if !triggerID.MatchString(id) {
		return errMalformedID
	}
	return t.change(ctx, cloudName, func(hooks *notification.Hooks) error {
		i := indexOf(*hooks, id)
		if i < 0 {
			return errNoSuchRecord
		}
		hooks.Triggers = slices.Delete(hooks.Triggers, i, i+1)
		return nil
	})
}

// Find returns one trigger of an environment.
func (t Triggers) Find(env notification.Environment, id string) (notification.Trigger, error) {
	if !triggerID.MatchString(id) {
		return notification.Trigger{}, errMalformedID
	}
	i := indexOf(env.Hooks, id)
	if i < 0 {
		return notification.Trigger{}, errNoSuchRecord
	}
	return env.Hooks.Triggers[i], nil
}

var triggerID = regexp.MustCompile(`^[0-9a-f]{32}$`)

func indexOf(hooks notification.Hooks, id string) int {
	return slices.IndexFunc(hooks.Triggers, func(t notification.Trigger) bool { return t.ID == id })
}

func invalidEventType(eventType string) error {
	return notification.Errorf(notification.Invalid, "Invalid value %.64s for parameter event_type", eventType)
}

// now is in milliseconds, the precision that is shown and kept.
func (t Triggers) now() time.Time { return t.Now().UTC().Truncate(time.Millisecond) }

// check holds a change of the triggers against the rules. Where a limit was
// lowered below what is there, only changes that add are refused.
func (t Triggers) check(before, after notification.Hooks, changed notification.Trigger) error {
	for _, other := range after.Triggers {
		if other.ID != changed.ID && other.URI == changed.URI && other.EventType == changed.EventType {
			return errDuplicate
		}
	}
	urls, triggers := len(after.URLs()), len(after.Triggers)
	if urls > t.URLLimit && urls > len(before.URLs()) || triggers > t.TriggerLimit && triggers > len(before.Triggers) {
		return errLimitReached
	}
	return nil
}

// change applies an edit to the triggers as they are in the store, and again to
// what they have become where another call was faster. It returns once every
// process sees the result.
func (t Triggers) change(ctx context.Context, cloudName string, edit func(*notification.Hooks) error) error {
	return wait(t.Wait).inForce(ctx, "triggers", func() error {
		env, err := served(ctx, t.Store, cloudName)
		if err != nil {
			return err
		}
		hooks := notification.Hooks{Version: env.Hooks.Version + 1, Triggers: slices.Clone(env.Hooks.Triggers)}
		if err := edit(&hooks); err != nil {
			return err
		}
		if err := t.Store.ReplaceHooks(ctx, cloudName, hooks); err != nil {
			return fmt.Errorf("write triggers of %s: %w", cloudName, err)
		}
		return nil
	})
}

package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// NotificationURL is a URL with all its triggers, which is how Cloudinary's Console
// shows and edits them: a URL linked to event types.
//
// Source: Cloudinary, Webhook notifications, Managing global notification URLs.
type NotificationURL struct {
	URI string
	// Triggers are in the order in which they were made.
	Triggers []notification.Trigger
}

// NotificationURLs returns an environment's notification URLs, in the order of
// their first trigger.
func NotificationURLs(hooks notification.Hooks) []NotificationURL {
	var urls []NotificationURL
	for _, uri := range hooks.URLs() {
		u := NotificationURL{URI: uri}
		for _, t := range hooks.Triggers {
			if t.URI == uri {
				u.Triggers = append(u.Triggers, t)
			}
		}
		urls = append(urls, u)
	}
	return urls
}

// ID names the URL in paths, which must not hold the URL itself.
func (u NotificationURL) ID() string { return digest(u.URI) }

// Revision changes with every change of the URL's triggers.
func (u NotificationURL) Revision() string {
	parts := []string{u.URI}
	for _, t := range u.Triggers {
		parts = append(parts, t.ID, t.EventType, t.UpdatedAt.UTC().String())
	}
	return digest(parts...)
}

// EventTypes returns the event types that the URL is told of, "all" among them.
func (u NotificationURL) EventTypes() []string {
	var types []string
	for _, t := range u.Triggers {
		types = append(types, t.EventType)
	}
	return types
}

// Takes reports whether the URL is told of events of a type.
func (u NotificationURL) Takes(eventType string) bool {
	return slices.ContainsFunc(u.Triggers, func(t notification.Trigger) bool {
		return t.EventType == eventType || t.EventType == notification.AllEvents
	})
}

// digest is 16 hex digits of texts.
func digest(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// FindURL returns one notification URL of an environment, or a
// *notification.Error of code NotFound.
func FindURL(hooks notification.Hooks, id string) (NotificationURL, error) {
	for _, u := range NotificationURLs(hooks) {
		if u.ID() == id {
			return u, nil
		}
	}
	return NotificationURL{}, notification.Errorf(notification.NotFound, "this notification URL is not there, or no longer")
}

// AddURL links a new notification URL to event types, all of them or none. Its
// errors are those of Create; code Conflict says that the URL is there.
func (t Triggers) AddURL(ctx context.Context, cloudName, uri string, eventTypes []string) error {
	return t.edit(ctx, cloudName, uri, eventTypes, func(hooks *notification.Hooks) (NotificationURL, error) {
		if slices.Contains(hooks.URLs(), uri) {
			return NotificationURL{}, notification.Errorf(notification.Conflict, "uri: this URL is there already; edit it to link it to more types")
		}
		return NotificationURL{}, nil
	})
}

// errURLChanged is the answer to whoever edits what is no longer what they saw.
var errURLChanged = notification.Errorf(notification.Conflict,
	"somebody has changed this notification URL since you opened it, so nothing was saved; this is how it is now")

// EditURL gives a notification URL, as it was seen at a revision, another address
// or other event types, all or nothing. Triggers that stay keep their ids. Code
// Conflict says that it is no longer as it was seen.
func (t Triggers) EditURL(ctx context.Context, cloudName, id, revision, uri string, eventTypes []string) error {
	return t.edit(ctx, cloudName, uri, eventTypes, func(hooks *notification.Hooks) (NotificationURL, error) {
		return seen(*hooks, id, revision)
	})
}

// RemoveURL removes a notification URL with all its triggers, as it was seen at a
// revision.
func (t Triggers) RemoveURL(ctx context.Context, cloudName, id, revision string) error {
	return t.change(ctx, cloudName, func(hooks *notification.Hooks) error {
		was, err := seen(*hooks, id, revision)
		if err != nil {
			return err
		}
		hooks.Triggers = slices.DeleteFunc(hooks.Triggers, func(t notification.Trigger) bool { return t.URI == was.URI })
		return nil
	})
}

func seen(hooks notification.Hooks, id, revision string) (NotificationURL, error) {
	was, err := FindURL(hooks, id)
	if err == nil && was.Revision() != revision {
		err = errURLChanged
	}
	return was, err
}

// edit replaces the triggers of a URL, which find returns as they are, in one
// write. A URL without triggers is a new one.
func (t Triggers) edit(ctx context.Context, cloudName, uri string, eventTypes []string, find func(*notification.Hooks) (NotificationURL, error)) error {
	if uri == "" {
		return notification.Errorf(notification.Invalid, "uri: is required")
	}
	if len(eventTypes) == 0 {
		return notification.Errorf(notification.Invalid, "event_type: choose at least one notification type, or all notifications")
	}
	for _, eventType := range eventTypes {
		if !catalog.IsTriggerType(eventType) {
			return invalidEventType(eventType)
		}
	}
	if err := t.Guard.CheckURL("uri", uri); err != nil {
		return err
	}
	return t.change(ctx, cloudName, func(hooks *notification.Hooks) error {
		was, err := find(hooks)
		if err != nil {
			return err
		}
		before := notification.Hooks{Triggers: slices.Clone(hooks.Triggers)} // relink edits in place
		return t.relink(before, hooks, was, uri, eventTypes)
	})
}

// relink changes what is there of a URL into what is wanted of it, and then holds
// the whole against the rules.
func (t Triggers) relink(before notification.Hooks, hooks *notification.Hooks, was NotificationURL, uri string, eventTypes []string) error {
	now := t.now()
	isOld := func(trigger notification.Trigger) bool { return len(was.Triggers) > 0 && trigger.URI == was.URI }
	hooks.Triggers = slices.DeleteFunc(hooks.Triggers, func(trigger notification.Trigger) bool {
		return isOld(trigger) && !slices.Contains(eventTypes, trigger.EventType)
	})
	linked := make(map[string]bool)
	var changed []notification.Trigger
	for i := range hooks.Triggers {
		trigger := &hooks.Triggers[i]
		if !isOld(*trigger) {
			continue
		}
		linked[trigger.EventType] = true
		if uri != was.URI {
			trigger.URI, trigger.UpdatedAt = uri, now
			changed = append(changed, *trigger)
		}
	}
	for _, eventType := range eventTypes {
		if linked[eventType] {
			continue
		}
		linked[eventType] = true
		trigger := notification.Trigger{ID: randomHex(16), URI: uri, EventType: eventType, CreatedAt: now, UpdatedAt: now}
		hooks.Triggers = append(hooks.Triggers, trigger)
		changed = append(changed, trigger)
	}
	for _, trigger := range changed {
		if err := t.check(before, *hooks, trigger); err != nil {
			return err
		}
	}
	return nil
}

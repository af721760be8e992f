// Package catalog is what Cloudinary's event types are: their names, what causes
// them, which of them take a notification_url, and what their payloads look
// like. It is pure data; nowhere else does the project list event types.
package catalog

import (
	"slices"
	"strings"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// EventTypes returns the names of all event types but "all", sorted.
func EventTypes() []string {
	names := make([]string, len(eventTypes))
	for i, t := range eventTypes {
		names[i] = t.name
	}
	return names
}

// IsEventType reports whether an event can be of the type: any but "all".
func IsEventType(name string) bool {
	_, found := row(name)
	return found
}

// IsTriggerType reports whether a trigger can be for the type: any event type,
// or "all".
func IsTriggerType(name string) bool {
	return name == notification.AllEvents || IsEventType(name)
}

// TakesNotificationURL reports whether the call behind an event of the type can
// have named a notification_url. An empty method stands for whichever causes
// the type.
//
// Source: Cloudinary, Webhook notifications, Notification URLs for specific API
// calls.
func TakesNotificationURL(name, method string) bool {
	t, found := row(name)
	if !found {
		return false
	}
	if method == "" {
		return len(t.urlMethods) > 0
	}
	return slices.Contains(t.urlMethods, method)
}

// TakesEager reports whether the call behind an event of the type can have asked
// for eager transformations: by eager, eager_async and eager_notification_url.
// An empty method stands for upload. It is false for the type eager, which is
// not what was asked but what came of it.
//
// Source: Cloudinary, Webhook notifications, Eager transformation notifications.
func TakesEager(name, method string) bool {
	return name == "upload" && (method == "" || slices.Contains(uploadOrExplicit, method))
}

// TakesUploadPreset reports whether the call behind an event of the type can
// have named an upload preset. An empty method stands for upload.
//
// Source: Cloudinary, Webhook notifications, Managing webhook notifications from
// the Console: a notification each time an upload using this preset is completed.
func TakesUploadPreset(name, method string) bool { return TakesEager(name, method) }

// InFixedFolders reports whether events of the type happen in an environment
// with fixed folders. A move does not: moving an asset changes its public ID
// there, and so is a rename.
//
// Source: Cloudinary, Webhook notifications, Console UI notifications and
// Notification response examples, legacy fixed folder mode.
func InFixedFolders(name string) bool {
	t, found := row(name)
	return found && !t.dynamicFolders
}

// row returns the type's row of the table.
func row(name string) (eventType, bool) {
	i, found := slices.BinarySearchFunc(eventTypes, name, func(t eventType, name string) int {
		return strings.Compare(t.name, name)
	})
	if !found {
		return eventType{}, false
	}
	return eventTypes[i], true
}

// Package catalog is what Cloudinary's event types are: their names, and which
// Upload API methods cause them and take a notification_url. It is pure data;
// nowhere else does the project list event types.
package catalog

import (
	"slices"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// urlMethods are the seven methods that take a notification_url.
//
// Source: Cloudinary, Webhook notifications, Notification URLs for specific API
// calls.
var urlMethods = []string{
	"upload", "explicit", "explode", "generate_archive", "sprite", "multi", "create_collage",
}

// eventType is a row of the catalogue.
type eventType struct {
	name string
	// caused are those of the seven methods that cause events of the type.
	caused []string
}

// eventTypes holds the values of Cloudinary's event_type but "all", and the two
// that its documents name besides: proof_status_changed and related_assets.
// Cloudinary does not say which type a collage is reported as, so it may be
// reported as an upload or as a multi.
var eventTypes = []eventType{
	{name: "access_control_changed"},
	{name: "bulk_refresh_auto_fetch"},
	{name: "create_folder"},
	{name: "delete"},
	{name: "delete_by_token"},
	{name: "delete_folder"},
	{name: "eager"},
	{name: "error", caused: urlMethods},
	{name: "explode", caused: []string{"explode"}},
	{name: "generate_archive", caused: []string{"generate_archive"}},
	{name: "info", caused: []string{"upload", "explicit"}},
	{name: "invalidate_custom_cdn"},
	{name: "moderation", caused: []string{"upload", "explicit"}},
	{name: "moderation_summary", caused: []string{"upload", "explicit"}},
	{name: "move"},
	{name: "move_or_rename_asset_folder"},
	{name: "multi", caused: []string{"multi", "create_collage"}},
	{name: "proof_status_changed"},
	{name: "publish"},
	{name: "related_assets"},
	{name: "rename"},
	{name: "report"},
	{name: "resource_context_changed"},
	{name: "resource_display_name_changed"},
	{name: "resource_metadata_changed"},
	{name: "resource_tags_changed"},
	{name: "restore_asset_version"},
	{name: "sprite", caused: []string{"sprite"}},
	{name: "upload", caused: []string{"upload", "explicit", "create_collage"}},
}

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
	_, found := find(name)
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
func TakesNotificationURL(name, method string) bool {
	t, found := find(name)
	if !found {
		return false
	}
	if method == "" {
		return len(t.caused) > 0
	}
	return slices.Contains(t.caused, method)
}

func find(name string) (eventType, bool) {
	i := slices.IndexFunc(eventTypes, func(t eventType) bool { return t.name == name })
	if i < 0 {
		return eventType{}, false
	}
	return eventTypes[i], true
}

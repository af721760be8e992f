package notification

import (
	"slices"
	"time"
)

// Settings are what an environment has decided about its notifications. The zero
// value is what a new environment has: Cloudinary's defaults, and the stack's own
// where Cloudinary has none. They change together, as Hooks do: a change is
// stored only over the version that it was made from.
type Settings struct {
	Version int64
	// SignatureAlgorithm is the digest that signs notifications: sha256, or
	// sha1, for which the empty text stands too.
	SignatureAlgorithm string
	// IncludeClientIP puts the client_ip of an event into its notification, as
	// requester_ip.
	//
	// Source: Cloudinary, Webhook notifications, Notification Payload.
	IncludeClientIP bool
	FolderMode      FolderMode
	Success         SuccessRule
	// RetrySchedule holds the waits before each retry: nil for the stack's
	// schedule, empty for no retries.
	RetrySchedule []time.Duration
	// LeaveOutPayloads leaves what payloads say out of the record of events that are
	// accepted from then on: they are in the messages that carry them, and nowhere
	// else.
	LeaveOutPayloads bool
}

// Equal reports whether two settings are the same.
func (s Settings) Equal(other Settings) bool {
	return s.Version == other.Version && s.SignatureAlgorithm == other.SignatureAlgorithm &&
		s.IncludeClientIP == other.IncludeClientIP && s.FolderMode == other.FolderMode && s.Success == other.Success &&
		s.LeaveOutPayloads == other.LeaveOutPayloads &&
		(s.RetrySchedule == nil) == (other.RetrySchedule == nil) && slices.Equal(s.RetrySchedule, other.RetrySchedule)
}

// FolderMode says how an environment files its assets.
//
// Source: Cloudinary, Webhook notifications, Notification response examples.
type FolderMode string

// The folder modes. In the older fixed one a folder is a part of the public ID,
// so that moving an asset renames it, and notifications have neither asset_folder
// nor display_name.
const (
	DynamicFolders FolderMode = "" // the default; shown as dynamic
	FixedFolders   FolderMode = "fixed"
)

// SuccessRule says which answers count as delivered.
type SuccessRule string

// The success rules.
const (
	StackSuccess SuccessRule = "" // the stack's parameter SuccessStatus
	Only200      SuccessRule = "200"
	Any2xx       SuccessRule = "2xx"
)

// UploadPreset is a named set of upload parameters, of which NotificationURL is
// told of each upload that used it.
//
// Source: Cloudinary, Webhook notifications, Managing webhook notifications from
// the Console; Admin API, upload_presets.
type UploadPreset struct {
	// CloudName and Name are its key.
	CloudName string
	Name      string
	Unsigned  bool
	// NotificationURL is empty for a preset that has none.
	NotificationURL string
	// Settings are all other parameters, a JSON object as it was given.
	Settings  []byte
	CreatedAt time.Time
	UpdatedAt time.Time
	// Version is raised by every change; a change is stored only over the
	// version that it was made from.
	Version int64
}

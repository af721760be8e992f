package registry

import (
	"slices"
	"strings"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/request"
	"github.com/mediahooks/mediahooks/shared/retry"
	"github.com/mediahooks/mediahooks/shared/signature"
)

// settingsFields are the fields of settings.
var settingsFields = []string{
	"signature_algorithm", "include_client_ip", "folder_mode", "success", "retry_schedule", "keep_payloads", "forward_traceparent",
}

// DynamicFolders is the name of the folder mode that is the zero value.
const DynamicFolders = "dynamic"

// Edits change settings.
type Edits []func(*notification.Settings)

// Apply makes all changes.
func (e Edits) Apply(s *notification.Settings) {
	for _, edit := range e {
		edit(s)
	}
}

// ReadSettings returns an edit for each field that is there. A null returns a
// setting to what it is when nothing was decided. The error is a
// *notification.Error of code Invalid that names a field.
func ReadSettings(object *request.Object) (edits Edits, err error) {
	object.Only(settingsFields...)
	for _, f := range object.Fields() {
		switch f.Name {
		case "signature_algorithm":
			algorithm := oneOf(object, f.Name, signature.SHA1, signature.SHA256)
			edits = append(edits, func(s *notification.Settings) { s.SignatureAlgorithm = algorithm })
		case "include_client_ip":
			include := object.Flag(f.Name)
			edits = append(edits, func(s *notification.Settings) { s.IncludeClientIP = include })
		case "folder_mode":
			mode := notification.FolderMode(oneOf(object, f.Name, DynamicFolders, string(notification.FixedFolders)))
			if mode == DynamicFolders {
				mode = notification.DynamicFolders
			}
			edits = append(edits, func(s *notification.Settings) { s.FolderMode = mode })
		case "success":
			rule := notification.Only200
			if string(object.Raw(f.Name)) != "200" { // as a number it is one too
				rule = notification.SuccessRule(oneOf(object, f.Name, string(notification.Only200), string(notification.Any2xx)))
			}
			edits = append(edits, func(s *notification.Settings) { s.Success = rule })
		case "retry_schedule":
			schedule := readSchedule(object)
			edits = append(edits, func(s *notification.Settings) { s.RetrySchedule = schedule })
		case "keep_payloads":
			leaveOut := object.Raw(f.Name) != nil && !object.Flag(f.Name)
			edits = append(edits, func(s *notification.Settings) { s.LeaveOutPayloads = leaveOut })
		case "forward_traceparent":
			forward := object.Flag(f.Name)
			edits = append(edits, func(s *notification.Settings) { s.ForwardTraceparent = forward })
		}
	}
	return edits, object.Err()
}

// oneOf reads a text that is one of those named, or null.
func oneOf(object *request.Object, field string, accepted ...string) string {
	value := object.Text(field)
	if object.Raw(field) != nil && !slices.Contains(accepted, value) {
		object.Fail(field, "must be one of %s", strings.Join(accepted, ", "))
	}
	return value
}

// readSchedule reads retry_schedule: nil for null, which is the stack's.
func readSchedule(object *request.Object) retry.Schedule {
	const field = "retry_schedule"
	if object.Raw(field) == nil {
		return nil
	}
	schedule, err := retry.ParseSchedule(object.Text(field))
	if err != nil {
		object.Fail(field, "must be waits such as 3m,6m,9m, each of whole seconds from 1s to 168h, at most 32; empty for no retries")
	}
	return schedule
}

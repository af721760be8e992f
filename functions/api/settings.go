package main

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/request"
	"github.com/mediahooks/mediahooks/shared/retry"
	"github.com/mediahooks/mediahooks/shared/signature"
	"github.com/mediahooks/mediahooks/shared/web"
)

// settings are an environment's as they are in force: where it has decided
// nothing, those of the stack are shown.
type settings struct {
	SignatureAlgorithm string `json:"signature_algorithm"`
	IncludeClientIP    bool   `json:"include_client_ip"`
	FolderMode         string `json:"folder_mode"`
	Success            string `json:"success"`
	RetrySchedule      string `json:"retry_schedule"`
	KeepPayloads       bool   `json:"keep_payloads"`
}

// settingsFields are the fields of settings.
var settingsFields = []string{"signature_algorithm", "include_client_ip", "folder_mode", "success", "retry_schedule", "keep_payloads"}

// dynamicFolders is the name of the folder mode that is the zero value.
const dynamicFolders = "dynamic"

func (a api) showSettings(s notification.Settings) settings {
	shown := settings{
		SignatureAlgorithm: cmp.Or(s.SignatureAlgorithm, signature.SHA1),
		IncludeClientIP:    s.IncludeClientIP,
		FolderMode:         cmp.Or(string(s.FolderMode), dynamicFolders),
		Success:            cmp.Or(string(s.Success), a.stack.Success),
		RetrySchedule:      a.stack.Schedule.String(),
		KeepPayloads:       !s.LeaveOutPayloads,
	}
	if s.RetrySchedule != nil {
		shown.RetrySchedule = retry.Schedule(s.RetrySchedule).String()
	}
	return shown
}

func (a api) getSettings(w http.ResponseWriter, _ *http.Request, caller web.Caller) error {
	web.WriteJSON(w, http.StatusOK, a.showSettings(caller.Environment.Settings))
	return nil
}

// putSettings changes those settings that the call names, and answers with all.
func (a api) putSettings(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	object, err := web.ReadObject(r)
	if err != nil {
		return err
	}
	object.Only(settingsFields...)
	edits := readSettings(object)
	if err := object.Err(); err != nil {
		return err
	}
	if len(edits) == 0 {
		return notification.Errorf(notification.Invalid, "missing_attributes")
	}
	changed, err := a.settings.Change(r.Context(), caller.Environment.CloudName, func(s *notification.Settings) {
		for _, edit := range edits {
			edit(s)
		}
	})
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, a.showSettings(changed))
	return nil
}

// readSettings returns an edit for each field that is there. A null returns a
// setting to what it is when nothing was decided.
func readSettings(object *request.Object) (edits []func(*notification.Settings)) {
	for _, f := range object.Fields() {
		switch f.Name {
		case "signature_algorithm":
			algorithm := oneOf(object, f.Name, signature.SHA1, signature.SHA256)
			edits = append(edits, func(s *notification.Settings) { s.SignatureAlgorithm = algorithm })
		case "include_client_ip":
			include := object.Flag(f.Name)
			edits = append(edits, func(s *notification.Settings) { s.IncludeClientIP = include })
		case "folder_mode":
			mode := notification.FolderMode(oneOf(object, f.Name, dynamicFolders, string(notification.FixedFolders)))
			if mode == dynamicFolders {
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
		}
	}
	return edits
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

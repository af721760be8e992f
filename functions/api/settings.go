package main

import (
	"cmp"
	"net/http"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
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
	ForwardTraceparent bool   `json:"forward_traceparent"`
}

func (a api) showSettings(s notification.Settings) settings {
	shown := settings{
		SignatureAlgorithm: cmp.Or(s.SignatureAlgorithm, signature.SHA1),
		IncludeClientIP:    s.IncludeClientIP,
		FolderMode:         cmp.Or(string(s.FolderMode), registry.DynamicFolders),
		Success:            cmp.Or(string(s.Success), a.stack.Success),
		RetrySchedule:      a.stack.Schedule.String(),
		KeepPayloads:       !s.LeaveOutPayloads,
		ForwardTraceparent: s.ForwardTraceparent,
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
	edits, err := registry.ReadSettings(object)
	if err != nil {
		return err
	}
	if len(edits) == 0 {
		return notification.Errorf(notification.Invalid, "missing_attributes")
	}
	changed, err := a.settings.Change(r.Context(), caller.Environment.CloudName, edits.Apply)
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, a.showSettings(changed))
	return nil
}

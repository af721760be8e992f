package console

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/request"
	"github.com/mediahooks/mediahooks/shared/retry"
	"github.com/mediahooks/mediahooks/shared/signature"
)

// settingsPage is what the environment has decided, and what the stack is.
type settingsPage struct {
	Algorithm, Folders, Success, Schedule string
	IncludeClientIP, KeepPayloads         bool
	ForwardTraceparent                    bool
	StackSuccess, StackSchedule           string
	Error, ScheduleError                  string
	Done                                  string
	Keys                                  []notification.AccessKey
	SigningKey, SigningText               string
	ID                                    string
	CreatedAt                             time.Time
	API                                   string
	URLLimit, URLs, Triggers              int
}

func (c *Console) settingsOf(r *http.Request, v visitor) settingsPage {
	s := v.env.Settings
	key, why := signer(v.env)
	shown := settingsPage{
		Algorithm: cmp.Or(s.SignatureAlgorithm, signature.SHA1), Folders: cmp.Or(string(s.FolderMode), registry.DynamicFolders),
		Success: string(s.Success), IncludeClientIP: s.IncludeClientIP, KeepPayloads: !s.LeaveOutPayloads,
		ForwardTraceparent: s.ForwardTraceparent,
		StackSuccess:       c.Stack.Success, StackSchedule: c.Stack.Schedule.String(), Done: done(r),
		Keys: v.env.Keys, SigningKey: key.APIKey, SigningText: why, ID: v.env.ID, CreatedAt: v.env.CreatedAt, API: baseURL(r),
		URLLimit: c.Triggers.URLLimit, URLs: len(v.env.Hooks.URLs()), Triggers: len(v.env.Hooks.Triggers),
	}
	if s.RetrySchedule != nil {
		shown.Schedule = cmp.Or(retry.Schedule(s.RetrySchedule).String(), noRetries)
	}
	return shown
}

// noRetries is how the form says a schedule that has no waits: an empty field is
// the stack's.
const noRetries = "none"

func (c *Console) showSettings(w http.ResponseWriter, r *http.Request, v visitor) error {
	c.render(w, r, v, http.StatusOK, "settings", "Settings", c.settingsOf(r, v))
	return nil
}

// saveSettings reads the form by the rules of the API's call: an empty field of
// it is the null there.
func (c *Console) saveSettings(w http.ResponseWriter, r *http.Request, v visitor) error {
	if err := r.ParseForm(); err != nil {
		return notification.Errorf(notification.Invalid, "the form could not be read")
	}
	var fields []payload.Field
	for _, name := range []string{"signature_algorithm", "folder_mode", "success", "retry_schedule"} {
		var value any
		if text := strings.TrimSpace(r.PostForm.Get(name)); text == noRetries {
			value = ""
		} else if text != "" {
			value = text
		}
		raw, err := json.Marshal(value)
		if err != nil {
			return err
		}
		fields = append(fields, payload.Field{Name: name, Raw: raw})
	}
	for _, name := range []string{"include_client_ip", "keep_payloads", "forward_traceparent"} {
		fields = append(fields, payload.Field{Name: name, Raw: []byte(strconv.FormatBool(r.PostForm.Get(name) != ""))})
	}
	edits, err := registry.ReadSettings(request.Of("", fields))
	if err == nil {
		_, err = c.Settings.Change(r.Context(), v.env.CloudName, edits.Apply)
	}
	if err == nil {
		return seeOther(w, r, query(root+"/settings", "done", "settings"))
	}
	if isOurs(err) {
		return err
	}
	shown := c.settingsOf(r, v)
	shown.Schedule = strings.TrimSpace(r.PostForm.Get("retry_schedule"))
	message, about := strings.CutPrefix(err.Error(), "retry_schedule: ")
	if about {
		shown.ScheduleError = sentence(message)
	} else {
		shown.Error = sentence(message)
	}
	c.render(w, r, v, statusOf(err), "settings", "Settings", shown)
	return nil
}

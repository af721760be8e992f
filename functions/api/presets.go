package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/request"
	"github.com/mediahooks/mediahooks/shared/web"
)

// preset is an upload preset as Cloudinary's Admin API shows it.
type preset struct {
	Name     string          `json:"name"`
	Unsigned bool            `json:"unsigned"`
	Settings json.RawMessage `json:"settings"`
}

func showPreset(p notification.UploadPreset) preset {
	return preset{Name: p.Name, Unsigned: p.Unsigned, Settings: p.Settings}
}

// Sizes of a page, as Cloudinary's lists have them.
const (
	usualResults = 10
	mostResults  = 500
)

func (a api) listPresets(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	limit, after, err := readPage(r)
	if err != nil {
		return err
	}
	page, next, err := a.presets.List(r.Context(), caller.Environment.CloudName, after, limit)
	if err != nil {
		return err
	}
	answer := struct {
		Presets    []preset `json:"presets"`
		NextCursor string   `json:"next_cursor,omitempty"`
	}{Presets: []preset{}, NextCursor: base64.RawURLEncoding.EncodeToString([]byte(next))}
	for _, p := range page {
		answer.Presets = append(answer.Presets, showPreset(p))
	}
	web.WriteJSON(w, http.StatusOK, answer)
	return nil
}

// readPage reads max_results, and what next_cursor stands for. The one order that
// there is may be asked for by name.
func readPage(r *http.Request) (limit int, after string, err error) {
	limit = usualResults
	query := r.URL.Query()
	for field, order := range map[string]string{"order_by": "name", "direction": "asc"} {
		if given := query.Get(field); given != "" && given != order {
			return 0, "", notification.Errorf(notification.Invalid, "%s: must be %s", field, order)
		}
	}
	if text := query.Get("max_results"); text != "" {
		limit, err = strconv.Atoi(text)
		if err != nil || limit < 1 || limit > mostResults {
			return 0, "", notification.Errorf(notification.Invalid, "max_results: must be a number from 1 to %d", mostResults)
		}
	}
	cursor, err := base64.RawURLEncoding.DecodeString(query.Get("next_cursor"))
	if err != nil {
		return 0, "", notification.Errorf(notification.Invalid, "next_cursor: is not one that a list has returned")
	}
	return limit, string(cursor), nil
}

func (a api) getPreset(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	found, err := a.presets.Get(r.Context(), caller.Environment.CloudName, r.PathValue("name"))
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, showPreset(found))
	return nil
}

func (a api) createPreset(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	object, err := web.ReadObject(r)
	if err != nil {
		return err
	}
	name := object.Text("name")
	change, err := readPreset(object)
	if err != nil {
		return err
	}
	created, err := a.presets.Create(r.Context(), caller.Environment.CloudName, name, change)
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, struct {
		Message string `json:"message"`
		Name    string `json:"name"`
	}{"created", created.Name})
	return nil
}

func (a api) updatePreset(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	object, err := web.ReadObject(r)
	if err != nil {
		return err
	}
	name := r.PathValue("name")
	if given := object.Text("name"); given != "" && given != name {
		object.Fail("name", "is not the one in the path; a preset cannot be renamed")
	}
	change, err := readPreset(object)
	if err != nil {
		return err
	}
	if _, err := a.presets.Update(r.Context(), caller.Environment.CloudName, name, change); err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, map[string]string{"message": "updated"})
	return nil
}

func (a api) deletePreset(w http.ResponseWriter, r *http.Request, caller web.Caller) error {
	if err := a.presets.Delete(r.Context(), caller.Environment.CloudName, r.PathValue("name")); err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, map[string]string{"message": "deleted"})
	return nil
}

// readPreset reads a preset's parameters: all that is not its name is kept.
func readPreset(object *request.Object) (registry.PresetChange, error) {
	var change registry.PresetChange
	if object.Raw("unsigned") != nil {
		unsigned := object.Flag("unsigned")
		change.Unsigned = &unsigned
	}
	for _, f := range object.Fields() {
		if f.Name == "notification_url" {
			url := object.Text(f.Name)
			change.NotificationURL = &url
		}
		if !slices.Contains([]string{"name", "unsigned", "api_key", "timestamp", "signature"}, f.Name) {
			change.Settings = append(change.Settings, f)
		}
	}
	return change, object.Err()
}

package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/request"
	"github.com/mediahooks/mediahooks/shared/web"
)

// environment is a product environment as Cloudinary's Provisioning API shows it.
type environment struct {
	CloudName        string           `json:"cloud_name"`
	Name             string           `json:"name"`
	Enabled          bool             `json:"enabled"`
	ID               string           `json:"id"`
	AccessKeys       []environmentKey `json:"api_access_keys"`
	CreatedAt        string           `json:"created_at"`
	UpdatedAt        string           `json:"updated_at"`
	Description      string           `json:"description,omitempty"`
	CustomAttributes json.RawMessage  `json:"custom_attributes"`
}

// environmentKey is an access key as an environment shows it. The secret is there
// when the key was just made.
type environmentKey struct {
	Key     string `json:"key"`
	Secret  string `json:"secret,omitempty"`
	Enabled bool   `json:"enabled"`
}

// provisioningTime is RFC 3339 in UTC and whole seconds.
func provisioningTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func showEnvironment(env notification.Environment) environment {
	shown := environment{
		CloudName:        env.CloudName,
		Name:             env.Name,
		Enabled:          !env.Disabled,
		ID:               env.ID,
		AccessKeys:       []environmentKey{},
		CreatedAt:        provisioningTime(env.CreatedAt),
		UpdatedAt:        provisioningTime(env.UpdatedAt),
		Description:      env.Description,
		CustomAttributes: env.CustomAttributes,
	}
	if len(shown.CustomAttributes) == 0 {
		shown.CustomAttributes = json.RawMessage("{}")
	}
	for _, key := range env.Keys {
		shown.AccessKeys = append(shown.AccessKeys, environmentKey{Key: key.APIKey, Enabled: key.Enabled})
	}
	return shown
}

// mostIDs is how many IDs or cloud_names a list may be asked for.
const mostIDs = 100

func (a api) listEnvironments(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	filter := registry.Filter{IDs: listOf(query["ids"], query["ids[]"]), CloudNames: listOf(query["cloud_names"], query["cloud_names[]"]), Prefix: query.Get("prefix")}
	for field, list := range map[string][]string{"ids": filter.IDs, "cloud_names": filter.CloudNames} {
		if len(list) > mostIDs {
			return notification.Errorf(notification.Invalid, "%s: must be at most %d", field, mostIDs)
		}
	}
	switch text := strings.ToLower(query.Get("enabled")); text {
	case "": // as the npm SDK writes undefined
	case "true", "false":
		enabled := text == "true"
		filter.Enabled = &enabled
	default:
		return notification.Errorf(notification.Invalid, "enabled: must be true or false")
	}
	listed, err := a.environments.List(r.Context(), filter)
	if err != nil {
		return err
	}
	answer := struct {
		Environments []environment `json:"sub_accounts"`
	}{[]environment{}}
	for _, env := range listed {
		answer.Environments = append(answer.Environments, showEnvironment(env))
	}
	web.WriteJSON(w, http.StatusOK, answer)
	return nil
}

// listOf reads a list from a query: SDKs repeat the name, with brackets or
// without, and people write commas.
func listOf(values ...[]string) []string {
	return strings.FieldsFunc(strings.Join(slices.Concat(values...), ","), func(r rune) bool { return r == ',' || r == ' ' })
}

// createEnvironment answers 200, as Cloudinary does: its npm SDK takes 201 for a
// fault.
func (a api) createEnvironment(w http.ResponseWriter, r *http.Request) error {
	object, err := web.ReadObject(r)
	if err != nil {
		return err
	}
	enabled := flag(object, "enabled")
	with := registry.NewEnvironment{
		Name:        object.Text("name"),
		CloudName:   object.Text("cloud_name"),
		Description: object.Text("description"),
		Disabled:    enabled != nil && !*enabled,
	}
	if attributes := readAttributes(object); attributes != nil {
		with.CustomAttributes = *attributes
	}
	if object.Text("base_sub_account_id") != "" {
		object.Fail("base_sub_account_id", "is not supported: an environment begins with the stack's settings")
	}
	if err := object.Err(); err != nil {
		return err
	}
	made, first, err := a.environments.Make(r.Context(), with)
	if err != nil {
		return err
	}
	shown := showEnvironment(made)
	shown.AccessKeys[0].Secret = first.APISecret
	web.WriteJSON(w, http.StatusOK, shown)
	return nil
}

// readAttributes reads custom_attributes, an object or in a form the text of one;
// nil where they are not given, empty for null.
func readAttributes(object *request.Object) *[]byte {
	const field = "custom_attributes"
	if !has(object, field) {
		return nil
	}
	raw := object.Raw(field)
	if bytes.HasPrefix(raw, []byte(`"`)) {
		raw = []byte(object.Text(field))
	}
	var compact bytes.Buffer
	if len(raw) > 0 && (!bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) || json.Compact(&compact, raw) != nil) {
		object.Fail(field, "must be an object")
	}
	attributes := compact.Bytes()
	if string(attributes) == "{}" {
		attributes = nil
	}
	return &attributes
}

// has reports whether an object names a field, be it as null.
func has(object *request.Object, field string) bool {
	for _, f := range object.Fields() {
		if f.Name == field {
			return true
		}
	}
	return false
}

func (a api) getEnvironment(w http.ResponseWriter, r *http.Request) error {
	env, err := a.environments.Get(r.Context(), r.PathValue("sub_account_id"))
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, showEnvironment(env))
	return nil
}

func (a api) updateEnvironment(w http.ResponseWriter, r *http.Request) error {
	object, err := web.ReadObject(r)
	if err != nil {
		return err
	}
	change := registry.EnvironmentChange{
		Name:             text(object, "name"),
		CloudName:        text(object, "cloud_name"),
		Enabled:          flag(object, "enabled"),
		CustomAttributes: readAttributes(object),
	}
	if change.CloudName != nil && *change.CloudName == "" {
		change.CloudName = nil
	}
	if has(object, "description") { // null empties it
		description := object.Text("description")
		change.Description = &description
	}
	if err := object.Err(); err != nil {
		return err
	}
	env, err := a.environments.Update(r.Context(), r.PathValue("sub_account_id"), change)
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, showEnvironment(env))
	return nil
}

func (a api) deleteEnvironment(w http.ResponseWriter, r *http.Request) error {
	if err := a.environments.Delete(r.Context(), r.PathValue("sub_account_id")); err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, map[string]string{"message": "ok"})
	return nil
}

// text reads a text that may be left out or null: nil then.
func text(object *request.Object, field string) *string {
	if object.Raw(field) == nil {
		return nil
	}
	value := object.Text(field)
	return &value
}

// flag reads a flag that may be left out, null or empty: nil then.
func flag(object *request.Object, field string) *bool {
	if raw := object.Raw(field); raw == nil || string(raw) == `""` {
		return nil
	}
	value := object.Flag(field)
	return &value
}

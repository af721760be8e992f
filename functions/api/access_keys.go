package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/request"
	"github.com/mediahooks/mediahooks/shared/web"
)

// accessKey is an access key as Cloudinary's Provisioning API shows it, but that
// its secret is there only when it was just made.
type accessKey struct {
	Name         string   `json:"name"`
	APIKey       string   `json:"api_key"`
	APISecret    string   `json:"api_secret,omitempty"`
	CreatedAt    string   `json:"created_at"`
	UpdatedAt    string   `json:"updated_at"`
	Enabled      bool     `json:"enabled"`
	DedicatedFor []string `json:"dedicated_for,omitempty"`
	Root         bool     `json:"root"`
}

// webhooks is what a key can be dedicated for.
const webhooks = "webhooks"

func showKey(key notification.AccessKey) accessKey {
	shown := accessKey{
		Name:      key.Name,
		APIKey:    key.APIKey,
		CreatedAt: provisioningTime(key.CreatedAt),
		UpdatedAt: provisioningTime(key.UpdatedAt),
		Enabled:   key.Enabled,
		Root:      key.Root,
	}
	if key.Webhooks {
		shown.DedicatedFor = []string{webhooks}
	}
	return shown
}

func (a api) listKeys(w http.ResponseWriter, r *http.Request) error {
	page, err := readKeyPage(r.URL.Query())
	if err != nil {
		return err
	}
	all, err := a.keys.List(r.Context(), r.PathValue("sub_account_id"), page.by, page.descending)
	if err != nil {
		return err
	}
	answer := struct {
		Keys  []accessKey `json:"access_keys"`
		Total int         `json:"total"`
	}{[]accessKey{}, len(all)}
	first := min((page.number-1)*page.size, len(all))
	for _, key := range all[first:min(first+page.size, len(all))] {
		answer.Keys = append(answer.Keys, showKey(key))
	}
	web.WriteJSON(w, http.StatusOK, answer)
	return nil
}

// keyPage is which access keys a list has.
type keyPage struct {
	number, size int
	by           registry.KeyOrder
	descending   bool
}

// mostPages and mostOnPage bound page and page_size.
const (
	mostPages  = 100
	mostOnPage = 100
)

// readKeyPage reads page and page_size, by default one page of all, and the order,
// by default the newest first.
func readKeyPage(query url.Values) (keyPage, error) {
	page := keyPage{number: 1, size: mostOnPage, by: registry.ByCreatedAt, descending: true}
	for _, field := range []struct {
		name string
		into *int
		most int
	}{{"page", &page.number, mostPages}, {"page_size", &page.size, mostOnPage}} {
		text := query.Get(field.name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > field.most {
			return keyPage{}, notification.Errorf(notification.Invalid, "%s: must be a number from 1 to %d", field.name, field.most)
		}
		*field.into = n
	}
	if by := query.Get("sort_by"); by != "" {
		if !slices.Contains(registry.KeyOrders, by) {
			return keyPage{}, notification.Errorf(notification.Invalid, "sort_by: must be one of %s", strings.Join(registry.KeyOrders, ", "))
		}
		page.by = registry.KeyOrder(by)
	}
	switch query.Get("sort_order") {
	case "", "desc":
	case "asc":
		page.descending = false
	default:
		return keyPage{}, notification.Errorf(notification.Invalid, "sort_order: must be asc or desc")
	}
	return page, nil
}

// createKey answers 200, as Cloudinary does: its npm SDK takes 201 for a fault.
func (a api) createKey(w http.ResponseWriter, r *http.Request) error {
	object, err := web.ReadObject(r)
	if err != nil {
		return err
	}
	name := object.Text("name")
	enabled := flag(object, "enabled")
	if err := object.Err(); err != nil {
		return err
	}
	made, secret, err := a.keys.Create(r.Context(), r.PathValue("sub_account_id"), name, enabled == nil || *enabled)
	if err != nil {
		return err
	}
	shown := showKey(made)
	shown.APISecret = secret
	web.WriteJSON(w, http.StatusOK, shown)
	return nil
}

func (a api) updateKey(w http.ResponseWriter, r *http.Request) error {
	object, err := web.ReadObject(r)
	if err != nil {
		return err
	}
	change := registry.KeyChange{Name: text(object, "name"), Enabled: flag(object, "enabled"), Webhooks: readDedication(object)}
	if err := object.Err(); err != nil {
		return err
	}
	updated, err := a.keys.Update(r.Context(), r.PathValue("sub_account_id"), r.PathValue("key"), change)
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, showKey(updated))
	return nil
}

// readDedication reads dedicated_for: webhooks, or null or empty for nothing. An
// answer's own list of them is read too; nil is for a call that does not say.
func readDedication(object *request.Object) *bool {
	const field = "dedicated_for"
	if !has(object, field) {
		return nil
	}
	var purposes []string
	var purpose string
	switch raw := object.Raw(field); {
	case raw == nil:
	case json.Unmarshal(raw, &purposes) == nil:
	case json.Unmarshal(raw, &purpose) != nil:
		object.Fail(field, "must be %s, or empty", webhooks)
	case purpose != "":
		purposes = []string{purpose}
	}
	for _, purpose := range purposes {
		if purpose != webhooks {
			object.Fail(field, "must be %s, or empty", webhooks)
		}
	}
	dedicated := len(purposes) > 0
	return &dedicated
}

func (a api) deleteKey(w http.ResponseWriter, r *http.Request) error {
	if err := a.keys.Delete(r.Context(), r.PathValue("sub_account_id"), r.PathValue("key")); err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, map[string]string{"message": "ok"})
	return nil
}

// deleteKeyByName reads the name from the query, as the API's description has it,
// or from the body, which is where SDKs send it.
func (a api) deleteKeyByName(w http.ResponseWriter, r *http.Request) error {
	name := r.URL.Query().Get("name")
	if name == "" {
		object, err := web.ReadObject(r)
		if err != nil {
			return err
		}
		name = object.Text("name")
		if err := object.Err(); err != nil {
			return err
		}
	}
	if err := a.keys.DeleteByName(r.Context(), r.PathValue("sub_account_id"), name); err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, map[string]string{"message": "ok"})
	return nil
}

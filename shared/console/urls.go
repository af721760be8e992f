package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
)

// urlsPage is Cloudinary's page Webhook Notifications.
type urlsPage struct {
	URLs        []urlRow
	Limit       int
	Add         urlForm
	Keys        []keyChoice
	Dedicated   string
	SigningKey  string
	SigningText string
	KeyError    string
	Recent      panel
	Note        string
	Done        string
}

// urlRow is a URL with its types and how it is.
type urlRow struct {
	ID, URI string
	Types   []string
	All     bool
	Health  health
	Spark   chart
	Slow    bool
}

type keyChoice struct {
	APIKey, Name string
	Enabled      bool
	Chosen       bool
}

// urlForm is the form of a URL, new or not.
type urlForm struct {
	ID, Revision string
	URI          string
	All          bool
	Types        []typeChoice
	// Error is about the field that it names.
	Error, URIError, TypesError string
}

type typeChoice struct {
	Name, Description string
	Chosen            bool
}

func (c *Console) newURLForm(v visitor) urlForm {
	return formOf("", []string{notification.AllEvents}, v)
}

// formOf offers the types that exist in the environment's folder mode, and those
// that are chosen all the same.
func formOf(uri string, chosen []string, v visitor) urlForm {
	form := urlForm{URI: uri, All: slices.Contains(chosen, notification.AllEvents)}
	for _, t := range catalog.Types() {
		is := slices.Contains(chosen, t.Name)
		if t.FixedFolders || is || v.env.Settings.FolderMode != notification.FixedFolders {
			form.Types = append(form.Types, typeChoice{t.Name, t.Description, is})
		}
	}
	return form
}

func (c *Console) listURLs(w http.ResponseWriter, r *http.Request, v visitor) error {
	c.renderURLs(w, r, v, http.StatusOK, c.newURLForm(v), "")
	return nil
}

func (c *Console) renderURLs(w http.ResponseWriter, r *http.Request, v visitor, status int, add urlForm, keyError string) {
	shown := urlsPage{Limit: c.Triggers.URLLimit, Add: add, KeyError: keyError, Done: done(r)}
	recent, err := c.log(r.Context(), v, notification.LogFilter{}, v.now.Add(-lookBack), recentRows)
	shown.Recent, shown.Note = c.failed(r, err), chartNote(recent)
	slow := c.slowOrigins(r, v)
	for _, u := range hooksOf(v) {
		var rows []notification.Delivery
		for _, d := range recent.Rows {
			if d.URL == u.URI {
				rows = append(rows, d)
			}
		}
		shown.URLs = append(shown.URLs, urlRow{
			ID: u.ID(), URI: u.URI, Types: u.EventTypes(), All: u.Takes(notification.AllEvents), Health: healthOf(rows),
			Spark: chartOf(rows, v.now.Add(-lookBack), v.now, 24, "").of(recent), Slow: slow[notification.OriginOf(u.URI)],
		})
	}
	for _, k := range v.env.Keys {
		if k.Webhooks {
			shown.Dedicated = k.APIKey
		}
		shown.Keys = append(shown.Keys, keyChoice{k.APIKey, k.Name, k.Enabled, k.Webhooks})
	}
	key, why := signer(v.env)
	shown.SigningKey, shown.SigningText = key.APIKey, why
	c.render(w, r, v, status, "urls", "Webhook Notifications", shown)
}

// slowOrigins are those that wait in the slow lane. Where it cannot be read, none
// is marked: the rest of the page is worth more.
func (c *Console) slowOrigins(r *http.Request, v visitor) map[string]bool {
	var keys []notification.OriginKey
	for _, uri := range v.env.Hooks.URLs() {
		key := notification.OriginKey{CloudName: v.env.CloudName, Origin: notification.OriginOf(uri)}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	found, err := c.Origins.Health(r.Context(), keys)
	if err != nil {
		c.Log.WarnContext(r.Context(), "health of origins not read", "cloud_name", v.env.CloudName, "error", err)
	}
	slow := make(map[string]bool)
	for key, health := range found {
		slow[key.Origin] = !health.SlowSince.IsZero()
	}
	return slow
}

// readURLForm reads what was entered. "All notifications" is the type all, which
// has all others in it: of them those stay that the API has linked to the URL.
func readURLForm(r *http.Request, v visitor, linked []string) (uri string, types []string, form urlForm, err error) {
	if err := r.ParseForm(); err != nil {
		return "", nil, urlForm{}, notification.Errorf(notification.Invalid, "the form could not be read")
	}
	uri, types = strings.TrimSpace(r.PostForm.Get("uri")), r.PostForm["event_type"]
	if slices.Contains(types, notification.AllEvents) {
		types = slices.DeleteFunc(slices.Clone(types), func(name string) bool {
			return name != notification.AllEvents && !slices.Contains(linked, name)
		})
	}
	form = formOf(uri, types, v)
	form.Revision = r.PostForm.Get("revision")
	return uri, types, form, nil
}

// blame puts an error beside the field that it names.
func (f *urlForm) blame(err error) {
	message := err.Error()
	if known, ok := asError(err); ok {
		message = known.Message
	}
	switch {
	case message == "limit_reached":
		f.URIError = "The limit of notification URLs is reached: remove one first, or link this one's types to a URL that is there."
	case message == "record_already_exists":
		f.URIError = "Another entry is this URL already: link the types there."
	case strings.HasPrefix(message, "uri: "):
		f.URIError = sentence(strings.TrimPrefix(message, "uri: "))
	case strings.HasPrefix(message, "event_type: "):
		f.TypesError = sentence(strings.TrimPrefix(message, "event_type: "))
	default:
		f.Error = sentence(message)
	}
}

func (c *Console) addURL(w http.ResponseWriter, r *http.Request, v visitor) error {
	uri, types, form, err := readURLForm(r, v, nil)
	if err != nil {
		return err
	}
	err = c.Triggers.AddURL(r.Context(), v.env.CloudName, uri, types)
	if err == nil {
		id := registry.NotificationURL{URI: uri}.ID()
		return seeOther(w, r, query(root+"/urls/"+id, "done", "added"))
	}
	if isOurs(err) {
		return err
	}
	form.blame(err)
	c.renderURLs(w, r, v, statusOf(err), form, "")
	return nil
}

func (c *Console) editURL(w http.ResponseWriter, r *http.Request, v visitor) error {
	u, err := registry.FindURL(v.env.Hooks, r.PathValue("id"))
	if err != nil {
		return err
	}
	form := formOf(u.URI, u.EventTypes(), v)
	form.ID, form.Revision = u.ID(), u.Revision()
	c.render(w, r, v, http.StatusOK, "url-edit", "Edit notification URL", form)
	return nil
}

func (c *Console) saveURL(w http.ResponseWriter, r *http.Request, v visitor) error {
	id := r.PathValue("id")
	was, err := registry.FindURL(v.env.Hooks, id)
	if err != nil {
		return err
	}
	uri, types, form, err := readURLForm(r, v, was.EventTypes())
	if err != nil {
		return err
	}
	err = c.Triggers.EditURL(r.Context(), v.env.CloudName, id, form.Revision, uri, types)
	if err == nil {
		return seeOther(w, r, query(root+"/urls/"+registry.NotificationURL{URI: uri}.ID(), "done", "saved"))
	}
	if isOurs(err) || notification.CodeOf(err) == notification.NotFound {
		return err
	}
	form.ID = id
	form.blame(err)
	if form.Error != "" && notification.CodeOf(err) == notification.Conflict {
		form, err = c.lostRace(r, v, id, form, err)
		if err != nil {
			return err
		}
		c.render(w, r, v, http.StatusConflict, "url-edit", "Edit notification URL", form)
		return nil
	}
	c.render(w, r, v, statusOf(err), "url-edit", "Edit notification URL", form)
	return nil
}

// lostRace shows a URL as it has become, in place of what was entered.
func (c *Console) lostRace(r *http.Request, v visitor, id string, entered urlForm, lost error) (urlForm, error) {
	env, found, err := c.Triggers.Store.Environment(r.Context(), v.env.CloudName) // past the cache: another has just changed it
	if err != nil || !found {
		return urlForm{}, lost
	}
	u, err := registry.FindURL(env.Hooks, id)
	if err != nil {
		return urlForm{}, err
	}
	form := formOf(u.URI, u.EventTypes(), v)
	form.ID, form.Revision, form.Error = id, u.Revision(), entered.Error
	return form, nil
}

func (c *Console) askRemoveURL(w http.ResponseWriter, r *http.Request, v visitor) error {
	u, err := registry.FindURL(v.env.Hooks, r.PathValue("id"))
	if err != nil {
		return err
	}
	c.render(w, r, v, http.StatusOK, "url-remove", "Remove notification URL", struct {
		ID, Revision, URI string
		Types             []string
	}{u.ID(), u.Revision(), u.URI, u.EventTypes()})
	return nil
}

func (c *Console) removeURL(w http.ResponseWriter, r *http.Request, v visitor) error {
	err := c.Triggers.RemoveURL(r.Context(), v.env.CloudName, r.PathValue("id"), r.PostFormValue("revision"))
	if err != nil {
		return err
	}
	return seeOther(w, r, query(root+"/urls", "done", "removed"))
}

func (c *Console) chooseSigningKey(w http.ResponseWriter, r *http.Request, v visitor) error {
	err := c.Keys.SignWith(r.Context(), v.env.ID, r.PostFormValue("api_key"), r.PostFormValue("seen"))
	if err == nil {
		return seeOther(w, r, query(root+"/urls", "done", "key"))
	}
	if isOurs(err) {
		return err
	}
	known, _ := asError(err)
	if env, found, reading := c.Triggers.Store.Environment(r.Context(), v.env.CloudName); reading == nil && found {
		v.env = env
	}
	c.renderURLs(w, r, v, statusOf(err), c.newURLForm(v), sentence(strings.TrimPrefix(known.Message, "api_key: ")))
	return nil
}

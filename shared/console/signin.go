package console

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/web"
)

// signedIn serves a page to whoever has a session, and sends others to sign in.
// The key is looked up on each request, at most half a second late: whoever
// disables or deletes it ends its sessions.
func (c *Console) signedIn(serve page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visitor{now: c.Now().UTC()}
		of, err := c.Sessions.current(r)
		if err == nil {
			v.apiKey = of.APIKey
			v.env, err = c.environment(r, of)
		}
		if errors.Is(err, errNoSession) {
			_, gone := r.Cookie(cookieName)
			c.sendToSignIn(w, r, gone == nil)
			return
		}
		if err == nil {
			err = c.Sessions.renew(w, r, of)
		}
		if err == nil {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			err = serve(w, r, v)
		}
		if err != nil {
			c.fault(w, r, v, err)
		}
	})
}

// maxForm bounds what a form may say: the largest is a notification whose
// signature is checked.
const maxForm = 4 << 20

// environment returns the environment of a session whose key still counts.
func (c *Console) environment(r *http.Request, of session) (notification.Environment, error) {
	env, err := c.Directory.Serving(r.Context(), of.CloudName)
	if notification.CodeOf(err) == notification.NotFound {
		return env, errNoSession
	}
	enabled := slices.ContainsFunc(env.Keys, func(k notification.AccessKey) bool { return k.APIKey == of.APIKey && k.Enabled })
	if err == nil && !enabled {
		err = errNoSession
	}
	return env, err
}

// sendToSignIn keeps where somebody wanted to go. What a form said is lost, so
// that a POST returns to the page of the form.
func (c *Console) sendToSignIn(w http.ResponseWriter, r *http.Request, over bool) {
	wanted := r.URL.RequestURI()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		wanted = root
		if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host {
			wanted = from.RequestURI()
		}
	}
	query := url.Values{}
	if wanted = localPath(wanted); wanted != root {
		query.Set("return", wanted)
	}
	if over {
		query.Set("over", "1")
	}
	http.Redirect(w, r, address(root+"/sign-in", query), http.StatusSeeOther)
}

// localPath returns a path of the console with its query, and the console's first
// page for anything else: a link to the sign-in must not lead elsewhere after it.
func localPath(wanted string) string {
	u, err := url.Parse(wanted)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" ||
		strings.ContainsAny(wanted, "\\\r\n\t") || path.Clean(u.Path) != u.Path {
		return root
	}
	if u.Path != root && !strings.HasPrefix(u.Path, root+"/") || strings.HasPrefix(u.Path, root+"/sign-") {
		return root
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// signInForm is what the sign-in shows. The secret is never shown again.
type signInForm struct {
	CloudName, APIKey string
	Return            string
	Over              bool
	Error             string
	// Elsewhere says that the browser came from another site, and so has kept a
	// session to itself, if it has one.
	Elsewhere bool
}

func (c *Console) showSignIn(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	form := signInForm{
		CloudName: query.Get("cloud_name"), APIKey: query.Get("api_key"), Return: localPath(query.Get("return")),
		Over: query.Get("over") != "", Elsewhere: r.Header.Get("Sec-Fetch-Site") == "cross-site",
	}
	c.render(w, r, visitor{now: c.Now()}, http.StatusOK, "sign-in", "Sign in", form)
}

// signIn begins a session, of an access key that is enabled. Wrong ones are
// counted and slowed down as those of the API are.
func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	v := visitor{now: c.Now()}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	form := signInForm{
		CloudName: strings.TrimSpace(r.PostFormValue("cloud_name")), APIKey: strings.TrimSpace(r.PostFormValue("api_key")),
		Return: localPath(r.PostFormValue("return")),
	}
	_, err := c.Directory.Authenticate(r.Context(), form.CloudName, form.APIKey, strings.TrimSpace(r.PostFormValue("api_secret")))
	if err == nil {
		now := c.Now().Unix()
		err = c.Sessions.set(w, r, session{CloudName: form.CloudName, APIKey: form.APIKey, Began: now, Seen: now})
	}
	if err == nil {
		http.Redirect(w, r, form.Return, http.StatusSeeOther)
		return
	}
	if notification.CodeOf(err) == notification.Unauthorized {
		err = c.Logins.Failed(w, r, form.CloudName, err)
	}
	// What stands in a wrong field may be the secret, which no page shows.
	if strings.Trim(form.APIKey, "0123456789") != "" {
		form.APIKey = ""
	}
	if strings.Trim(form.CloudName, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		form.CloudName = ""
	}
	status, body := web.Describe(r, c.Log, err)
	form.Error = body.Error.Message
	if status == http.StatusUnauthorized {
		form.Error = "No enabled access key has this cloud name, API key and API secret together."
	}
	c.render(w, r, v, status, "sign-in", "Sign in", form)
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	c.Sessions.end(w, r)
	http.Redirect(w, r, root+"/sign-in", http.StatusSeeOther)
}

// address is a path with a query.
func address(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

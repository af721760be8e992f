package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/web"
)

// templates has layout.html, which is around every page, parts.html, which pages
// have in common, and a file for each page.
//
//go:embed templates/*.html
var templates embed.FS

var pages = parsePages()

// parsePages reads the templates. One that cannot be read is a mistake in this
// package, which its tests find.
func parsePages() map[string]*template.Template {
	common := template.Must(template.New("").Funcs(functions).ParseFS(templates, "templates/layout.html", "templates/parts.html"))
	files, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		panic(err)
	}
	parsed := make(map[string]*template.Template)
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name != "layout" && name != "parts" {
			parsed[name] = template.Must(template.Must(common.Clone()).ParseFS(templates, file))
		}
	}
	return parsed
}

// view is what layout.html shows around a page's own data.
type view struct {
	Title string
	// Section is the part of the navigation that is open.
	Section string
	// CloudName and APIKey are empty for nobody.
	CloudName, APIKey string
	Now               time.Time
	Stack             Stack
	Sections          []section
	Search            string
	Data              any
}

// section is an entry of the navigation.
type section struct{ Path, Name string }

var sections = []section{
	{root, "Overview"},
	{root + "/urls", "Webhook Notifications"},
	{root + "/deliveries", "Deliveries"},
	{root + "/events", "Events"},
	{root + "/recoveries", "Recover"},
	{root + "/event-types", "Event types"},
	{root + "/signature", "Check a signature"},
	{root + "/settings", "Settings"},
}

// sectionOf is the entry that a path belongs to.
func sectionOf(path string) string {
	found := ""
	for _, s := range sections {
		if path == s.Path || s.Path != root && strings.HasPrefix(path, s.Path+"/") {
			found = s.Path
		}
	}
	if path == root+"/event" {
		found = root + "/events"
	}
	return found
}

// render answers with a page. It is written when all of it is there, so that no
// page ends in its middle.
func (c *Console) render(w http.ResponseWriter, r *http.Request, v visitor, status int, name, title string, data any) {
	shown := view{
		Title: title, Section: sectionOf(r.URL.Path), CloudName: v.env.CloudName, APIKey: v.apiKey, Now: v.now,
		Stack: c.Stack, Sections: sections, Search: r.URL.Query().Get("q"), Data: data,
	}
	var page bytes.Buffer
	if err := pages[name].ExecuteTemplate(&page, "layout", shown); err != nil {
		c.Log.ErrorContext(r.Context(), "page not rendered", "request_id", web.RequestID(r), "page", name, "error", err)
		status = http.StatusInternalServerError
		page.Reset()
		fmt.Fprintf(&page, "<!doctype html><html lang=\"en\"><title>Fault</title><h1>This page could not be made</h1><p>Quote request %s when you report it.",
			template.HTMLEscapeString(web.RequestID(r)))
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // into memory
}

// faultPage is what is shown in place of a page.
type faultPage struct {
	Message, RequestID string
	Gone               bool
	Retention          time.Duration
}

// fault shows an error, and logs those that are our fault.
func (c *Console) fault(w http.ResponseWriter, r *http.Request, v visitor, err error) {
	status, body := web.Describe(r, c.Log, err)
	c.renderFault(w, r, v, status, body.Error.Message)
}

func (c *Console) renderFault(w http.ResponseWriter, r *http.Request, v visitor, status int, message string) {
	title := map[int]string{
		http.StatusNotFound: "Not found", http.StatusForbidden: "Not allowed", http.StatusConflict: "Not done",
		http.StatusBadRequest: "Not understood", http.StatusServiceUnavailable: "Try again",
	}[status]
	if title == "" {
		title = "Something went wrong"
	}
	c.render(w, r, v, status, "fault", title, faultPage{
		Message: sentence(message), RequestID: web.RequestID(r), Gone: status == http.StatusNotFound, Retention: c.Stack.Retention,
	})
}

// panel is a part of a page that may fail by itself.
type panel struct{ Error, RequestID string }

// failed makes a panel of an error, and logs those that are our fault.
func (c *Console) failed(r *http.Request, err error) panel {
	if err == nil {
		return panel{}
	}
	_, body := web.Describe(r, c.Log, err)
	return panel{Error: sentence(body.Error.Message), RequestID: web.RequestID(r)}
}

// sentence makes an error's message read like one.
func sentence(message string) string {
	message = strings.ToUpper(message[:min(1, len(message))]) + message[min(1, len(message)):]
	if message != "" && !strings.ContainsAny(message[len(message)-1:], ".!?") {
		message += "."
	}
	return message
}

// isOurs reports whether an error is none that the visitor can mend by giving
// something else.
func isOurs(err error) bool {
	switch notification.CodeOf(err) {
	case notification.Invalid, notification.Conflict, notification.NotFound:
		return false
	}
	return true
}

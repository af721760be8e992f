package console

import (
	"errors"
	"net/http"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// messages are what a page says of the change that led to it, by the code in its
// address: no text of an address is ever shown.
var messages = map[string]string{
	"added":    "Added. Every function knows it already: the next event is told to it.",
	"saved":    "Saved. It is in force everywhere.",
	"removed":  "Removed. What was queued for it before still goes out.",
	"key":      "Saved. The next attempt is signed as you chose.",
	"settings": "Saved. They are in force everywhere.",
	"sent":     "The example is queued: reload to see what became of it.",
	"recover":  "Begun. It goes on by itself, whether this page is open or not.",
	"stopped":  "Stopped. What was queued by then is attempted all the same.",
	"resumed":  "It goes on where it ended.",
	"resent":   "Queued for one more attempt: reload to see what became of it.",
}

// done returns what the page has to say of a change just made.
func done(r *http.Request) string { return messages[r.URL.Query().Get("done")] }

// seeOther sends the browser to the page that shows a change.
func seeOther(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

func asError(err error) (*notification.Error, bool) { return errors.AsType[*notification.Error](err) }

// statusOf is the HTTP status of an error that a form shows.
func statusOf(err error) int {
	switch notification.CodeOf(err) {
	case notification.Conflict:
		return http.StatusConflict
	case notification.NotFound:
		return http.StatusNotFound
	}
	return http.StatusBadRequest
}

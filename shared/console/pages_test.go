package console_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// paths are all views, over a world that busy has filled.
func paths(urlID string, some ...notification.Delivery) []string {
	list := []string{
		"/console", "/console/urls", "/console/urls/" + urlID, "/console/urls/" + urlID + "/edit", "/console/urls/" + urlID + "/remove",
		"/console/deliveries", "/console/deliveries?status=exhausted", "/console/deliveries?status=pending", "/console/deliveries?status=retrying&reason=status",
		"/console/events", "/console/events?status=held", "/console/event-types", "/console/event-types/upload", "/console/settings",
		"/console/signature", "/console/recoveries", "/console/recoveries/new", "/console/recoveries/new?status=exhausted", "/console/recoveries/new?unmatched=1",
	}
	for _, d := range some {
		list = append(list, "/console/deliveries/"+d.DeliveryID, "/console/event?event_id="+url.QueryEscape(d.EventID))
	}
	return list
}

func TestEveryPage(t *testing.T) {
	w := newWorld(t)
	delivered, retrying, exhausted := w.busy(200)
	b := w.signedIn()
	for _, path := range paths(w.urlID("https://shop.example/hooks/media"), delivered, retrying, exhausted) {
		t.Run(path, func(t *testing.T) {
			body := b.page(path, http.StatusOK)
			size := len(body)
			for _, path := range asset.FindAllString(body, -1) {
				size += len(text(t, b.get(path)))
			}
			if size > 100<<10 {
				t.Errorf("%d bytes with everything", size)
			}
			for _, wanted := range []string{"<!doctype html>", `<main id="main"`, "</html>"} {
				if strings.Count(body, wanted) != 1 {
					t.Errorf("%q is there %d times", wanted, strings.Count(body, wanted))
				}
			}
			if n := strings.Count(body, "<h1"); n != 1 {
				t.Errorf("%d headings of the first level", n)
			}
			for _, never := range []string{" style=", "onclick=", "javascript:", apiSecret, "ZgotmplZ", "<no value>", "%!"} {
				if strings.Contains(body, never) {
					t.Errorf("the page has %q", never)
				}
			}
		})
	}
}

func TestEveryPageOfNothing(t *testing.T) {
	b := newWorld(t).signedIn()
	for path, want := range map[string]string{
		"/console":            "add your first notification URL",
		"/console/urls":       "No notification URL yet",
		"/console/deliveries": "Nothing has been delivered yet",
		"/console/events":     "No event has been reported yet",
		"/console/recoveries": "None yet",
		"/console/recoveries/new?status=exhausted": "There is nothing to resend",
		"/console/event-types/eager":               "No notification URL is told of it",
		"/console/settings":                        "3m,6m,9m",
	} {
		if body := b.page(path, http.StatusOK); !strings.Contains(body, want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
}

// A fault of what is behind shows where it is, with the request's id, and leaves
// the rest of the page alone.
func TestEveryPageOfAFault(t *testing.T) {
	w := newWorld(t)
	id := w.trigger(cloudName, "https://shop.example/hooks/media", "upload")
	d := w.tell(told{url: "https://shop.example/hooks/media", publicID: "lamp", status: notification.Delivered, attempts: []notification.Attempt{ok}})
	b := w.signedIn()
	w.store.OnCall(func(call notificationtest.Call) error {
		if call.Op != "Environment" {
			return errors.New("the table is throttled")
		}
		return nil
	})
	for _, path := range []string{"/console", "/console/urls", "/console/urls/" + id, "/console/deliveries", "/console/events", "/console/recoveries", "/console/recoveries/new?status=exhausted"} {
		body := b.page(path, http.StatusOK)
		if !strings.Contains(body, "This part could not be read") || strings.Contains(body, "throttled") {
			t.Errorf("%s: does not show the fault as it should\n%s", path, body)
		}
	}
	for _, path := range []string{"/console/deliveries/" + d.DeliveryID, "/console/event?event_id=a", "/console/search?q=lamp"} {
		if body := b.page(path, http.StatusInternalServerError); !strings.Contains(body, "Internal error") || strings.Contains(body, "throttled") {
			t.Errorf("%s: %s", path, body)
		}
	}
	if !strings.Contains(w.log.String(), "the table is throttled") {
		t.Error("the log does not have the cause")
	}
}

func TestGone(t *testing.T) {
	b := newWorld(t).signedIn()
	for _, path := range []string{
		"/console/nothing", "/console/deliveries/01KGGVH71G3T9W6QH0ZC5V8N20", "/console/event?event_id=none", "/console/urls/0123456789abcdef",
		"/console/urls/0123456789abcdef/edit", "/console/urls/0123456789abcdef/remove", "/console/event-types/none",
	} {
		if body := b.page(path, http.StatusNotFound); !strings.Contains(body, "kept for 30 days") {
			t.Errorf("%s does not say for how long things are kept", path)
		}
	}
}

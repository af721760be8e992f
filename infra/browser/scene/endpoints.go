package scene

import (
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// endpoint is a notification URL, and how its receiver behaves.
type endpoint struct {
	url   string
	types []string
	// since is when it was added; zero for long ago.
	since time.Time
	// attempts are those that a delivery which is accepted at a time gets; the
	// last may still be to come.
	attempts func(w *world, at time.Time) []notification.Attempt
}

// failingSince is when the content management system went down.
var failingSince = Now.Add(-22 * time.Minute)

// endpoints are eight of the ten that an environment may have, each with a story.
var endpoints = []endpoint{
	{"https://media.acme.example/hooks/cloudinary", []string{"upload", "eager", "rename", "delete", "move"}, time.Time{}, func(w *world, at time.Time) []notification.Attempt {
		return []notification.Attempt{w.answered(1, at, 200, w.about(46))}
	}},
	{"https://search.acme.example/index", []string{"upload", "rename", "delete"}, time.Time{}, func(w *world, at time.Time) []notification.Attempt {
		if w.chance.IntN(9) > 0 {
			return []notification.Attempt{w.answered(1, at, 200, w.about(120))}
		}
		return []notification.Attempt{
			w.answered(1, at, 503, w.about(90)),
			w.answered(2, at.Add(3*time.Minute), 200, w.about(120)),
		}
	}},
	{"https://cms.acme.example/webhooks/assets?site=main&token=8f14e45fceea167a", []string{"upload", "resource_tags_changed", "resource_context_changed"}, time.Time{}, func(w *world, at time.Time) []notification.Attempt {
		if at.Before(failingSince) {
			return []notification.Attempt{w.answered(1, at, 200, w.about(310))}
		}
		return w.failing(at, []time.Duration{0, 3 * time.Minute, 9 * time.Minute, 18 * time.Minute}, func(n int, at time.Time) notification.Attempt {
			return w.failed(n, at, notification.ReasonTimeout, 20*time.Second, "no answer within 20 seconds")
		})
	}},
	{"http://old-shop.acme.example/cld", []string{"rename"}, time.Time{}, func(w *world, at time.Time) []notification.Attempt {
		return w.failing(at, []time.Duration{0, 3 * time.Minute, 9 * time.Minute, 18 * time.Minute}, func(n int, at time.Time) notification.Attempt {
			a := w.answered(n, at, 301, w.about(30))
			a.Reason, a.Detail = notification.ReasonRedirect, "answered 301 Moved Permanently, to https://shop.acme.example/cld"
			return a
		})
	}},
	{"https://thumbs.acme.example/eager", []string{"eager"}, time.Time{}, func(w *world, at time.Time) []notification.Attempt {
		a := w.answered(1, at, 200, w.about(1900))
		a.Lane = notification.Slow
		return []notification.Attempt{a}
	}},
	{"https://staging.acme.example:8443/in", []string{"create_folder", "delete_folder"}, time.Time{}, func(w *world, at time.Time) []notification.Attempt {
		return w.failing(at, []time.Duration{0, 3 * time.Minute, 9 * time.Minute, 18 * time.Minute}, func(n int, at time.Time) notification.Attempt {
			return w.failed(n, at, notification.ReasonTLS, w.about(40), "certificate has expired: 2026-11-20")
		})
	}},
	{"https://partner.example/" + strings.Repeat("integration-", 18) + "end", []string{"moderation"}, time.Time{}, func(w *world, at time.Time) []notification.Attempt {
		return w.failing(at, []time.Duration{0, 3 * time.Minute, 9 * time.Minute, 18 * time.Minute}, func(n int, at time.Time) notification.Attempt {
			a := w.answered(n, at, 500, w.about(75))
			a.Response = []byte(hostile)
			return a
		})
	}},
	{"https://audit.acme.example/everything", []string{"all"}, Now.Add(-10 * time.Minute), func(w *world, at time.Time) []notification.Attempt {
		return []notification.Attempt{w.answered(1, at, 200, w.about(22))}
	}},
}

// hostile is an answer by somebody who knows that it is shown on a page.
const hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>\n\"'></textarea>" +
	"\u202Egnp.elbmis\u202C \u2066abc\u2069 \x1b[31mred\x1b[0m \x00 zero\u200Bwidth " + "averylongwordwithoutanyplacetobreakitwhichgoesonandonandonandonandonandonandon"

// about is a time around so many milliseconds.
func (w *world) about(milliseconds int) time.Duration {
	return time.Duration(milliseconds)*time.Millisecond*3/4 + time.Duration(w.chance.IntN(milliseconds*500))*time.Microsecond
}

// failing are the attempts whose time has come.
func (w *world) failing(at time.Time, after []time.Duration, attempt func(n int, at time.Time) notification.Attempt) []notification.Attempt {
	var all []notification.Attempt
	for i, d := range after {
		if start := at.Add(d); start.Before(Now.Add(-21 * time.Second)) {
			all = append(all, attempt(i+1, start))
		}
	}
	return all
}

// answered is an attempt that got an answer.
func (w *world) answered(n int, at time.Time, status int, took time.Duration) notification.Attempt {
	a := notification.Attempt{
		Number: n, StartedAt: at, Duration: took, StatusCode: status, Lane: notification.First, RemoteAddr: "203.0.113.17:443",
		Phases:   notification.Phases{DNS: took / 12, Connect: took / 8, TLS: took / 5, FirstByte: took / 2},
		Response: []byte(`{"ok":true}`),
	}
	if status != 200 {
		a.Reason, a.Response = notification.ReasonStatus, []byte("Service Unavailable\n")
	}
	return a
}

// failed is an attempt without an answer.
func (w *world) failed(n int, at time.Time, reason notification.Reason, took time.Duration, detail string) notification.Attempt {
	a := notification.Attempt{
		Number: n, StartedAt: at, Duration: took, Reason: reason, Detail: detail, Lane: notification.First, RemoteAddr: "203.0.113.42:443",
		Phases: notification.Phases{DNS: 4 * time.Millisecond, Connect: 11 * time.Millisecond},
	}
	if n > 1 {
		a.Lane = notification.Slow
	}
	return a
}

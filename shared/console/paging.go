package console

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// rangeOf says what a page has, since lists count nothing.
func rangeOf(n int, noun string, at func(int) time.Time) string {
	if n == 0 {
		return ""
	}
	newest, oldest := at(0).UTC(), at(n-1).UTC()
	form := "2006-01-02 15:04:05"
	text := plural(n, noun) + ", accepted " + newest.Format(form)
	if n == 1 {
		return text + " UTC"
	}
	if newest.Format(time.DateOnly) == oldest.Format(time.DateOnly) {
		form = "15:04:05"
	}
	return text + " to " + oldest.Format(form) + " UTC"
}

// mostTurns bounds how many pages back an address remembers.
const mostTurns = 20

// turn makes the addresses of the pages before and after. A cursor leads to older
// rows alone, so that an address carries those that led to it.
func turn(path string, values url.Values, next string) (older, newer string) {
	current := values.Get("next_cursor")
	var trail []string
	if text := values.Get("newer"); text != "" {
		trail = strings.Split(text, ".")
	}
	with := func(cursor string, trail []string) string {
		changed := url.Values{}
		for name, given := range values {
			changed[name] = given
		}
		changed.Del("next_cursor")
		changed.Del("newer")
		if cursor != "" {
			changed.Set("next_cursor", cursor)
		}
		if len(trail) > 0 {
			changed.Set("newer", strings.Join(trail, "."))
		}
		return address(path, changed)
	}
	if next != "" {
		longer := slices.Clone(trail)
		if current != "" {
			longer = append(longer, current)
		}
		older = with(next, longer[max(0, len(longer)-mostTurns):])
	}
	if current != "" {
		if n := len(trail); n > 0 {
			newer = with(trail[n-1], trail[:n-1])
		} else {
			newer = with("", nil)
		}
	}
	return older, newer
}

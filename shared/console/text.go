package console

import (
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/retry"
)

// functions are those of the templates.
var functions = template.FuncMap{
	"text":     inline,
	"lines":    lines,
	"plain":    plain,
	"when":     when,
	"ago":      ago,
	"span":     func(t, now time.Time) string { return span(now.Sub(t)) },
	"clock":    clock,
	"duration": duration,
	"days":     days,
	"exactly":  exactly,
	"asset":    assetPath,
	"state":    stateOf,
	"plural":   plural,
	"number":   number,
	"query":    query,
	"host":     hostOf,
	"short":    short,
	"reason":   reasonWords,
	"rows":     func(rows []deliveryRow, now time.Time) any { return deliveriesShown{rows, now} },
}

// deliveriesShown is what the table of deliveries needs.
type deliveriesShown struct {
	Rows []deliveryRow
	Now  time.Time
}

// inline shows a text that others have written, on one line: what cannot be seen,
// or would turn the text around, is shown as what it is.
func inline(text any) template.HTML { return visible(fmt.Sprint(text), false) }

// lines shows a text with its line breaks.
func lines(text any) template.HTML {
	if raw, ok := text.([]byte); ok {
		return visible(string(raw), true)
	}
	return visible(fmt.Sprint(text), true)
}

// visible writes a text as HTML that nothing in it can leave, in which control
// characters, those of direction, those without width and bytes that are no text
// stand as their numbers.
func visible(text string, breaks bool) template.HTML {
	var b strings.Builder
	b.WriteString("<bdi>")
	plain := 0 // where what needs no marking begins
	flush := func(end int) { b.WriteString(template.HTMLEscapeString(text[plain:end])) }
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			flush(i)
			fmt.Fprintf(&b, `<span class="unseen">\x%02X</span>`, text[i])
			plain = i + size
		case breaks && (r == '\n' || r == '\t'):
		case isUnseen(r):
			flush(i)
			fmt.Fprintf(&b, `<span class="unseen">U+%04X</span>`, r)
			plain = i + size
		}
		i += size
	}
	flush(len(text))
	b.WriteString("</bdi>")
	return template.HTML(b.String()) //nolint:gosec // all of it is escaped above
}

// plain shows a text where no mark-up can be, in titles and choices.
func plain(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `[\x%02X]`, text[i])
		case isUnseen(r):
			fmt.Fprintf(&b, "[U+%04X]", r)
		default:
			b.WriteString(text[i : i+size])
		}
		i += size
	}
	return b.String()
}

// isUnseen reports whether a character has no shape of its own: controls, formats
// (direction marks, zero-width joiners, tags), separators, private and unassigned
// ones, and the letters that are drawn as nothing.
func isUnseen(r rune) bool {
	switch {
	case r == ' ', unicode.IsPrint(r) && !isBlank(r):
		return false
	}
	return true
}

// isBlank knows letters and marks that are printable by category and empty by
// shape.
func isBlank(r rune) bool {
	switch r {
	case 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, 0x2800:
		return true
	}
	return r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF // variation selectors
}

// when shows a time, as UTC first and as how long ago or ahead second.
func when(t, now time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time> <span class="ago">%s</span>`, //nolint:gosec // numbers alone
		t.Format(time.RFC3339), t.Format("2006-01-02 15:04:05 UTC"), ago(t, now)))
}

// clock is a time of day to the second, in UTC.
func clock(t time.Time) string { return t.UTC().Format("15:04:05") }

// ago says how far a time is from now.
func ago(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case d < 0:
		return "in " + span(-d)
	case d < time.Second:
		return "just now"
	}
	return span(d) + " ago"
}

func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// duration is in the unit that fits it.
func duration(d time.Duration) string {
	switch {
	case d == 0:
		return "0 ms"
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// exactly says a setting's duration.
func exactly(d time.Duration) string { return retry.Schedule{d}.String() }

// days says a retention.
func days(d time.Duration) string { return plural(int(d.Hours()/24), "day") }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, found := strings.CutSuffix(noun, "y"); found && !strings.HasSuffix(noun, "ay") && !strings.HasSuffix(noun, "ey") {
		return number(n) + " " + stem + "ies"
	}
	return number(n) + " " + noun + "s"
}

// number groups digits by thousands.
func number(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// query builds an address out of a path and pairs of a name and a value.
func query(path string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	return address(path, values)
}

// hostOf is the host and port of a URL, or all of it.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return raw
	}
	return u.Host
}

// short names a key by its end.
func short(apiKey string) string {
	const shown = 4
	if len(apiKey) <= shown {
		return apiKey
	}
	return "…" + apiKey[len(apiKey)-shown:]
}

// state is a status as word, shape and colour.
type state struct{ Word, Kind, Icon string }

// stateOf gives every status its look. The word is the API's.
func stateOf(status any) state {
	word := fmt.Sprint(status)
	look := map[string]state{
		string(notification.Delivered):       {Kind: "good", Icon: "check"},
		string(notification.Retrying):        {Kind: "warn", Icon: "again"},
		string(notification.Exhausted):       {Kind: "bad", Icon: "cross"},
		string(notification.Pending):         {Kind: "calm", Icon: "dots"},
		string(notification.EventAccepted):   {Kind: "good", Icon: "check"},
		string(notification.EventHeld):       {Kind: "warn", Icon: "pause"},
		string(notification.EventSuppressed): {Kind: "calm", Icon: "minus"},
		string(notification.RecoveryRunning): {Kind: "warn", Icon: "again"},
		string(notification.RecoveryDone):    {Kind: "good", Icon: "check"},
		string(notification.RecoveryStopped): {Kind: "calm", Icon: "pause"},
		string(notification.RecoveryFailed):  {Kind: "bad", Icon: "cross"},
	}[word]
	look.Word = word
	return look
}

// reasonWords says a reason in a few words, for lists.
func reasonWords(of any) string {
	d, ok := of.(notification.Delivery)
	if pointer, is := of.(*notification.Delivery); is {
		d, ok = *pointer, true
	}
	if !ok {
		return ""
	}
	if len(d.Attempts) == 0 {
		return ""
	}
	last := d.Attempts[len(d.Attempts)-1]
	return failure(last)
}

// failure says in a few words why an attempt failed; empty where it did not.
func failure(a notification.Attempt) string {
	switch a.Reason {
	case "":
		return ""
	case notification.ReasonStatus, notification.ReasonRedirect:
		return fmt.Sprintf("answered %d", a.StatusCode)
	}
	return cmp.Or(reasonNames[a.Reason], string(a.Reason))
}

// reasonNames are the reasons in a few words.
var reasonNames = map[notification.Reason]string{
	notification.ReasonStatus:             "another answer than success",
	notification.ReasonRedirect:           "redirected",
	notification.ReasonTimeout:            "timed out",
	notification.ReasonConnect:            "could not connect",
	notification.ReasonDNS:                "host name not found",
	notification.ReasonTLS:                "TLS failed",
	notification.ReasonProtocol:           "answer is not HTTP",
	notification.ReasonBlockedAddress:     "address may not be notified",
	notification.ReasonInvalidURL:         "URL cannot be used",
	notification.ReasonInvalidPayload:     "stored notification unreadable",
	notification.ReasonSigningKeyDisabled: "signing key disabled",
	notification.ReasonNoSigningKey:       "no signing key",
}

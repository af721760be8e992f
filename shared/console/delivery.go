package console

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// deliveryPage is one delivery with its attempts.
type deliveryPage struct {
	D         history.Delivery
	Of        string
	Sentence  string
	Told      string
	URLID     string
	Attempts  []attemptShown
	Timeline  []instant
	CanResend bool
	Done      string
	NextLeft  int
}

// instant is a point of a timeline.
type instant struct {
	At         time.Time
	Kind, Icon string
	Text       string
	Link       string
}

// attemptShown is one attempt with both sides of the exchange.
type attemptShown struct {
	notification.Attempt
	Words, Advice, Note string
	Sent                history.Sent
	WasSent             bool
	Curl                string
	File                string
	Phases              []phase
	Binary              bool
}

// phase is a step of an attempt, on a line of 300 units.
type phase struct {
	Name     string
	Kind     string
	Took     time.Duration
	From, To string
}

func (c *Console) showDelivery(w http.ResponseWriter, r *http.Request, v visitor) error {
	d, err := c.History.Delivery(r.Context(), notification.DeliveryKey{CloudName: v.env.CloudName, DeliveryID: r.PathValue("id")})
	if err != nil {
		return err
	}
	shown := deliveryPage{
		D: d, Of: c.attemptOf(v, d.Delivery), Done: done(r), CanResend: d.Body != nil,
		NextLeft: max(0, d.ScheduleFrom+1+len(c.schedule(v))-d.AttemptCount-1),
	}
	shown.Told = history.ExplainDelivery(d)
	for _, u := range hooksOf(v) {
		if u.URI == d.URL {
			shown.URLID = u.ID()
		}
	}
	for i := len(d.Attempts) - 1; i >= 0; i-- {
		shown.Attempts = append(shown.Attempts, showAttempt(d, d.Attempts[i]))
	}
	shown.Sentence = c.deliverySentence(d.Delivery, v)
	shown.Timeline = timeline(d)
	c.render(w, r, v, http.StatusOK, "delivery", "Delivery to "+hostOf(d.URL), shown)
	return nil
}

// deliverySentence says in one how it stands, and what follows.
func (c *Console) deliverySentence(d notification.Delivery, v visitor) string {
	var last notification.Attempt
	if n := len(d.Attempts); n > 0 {
		last = d.Attempts[n-1]
	}
	switch d.Status {
	case notification.Delivered:
		return fmt.Sprintf("Delivered with attempt %d: answered %d within %s.", last.Number, last.StatusCode, duration(last.Duration))
	case notification.Retrying:
		next := d.AttemptCount + 1
		if !d.NextAt.After(v.now) {
			return fmt.Sprintf("Attempt %d is under way or about to begin; the last one %s.", next, failedBecause(last))
		}
		return fmt.Sprintf("The last attempt %s. Attempt %d follows %s.", failedBecause(last), next, ago(d.NextAt, v.now))
	case notification.Exhausted:
		return fmt.Sprintf("Given up after %s: the last one %s.", plural(d.AttemptCount, "attempt"), failedBecause(last))
	}
	return "Its first attempt is not over."
}

func failedBecause(a notification.Attempt) string {
	if a.Reason == "" {
		return "succeeded"
	}
	return "failed (" + failure(a) + ")"
}

func showAttempt(d history.Delivery, a notification.Attempt) attemptShown {
	shown := attemptShown{Attempt: a, Words: failure(a), Advice: history.Advice(a), Note: history.Note(a), Phases: phasesOf(a), Binary: len(a.Response) > 0 && !isText(a.Response)}
	if shown.Sent, shown.WasSent = d.Sent(a); shown.Sent.Body != nil {
		shown.File = fmt.Sprintf("%s/deliveries/%s/%d", root, d.DeliveryID, a.Number)
		shown.Curl = curl(d.URL, shown.Sent, fmt.Sprintf("%s-%d.json", d.DeliveryID, a.Number))
	}
	return shown
}

// timeline is what has happened, oldest first, and what comes.
func timeline(d history.Delivery) []instant {
	line := []instant{{At: d.AcceptedAt, Kind: "calm", Icon: "dots", Text: "Event accepted"}}
	if !d.Event.ReleasedAt.IsZero() {
		line = append(line, instant{At: d.Event.ReleasedAt, Kind: "calm", Icon: "again", Text: "Released, after it was held"})
	}
	if dropped := d.AttemptCount - len(d.Attempts); dropped > 0 {
		line = append(line, instant{Kind: "calm", Icon: "dots", Text: plural(dropped, "attempt") + " before, no longer on record"})
	}
	for _, a := range d.Attempts {
		point := instant{At: a.StartedAt, Kind: "good", Icon: "check", Link: "#attempt-" + strconv.Itoa(a.Number)}
		point.Text = fmt.Sprintf("Attempt %d: answered %d in %s", a.Number, a.StatusCode, duration(a.Duration))
		if a.Reason != "" {
			point.Kind, point.Icon = "bad", "cross"
			point.Text = fmt.Sprintf("Attempt %d: %s, after %s", a.Number, failure(a), duration(a.Duration))
		}
		line = append(line, point)
	}
	switch d.Status {
	case notification.Retrying:
		line = append(line, instant{At: d.NextAt, Kind: "warn", Icon: "again", Text: fmt.Sprintf("Attempt %d is due, in the %s lane", d.AttemptCount+1, d.NextLane)})
	case notification.Exhausted:
		line = append(line, instant{Kind: "bad", Icon: "cross", Text: "Given up: no retry is left"})
	}
	return line
}

// phasesOf lays the steps of an attempt one after the other on a line.
func phasesOf(a notification.Attempt) []phase {
	if a.Duration <= 0 {
		return nil
	}
	const width = 300
	rest := a.Duration
	var phases []phase
	at := time.Duration(0)
	add := func(name, kind string, took time.Duration) {
		took = min(took, rest)
		if took <= 0 {
			return
		}
		phases = append(phases, phase{name, kind, took, places(width * float64(at) / float64(a.Duration)), places(max(1, width*float64(took)/float64(a.Duration)))})
		at, rest = at+took, rest-took
	}
	add("DNS", "dns", a.Phases.DNS)
	add("Connect", "connect", a.Phases.Connect)
	add("TLS", "tls", a.Phases.TLS)
	add("First byte", "first", a.Phases.FirstByte)
	add("Rest", "rest", rest)
	return phases
}

// longestInline is how long a body is at most that a command carries itself.
const longestInline = 8 << 10

// curl is a command that sends the very same once more, quoted so that a shell
// changes nothing and runs nothing of it.
func curl(to string, sent history.Sent, file string) string {
	var b strings.Builder
	b.WriteString("curl -i -X POST " + quote(to))
	for _, header := range sent.Header {
		b.WriteString(" \\\n  -H " + quote(header.Name+": "+header.Value))
	}
	body := quote(string(sent.Body))
	if len(sent.Body) > longestInline || !isText(sent.Body) {
		body = "@" + file
	}
	b.WriteString(" \\\n  --data-binary " + body)
	return b.String()
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// downloadBody answers with the very bytes of one attempt, as a file.
func (c *Console) downloadBody(w http.ResponseWriter, r *http.Request, v visitor) error {
	d, err := c.History.Delivery(r.Context(), notification.DeliveryKey{CloudName: v.env.CloudName, DeliveryID: r.PathValue("id")})
	if err != nil {
		return err
	}
	for _, a := range d.Attempts {
		sent, known := d.Sent(a)
		if strconv.Itoa(a.Number) != r.PathValue("number") || !known || sent.Body == nil {
			continue
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", fmt.Sprintf("%s-%d.json", d.DeliveryID, a.Number)))
		_, _ = w.Write(sent.Body) // into memory
		return nil
	}
	return notification.Errorf(notification.NotFound, "What this attempt has sent is not on record.")
}

func (c *Console) resend(w http.ResponseWriter, r *http.Request, v visitor) error {
	id := r.PathValue("id")
	d, err := c.History.Resend(r.Context(), notification.DeliveryKey{CloudName: v.env.CloudName, DeliveryID: id})
	if err != nil {
		return err
	}
	c.Log.InfoContext(r.Context(), "delivery resent", "cloud_name", v.env.CloudName, "delivery_id", id, "attempt", d.AttemptCount+1, "api_key", v.apiKey)
	return seeOther(w, r, query(root+"/deliveries/"+id, "done", "resent"))
}

// curlExample is a command that reports an event to this stack.
func curlExample(r *http.Request, v visitor) string {
	return fmt.Sprintf(`curl -u %s:$API_SECRET \
  %s/v1_1/%s/events \
  -H 'Content-Type: application/json' \
  -d '{"notification_type":"upload","payload":{"public_id":"my-first-image"}}'`, v.apiKey, baseURL(r), v.env.CloudName)
}

// baseURL is where this stack is reached.
func baseURL(r *http.Request) string {
	if isLoopback(r.Host) {
		return "http://" + r.Host
	}
	return "https://" + r.Host
}

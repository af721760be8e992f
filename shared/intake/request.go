package intake

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/request"
)

// Bounds of a call.
const (
	MaxCall   = 2 << 20   // bytes of a call's body
	MaxEvent  = 256 << 10 // bytes of one event in it
	MaxEvents = 100       // events in a list
)

// maxText bounds the short strings of an event, in bytes.
const maxText = 256

// Report is one event as its producer reports it, read and valid in itself.
type Report struct {
	// Path is the report's place in the call, for errors: "" or "events[3]".
	Path             string
	EventID          string
	NotificationType string
	Method           string
	Payload          []byte
	// TriggeredAt is zero and Source empty where the producer left them to us.
	TriggeredAt     time.Time
	Source          string
	SourceID        string
	NotificationURL string
	BatchID         string
}

// Call is what one call reports.
type Call struct {
	Reports []Report
	// List says that the caller sent a list and expects one.
	List bool
}

// ReadCall reads the body of a call: one event, or {"events":[...]}. The
// idempotency key, where there is one, names the events that name no event_id.
// Errors are *notification.Error of code Invalid or TooLarge.
func ReadCall(cloudName string, body []byte, idempotencyKey string) (Call, error) {
	if len(body) > MaxCall {
		return Call{}, notification.Errorf(notification.TooLarge, "body: must be at most %d bytes", MaxCall)
	}
	if idempotencyKey != "" {
		if err := checkEventID("Idempotency-Key", idempotencyKey); err != nil {
			return Call{}, err
		}
	}
	fields, err := payload.Fields(body)
	if err != nil {
		return Call{}, request.Malformed("", err)
	}
	i := slices.IndexFunc(fields, func(f payload.Field) bool { return f.Name == "events" })
	if i < 0 {
		report, err := readReport("", cloudName, body, idempotencyKey)
		return Call{Reports: []Report{report}}, err
	}
	if len(fields) > 1 {
		return Call{}, notification.Errorf(notification.Invalid, "%s: unknown field beside events", fields[(i+1)%len(fields)].Name)
	}
	return readList(cloudName, fields[i].Raw, idempotencyKey)
}

func readList(cloudName string, raw []byte, idempotencyKey string) (Call, error) {
	elements, err := payload.Elements(raw)
	if err != nil {
		return Call{}, request.Malformed("events", err)
	}
	if len(elements) == 0 || len(elements) > MaxEvents {
		return Call{}, notification.Errorf(notification.Invalid, "events: must hold 1 to %d events, not %d", MaxEvents, len(elements))
	}
	call := Call{List: true, Reports: make([]Report, len(elements))}
	for i, element := range elements {
		key := idempotencyKey
		if key != "" {
			key = fmt.Sprintf("%s-%d", key, i)
		}
		call.Reports[i], err = readReport(fmt.Sprintf("events[%d]", i), cloudName, element, key)
		if err != nil {
			return Call{}, err
		}
	}
	return call, nil
}

// fields are those of an event; any other is a fault, since a misspelt name
// would otherwise be an event that does what nobody asked for.
var fields = []string{
	"event_id", "cloud_name", "notification_type", "method", "payload", "triggered_at", "triggered_by",
	"client_ip", "notification_url", "batch_id",
}

func readReport(path, cloudName string, raw []byte, idempotencyKey string) (Report, error) {
	if len(raw) > MaxEvent {
		return Report{}, notification.Errorf(notification.TooLarge, "%s: must be at most %d bytes", nonEmpty(path, "body"), MaxEvent)
	}
	o := request.JSON(path, raw)
	r := Report{
		Path:             path,
		EventID:          o.Text("event_id"),
		NotificationType: o.Text("notification_type"),
		Method:           o.Text("method"),
		Payload:          o.Raw("payload"),
		NotificationURL:  o.Text("notification_url"),
		BatchID:          o.Text("batch_id"),
	}
	o.Only(fields...)
	readEventID(o, &r, idempotencyKey)
	if name := o.Text("cloud_name"); name != "" && name != cloudName {
		o.Fail("cloud_name", "is not the environment of this call")
	}
	o.Text("client_ip") // shown where the environment asks for it, which none can yet
	switch {
	case r.NotificationType == "":
		o.Fail("notification_type", "is required")
	case !catalog.IsEventType(r.NotificationType):
		o.Fail("notification_type", "Invalid value %.64s", r.NotificationType)
	}
	if r.Payload == nil {
		o.Fail("payload", "is required, and must be an object")
	}
	readContext(o, &r)
	checkText(o, "method", r.Method)
	checkText(o, "batch_id", r.BatchID)
	if r.NotificationURL != "" && !catalog.TakesNotificationURL(r.NotificationType, r.Method) {
		o.Fail("notification_url", "is not a parameter of the method behind %s", nonEmpty(r.Method, r.NotificationType))
	}
	return r, o.Err()
}

func readEventID(o *request.Object, r *Report, idempotencyKey string) {
	switch {
	case r.EventID == "":
		if raw := o.Raw("event_id"); raw != nil {
			o.Fail("event_id", "must not be empty")
		}
		r.EventID = idempotencyKey
	case idempotencyKey != "" && r.Path == "" && r.EventID != idempotencyKey:
		o.Fail("event_id", "is not the one that the Idempotency-Key header names")
	default:
		if err := checkEventID(o.Path("event_id"), r.EventID); err != nil {
			o.Keep(err)
		}
	}
}

// readContext reads triggered_at and triggered_by.
func readContext(o *request.Object, r *Report) {
	if text := o.Text("triggered_at"); text != "" {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || at.Year() < 1970 || at.Year() > 9999 {
			o.Fail("triggered_at", "must be a time such as 2026-01-31T12:00:00.123456Z")
		}
		r.TriggeredAt = at.UTC()
	}
	if raw := o.Raw("triggered_by"); raw != nil {
		by := request.JSON(o.Path("triggered_by"), raw)
		r.Source, r.SourceID = by.Text("source"), by.Text("id")
		if r.Source == "" || r.SourceID == "" {
			by.Fail("source", "must be given with id, both as strings")
		}
		checkText(by, "source", r.Source)
		checkText(by, "id", r.SourceID)
		by.Only("source", "id")
		o.Keep(by.Err())
	}
}

// eventIDPattern is printable ASCII without the space and the #, which separates
// the parts of the record's key.
var eventIDPattern = regexp.MustCompile(`^[!-"$-~]{1,128}$`)

func checkEventID(field, id string) error {
	if !eventIDPattern.MatchString(id) {
		return notification.Errorf(notification.Invalid, "%s: must be 1 to 128 printable ASCII characters without spaces and #", field)
	}
	return nil
}

func checkText(o *request.Object, field, text string) {
	if len(text) > maxText {
		o.Fail(field, "must be at most %d bytes", maxText)
	}
}

func nonEmpty(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

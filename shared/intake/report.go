package intake

import (
	"fmt"
	"net/mail"
	"net/netip"
	"regexp"
	"time"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/request"
)

// maxText bounds the short strings of an event, in bytes.
const maxText = 256

// fields are those of an event; any other is a fault, since a misspelt name
// would otherwise be an event that does what nobody asked for.
var fields = []string{
	"event_id", "cloud_name", "notification_type", "method", "payload", "triggered_at", "triggered_by", "client_ip", "traceparent",
	"notification_url", "eager", "eager_async", "eager_notification_url", "upload_preset", "batch_id", "assets",
}

const (
	notThisEnvironment = "is not the environment of this call"
	notAParameter      = "is not a parameter of the method behind %s"
)

func readReport(path string, origin Origin, raw []byte) (Report, error) {
	if len(raw) > MaxEvent {
		return Report{}, notification.Errorf(notification.TooLarge, "%s: must be at most %d bytes", nonEmpty(path, "body"), MaxEvent)
	}
	o := request.JSON(path, raw)
	r := Report{
		Path:             path,
		EventID:          o.Text("event_id"),
		CloudName:        origin.CloudName,
		NotificationType: o.Text("notification_type"),
		Method:           o.Text("method"),
		Payload:          o.Raw("payload"),
		NotificationURL:  o.Text("notification_url"),
		UploadPreset:     o.Text("upload_preset"),
		BatchID:          o.Text("batch_id"),
		ClientIP:         o.Text("client_ip"),
	}
	o.Only(fields...)
	readEventID(o, &r, origin)
	readCloudName(o, &r)
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
	readTraceparent(o, &r, origin)
	checkText(o, "method", r.Method)
	checkText(o, "batch_id", r.BatchID)
	checkText(o, "upload_preset", r.UploadPreset)
	behind := nonEmpty(r.Method, r.NotificationType)
	if r.NotificationURL != "" && !catalog.TakesNotificationURL(r.NotificationType, r.Method) {
		o.Fail("notification_url", notAParameter, behind)
	}
	if r.UploadPreset != "" && !catalog.TakesUploadPreset(r.NotificationType, r.Method) {
		o.Fail("upload_preset", notAParameter, behind)
	}
	readEager(o, &r, behind)
	readAssets(o, &r)
	return r, o.Err()
}

func readEventID(o *request.Object, r *Report, origin Origin) {
	switch {
	case r.EventID == "":
		if raw := o.Raw("event_id"); raw != nil {
			o.Fail("event_id", "must not be empty")
		}
		r.EventID = nonEmpty(origin.IdempotencyKey, origin.DefaultID)
	case origin.IdempotencyKey != "" && r.Path == "" && r.EventID != origin.IdempotencyKey:
		o.Fail("event_id", "is not the one that the Idempotency-Key header names")
	default:
		if err := checkEventID(o.Path("event_id"), r.EventID); err != nil {
			o.Keep(err)
		}
	}
}

func readCloudName(o *request.Object, r *Report) {
	switch name := o.Text("cloud_name"); {
	case r.CloudName == "" && name == "":
		o.Fail("cloud_name", "is required")
	case r.CloudName == "":
		r.CloudName = name
	case name != "" && name != r.CloudName:
		o.Fail("cloud_name", notThisEnvironment)
	}
}

// readContext reads when, by whom and from where the event was triggered.
//
// Source: Cloudinary, Webhook notifications, Notification response examples: an
// email address for what happens in the Console, the api_key for a call.
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
		if r.Source == "ui" && !isEmail(r.SourceID) {
			by.Fail("id", "must be an email address where source is ui")
		}
		by.Only("source", "id")
		o.Keep(by.Err())
	}
	if r.ClientIP != "" {
		if addr, err := netip.ParseAddr(r.ClientIP); err != nil || addr.Zone() != "" {
			o.Fail("client_ip", "must be an IP address")
		}
	}
}

func isEmail(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text
}

// readEager reads what the call asked for about eager transformations, and the
// batch that ties their result to it.
func readEager(o *request.Object, r *Report, behind string) {
	eager := notification.Eager{
		Requested:       asked(o),
		Async:           o.Flag("eager_async"),
		NotificationURL: o.Text("eager_notification_url"),
		CallURL:         r.NotificationURL != "",
	}
	isResult := r.NotificationType == "eager"
	if !isResult && !catalog.TakesEager(r.NotificationType, r.Method) {
		switch {
		case eager.Requested:
			o.Fail("eager", notAParameter, behind)
		case eager.Async:
			o.Fail("eager_async", notAParameter, behind)
		case eager.NotificationURL != "":
			o.Fail("eager_notification_url", notAParameter, behind)
		}
		return
	}
	if isResult && eager.Requested {
		o.Fail("eager", "belongs to the upload; the results go into the payload")
	}
	named := eager.Requested || eager.Async || eager.NotificationURL != ""
	if r.Payload == nil || !isResult && !named && r.BatchID == "" {
		return
	}
	given, err := payload.Fields(r.Payload)
	if err != nil {
		o.Keep(request.Malformed(r.field("payload"), err))
		return
	}
	r.readBatch(o, given)
	switch {
	case isResult:
		if named || r.BatchID != "" {
			r.Eager = &eager
		}
	case eager.Requested || named && r.BatchID != "" && !hasResults(given):
		r.Eager = &eager
	case eager.Async || eager.NotificationURL != "" && !eager.CallURL:
		if hasResults(given) {
			r.Eager, r.results = &eager, given
		}
	}
}

// asked reports whether the field eager asks for transformations. Clients send
// an empty value for none.
func asked(o *request.Object) bool {
	switch raw := string(o.Raw("eager")); {
	case raw == "" || raw == `""` || raw == "false":
		return false
	case raw == "true" || raw[0] == '"':
		return true
	case raw[0] == '[':
		elements, err := payload.Elements([]byte(raw))
		return err == nil && len(elements) > 0
	case raw[0] == '{':
		return !o.IsEmptyObject("eager")
	}
	o.Fail("eager", "must be the transformations, as a string, an array or an object, or true")
	return false
}

// readBatch finds the batch_id, which the producer may leave to the payload.
func (r *Report) readBatch(o *request.Object, given []payload.Field) {
	inside := request.Of(r.field("payload"), given)
	id := inside.Text("batch_id")
	o.Keep(inside.Err())
	checkText(inside, "batch_id", id)
	o.Keep(inside.Err())
	r.batchInPayload = id != ""
	switch {
	case r.BatchID == "":
		r.BatchID = id
	case id != "" && id != r.BatchID:
		o.Fail("batch_id", "is not the batch_id of the payload")
	}
}

// hasResults reports whether an upload's payload holds the results of its eager
// transformations.
func hasResults(given []payload.Field) bool {
	for _, f := range given {
		if f.Name == "eager" {
			elements, err := payload.Elements(f.Raw)
			return err == nil && len(elements) > 0
		}
	}
	return false
}

// readAssets reads the assets of a deleted folder.
func readAssets(o *request.Object, r *Report) {
	raw := o.Raw("assets")
	if raw == nil {
		return
	}
	if r.NotificationType != "delete_folder" {
		o.Fail("assets", "belongs to delete_folder")
		return
	}
	elements, err := payload.Elements(raw)
	if err != nil {
		o.Keep(request.Malformed(o.Path("assets"), err))
		return
	}
	if len(elements) > MaxAssets {
		o.Fail("assets", "must be at most %d", MaxAssets)
	}
	r.Assets = make([][]byte, len(elements))
	for i, element := range elements {
		asset := request.JSON(o.Path(fmt.Sprintf("assets[%d]", i)), element)
		if asset.Text("public_id") == "" {
			asset.Fail("public_id", "is required")
		}
		o.Keep(asset.Err())
		r.Assets[i] = element
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

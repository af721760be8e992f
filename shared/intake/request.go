package intake

import (
	"fmt"
	"slices"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/request"
)

// Bounds of a call.
const (
	MaxCall   = 2 << 20   // bytes of a call's body
	MaxEvent  = 256 << 10 // bytes of one event in it
	MaxEvents = 100       // events in a list
	MaxAssets = 1000      // assets of deleted folders in a call
)

// Origin is how a call came in.
type Origin struct {
	// CloudName is the environment of the call; where it is empty, the events
	// name it.
	CloudName string
	// IdempotencyKey, from the header of that name, and DefaultID, from another
	// way in, stand for the event_id of an event that has none; "-i" is appended
	// for the event at index i of a list.
	IdempotencyKey, DefaultID string
	// Traceparent is the header of that name: the trace context of the events
	// that name none themselves.
	Traceparent string
}

// Report is one event as its producer reports it, read and valid in itself.
type Report struct {
	// Path is the report's place in the call, for errors: "" or "events[3]".
	Path             string
	EventID          string
	CloudName        string
	NotificationType string
	Method           string
	Payload          []byte
	// TriggeredAt is zero and Source empty where the producer left them to us.
	TriggeredAt     time.Time
	Source          string
	SourceID        string
	ClientIP        string
	NotificationURL string
	UploadPreset    string
	// Traceparent is the event's trace context, or empty.
	Traceparent string
	// BatchID is the event's, or its payload's.
	BatchID string
	// batchInPayload says that the payload has it as a field.
	batchInPayload bool
	// Eager is what the call asked for; nil where it asked for nothing.
	Eager *notification.Eager
	// results are the fields that an eager notification takes out of an upload's
	// payload that holds the results of its transformations; nil for others.
	results []payload.Field
	// Assets are those that a deleted folder held; nil where nothing is said of
	// them, empty for an empty folder.
	Assets [][]byte
	// parent is the event that this report was derived from.
	parent string
}

// field is the full name of one of the report's fields, for errors.
func (r Report) field(name string) string {
	if r.Path == "" {
		return name
	}
	return r.Path + "." + name
}

// Call is what one call reports.
type Call struct {
	// CloudName is the environment that all its events belong to.
	CloudName string
	Reports   []Report
	// List says that the caller sent a list and expects one.
	List bool
}

// ReadCall reads the body of a call: one event, or {"events":[...]}, the latter
// with a cloud_name beside it where the origin has none. Errors are
// *notification.Error of code Invalid or TooLarge.
func ReadCall(origin Origin, body []byte) (Call, error) {
	if len(body) > MaxCall {
		return Call{}, notification.Errorf(notification.TooLarge, "body: must be at most %d bytes", MaxCall)
	}
	if origin.IdempotencyKey != "" {
		if err := checkEventID("Idempotency-Key", origin.IdempotencyKey); err != nil {
			return Call{}, err
		}
	}
	fields, err := payload.Fields(body)
	if err != nil {
		return Call{}, request.Malformed("", err)
	}
	i := slices.IndexFunc(fields, func(f payload.Field) bool { return f.Name == "events" })
	if i >= 0 {
		return readList(origin, body, fields[i].Raw)
	}
	report, err := readReport("", origin, body)
	return Call{CloudName: report.CloudName, Reports: []Report{report}}, err
}

func readList(origin Origin, body, raw []byte) (Call, error) {
	beside := request.JSON("", body)
	cloudName := beside.Text("cloud_name")
	beside.Only("events", "cloud_name")
	switch {
	case origin.CloudName == "":
		origin.CloudName = cloudName
	case cloudName != "" && cloudName != origin.CloudName:
		beside.Fail("cloud_name", notThisEnvironment)
	}
	if err := beside.Err(); err != nil {
		return Call{}, err
	}
	elements, err := payload.Elements(raw)
	if err != nil {
		return Call{}, request.Malformed("events", err)
	}
	if len(elements) == 0 || len(elements) > MaxEvents {
		return Call{}, notification.Errorf(notification.Invalid, "events: must hold 1 to %d events, not %d", MaxEvents, len(elements))
	}
	call := Call{List: true, Reports: make([]Report, len(elements))}
	assets := 0
	for i, element := range elements {
		r, err := readReport(fmt.Sprintf("events[%d]", i), origin.at(i), element)
		if err != nil {
			return Call{}, err
		}
		// All events of a list belong to the environment that the first names.
		origin.CloudName = r.CloudName
		call.Reports[i] = r
		assets += len(r.Assets)
	}
	if assets > MaxAssets {
		return Call{}, notification.Errorf(notification.Invalid, "events: must name at most %d assets in all, not %d", MaxAssets, assets)
	}
	call.CloudName = origin.CloudName
	return call, nil
}

// at is the origin of the event at an index of a list.
func (o Origin) at(i int) Origin {
	if o.IdempotencyKey != "" {
		o.IdempotencyKey = fmt.Sprintf("%s-%d", o.IdempotencyKey, i)
	}
	if o.DefaultID != "" {
		o.DefaultID = fmt.Sprintf("%s-%d", o.DefaultID, i)
	}
	return o
}

// Package request reads the objects that callers send, for whoever must tell
// them what is wrong. Clients differ: some send null for what they leave out,
// some send forms, some send fields that nobody asked for. All that is read
// alike; only a field that is asked for and has another type is a fault, and the
// fault names the field.
package request

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
)

// Object is a caller's object. Its methods return the zero value for a field
// that is absent, null or of another type; the first fault is kept for Err, so
// that a reader can ask for all fields and check once.
type Object struct {
	// path goes before a field's name in faults: "events[3]."
	path   string
	fields []payload.Field
	err    error
}

// JSON reads an object from JSON. An empty body is the empty object. The path
// says where the object stands in the request, for the faults: "" or "events[3]".
func JSON(path string, data []byte) *Object {
	if len(data) == 0 {
		return &Object{}
	}
	fields, err := payload.Fields(data)
	if err != nil {
		return &Object{err: Malformed(path, err)}
	}
	return Of(path, fields)
}

// Of reads an object that is split into its fields already.
func Of(path string, fields []payload.Field) *Object {
	if path != "" {
		path += "."
	}
	return &Object{path: path, fields: fields}
}

// Malformed turns a fault of package payload into the error that a caller reads.
func Malformed(path string, err error) error {
	fault, ok := errors.AsType[*payload.Error](err)
	switch {
	case !ok:
		return err
	case fault.Path != "" && path != "":
		path += "." + fault.Path
	case fault.Path != "":
		path = fault.Path
	case path == "":
		path = "body"
	}
	return notification.Errorf(notification.Invalid, "%s: invalid JSON at byte %d: %s", path, fault.Offset, fault.Message)
}

// Form reads an object from form fields, in their order: every value is a string,
// and a name that comes twice is a fault.
func Form(body string) *Object {
	o := &Object{}
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return &Object{err: notification.Errorf(notification.Invalid, "body: is not a valid form")}
		}
		o.Add(name, value)
	}
	return o
}

// Add adds a field whose value is a string. A name that is there already is a
// fault.
func (o *Object) Add(name, value string) {
	if slices.ContainsFunc(o.fields, func(f payload.Field) bool { return f.Name == name }) {
		o.Fail(name, "is given more than once")
		return
	}
	raw, err := json.Marshal(value)
	if err != nil {
		o.Keep(fmt.Errorf("encode field %s: %w", name, err))
		return
	}
	o.fields = append(o.fields, payload.Field{Name: name, Raw: raw})
}

// Fields returns all fields, in their order.
func (o *Object) Fields() []payload.Field { return o.fields }

// Err returns the first fault: a *notification.Error of code Invalid.
func (o *Object) Err() error { return o.err }

// Fail keeps a fault about a field, unless there is one already.
func (o *Object) Fail(field, format string, args ...any) {
	if o.err == nil {
		o.err = notification.Errorf(notification.Invalid, "%s%s: %s", o.path, field, fmt.Sprintf(format, args...))
	}
}

// Keep keeps a fault that names its field already.
func (o *Object) Keep(err error) {
	if o.err == nil {
		o.err = err
	}
}

// Path returns the full name of a field, as faults give it.
func (o *Object) Path(field string) string { return o.path + field }

// Raw returns a field's JSON, nil where it is absent or null.
func (o *Object) Raw(field string) []byte {
	i := slices.IndexFunc(o.fields, func(f payload.Field) bool { return f.Name == field })
	if i < 0 || string(o.fields[i].Raw) == "null" {
		return nil
	}
	return o.fields[i].Raw
}

// Text returns a string field.
func (o *Object) Text(field string) string {
	var text string
	o.decode(field, &text, "must be a string")
	return text
}

// Flag returns a boolean field. Forms have texts for booleans, and clients differ
// in which.
func (o *Object) Flag(field string) bool {
	raw := o.Raw(field)
	switch string(raw) {
	case `"true"`, `"True"`, `"1"`:
		return true
	case `"false"`, `"False"`, `"0"`, `""`:
		return false
	}
	var flag bool
	o.decode(field, &flag, "must be true or false")
	return flag
}

// Only keeps a fault about the first field that is none of the named ones.
func (o *Object) Only(known ...string) {
	for _, f := range o.fields {
		if !slices.Contains(known, f.Name) {
			o.Fail(f.Name, "is not a field that is known here")
			return
		}
	}
}

// IsEmptyObject reports whether a field is absent, null, an empty object or, in a
// form, the empty string.
func (o *Object) IsEmptyObject(field string) bool {
	raw := o.Raw(field)
	if raw == nil || string(raw) == `""` || string(raw) == `"{}"` {
		return true
	}
	fields, err := payload.Fields(raw)
	return err == nil && len(fields) == 0
}

func (o *Object) decode(field string, into any, fault string) {
	raw := o.Raw(field)
	if raw == nil {
		return
	}
	if err := json.Unmarshal(raw, into); err != nil {
		o.Fail(field, "%s", fault)
	}
}

package intake

import (
	"regexp"
	"strings"

	"github.com/mediahooks/mediahooks/shared/request"
)

// readTraceparent reads the trace context of an event. A field that is malformed is
// a fault like any; a header may be anybody's between the producer and us, and is
// then left out.
//
// Source: W3C, Trace Context, Mutating the traceparent Field: a traceparent that
// cannot be parsed is not used.
func readTraceparent(o *request.Object, r *Report, origin Origin) {
	text := o.Text("traceparent")
	if text == "" {
		r.Traceparent, _ = parseTraceparent(origin.Traceparent)
		return
	}
	var ok bool
	if r.Traceparent, ok = parseTraceparent(text); !ok {
		o.Fail("traceparent", "must be a W3C trace context such as 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	}
}

var traceparent = regexp.MustCompile(`^([0-9a-f]{2})(-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2})(-.*)?$`)

// parseTraceparent returns a trace context in the form of version 00. Of a later
// version, which may say more, it returns what version 00 knows.
//
// Source: W3C, Trace Context, Versioning of traceparent.
func parseTraceparent(text string) (string, bool) {
	part := traceparent.FindStringSubmatch(text)
	if part == nil || part[1] == "ff" || part[1] == "00" && part[5] != "" ||
		strings.Trim(part[3], "0") == "" || strings.Trim(part[4], "0") == "" {
		return "", false
	}
	return "00" + part[2], true
}

package intake_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mediahooks/mediahooks/shared/intake"
)

const (
	ofTheCall  = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ofTheEvent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
)

// The trace context of an event is its own, else its call's; an environment that
// has not asked for it has none on record.
func TestTraceparent(t *testing.T) {
	const event = `{"notification_type":"upload","payload":{}}`
	traced := strings.Replace(event, "{", `{"traceparent":"`+ofTheEvent+`",`, 1)
	for _, test := range []struct {
		name, header, body string
		asked              bool
		want               []string
	}{
		{"none", "", event, true, []string{""}},
		{"the call's", ofTheCall, event, true, []string{ofTheCall}},
		{"not asked for", ofTheCall, traced, false, []string{""}},
		{"the event's", "", traced, true, []string{ofTheEvent}},
		{"the event's before the call's", ofTheCall, traced, true, []string{ofTheEvent}},
		{"a null is none", ofTheCall, strings.Replace(traced, `"`+ofTheEvent+`"`, "null", 1), true, []string{ofTheCall}},
		{"in a list", ofTheCall, `{"events":[` + event + `,` + traced + `]}`, true, []string{ofTheCall, ofTheEvent}},
		{"a malformed header", "00-0af7", event, true, []string{""}},
		{"of what follows from the event", ofTheCall, `{"notification_type":"delete_folder","payload":{"path":"a"},"assets":[{"public_id":"a/b"}]}`, true, []string{ofTheCall, ofTheCall}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := setup()
			b.env.Settings.ForwardTraceparent = test.asked
			origin := demo
			origin.Traceparent = test.header
			call, err := intake.ReadCall(origin, []byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.Accept(t.Context(), b.env, caller, call.Reports); err != nil {
				t.Fatal(err)
			}
			count := map[string]int{}
			for _, event := range b.store.AllEvents() {
				count[event.Traceparent]++
			}
			for _, want := range test.want {
				count[want]--
			}
			for traceparent, n := range count {
				if n != 0 {
					t.Errorf("%q: %d too many on record, want %q", traceparent, n, test.want)
				}
			}
			for _, m := range b.queue.Waiting() {
				if m.Traceparent != test.want[0] && m.Traceparent != test.want[len(test.want)-1] {
					t.Errorf("the message of %s has %q", m.EventID, m.Traceparent)
				}
			}
		})
	}
}

// A trace is not what the producer says of the event: a repeat has another.
func TestRepeatInAnotherTrace(t *testing.T) {
	b := setup()
	b.env.Settings.ForwardTraceparent = true
	for _, traceparent := range []string{ofTheCall, ofTheEvent} {
		if _, err := b.accept(t, `{"event_id":"e1","notification_type":"upload","payload":{},"traceparent":"`+traceparent+`"}`); err != nil {
			t.Fatal(err)
		}
	}
	if all := b.store.AllEvents(); len(all) != 1 || all[0].Traceparent != ofTheCall {
		t.Errorf("got %+v", all)
	}
}

// The rules of W3C Trace Context, Traceparent Header and Versioning of traceparent.
func TestTraceparentForms(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"version 00", ofTheCall, ofTheCall},
		{"flags that nobody knows", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe"},
		{"a later version", "cc" + ofTheCall[2:], ofTheCall},
		{"a later version that says more", "01" + ofTheCall[2:] + "-what-the-future-is-like", ofTheCall},
		{"version 00 that says more", ofTheCall + "-01", ""},
		{"a later version that goes on without a hyphen", "01" + ofTheCall[2:] + ".01", ""},
		{"the version that is invalid", "ff" + ofTheCall[2:], ""},
		{"upper case", strings.ToUpper(ofTheCall), ""},
		{"no trace", "00-00000000000000000000000000000000-b7ad6b7169203331-01", ""},
		{"no parent", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", ""},
		{"too short", ofTheCall[:54], ""},
		{"too long", ofTheCall + "0", ""},
		{"two", ofTheCall + "," + ofTheEvent, ""},
		{"a line break", ofTheCall + "\r\nX-Injected: yes", ""},
		{"a later version with a line break", "01" + ofTheCall[2:] + "-\nX-Injected: yes", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := fmt.Appendf(nil, `{"notification_type":"upload","payload":{},"traceparent":%q}`, test.text)
			call, err := intake.ReadCall(demo, body)
			switch {
			case test.want == "" && (err == nil || !strings.HasPrefix(err.Error(), "traceparent: must be a W3C trace context such as ")):
				t.Errorf("as a field: %v", err)
			case test.want != "" && (err != nil || call.Reports[0].Traceparent != test.want):
				t.Errorf("as a field: %v, %q, want %q", err, call.Reports[0].Traceparent, test.want)
			}
			call, err = intake.ReadCall(intake.Origin{CloudName: "demo", Traceparent: test.text}, []byte(`{"notification_type":"upload","payload":{}}`))
			if err != nil || call.Reports[0].Traceparent != test.want {
				t.Errorf("as a header: %v, %q, want %q", err, call.Reports[0].Traceparent, test.want)
			}
		})
	}
}

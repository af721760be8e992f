package intake_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// golden is the document's table of notification combinations, and what follows
// from it, for every combination of what a call can ask for. The recipients are
// the call's notification_url N and eager_notification_url G, the upload preset's
// URL P, and the triggers for upload U, eager E and all A. Each that is there is
// told of the notification named, once the upload is reported or once its eager
// result is as well.
var golden = []struct {
	asked           string // eager, async, N, G
	uponUpload      string
	uponEagerResult string
}{
	{"-", "upload: U A P", ""},
	{"N", "upload: U A N P", ""},
	{"G", "upload: U A P", ""},
	{"N G", "upload: U A N P", ""},
	{"async", "upload: U A P", ""},
	{"async N", "upload: U A N P", ""},
	{"async G", "upload: U A P", ""},
	{"async N G", "upload: U A N P", ""},
	{"eager", "", "upload: U A P"},
	{"eager N", "", "upload: U A N P"},
	{"eager G", "", "upload: U A P, eager: G"},
	{"eager N G", "", "upload: U A N P"},
	{"eager async", "upload: U A P", "eager: E A"},
	{"eager async N", "upload: U A N P", "eager: E A"},
	{"eager async G", "upload: U A P", "eager: E A G"},
	{"eager async N G", "upload: U A N P", "eager: E A G"},
}

// rig is a service over fakes that tells who was told.
type rig struct {
	*bundle
	holds *notificationtest.Holds
	seen  map[string]bool
}

// presetList is the upload presets of an environment.
type presetList map[string]notification.UploadPreset

func (p presetList) UploadPresets(_ context.Context, _ string, names []string) (map[string]notification.UploadPreset, error) {
	found := make(map[string]notification.UploadPreset)
	for _, name := range names {
		if preset, ok := p[name]; ok {
			found[name] = preset
		}
	}
	return found, nil
}

// Environment returns the rig's environment.
func (r *rig) Environment(_ context.Context, cloudName string) (notification.Environment, error) {
	if cloudName != r.env.CloudName {
		return notification.Environment{}, notification.Errorf(notification.NotFound, "unknown cloud_name")
	}
	return r.env, nil
}

var urlOf = map[string]string{
	"N": "https://call.example/n", "G": "https://call.example/g", "P": "https://preset.example/p",
	"U": "https://trigger.example/u", "E": "https://trigger.example/e", "A": "https://trigger.example/a",
}

// newRig has the triggers named, of U, E and A, and the preset where P is.
func newRig(there string) *rig {
	r := &rig{bundle: setup(), seen: make(map[string]bool)}
	r.holds = notificationtest.NewHolds(r.clock.Now)
	r.Clock, r.HoldTimeout = r.holds, time.Hour
	r.Environments = r
	r.Presets = presetList{}
	r.env.Hooks.Triggers = nil
	for _, trigger := range []struct{ name, eventType string }{{"U", "upload"}, {"E", "eager"}, {"A", "all"}} {
		if strings.Contains(there, trigger.name) {
			r.env.Hooks.Triggers = append(r.env.Hooks.Triggers,
				notification.Trigger{ID: trigger.name, URI: urlOf[trigger.name], EventType: trigger.eventType})
		}
	}
	if strings.Contains(there, "P") {
		r.Presets = presetList{"web": {Name: "web", NotificationURL: urlOf["P"]}}
	}
	return r
}

// observe returns who has been told since it was last asked: messages on the
// lanes whose delivery was not seen before, however far ahead they are due.
func (r *rig) observe() string {
	byType := make(map[string][]string)
	for _, m := range r.queue.Waiting() {
		if r.seen[m.DeliveryID] {
			continue
		}
		r.seen[m.DeliveryID] = true
		for name, url := range urlOf {
			if url == m.URL {
				byType[m.NotificationType] = append(byType[m.NotificationType], name)
			}
		}
	}
	return render(byType)
}

func render(byType map[string][]string) string {
	var parts []string
	for _, kind := range []string{"upload", "eager"} {
		if names := byType[kind]; len(names) > 0 {
			slices.SortFunc(names, func(a, b string) int { return strings.Index("UEANGP", a) - strings.Index("UEANGP", b) })
			parts = append(parts, kind+": "+strings.Join(names, " "))
		}
	}
	return strings.Join(parts, ", ")
}

// among leaves those recipients in a cell of the table that are there.
func among(cell, there string) string {
	byType := make(map[string][]string)
	for part := range strings.SplitSeq(cell, ", ") {
		kind, names, _ := strings.Cut(part, ": ")
		for _, name := range strings.Fields(names) {
			if name == "N" || name == "G" || strings.Contains(there, name) {
				byType[kind] = append(byType[kind], name)
			}
		}
	}
	return render(byType)
}

// both is what two cells come to together.
func both(a, b string) string {
	return among(a+", "+b, "UEAP")
}

// upload is the report of an upload that asked for something.
func upload(asked string) string {
	var b strings.Builder
	b.WriteString(`{"event_id":"up","notification_type":"upload","payload":{"public_id":"p"},"batch_id":"b1","upload_preset":"web"`)
	for _, word := range strings.Fields(asked) {
		switch word {
		case "eager":
			b.WriteString(`,"eager":"w_300|w_160"`)
		case "async":
			b.WriteString(`,"eager_async":true`)
		case "N":
			fmt.Fprintf(&b, `,"notification_url":%q`, urlOf["N"])
		case "G":
			fmt.Fprintf(&b, `,"eager_notification_url":%q`, urlOf["G"])
		}
	}
	return b.String() + "}"
}

const eagerResult = `{"event_id":"ea","notification_type":"eager","payload":{"eager":[{"transformation":"w_300"}],"public_id":"p"},"batch_id":"b1"}`

// subsets of the recipients that an environment may or may not have.
func subsets() []string {
	var all []string
	for bits := range 16 {
		var there string
		for i, name := range []string{"U", "E", "A", "P"} {
			if bits&(1<<i) != 0 {
				there += name
			}
		}
		all = append(all, there)
	}
	return all
}

// TestEagerTable runs the whole table in every environment, with the facts in
// either order, each reported twice, and in one list.
func TestEagerTable(t *testing.T) {
	for _, row := range golden {
		for _, there := range subsets() {
			uponUpload, uponResult := among(row.uponUpload, there), among(row.uponEagerResult, there)
			waits := strings.Contains(row.asked, "eager")
			t.Run(row.asked+" in "+there, func(t *testing.T) {
				t.Run("upload first", func(t *testing.T) {
					r := newRig(there)
					r.want(t, upload(row.asked), uponUpload)
					r.want(t, upload(row.asked), "")
					if !waits {
						return
					}
					r.want(t, eagerResult, uponResult)
					r.want(t, eagerResult, "")
					r.want(t, upload(row.asked), "")
				})
				if !waits {
					return
				}
				t.Run("result first", func(t *testing.T) {
					r := newRig(there)
					r.want(t, eagerResult, "")
					r.want(t, eagerResult, "")
					r.want(t, upload(row.asked), both(uponUpload, uponResult))
					r.want(t, upload(row.asked), "")
					r.want(t, eagerResult, "")
				})
				t.Run("one list", func(t *testing.T) {
					r := newRig(there)
					r.want(t, `{"events":[`+upload(row.asked)+`,`+eagerResult+`]}`, both(uponUpload, uponResult))
				})
			})
		}
	}
}

func (r *rig) want(t *testing.T, body, want string) {
	t.Helper()
	if _, err := r.accept(t, body); err != nil {
		t.Fatal(err)
	}
	if got := r.observe(); got != want {
		t.Errorf("after %.40s: told %q, want %q", body, got, want)
	}
}

// The bodies of the two notifications say batch_id where they come apart.
func TestBatchIDInBodies(t *testing.T) {
	for asked, want := range map[string][2]bool{
		"eager N":         {false, true},
		"eager async N G": {true, true},
		"eager G":         {false, true},
		"eager async":     {true, true},
		"N":               {false, true},
	} {
		r := newRig("UEA")
		for _, body := range []string{upload(asked), eagerResult} {
			if _, err := r.accept(t, body); err != nil {
				t.Fatal(err)
			}
		}
		for i, event := range r.store.AllEvents() { // the eager event before the upload
			has := strings.Contains(unpack(t, event.Body), `"batch_id":"b1"`)
			if expect := want[1-i]; has != expect {
				t.Errorf("%s: the %s notification has a batch_id: %t, want %t", asked, event.NotificationType, has, expect)
			}
		}
	}
}

func TestBatchIDIsMade(t *testing.T) {
	r := newRig("U")
	const report = `{"event_id":"up","notification_type":"upload","payload":{},"eager":["w_1"],"eager_async":true}`
	first, err := r.accept(t, report)
	if err != nil || len(first[0].BatchID) != 64 {
		t.Fatalf("batch_id = %q, %v, want 64 hex digits", first[0].BatchID, err)
	}
	again, err := r.accept(t, report)
	if err != nil || again[0].BatchID != first[0].BatchID || again[0].Status != intake.Duplicate {
		t.Errorf("repeat = %+v, %v", again[0], err)
	}
	if body := unpack(t, r.store.AllEvents()[0].Body); !strings.Contains(body, `,"batch_id":"`+first[0].BatchID+`",`) {
		t.Errorf("body = %s", body)
	}
}

// A half whose other never comes is held, visible, and released by its clock with
// the reason; the other, should it come after all, is late.
func TestReleaseByTime(t *testing.T) {
	for _, test := range []struct {
		asked                        string
		uploadFirst                  bool
		uponTime, uponOther, otherIs string
	}{
		{"eager N", true, "upload: U A N", "", "late"},
		{"eager G", true, "upload: U A", "eager: G", "late"},
		{"eager N", false, "eager: E A", "upload: U A N", "late"},
		{"eager G", false, "eager: E A", "upload: U A, eager: G", "late"},
		{"eager async N G", false, "eager: E A", "upload: U A N, eager: G", "late"},
	} {
		t.Run(fmt.Sprintf("%s upload first %t", test.asked, test.uploadFirst), func(t *testing.T) {
			r := newRig("UEA")
			first, other := upload(test.asked), eagerResult
			if !test.uploadFirst {
				first, other = other, first
			}
			results, err := r.accept(t, first)
			if err != nil || results[0].Status != intake.Held || !results[0].HeldUntil.Equal(epoch.Truncate(time.Millisecond).Add(time.Hour)) {
				t.Fatalf("result = %+v, %v", results, err)
			}
			if event := r.store.AllEvents()[0]; event.Status != notification.EventHeld {
				t.Errorf("event is %s on record", event.Status)
			}
			r.runClock(t, 59*time.Minute)
			if told := r.observe(); told != "" {
				t.Errorf("told %q before its time", told)
			}
			r.runClock(t, time.Minute+time.Second)
			if told := r.observe(); told != test.uponTime {
				t.Errorf("upon time told %q, want %q", told, test.uponTime)
			}
			if event := r.store.AllEvents()[0]; event.Status != notification.EventAccepted || event.Release != notification.ReleasedByTime {
				t.Errorf("event is %s on record, released by %q", event.Status, event.Release)
			}
			results, err = r.accept(t, other)
			if err != nil || results[0].Status != intake.Accepted || string(results[0].Release) != test.otherIs {
				t.Errorf("other half: %+v, %v", results, err)
			}
			if told := r.observe(); told != test.uponOther {
				t.Errorf("upon the other half told %q, want %q", told, test.uponOther)
			}
			r.runClock(t, 3*time.Hour)
			if told := r.observe(); told != "" || len(r.holds.Waiting()) > 0 {
				t.Errorf("told %q in the end, %d clocks run", told, len(r.holds.Waiting()))
			}
		})
	}
}

// runClock lets time pass, with the hold queue's messages handled as they come.
func (r *rig) runClock(t *testing.T, d time.Duration) {
	t.Helper()
	end := r.clock.Now().Add(d)
	for {
		next, ok := r.holds.NextAt()
		if !ok || next.After(end) {
			break
		}
		if next.After(r.clock.Now()) {
			r.clock.Advance(next.Sub(r.clock.Now()))
		}
		for _, hold := range r.holds.Due() {
			if err := r.Release(t.Context(), hold); err != nil {
				t.Fatal(err)
			}
		}
	}
	if left := end.Sub(r.clock.Now()); left > 0 {
		r.clock.Advance(left)
	}
}

// An event that says itself whom to tell, or is tied to nothing, waits for
// nothing.
func TestEagerAtOnce(t *testing.T) {
	for _, test := range []struct{ name, report, want string }{
		{"no batch", `{"notification_type":"eager","payload":{"eager":[]}}`, "eager: E A"},
		{"own URL", `{"notification_type":"eager","payload":{},"batch_id":"b1","eager_notification_url":"` + urlOf["G"] + `"}`, "eager: G"},
		{"own async", `{"notification_type":"eager","payload":{},"batch_id":"b1","eager_async":true}`, "eager: E A"},
		{"both", `{"notification_type":"eager","payload":{},"eager_async":true,"eager_notification_url":"` + urlOf["G"] + `"}`, "eager: E A G"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig("UEA")
			r.want(t, test.report, test.want)
			if len(r.holds.Waiting()) > 0 {
				t.Error("a clock was started")
			}
		})
	}
	t.Run("and its upload comes later", func(t *testing.T) {
		r := newRig("UEA")
		r.want(t, strings.Replace(eagerResult, `"batch_id"`, `"eager_async":true,"batch_id"`, 1), "eager: E A")
		r.want(t, upload("eager async G"), "upload: U A, eager: G")
	})
}

// Results that the upload's payload holds already are told without a fact of
// their own.
func TestResultsInPayload(t *testing.T) {
	for _, test := range []struct{ asked, want string }{
		{"-", "upload: U A"},
		{"G", "upload: U A, eager: G"},
		{"N G", "upload: U A N"},
		{"async", "upload: U A, eager: E A"},
		{"async N G", "upload: U A N, eager: E A G"},
	} {
		t.Run(test.asked, func(t *testing.T) {
			r := newRig("UEA")
			report := strings.Replace(upload(test.asked), `"public_id":"p"`,
				`"public_id":"p","request_id":"r","eager":[{"transformation":"w_1","status":"failed","reason":"no such font"}]`, 1)
			r.want(t, report, test.want)
			r.want(t, report, "")
			for _, m := range r.queue.Waiting() {
				if m.NotificationType == "eager" {
					const want = `{"notification_type":"eager","request_id":"r",` +
						`"eager":[{"transformation":"w_1","status":"failed","reason":"no such font"}],"public_id":"p","batch_id":"b1",`
					if body := unpack(t, m.Body); !strings.HasPrefix(body, want) {
						t.Errorf("body = %s\nwant it to begin %s", body, want)
					}
				}
			}
		})
	}
}

// Several uploads and results of one batch: each is told by the rules, once.
func TestSeveralOfOneBatch(t *testing.T) {
	r := newRig("UEA")
	second := func(report string) string { return strings.Replace(report, `"event_id":"`, `"event_id":"2`, 1) }
	r.want(t, upload("eager N"), "")
	r.want(t, second(upload("eager N")), "")
	r.want(t, eagerResult, "upload: U U A A N N")
	r.want(t, second(eagerResult), "")
}

// A batch takes so many events; what comes beyond is refused, and nothing waits
// for ever.
func TestFullBatch(t *testing.T) {
	r := newRig("UEA")
	numbered := func(n int) string {
		return strings.Replace(upload("eager N"), `"event_id":"up"`, fmt.Sprintf(`"event_id":"up-%d"`, n), 1)
	}
	for n := range notification.MaxBatch {
		if _, err := r.accept(t, numbered(n)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		results, err := r.accept(t, numbered(notification.MaxBatch))
		if notification.CodeOf(err) != notification.Conflict || results[0].Status != intake.Conflict ||
			!strings.Contains(err.Error(), "batch_id: 100 events name it already") {
			t.Fatalf("results = %+v, %v", results, err)
		}
	}
	event, _, err := r.store.Event(t.Context(), "demo", fmt.Sprintf("up-%d", notification.MaxBatch))
	if err != nil || event.Status != notification.EventSuppressed {
		t.Errorf("the refused event is %s on record, %v", event.Status, err)
	}
	if told := r.observe(); told != "" {
		t.Errorf("told %q", told)
	}
}

// A crash before or after every step of either half, and then a repeat: whoever
// was to be told is told, each once.
func TestEagerCrashes(t *testing.T) {
	for _, row := range golden {
		if !strings.Contains(row.asked, "eager") {
			continue
		}
		want := both(row.uponUpload, row.uponEagerResult)
		for _, facts := range [][2]string{{upload(row.asked), eagerResult}, {eagerResult, upload(row.asked)}} {
			for step := 0; ; step++ {
				r := newRig("UEAP")
				crashed := r.crashAt(step)
				for _, fact := range facts {
					if _, err := r.accept(t, fact); err != nil && notification.CodeOf(err) != notification.Unavailable {
						t.Fatal(err)
					} else if err != nil {
						r.store.OnCall(nil)
						r.queue.OnCall(nil)
						r.holds.OnCall(nil)
						if _, err := r.accept(t, fact); err != nil {
							t.Fatal(err)
						}
					}
				}
				if told := r.observe(); told != want {
					t.Errorf("%s, crash at step %d (%s): told %q, want %q", row.asked, step, *crashed, told, want)
				}
				if *crashed == "" {
					if step < 12 {
						t.Errorf("%s: only %d steps", row.asked, step)
					}
					break
				}
			}
		}
	}
}

// crashAt makes one effect of the fakes fail, before or after it takes place.
func (r *rig) crashAt(step int) *string {
	crashed, count := new(string), 0
	hook := func(call notificationtest.Call) error {
		count++
		if count-1 == step {
			*crashed = fmt.Sprintf("%s after %t", call.Op, call.After)
			return errors.New("process died")
		}
		return nil
	}
	r.store.OnCall(hook)
	r.queue.OnCall(hook)
	r.holds.OnCall(hook)
	return crashed
}

// Where the producer of the second half never repeats, the clock of the first
// mends what the crash has left undone.
func TestClockMendsACrash(t *testing.T) {
	for step := 0; ; step++ {
		r := newRig("UEAP")
		if _, err := r.accept(t, upload("eager G")); err != nil {
			t.Fatal(err)
		}
		crashed := r.crashAt(step)
		if _, err := r.accept(t, eagerResult); err == nil && *crashed != "" {
			t.Fatalf("a crash at %s was swallowed", *crashed)
		}
		r.store.OnCall(nil)
		r.queue.OnCall(nil)
		r.holds.OnCall(nil)
		r.runClock(t, 2*time.Hour)
		want := "upload: U A P, eager: G"
		if step < 5 { // the result had not joined its batch, and was not promised
			want = "upload: U A P"
		}
		if told := r.observe(); told != want {
			t.Errorf("crash at step %d (%s): told %q, want %q", step, *crashed, told, want)
		}
		if *crashed == "" {
			break
		}
	}
}

func TestHoldHops(t *testing.T) {
	r := newRig("U")
	if _, err := r.accept(t, upload("eager")); err != nil {
		t.Fatal(err)
	}
	hold := r.holds.Waiting()[0]
	want := notification.Hold{CloudName: "demo", EventID: "up", BatchID: "b1", Until: epoch.Truncate(time.Millisecond).Add(time.Hour)}
	if diff := cmp.Diff(want, hold); diff != "" {
		t.Errorf("hold (-want +got):\n%s", diff)
	}
	r.runClock(t, time.Hour+time.Second)
	if n := r.holds.Count("StartHolds"); n != 4 {
		t.Errorf("%d hops of a quarter of an hour, want 4", n)
	}
	if n := r.store.Count("TimeOutBatch"); n != 1 {
		t.Errorf("the batch was timed out %d times, want 1", n)
	}
}

package intake_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// wantNothingKept fails for what a record says of a payload. Only a held event may
// have one.
func (b *bundle) wantNothingKept(t *testing.T, step string) {
	t.Helper()
	for _, event := range b.store.AllEvents() {
		held := event.Status == notification.EventHeld
		if !event.LeftOut || (len(event.Body) > 0) != held || len(event.PublicIDs) > 0 || event.Misfit != "" && !held {
			t.Errorf("%s: the record of %s says %+v", step, event.ID, event)
		}
	}
}

// messages are those on the lanes, by delivery.
func (b *bundle) messages(t *testing.T) map[string]notification.Message {
	t.Helper()
	all := make(map[string]notification.Message)
	for _, m := range b.queue.Waiting() {
		if !m.LeftOut || len(m.Body) == 0 || len(m.PublicIDs) > 0 {
			t.Errorf("message %+v", m)
		}
		if other, twice := all[m.DeliveryID]; twice && string(other.Body) != string(m.Body) {
			t.Errorf("two bodies of delivery %s:\n%s\n%s", m.DeliveryID, unpack(t, other.Body), unpack(t, m.Body))
		}
		all[m.DeliveryID] = m
	}
	return all
}

// The messages carry the notification, and the record has nothing of it. A repeat
// says the very same, whenever it comes.
func TestLeftOut(t *testing.T) {
	b := setup()
	b.env.Settings.LeaveOutPayloads = true
	const body = `{"event_id":"e1","notification_type":"upload","payload":{"public_id":"a","bytes":"many"}}`
	results, err := b.accept(t, body)
	if err != nil || results[0].Status != intake.Accepted || results[0].Misfit == "" {
		t.Fatalf("%+v, %v", results, err)
	}
	b.wantNothingKept(t, "accepted")
	first := b.messages(t)
	b.clock.Advance(time.Hour)
	if results, err := b.accept(t, body); err != nil || results[0].Status != intake.Duplicate {
		t.Fatalf("%+v, %v", results, err)
	}
	b.wantNothingKept(t, "repeated")
	if again := b.messages(t); len(first) != 2 || len(again) != 2 || len(b.queue.Waiting()) != 4 {
		t.Errorf("%d deliveries at first, %d then", len(first), len(again))
	}
	if _, err := b.accept(t, strings.Replace(body, "many", "few", 1)); notification.CodeOf(err) != notification.Conflict {
		t.Errorf("the same id with another payload: %v, want a conflict", err)
	}
	// What is decided later does not change what is on record, nor what a repeat says.
	b.env.Settings.LeaveOutPayloads = false
	if _, err := b.accept(t, body); err != nil {
		t.Fatal(err)
	}
	b.wantNothingKept(t, "repeated when payloads are kept again")
	b.messages(t)
}

// Where the record does not have a payload, a message must have room for it.
func TestLeftOutTooLarge(t *testing.T) {
	noise := make([]byte, 250<<10*3/4)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	body := fmt.Sprintf(`{"notification_type":"upload","payload":{"a":%q}}`, base64.StdEncoding.EncodeToString(noise))
	b := setup()
	if _, err := b.accept(t, body); err != nil {
		t.Errorf("where it is kept: %v", err)
	}
	b.env.Settings.LeaveOutPayloads = true
	_, err := b.accept(t, body)
	if notification.CodeOf(err) != notification.Invalid || !strings.HasPrefix(err.Error(), "payload: is too large where keep_payloads is false: ") {
		t.Errorf("where it is left out: %v", err)
	}
	b = setup()
	b.env.Settings.LeaveOutPayloads = true
	large := fmt.Sprintf(`{"notification_type":"upload","payload":{"a":%q}}`, strings.Repeat("compressible ", 18000))
	if _, err := b.accept(t, large); err != nil {
		t.Errorf("%d bytes that can be compressed: %v", len(large), err)
	}
	b.messages(t)
}

// A pair is told by the same rules whether payloads are kept or not, with a crash
// at any step, and nothing of them is on record once they are told: at once where
// nothing crashes, and at last when the clock has run out.
func TestLeftOutPairs(t *testing.T) {
	for _, row := range golden {
		if !strings.Contains(row.asked, "eager") {
			continue
		}
		want := both(row.uponUpload, row.uponEagerResult)
		for _, facts := range [][2]string{{upload(row.asked), eagerResult}, {eagerResult, upload(row.asked)}} {
			for step := 0; ; step++ {
				r := newRig("UEAP")
				r.env.Settings.LeaveOutPayloads = true
				crashed := r.crashAt(step)
				for _, fact := range facts {
					if _, err := r.accept(t, fact); err != nil && notification.CodeOf(err) != notification.Unavailable {
						t.Fatal(err)
					} else if err != nil {
						r.noCrash()
						if _, err := r.accept(t, fact); err != nil {
							t.Fatal(err)
						}
					}
				}
				name := fmt.Sprintf("%s, crash at step %d (%s)", row.asked, step, *crashed)
				r.messages(t)
				if told := r.observe(); told != want {
					t.Errorf("%s: told %q, want %q", name, told, want)
				}
				r.wantNothingKept(t, name)
				if *crashed == "" {
					break
				}
			}
		}
	}
}

func (r *rig) noCrash() {
	r.store.OnCall(nil)
	r.queue.OnCall(nil)
	r.holds.OnCall(nil)
}

// Nobody repeats, and the clock alone is left. It leaves nothing of a payload
// behind, not even of an event that was never answered.
func TestLeftOutByTheClock(t *testing.T) {
	for _, facts := range [][]string{{upload("eager N")}, {eagerResult}, {upload("eager async G"), eagerResult}, {upload("eager G"), eagerResult}} {
		for step := 0; ; step++ {
			r := newRig("UEAP")
			r.env.Settings.LeaveOutPayloads = true
			crashed := r.crashAt(step)
			for _, fact := range facts {
				if _, err := r.accept(t, fact); err == nil && *crashed != "" {
					t.Fatalf("a crash at %s was swallowed", *crashed)
				}
				if *crashed != "" {
					break
				}
			}
			r.noCrash()
			r.runClock(t, 2*time.Hour)
			r.messages(t)
			for _, event := range r.store.AllEvents() {
				if len(event.Body) > 0 || event.Status == notification.EventHeld && event.ExpiresAt.After(r.clock.Now()) {
					t.Errorf("crash at step %d (%s): the record of %s says %+v", step, *crashed, event.ID, event)
				}
			}
			if *crashed == "" {
				break
			}
		}
	}
}

// An upload that joins when its batch's result is told and forgotten names a URL
// that cannot be told any more: the delivery says so, rather than be missing.
func TestLeftOutTooLate(t *testing.T) {
	r := newRig("U")
	r.env.Settings.LeaveOutPayloads = true
	second := strings.Replace(upload("eager async G"), `"event_id":"up"`, `"event_id":"up-2"`, 1)
	for _, fact := range []string{upload("eager async"), eagerResult, second} {
		if _, err := r.accept(t, fact); err != nil {
			t.Fatal(err)
		}
	}
	var lost []string
	for _, m := range r.queue.Waiting() {
		if m.LeftOut && len(m.Body) == 0 {
			lost = append(lost, m.NotificationType+" to "+m.URL)
		}
	}
	if diff := cmp.Diff([]string{"eager to " + urlOf["G"]}, lost); diff != "" {
		t.Errorf("sent without a notification (-want +got):\n%s", diff)
	}
}

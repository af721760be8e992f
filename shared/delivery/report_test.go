package delivery_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/delivery"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// counts is a report without what is in it of each attempt.
func counts(r delivery.Report) map[string]int {
	c := map[string]int{
		"failed": len(r.Failed), "suppressed": r.Suppressed, "passed": r.Passed, "slowed": r.Slowed, "unrecorded": r.Unrecorded,
	}
	for _, a := range r.Attempts {
		c["attempts"]++
		if a.Status != "" {
			c[string(a.Status)]++
		}
	}
	for name, n := range c {
		if n == 0 {
			delete(c, name)
		}
	}
	return c
}

// A report has every message of a batch once, by what became of it.
func TestReport(t *testing.T) {
	b := setup(t)
	slow := func(n int) notification.Message {
		m := message(n)
		m.Origin, m.URL = "https://slow.example", "https://slow.example/hook"
		return m
	}
	for _, step := range []struct {
		name     string
		took     time.Duration
		answer   notification.Answer
		unsaved  error
		messages []notification.Message
		want     map[string]int
	}{
		{"a success, named twice", 0, notification.Answer{StatusCode: 200}, nil, []notification.Message{message(1), message(1)},
			map[string]int{"attempts": 1, "delivered": 1, "suppressed": 1}},
		{"what is on record", 0, notification.Answer{StatusCode: 200}, nil, []notification.Message{message(1), message(2)},
			map[string]int{"attempts": 1, "delivered": 1, "suppressed": 1}},
		{"a failure that takes long", 2 * time.Second, notification.Answer{Reason: notification.ReasonTimeout}, nil, []notification.Message{slow(3)},
			map[string]int{"attempts": 1, "retrying": 1, "slowed": 1}},
		{"of an origin that is slow", 0, notification.Answer{StatusCode: 200}, nil, []notification.Message{slow(4), slow(5)}, map[string]int{"passed": 2}},
		{"a record that cannot be written", 0, notification.Answer{StatusCode: 200}, errors.New("throttled"), []notification.Message{message(6), {}},
			map[string]int{"attempts": 1, "unrecorded": 1, "failed": 2}},
	} {
		t.Run(step.name, func(t *testing.T) {
			b.sender.answer = func(int, notification.Request) notification.Answer {
				b.clock.Advance(step.took)
				return step.answer
			}
			b.store.OnCall(func(call notificationtest.Call) error {
				if call.Op == "RecordAttempts" {
					return step.unsaved
				}
				return nil
			})
			if diff := cmp.Diff(step.want, counts(b.Deliver(t.Context(), step.messages))); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

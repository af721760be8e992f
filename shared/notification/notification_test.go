package notification_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/notification"
)

func TestKeyForSigning(t *testing.T) {
	key := func(id string, day int, enabled, webhooks bool) notification.AccessKey {
		return notification.AccessKey{
			APIKey: id, Enabled: enabled, Webhooks: webhooks, CreatedAt: time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC),
		}
	}
	for _, test := range []struct {
		name    string
		keys    []notification.AccessKey
		want    string
		wantErr error
	}{
		{"the oldest enabled one", []notification.AccessKey{key("3", 3, true, false), key("1", 1, false, false), key("2", 2, true, false)}, "2", nil},
		{"of one age, the lower id", []notification.AccessKey{key("b", 1, true, false), key("a", 1, true, false)}, "a", nil},
		{"the dedicated one before an older", []notification.AccessKey{key("1", 1, true, false), key("2", 2, true, true)}, "2", nil},
		{"a disabled dedicated one is not replaced", []notification.AccessKey{key("1", 1, true, false), key("2", 2, false, true)}, "", notification.ErrSigningKeyDisabled},
		{"all disabled", []notification.AccessKey{key("1", 1, false, false)}, "", notification.ErrNoSigningKey},
		{"none", nil, "", notification.ErrNoSigningKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := notification.Environment{Keys: test.keys}.KeyForSigning()
			if got.APIKey != test.want || !errors.Is(err, test.wantErr) {
				t.Errorf("key = %q, %v, want %q, %v", got.APIKey, err, test.want, test.wantErr)
			}
		})
	}
}

// A record stays bounded however often a delivery is attempted, and of all but
// the last answer little is kept.
func TestAttempted(t *testing.T) {
	var d notification.Delivery
	for n := 1; n <= 100; n++ {
		d.Attempted(notification.Attempt{Number: n, Response: make([]byte, 5000)})
	}
	if d.AttemptCount != 100 || len(d.Attempts) != notification.KeptAttempts {
		t.Fatalf("count %d, %d kept", d.AttemptCount, len(d.Attempts))
	}
	for i, a := range d.Attempts {
		want := notification.ResponseKept
		if i == len(d.Attempts)-1 {
			want = notification.LastResponseKept
		}
		if a.Number != 100-len(d.Attempts)+i+1 || len(a.Response) != want {
			t.Errorf("attempt %d keeps %d bytes, want %d", a.Number, len(a.Response), want)
		}
	}
}

func TestHooks(t *testing.T) {
	hooks := notification.Hooks{Triggers: []notification.Trigger{
		{ID: "1", URI: "b", EventType: "upload"}, {ID: "2", URI: "a", EventType: "all"}, {ID: "3", URI: "b", EventType: "delete"},
	}}
	if diff := cmp.Diff([]string{"b", "a"}, hooks.URLs()); diff != "" {
		t.Errorf("URLs (-want +got):\n%s", diff)
	}
	var matching []string
	for _, trigger := range hooks.Matching("delete") {
		matching = append(matching, trigger.ID)
	}
	if diff := cmp.Diff([]string{"2", "3"}, matching); diff != "" {
		t.Errorf("matching (-want +got):\n%s", diff)
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("read x: %w", &notification.Error{Code: notification.Unavailable, Message: "try again", Err: cause})
	if notification.CodeOf(err) != notification.Unavailable || !errors.Is(err, cause) || err.Error() != "read x: try again: cause" {
		t.Errorf("error = %v of code %s", err, notification.CodeOf(err))
	}
	if code := notification.CodeOf(cause); code != notification.Internal {
		t.Errorf("an error without a code is %s", code)
	}
}

func TestReference(t *testing.T) {
	event := notification.Event{CloudName: "demo", ID: "e", NotificationType: "upload", Body: []byte("b"), AcceptedAt: time.Unix(1, 0),
		Targets: []notification.Target{{DeliveryID: "d", URL: "https://A.example/u", Why: notification.ByCall, TriggerID: "t"}}}
	target, found := event.Target("d")
	if _, other := event.Target("x"); !found || other {
		t.Fatal("the wrong target")
	}
	m := event.Message(target, 2, notification.Slow, time.Unix(9, 0))
	if m.IsReference() || m.URL != "https://A.example/u" || m.Attempt != 2 || string(m.Body) != "b" {
		t.Errorf("message = %+v", m)
	}
	want := notification.Message{CloudName: "demo", EventID: "e", DeliveryID: "d", Attempt: 2, Lane: notification.Slow, DueAt: time.Unix(9, 0), Origin: "https://a.example"}
	if diff := cmp.Diff(want, m.Reference()); diff != "" || !m.Reference().IsReference() {
		t.Errorf("reference (-want +got):\n%s", diff)
	}
}

package notificationtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// QueueContract is what the stages need of the lanes, and a way to take messages
// off them.
type QueueContract interface {
	Send(ctx context.Context, messages []notification.Message) (failed map[int]error)
	// Take returns and deletes what can be received of a lane now, at least n
	// messages unless fewer come for a while.
	Take(t *testing.T, lane notification.Lane, n int) []notification.Message
}

// ExerciseQueue tests a queue. Each test opens one that is empty, with the clock
// that it goes by.
func ExerciseQueue(t *testing.T, open func(t *testing.T) (QueueContract, func() time.Time)) {
	for name, test := range map[string]func(*testing.T, QueueContract, time.Time){
		"lanes are apart":         lanesAreApart,
		"many":                    manyMessages,
		"large ones as reference": largeMessages,
		"not before they are due": delayedMessages,
		"what cannot be sent":     unsendable,
	} {
		t.Run(name, func(t *testing.T) {
			q, now := open(t)
			test(t, q, now().UTC().Truncate(time.Millisecond))
		})
	}
}

func newMessage(n int, lane notification.Lane, due time.Time) notification.Message {
	return notification.Message{
		CloudName: "demo", EventID: "event " + awkward, DeliveryID: fmt.Sprintf("delivery-%03d", n), Attempt: 1, Lane: lane, DueAt: due,
		Origin: "https://example.com", Passes: 2,
		NotificationType: "upload", URL: "https://example.com/hook?a=1&b=<2>", Why: notification.ByTrigger, TriggerID: "t",
		AcceptedAt: due, Body: []byte{0x28, 0xb5, 0, 0xff, byte(n)},
	}
}

func lanesAreApart(t *testing.T, q QueueContract, now time.Time) {
	first, slow := newMessage(1, notification.First, now), newMessage(2, notification.Slow, now)
	noneFailed(t, q.Send(t.Context(), []notification.Message{first, slow}))
	wantEqual(t, "first lane", []notification.Message{first}, q.Take(t, notification.First, 1))
	wantEqual(t, "slow lane", []notification.Message{slow}, q.Take(t, notification.Slow, 1))
}

func manyMessages(t *testing.T, q QueueContract, now time.Time) {
	var messages []notification.Message
	for n := range 123 {
		messages = append(messages, newMessage(n, notification.First, now))
	}
	noneFailed(t, q.Send(t.Context(), messages))
	got := q.Take(t, notification.First, len(messages))
	slices.SortFunc(got, func(a, b notification.Message) int { return strings.Compare(a.DeliveryID, b.DeliveryID) })
	wantEqual(t, "messages", messages, got)
}

func largeMessages(t *testing.T, q QueueContract, now time.Time) {
	var messages, want []notification.Message
	for n := range 12 {
		m := newMessage(n, notification.First, now)
		m.Body = make([]byte, 40<<10+n*1024) // 40 KiB fit in base64, 51 do not
		messages = append(messages, m)
		if n >= 5 {
			m = m.Reference()
		}
		want = append(want, m)
	}
	noneFailed(t, q.Send(t.Context(), messages))
	got := q.Take(t, notification.First, len(messages))
	slices.SortFunc(got, func(a, b notification.Message) int { return strings.Compare(a.DeliveryID, b.DeliveryID) })
	wantEqual(t, "messages", want, got)
}

func delayedMessages(t *testing.T, q QueueContract, now time.Time) {
	later := newMessage(1, notification.First, now.Add(900*time.Second))
	soon := newMessage(2, notification.First, now.Add(-time.Minute))
	noneFailed(t, q.Send(t.Context(), []notification.Message{later, soon}))
	wantEqual(t, "due messages", []notification.Message{soon}, q.Take(t, notification.First, 1))
	if early := q.Take(t, notification.First, 0); len(early) > 0 {
		t.Errorf("received 15 minutes early: %v", early)
	}
}

func unsendable(t *testing.T, q QueueContract, now time.Time) {
	good := newMessage(1, notification.First, now)
	failed := q.Send(t.Context(), []notification.Message{
		newMessage(0, "fast", now), good, newMessage(2, notification.Slow, now.Add(16*time.Minute)),
	})
	if len(failed) != 2 || failed[0] == nil || failed[2] == nil {
		t.Errorf("failed = %v, want the first and the last", failed)
	}
	wantEqual(t, "what was sent", []notification.Message{good}, q.Take(t, notification.First, 1))
}

// VaultContract is what the registry needs of a vault.
type VaultContract interface {
	NewDataKey(ctx context.Context, cloudName string) ([]byte, error)
	Seal(ctx context.Context, cloudName string, dataKey []byte, apiKey, secret string) ([]byte, error)
	Open(ctx context.Context, cloudName string, dataKey []byte, apiKey string, sealed []byte) (string, error)
}

// ExerciseVault tests a vault.
func ExerciseVault(t *testing.T, v VaultContract) {
	const secret = "s3cr3t-" + awkward
	ctx := t.Context()
	newKey := func(cloud string) []byte {
		dataKey, err := v.NewDataKey(ctx, cloud)
		if err != nil {
			t.Fatal(err)
		}
		return dataKey
	}
	one, other := newKey("one"), newKey("other")
	sealed, err := v.Seal(ctx, "one", one, "123", secret)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(sealed), "s3cr3t") {
		t.Error("the sealed secret can be read")
	}
	if got, err := v.Open(ctx, "one", one, "123", sealed); err != nil || got != secret {
		t.Errorf("open = %q, %v", got, err)
	}
	damaged := slices.Clone(sealed)
	damaged[len(damaged)-1] ^= 1
	for _, test := range []struct {
		name, cloud string
		dataKey     []byte
		apiKey      string
		sealed      []byte
	}{
		{"another environment", "other", one, "123", sealed},
		{"another environment and its key", "other", other, "123", sealed},
		{"another data key", "one", other, "123", sealed},
		{"no data key", "one", nil, "123", sealed},
		{"another access key", "one", one, "124", sealed},
		{"damaged", "one", one, "123", damaged},
		{"cut off", "one", one, "123", sealed[:5]},
		{"nothing", "one", one, "123", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := v.Open(t.Context(), test.cloud, test.dataKey, test.apiKey, test.sealed)
			if err == nil || got != "" || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("open = %q, %v", got, err)
			}
		})
	}
}

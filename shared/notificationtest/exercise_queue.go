package notificationtest

import (
	"bytes"
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
		"what is not on record":   carried,
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

// A message with the only copy of its notification is never its reference, and may
// be due at any time: it then comes early.
func carried(t *testing.T, q QueueContract, now time.Time) {
	var messages []notification.Message
	for n := range 4 {
		m := newMessage(n, notification.First, now)
		m.LeftOut, m.Body = true, make([]byte, 60<<10*n) // 180 KiB is 240 in base64
		if n == 0 {
			m.Body = nil
		}
		messages = append(messages, m)
	}
	tooLarge := newMessage(5, notification.First, now)
	tooLarge.LeftOut, tooLarge.Body = true, make([]byte, 192<<10)
	later := newMessage(6, notification.First, now.Add(24*time.Hour))
	later.LeftOut = true
	failed := q.Send(t.Context(), append(slices.Clone(messages), tooLarge, later))
	if len(failed) != 1 || failed[4] == nil {
		t.Errorf("failed = %v, want the one that is too large", failed)
	}
	got := q.Take(t, notification.First, len(messages))
	slices.SortFunc(got, func(a, b notification.Message) int { return strings.Compare(a.DeliveryID, b.DeliveryID) })
	wantEqual(t, "messages", messages, got)
}

// VaultContract is what the registry needs of a vault.
type VaultContract interface {
	Seal(ctx context.Context, cloudName, apiKey, secret string) (dataKey, sealed []byte, err error)
	Open(ctx context.Context, cloudName, apiKey string, dataKey, sealed []byte) (string, error)
}

// ExerciseVault tests a vault.
func ExerciseVault(t *testing.T, v VaultContract) {
	const secret = "s3cr3t-" + awkward
	ctx := t.Context()
	seal := func(cloud, apiKey string) (dataKey, sealed []byte) {
		dataKey, sealed, err := v.Seal(ctx, cloud, apiKey, secret)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(sealed)+string(dataKey), "s3cr3t") {
			t.Error("the sealed secret can be read")
		}
		return dataKey, sealed
	}
	one, sealed := seal("one", "123")
	other, sealedOther := seal("other", "123")
	if got, err := v.Open(ctx, "one", "123", one, sealed); err != nil || got != secret {
		t.Errorf("open = %q, %v", got, err)
	}
	again, sealedAgain := seal("one", "123")
	if bytes.Equal(one, again) || bytes.Equal(sealed, sealedAgain) {
		t.Error("two seals of the same secret are the same")
	}
	damaged := slices.Clone(sealed)
	damaged[len(damaged)-1] ^= 1
	for _, test := range []struct {
		name, cloud, apiKey string
		dataKey, sealed     []byte
	}{
		{"another environment", "other", "123", one, sealed},
		{"another environment and its key", "other", "123", other, sealed},
		{"another environment's secret", "one", "123", other, sealedOther},
		{"another data key", "one", "123", other, sealed},
		{"another seal's data key", "one", "123", again, sealed},
		{"no data key", "one", "123", nil, sealed},
		{"another access key", "one", "124", one, sealed},
		{"damaged", "one", "123", one, damaged},
		{"cut off", "one", "123", one, sealed[:5]},
		{"nothing", "one", "123", one, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := v.Open(t.Context(), test.cloud, test.apiKey, test.dataKey, test.sealed)
			if err == nil || got != "" || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("open = %q, %v", got, err)
			}
		})
	}
}

package notificationtest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// StoreContract is all that the stages need of a store. Package registry,
// intake and delivery declare the parts, and say what each has to do.
type StoreContract interface {
	Environment(ctx context.Context, cloudName string) (notification.Environment, bool, error)
	CloudName(ctx context.Context, id string) (cloudName string, found bool, err error)
	ListEnvironments(ctx context.Context) ([]notification.Environment, error)
	CreateEnvironment(ctx context.Context, env notification.Environment) error
	ReplaceEnvironment(ctx context.Context, before, after notification.Environment) error
	DeleteEnvironment(ctx context.Context, env notification.Environment, at, reservedUntil time.Time) error
	ReplaceHooks(ctx context.Context, cloudName string, hooks notification.Hooks) error
	ReplaceSettings(ctx context.Context, cloudName string, settings notification.Settings) error
	UploadPresets(ctx context.Context, cloudName string, names []string) (map[string]notification.UploadPreset, error)
	ListUploadPresets(ctx context.Context, cloudName, after string, limit int) (presets []notification.UploadPreset, more bool, err error)
	PutUploadPreset(ctx context.Context, preset notification.UploadPreset) error
	DeleteUploadPreset(ctx context.Context, preset notification.UploadPreset) error
	InsertEvents(ctx context.Context, events []notification.Event) (existing []*notification.Event, failed map[int]error)
	Event(ctx context.Context, cloudName, eventID string) (notification.Event, bool, error)
	Events(ctx context.Context, keys []notification.EventKey) (map[notification.EventKey]notification.Event, error)
	ReplaceEvent(ctx context.Context, event notification.Event) error
	JoinBatch(ctx context.Context, event notification.Event) (notification.Batch, error)
	TimeOutBatch(ctx context.Context, cloudName, batchID string, at time.Time) (notification.Batch, bool, error)
	Batch(ctx context.Context, cloudName, batchID string) (notification.Batch, bool, error)
	Deliveries(ctx context.Context, keys []notification.DeliveryKey) (map[notification.DeliveryKey]notification.Delivery, error)
	Health(ctx context.Context, keys []notification.OriginKey) (map[notification.OriginKey]notification.Health, error)
	SetHealth(ctx context.Context, key notification.OriginKey, health notification.Health) error
	Probe(ctx context.Context, key notification.OriginKey, now, until time.Time) (bool, error)
	EndProbe(ctx context.Context, key notification.OriginKey, until time.Time) error
	Claim(ctx context.Context, key notification.DeliveryKey, attempt int, now, until time.Time) (notification.Delivery, bool, error)
	RecordAttempts(ctx context.Context, deliveries []notification.Delivery) (failed map[int]error)
	NoteRepeat(ctx context.Context, key notification.DeliveryKey, attempt int) error
	Overdue(ctx context.Context, at time.Time, visit func([]notification.Delivery) error) error
	LogEvents(ctx context.Context, events []notification.Event) (failed map[int]error)
	Log(ctx context.Context, q notification.LogQuery) (notification.LogPage, error)
	EventHeads(ctx context.Context, keys []notification.EventKey) (map[notification.EventKey]notification.Event, error)
	Reopen(ctx context.Context, d notification.Delivery, due time.Time, lane notification.Lane) error
	PutOff(ctx context.Context, d notification.Delivery, until time.Time) error
	InsertRecovery(ctx context.Context, r notification.Recovery) error
	ReplaceRecovery(ctx context.Context, r notification.Recovery) error
	Recovery(ctx context.Context, k notification.RecoveryKey) (notification.Recovery, bool, error)
	Recoveries(ctx context.Context, cloudName, before string, limit int) ([]notification.Recovery, bool, error)
	PlanRecoveryPage(ctx context.Context, page notification.RecoveryPage) (notification.RecoveryPage, bool, error)
	RecoveryPages(ctx context.Context, k notification.RecoveryKey, limit int) ([]notification.RecoveryPage, error)
}

// writers is how many goroutines want the same record at once.
const writers = 50

// storeTest is one test of a store: the store, its clock and an environment
// that no other test uses.
type storeTest struct {
	StoreContract
	clock *Clock
	cloud string
}

// ExerciseStore tests a store. Each test opens one on a clock of its own; they
// may all be the same underneath.
func ExerciseStore(t *testing.T, open func(t *testing.T, now func() time.Time) StoreContract) {
	for name, tests := range map[string]map[string]func(*testing.T, storeTest){
		"environments": environmentTests,
		"keys":         keyTests,
		"events":       eventTests,
		"presets":      presetTests,
		"settings":     settingsTests,
		"changes":      changeTests,
		"batches":      batchTests,
		"deliveries":   deliveryTests,
		"origins":      originTests,
		"overdue":      overdueTests,
		"log":          logTests,
		"recoveries":   recoveryTests,
	} {
		t.Run(name, func(t *testing.T) {
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					clock := NewClock(time.Now().Truncate(time.Second))
					store := open(t, clock.Now)
					test(t, storeTest{store, clock, "cloud-" + strings.ToLower(ulid.Make().String())})
				})
			}
		})
	}
}

// awkward is text that is easily damaged: quotes and placeholders of PartiQL,
// characters beyond the basic plane, and some that other systems refuse.
const awkward = "a'b\"c?d\\e{}[]#;-- é 日本 \U0001F600 \u2028 \x01\x7f \ufffe\uffff"

// newEvent returns an event with the given number of targets.
func (s storeTest) newEvent(id string, targets int) notification.Event {
	event := notification.Event{
		CloudName:        s.cloud,
		ID:               id,
		NotificationType: "upload",
		Status:           notification.EventAccepted,
		Hash:             []byte("hash of " + id),
		Body:             []byte{0, 1, 2, 0xff, 'x'},
		AcceptedAt:       s.clock.Now().Add(123456789),
		ExpiresAt:        s.clock.Now().Add(time.Hour),
	}
	for i := range targets {
		event.Targets = append(event.Targets, notification.Target{
			DeliveryID: ulid.Make().String(),
			URL:        fmt.Sprintf("https://example.com/%d", i),
			Why:        notification.ByTrigger,
			TriggerID:  fmt.Sprintf("%032x", i),
		})
	}
	return event
}

// newDelivery returns the record of a delivery after its first attempt.
func (s storeTest) newDelivery() notification.Delivery {
	now := s.clock.Now()
	d := notification.Delivery{
		DeliveryKey:      notification.DeliveryKey{CloudName: s.cloud, DeliveryID: ulid.Make().String()},
		EventID:          "event",
		NotificationType: "upload",
		URL:              "https://example.com/hook",
		Why:              notification.ByTrigger,
		TriggerID:        "c2c822dd1aa41ba6d81299df8b5ae949",
		Status:           notification.Retrying,
		AcceptedAt:       now.Add(-time.Second + 987654321),
		NextAt:           now.Add(3 * time.Minute),
		NextLane:         notification.Slow,
		ExpiresAt:        now.Add(time.Hour),
	}
	return attempted(d, now)
}

// attempted returns the record with one attempt more, made at the given time.
func attempted(d notification.Delivery, at time.Time) notification.Delivery {
	d = cloneDelivery(d)
	d.Attempted(notification.Attempt{
		Number:     d.AttemptCount + 1,
		StartedAt:  at.Add(time.Duration(d.AttemptCount) * time.Millisecond),
		Duration:   20*time.Second + 17,
		Phases:     notification.Phases{DNS: 1, Connect: 2, TLS: 3, FirstByte: 4},
		StatusCode: 503,
		Reason:     notification.ReasonStatus,
		Detail:     "the receiver answered 503",
		Response:   []byte{0xff, 0x00, 'n', 'o'},
		RemoteAddr: "192.0.2.1:443",
		SigningKey: "123456789012345",
		Lane:       notification.First,
		RetryAfter: time.Minute,
		Repeated:   true,
	})
	return d
}

// mustInsert inserts events that nothing may be in the way of.
func (s storeTest) mustInsert(t *testing.T, events ...notification.Event) {
	t.Helper()
	existing, failed := s.InsertEvents(t.Context(), events)
	noneFailed(t, failed)
	for i, there := range existing {
		if there != nil {
			t.Fatalf("event %s was there already", events[i].ID)
		}
	}
}

func (s storeTest) mustRecord(t *testing.T, deliveries ...notification.Delivery) {
	t.Helper()
	noneFailed(t, s.RecordAttempts(t.Context(), deliveries))
}

// wantDelivery reads one delivery and compares it with what it should be.
func (s storeTest) wantDelivery(t *testing.T, want notification.Delivery) {
	t.Helper()
	found, err := s.Deliveries(t.Context(), []notification.DeliveryKey{want.DeliveryKey})
	if err != nil {
		t.Fatal(err)
	}
	got, ok := found[want.DeliveryKey]
	if !ok {
		t.Fatalf("delivery %s has no record", want.DeliveryID)
	}
	wantEqual(t, "delivery", want, got)
}

func wantEqual(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), bodies); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// bodies compares what is long byte by byte, and not for the least difference,
// which takes seconds.
var bodies = cmp.FilterValues(func(a, b []byte) bool { return max(len(a), len(b)) > 1<<10 }, cmp.Comparer(bytes.Equal))

func noneFailed(t *testing.T, failed map[int]error) {
	t.Helper()
	for i, err := range failed {
		t.Fatalf("number %d failed: %v", i, err)
	}
}

// together runs n goroutines that start at the same moment, and returns when
// all have ended.
func together(n int, do func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	wg.Wait()
}

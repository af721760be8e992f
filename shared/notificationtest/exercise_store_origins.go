package notificationtest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

var originTests = map[string]func(*testing.T, storeTest){
	"health":                   testHealth,
	"one probe at a time":      testProbe,
	"many want to probe":       testProbeOneWinner,
	"environments stand apart": testOriginsApart,
}

func (s storeTest) origin(n int) notification.OriginKey {
	return notification.OriginKey{CloudName: s.cloud, Origin: fmt.Sprintf("https://%d.example:8443", n)}
}

func testHealth(t *testing.T, s storeTest) {
	now := s.clock.Now().UTC()
	one, two := s.origin(1), s.origin(2)
	keys := []notification.OriginKey{one, two, one, s.origin(3)}
	want := map[notification.OriginKey]notification.Health{}
	for _, health := range []notification.Health{{ProvenUntil: now.Add(time.Minute)}, {SlowSince: now.Add(1)}, {ProvenUntil: now.Add(time.Hour)}} {
		if err := s.SetHealth(t.Context(), one, health); err != nil {
			t.Fatal(err)
		}
		want[one] = health
		got, err := s.Health(t.Context(), keys)
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "health", want, got)
		if err := s.SetHealth(t.Context(), two, health); err != nil {
			t.Fatal(err)
		}
		want[two] = health
	}
	if got, err := s.Health(t.Context(), nil); err != nil || len(got) > 0 {
		t.Errorf("health of nothing: %v, %v", got, err)
	}
}

func (s storeTest) mustProbe(t *testing.T, key notification.OriginKey, until time.Time, want bool) {
	t.Helper()
	won, err := s.Probe(t.Context(), key, s.clock.Now(), until)
	if err != nil || won != want {
		t.Fatalf("probe: %t, %v, want %t", won, err, want)
	}
}

func testProbe(t *testing.T, s storeTest) {
	key, until := s.origin(1), s.clock.Now().Add(2*time.Second)
	s.mustProbe(t, key, until, true)
	s.mustProbe(t, key, until.Add(1), false)
	s.clock.AdvanceTo(until) // its holder has died
	next := until.Add(2 * time.Second)
	s.mustProbe(t, key, next, true)
	if err := s.EndProbe(t.Context(), key, until); err != nil { // not theirs any more
		t.Fatal(err)
	}
	s.mustProbe(t, key, next.Add(1), false)
	for range 2 {
		if err := s.EndProbe(t.Context(), key, next); err != nil {
			t.Fatal(err)
		}
	}
	s.mustProbe(t, key, next.Add(1), true)
}

func testProbeOneWinner(t *testing.T, s storeTest) {
	var won atomic.Int64
	together(writers, func(i int) {
		ok, err := s.Probe(t.Context(), s.origin(1), s.clock.Now(), s.clock.Now().Add(time.Second+time.Duration(i)))
		if err != nil {
			t.Error(err)
		}
		if ok {
			won.Add(1)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d won, want 1", won.Load())
	}
}

func testOriginsApart(t *testing.T, s storeTest) {
	here, there := s.origin(1), s.origin(1)
	there.CloudName += "-more"
	s.mustProbe(t, here, s.clock.Now().Add(time.Second), true)
	s.mustProbe(t, there, s.clock.Now().Add(time.Second), true)
	if err := s.SetHealth(t.Context(), here, notification.Health{SlowSince: s.clock.Now()}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Health(t.Context(), []notification.OriginKey{there}); err != nil || len(got) > 0 {
		t.Errorf("health elsewhere: %v, %v", got, err)
	}
}

package delivery_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/lane"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// to returns message n as it goes to an origin.
func to(n int, host string) notification.Message {
	m := message(n)
	m.URL = "https://" + host + "/hook"
	m.Origin = notification.OriginOf(m.URL)
	return m
}

func origin(host string) notification.OriginKey {
	return notification.OriginKey{CloudName: "demo", Origin: "https://" + host}
}

func (b *bundle) health(t *testing.T, host string) notification.Health {
	t.Helper()
	found, err := b.store.Health(t.Context(), []notification.OriginKey{origin(host)})
	if err != nil {
		t.Fatal(err)
	}
	return found[origin(host)]
}

func (b *bundle) setHealth(t *testing.T, host string, h notification.Health) {
	t.Helper()
	if err := b.store.SetHealth(t.Context(), origin(host), h); err != nil {
		t.Fatal(err)
	}
}

// waiting lists the messages on the lanes: the delivery's number, its lane and
// when it is due.
func (b *bundle) waiting() string {
	var list []string
	for _, m := range b.queue.Waiting() {
		list = append(list, fmt.Sprintf("%s %s +%s", strings.TrimLeft(m.DeliveryID[10:], "0"), m.Lane, m.DueAt.Sub(b.clock.Now())))
	}
	return strings.Join(list, ", ")
}

// Nine messages wait for the one that finds out, and follow it at once.
func TestUnknownOriginIsProbedByOne(t *testing.T) {
	b := setup(t)
	var inFlight int
	b.sender.answer = func(n int, _ notification.Request) notification.Answer {
		if n == 1 {
			inFlight = len(b.sender.sent())
		}
		return notification.Answer{StatusCode: 500} // a failure is as good: it came at once
	}
	for n := range 10 {
		b.send(t, to(n+1, "a.example"))
	}
	b.deliver(t)
	if len(b.sender.sent()) != 10 || inFlight != 1 {
		t.Errorf("%d were sent, %d of them at first", len(b.sender.sent()), inFlight)
	}
	if got := b.health(t, "a.example"); !got.ProvenUntil.Equal(epoch.Add(lane.ProvenFor)) {
		t.Errorf("health = %+v, want it proven", got)
	}
	if probes, writes := b.store.Count("Probe"), b.store.Count("SetHealth"); probes != 1 || writes != 1 {
		t.Errorf("%d probes and %d writes, want one of each", probes, writes)
	}
	if won, err := b.store.Probe(t.Context(), origin("a.example"), b.clock.Now(), b.clock.Now().Add(1)); !won || err != nil {
		t.Errorf("the place was not given back: %v", err)
	}
}

// A black hole that nobody knew holds one place of the first lane: the rest of
// its batch is on the slow lane a second later, and everybody knows.
func TestUnknownBlackHole(t *testing.T) {
	b := setup(t)
	slow := make(chan time.Time)
	b.After = func(d time.Duration) <-chan time.Time {
		if d == lane.SlowAfter {
			return slow
		}
		return nil
	}
	b.sender.answer = func(int, notification.Request) notification.Answer {
		b.clock.Advance(lane.SlowAfter)
		slow <- b.clock.Now()
		for b.health(t, "hole.example").SlowSince.IsZero() {
			time.Sleep(time.Millisecond) // the other goroutine is about to write it
		}
		b.clock.Advance(19 * time.Second)
		return notification.Answer{Reason: notification.ReasonTimeout}
	}
	for n := range 4 {
		b.send(t, to(n+1, "hole.example"))
	}
	b.deliverLane(t, notification.First)
	if got := b.health(t, "hole.example"); !got.SlowSince.Equal(epoch.Add(lane.SlowAfter)) {
		t.Errorf("health = %+v, want it slow since a second after the start", got)
	}
	if len(b.sender.sent()) != 1 {
		t.Errorf("%d were sent, want 1", len(b.sender.sent()))
	}
	if got := b.waiting(); strings.Count(got, " slow ") != 4 { // three, and the retry of the one
		t.Errorf("waiting: %s", got)
	}
}

func TestSlowOriginIsPassedOn(t *testing.T) {
	b := setup(t)
	b.setHealth(t, "hole.example", notification.Health{SlowSince: epoch.Add(-time.Hour)})
	b.setHealth(t, "a.example", notification.Health{ProvenUntil: epoch.Add(time.Minute)})
	b.send(t, to(1, "hole.example"), to(2, "a.example"))
	reads := b.store.Count("Health")
	b.deliverLane(t, notification.First)
	if got := b.waiting(); got != "1 slow +0s" {
		t.Errorf("waiting: %s", got)
	}
	if sent := b.sender.sent(); len(sent) != 1 || sent[0].URL != "https://a.example/hook" {
		t.Errorf("sent: %+v", sent)
	}
	if n := b.store.Count("Health") - reads; n != 1 {
		t.Errorf("%d reads of health for two origins, want 1", n)
	}
}

// Where another process finds out, messages wait on the queue, and take the slow
// lane in the end.
func TestOthersWaitOnTheQueue(t *testing.T) {
	b := setup(t)
	b.send(t, to(1, "a.example"))
	for passes := 1; passes <= lane.MaxPasses; passes++ {
		if won, err := b.store.Probe(t.Context(), origin("a.example"), b.clock.Now(), b.clock.Now().Add(time.Minute)); err != nil || won != (passes == 1) {
			t.Fatal(won, err)
		}
		b.deliver(t)
		if got := b.waiting(); got != "1 first +2s" {
			t.Fatalf("after pass %d waiting: %s", passes, got)
		}
		b.clock.Advance(lane.PassFor)
	}
	b.deliverLane(t, notification.First)
	if got := b.waiting(); got != "1 slow +0s" {
		t.Fatalf("in the end waiting: %s", got)
	}
	b.deliver(t)
	if record := b.record(t, 1); record.Status != notification.Delivered || record.Attempts[0].Lane != notification.Slow {
		t.Errorf("record: %+v", record)
	}
}

// A retry is not claimed while it cannot be made: who claims it must make it.
func TestRetriesOfUnknownOriginsAreNotClaimed(t *testing.T) {
	b := setup(t)
	b.sender.answer = status(500)
	b.send(t, to(1, "a.example"), to(2, "a.example"))
	b.deliver(t)
	b.setHealth(t, "a.example", notification.Health{}) // forgotten
	b.sender.answer = status(200)
	b.clock.Advance(3*time.Minute + time.Second)
	b.deliver(t)
	if got := b.waiting(); !strings.HasSuffix(got, " first +2s") || strings.Contains(got, ",") {
		t.Errorf("waiting: %s, want one of the two", got)
	}
	b.clock.Advance(lane.PassFor)
	b.deliver(t)
	for n := 1; n <= 2; n++ {
		if record := b.record(t, n); record.Status != notification.Delivered || record.AttemptCount != 2 {
			t.Errorf("delivery %d is %s after %d attempts", n, record.Status, record.AttemptCount)
		}
	}
}

// The way back: a quick answer on the slow lane, some seconds after the origin
// was slow.
func TestWayBack(t *testing.T) {
	for since, back := range map[time.Duration]bool{time.Second: false, lane.SlowFor: true, time.Hour: true} {
		b := setup(t)
		b.setHealth(t, "a.example", notification.Health{SlowSince: epoch.Add(-since)})
		m := to(1, "a.example")
		m.Lane = notification.Slow
		b.send(t, m)
		b.deliver(t)
		if b.record(t, 1).Status != notification.Delivered {
			t.Fatal("the slow lane did not deliver")
		}
		if got := b.health(t, "a.example").SlowSince.IsZero(); got != back {
			t.Errorf("slow for %s, then quick: back %t, want %t", since, got, back)
		}
	}
}

// Whatever becomes of the message that finds out, those that wait for it do not
// wait for ever.
func TestProbeWhoseTaskIsNotMade(t *testing.T) {
	t.Run("on record already", func(t *testing.T) {
		b := setup(t)
		b.setHealth(t, "a.example", notification.Health{ProvenUntil: epoch.Add(time.Minute)})
		b.send(t, to(1, "a.example"))
		b.deliver(t)
		b.setHealth(t, "a.example", notification.Health{})
		b.clock.Advance(2 * time.Second) // so that the process reads anew
		b.send(t, to(1, "a.example"), to(2, "a.example"), to(3, "a.example"))
		b.deliver(t)
		if len(b.sender.sent()) != 3 || len(b.queue.Waiting()) > 0 {
			t.Errorf("%d sent, waiting: %s", len(b.sender.sent()), b.waiting())
		}
	})
	t.Run("no key to sign with", func(t *testing.T) {
		b := setup(t)
		b.keys.err = notification.ErrNoSigningKey
		b.send(t, to(1, "a.example"), to(2, "a.example"))
		b.deliver(t)
		if record := b.record(t, 1); record.Attempts[0].Reason != notification.ReasonNoSigningKey {
			t.Errorf("record: %+v", record)
		}
		if got := b.health(t, "a.example"); got != (notification.Health{}) {
			t.Errorf("health = %+v of an origin that nobody spoke to", got)
		}
	})
	t.Run("records unreadable", func(t *testing.T) {
		b := setup(t)
		b.store.OnCall(func(call notificationtest.Call) error {
			if call.Op == "Deliveries" {
				return errors.New("throttled")
			}
			return nil
		})
		b.send(t, to(1, "a.example"), to(2, "a.example"))
		b.deliver(t)
		if len(b.sender.sent()) > 0 || len(b.queue.Waiting()) != 2 {
			t.Errorf("%d sent, waiting: %s", len(b.sender.sent()), b.waiting())
		}
	})
}

// Health that cannot be read is a fault of ours, and the message stays; health
// that cannot be written is only missed.
func TestHealthFaults(t *testing.T) {
	for op, want := range map[string]int{"Health": 0, "Probe": 0, "SetHealth": 1, "EndProbe": 1} {
		b := setup(t)
		b.store.OnCall(func(call notificationtest.Call) error {
			if call.Op == op {
				return errors.New("throttled")
			}
			return nil
		})
		b.send(t, to(1, "a.example"))
		b.deliver(t)
		if got := len(b.sender.sent()); got != want || len(b.queue.Waiting()) != 1-want {
			t.Errorf("%s fails: %d sent, want %d; waiting: %s", op, got, want, b.waiting())
		}
	}
}

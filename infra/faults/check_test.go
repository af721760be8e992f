package faults

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// wholeEvidence is that of two events that came through: one delivered at its
// second attempt, one exhausted after two, of which the first was POSTed twice.
func wholeEvidence() evidence {
	const secret, a, b = "secret", "http://a.example/1", "http://a.example/2"
	sign := func(body string) string {
		sum := sha1.Sum([]byte(body + "1700000000" + secret))
		return hex.EncodeToString(sum[:])
	}
	seen := func(id, event, url string, attempt, status int) post {
		body := `{"public_id":"` + event + `"}`
		return post{
			url: url, deliveryID: id, eventID: event, attempt: attempt, body: body, timestamp: "1700000000", signature: sign(body), status: status,
		}
	}
	record := func(id, event, url string, status notification.Status, codes ...int) notification.Delivery {
		d := notification.Delivery{DeliveryKey: notification.DeliveryKey{CloudName: "c", DeliveryID: id}, EventID: event, URL: url, Status: status}
		for i, code := range codes {
			attempt := notification.Attempt{Number: i + 1, StatusCode: code}
			if code != 200 {
				attempt.Reason = notification.ReasonStatus
			}
			d.Attempted(attempt)
		}
		return d
	}
	accepted := func(id, delivery, url string) notification.Event {
		return notification.Event{ID: id, Status: notification.EventAccepted, Targets: []notification.Target{{DeliveryID: delivery, URL: url}}}
	}
	return evidence{
		secret: secret, urls: map[int]string{1: a, 2: b}, retries: 1,
		promises: map[string]*promise{
			"e1": {event{id: "e1", urls: []int{1}}, map[string]string{a: "d1"}},
			"e2": {event{id: "e2", urls: []int{2}}, map[string]string{b: "d2"}},
		},
		events: map[string]notification.Event{"e1": accepted("e1", "d1", a), "e2": accepted("e2", "d2", b)},
		deliveries: map[string]notification.Delivery{
			"d1": record("d1", "e1", a, notification.Delivered, 500, 200), "d2": record("d2", "e2", b, notification.Exhausted, 500, 0),
		},
		posts: []post{
			seen("d1", "e1", a, 1, 500), seen("d2", "e2", b, 1, 500), seen("d2", "e2", b, 1, 500), seen("d1", "e1", a, 2, 200), seen("d2", "e2", b, 2, 0),
		},
	}
}

func TestCheckFindsNothing(t *testing.T) {
	counts := newCounts()
	if faults := check(wholeEvidence(), counts); len(faults) > 0 {
		t.Error(faults)
	}
	if counts.Events != 2 || counts.Delivered != 1 || counts.Exhausted != 1 || counts.Attempts != 4 || counts.Posts != 5 || counts.Extra != 1 {
		t.Errorf("%+v", counts)
	}
}

// change returns a way to spoil the record of a delivery.
func change(id string, spoil func(*notification.Delivery)) func(*evidence) {
	return func(e *evidence) {
		d := e.deliveries[id]
		d.Attempts = slices.Clone(d.Attempts)
		spoil(&d)
		e.deliveries[id] = d
	}
}

func TestCheckFinds(t *testing.T) {
	event := func(id string, spoil func(*notification.Event)) func(*evidence) {
		return func(e *evidence) {
			changed := e.events[id]
			changed.Targets = slices.Clone(changed.Targets)
			spoil(&changed)
			e.events[id] = changed
		}
	}
	for _, test := range []struct {
		name  string
		spoil func(*evidence)
		want  string
	}{
		{"a lost event", func(e *evidence) { delete(e.events, "e1") }, "event e1 was acknowledged and is not on record"},
		{"a held event", event("e1", func(e *notification.Event) { e.Status = notification.EventHeld }), "event e1 is held for ever"},
		{"a lost delivery", func(e *evidence) { delete(e.deliveries, "d1") }, "delivery d1 of event e1 to http://a.example/1 is lost"},
		{"a stuck delivery", change("d1", func(d *notification.Delivery) { d.Status = notification.Retrying }), "delivery d1 of event e1 is stuck"},
		{"a forgotten target", func(e *evidence) { e.promises["e1"].event.urls = []int{1, 2} }, "event e1 must be told to http://a.example/2"},
		{"a target too many", func(e *evidence) { e.promises["e1"].event.urls = nil }, "event e1 must not be told to http://a.example/1"},
		{"a second id for a URL", event("e1", func(e *notification.Event) {
			e.Targets = append(e.Targets, notification.Target{DeliveryID: "d3", URL: e.Targets[0].URL})
		}), "event e1 goes to http://a.example/1 as d1 and as d3"},
		{"an id of two events", event("e2", func(e *notification.Event) { e.Targets[0].DeliveryID = "d1" }), "delivery d1 belongs to events e1 and e2"},
		{"an id that was not promised", func(e *evidence) { e.promises["e1"].deliveries["http://a.example/1"] = "d9" }, "acknowledged with delivery d9"},
		{"a record of nobody's", change("d1", func(d *notification.Delivery) { d.EventID = "e9" }), "its event knows nothing of it"},
		{"an attempt in the wrong place", change("d1", func(d *notification.Delivery) { d.Attempts[1].Number = 3 }), "delivery d1 has attempt 3 in place 2"},
		{"an attempt that is missing", change("d1", func(d *notification.Delivery) { d.Attempts = d.Attempts[:1] }), "has 1 attempts on record and counts 2"},
		{"delivered without success", change("d1", func(d *notification.Delivery) { d.Attempts[1].Reason = notification.ReasonStatus }), "delivery d1 is delivered, and its last attempt has failed"},
		{"exhausted too early", func(e *evidence) { e.retries = 2 }, "delivery d2 is exhausted after 2 attempts of 3"},
		{"exhausted in spite of a success", func(e *evidence) {
			change("d2", func(d *notification.Delivery) { d.Attempts[1].StatusCode, d.Attempts[1].Reason = 200, "" })(e)
			e.posts[4].status = 200
		}, "delivery d2 is exhausted after 2 attempts of 2, success true"},
		{"an attempt after the success", change("d1", func(d *notification.Delivery) {
			d.Attempts[0].StatusCode, d.Attempts[0].Reason = 200, ""
		}), "attempted again, as number 2, after it was delivered"},
		{"an answer that nobody gave", func(e *evidence) { e.posts[4].status = 200 }, "delivery d2 has attempt 2 on record with status 0"},
		{"a POST of an unknown id", func(e *evidence) { e.posts[2].deliveryID = "d9" }, `as delivery "d9", which nobody knows`},
		{"a POST of another event", func(e *evidence) { e.posts[2].eventID = "e1" }, "told of event e1 as delivery \"d2\""},
		{"a POST to another URL", func(e *evidence) { e.posts[2].url = "http://a.example/1" }, "http://a.example/1 was told of event e2"},
		{"a POST that is not on record", func(e *evidence) { e.posts[2].attempt = 3 }, "delivery d2 was POSTed as attempt 3, which is not on record"},
		{"another body", func(e *evidence) { e.posts[2].body += " " }, "delivery d2 was POSTed with another body"},
		{"another timestamp", func(e *evidence) { e.posts[2].timestamp = "1700000001" }, "delivery d2 was POSTed with another body, timestamp"},
		{"a wrong signature", func(e *evidence) { e.secret = "other" }, "delivery d1 has a wrong signature"},
		{"a message that is left", func(e *evidence) { e.left = map[string]int{"first": 1} }, "first still holds 1 messages"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := wholeEvidence()
			test.spoil(&e)
			faults := check(e, newCounts())
			if !slices.ContainsFunc(faults, func(err error) bool { return strings.Contains(err.Error(), test.want) }) {
				t.Errorf("found %v, want %q", faults, test.want)
			}
		})
	}
}

// The same seed draws the same, and another another.
func TestSeed(t *testing.T) {
	draw := func(seed uint64) (kinds []fault, deaths []death, p plan) {
		p = drawPlan(seed, 1)
		r := &round{plan: p, counts: newCounts(), drawn: make(map[string]int)}
		for i := range 200 {
			kind, _ := r.drawFault(delivery, "SendMessageBatch")
			kinds, deaths = append(kinds, kind), append(deaths, r.drawDeath(delivery, i, false))
		}
		return kinds, deaths, p
	}
	kinds, deaths, p := draw(7)
	again, deathsAgain, q := draw(7)
	if !slices.Equal(kinds, again) || !slices.Equal(deaths, deathsAgain) || len(p.calls) != len(q.calls) || p.schedule != q.schedule {
		t.Error("the same seed has drawn something else")
	}
	if other, _, _ := draw(8); slices.Equal(kinds, other) {
		t.Error("another seed has drawn the same")
	}
	if drawn := slices.Compact(slices.Sorted(slices.Values(kinds))); len(drawn) != len(slices.Compact(slices.Sorted(slices.Values(kindsOf("SendMessageBatch")))))+1 {
		t.Errorf("200 calls have met only %q", drawn)
	}
}

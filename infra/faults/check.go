package faults

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// checker holds the evidence against what was promised.
type checker struct {
	evidence
	// posts of each delivery, in the order in which they came.
	postsOf map[string][]post
	// targets and the events that have them, by delivery id.
	targets map[string]notification.Target
	owners  map[string]string
	faults  []error
}

// check returns everything that is wrong, and adds to the counts what there is.
func check(found evidence, counts *Counts) []error {
	c := checker{
		evidence: found, postsOf: make(map[string][]post), targets: make(map[string]notification.Target), owners: make(map[string]string),
	}
	for _, p := range found.posts {
		c.postsOf[p.deliveryID] = append(c.postsOf[p.deliveryID], p)
	}
	c.readTargets()
	for _, id := range slices.Sorted(maps.Keys(found.promises)) {
		c.checkPromise(id, *found.promises[id], counts)
	}
	for _, id := range slices.Sorted(maps.Keys(found.deliveries)) {
		c.checkRecord(found.deliveries[id])
		counts.Attempts += found.deliveries[id].AttemptCount
	}
	for _, id := range slices.Sorted(maps.Keys(c.postsOf)) {
		c.checkPosts(id, c.postsOf[id], counts)
	}
	for _, where := range slices.Sorted(maps.Keys(found.left)) {
		c.wrong("%s still holds %d messages", where, found.left[where])
	}
	return c.faults
}

func (c *checker) wrong(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf(format, args...))
}

// readTargets finds out which delivery is whose: no event may have two for a URL.
func (c *checker) readTargets() {
	for _, eventID := range slices.Sorted(maps.Keys(c.events)) {
		urls := make(map[string]string)
		for _, t := range c.events[eventID].Targets {
			if other, ok := urls[t.URL]; ok {
				c.wrong("event %s goes to %s as %s and as %s", eventID, t.URL, other, t.DeliveryID)
			}
			if other, ok := c.owners[t.DeliveryID]; ok {
				c.wrong("delivery %s belongs to events %s and %s", t.DeliveryID, other, eventID)
			}
			urls[t.URL], c.targets[t.DeliveryID], c.owners[t.DeliveryID] = t.DeliveryID, t, eventID
		}
	}
}

// checkPromise holds an event that was acknowledged to be told to everybody who
// must be told, or to be given up on the record.
func (c *checker) checkPromise(id string, p promise, counts *Counts) {
	counts.Events++
	event, ok := c.events[id]
	if !ok {
		c.wrong("event %s was acknowledged and is not on record", id)
		return
	}
	if event.Status == notification.EventHeld {
		c.wrong("event %s is held for ever", id)
	}
	got := make(map[string]string)
	for _, t := range event.Targets {
		got[t.URL] = t.DeliveryID
		c.checkOutcome(id, t, counts)
	}
	// Half of a pair that comes too late for the other has other targets.
	if p.event.half && event.Release != notification.ReleasedByBoth && event.Release != "" {
		counts.Late++
		return
	}
	for _, number := range p.event.urls {
		if _, ok := got[c.urls[number]]; !ok {
			c.wrong("event %s must be told to %s and is not", id, c.urls[number])
		}
		delete(got, c.urls[number])
	}
	for url := range got {
		c.wrong("event %s must not be told to %s", id, url)
	}
	for url, deliveryID := range p.deliveries {
		if t, ok := event.Target(deliveryID); !ok || t.URL != url {
			c.wrong("event %s was acknowledged with delivery %s to %s, which is not on record", id, deliveryID, url)
		}
	}
}

// checkOutcome holds a promised delivery to have come to its end.
func (c *checker) checkOutcome(eventID string, t notification.Target, counts *Counts) {
	d, ok := c.deliveries[t.DeliveryID]
	switch {
	case !ok:
		c.wrong("delivery %s of event %s to %s is lost: no attempt is on record, and %d POSTs were seen",
			t.DeliveryID, eventID, t.URL, len(c.postsOf[t.DeliveryID]))
	case d.Status == notification.Delivered:
		counts.Delivered++
	case d.Status == notification.Exhausted:
		counts.Exhausted++
	}
}

// checkRecord holds a delivery's record against what its receiver has seen.
func (c *checker) checkRecord(d notification.Delivery) {
	if t, ok := c.targets[d.DeliveryID]; !ok || t.URL != d.URL || c.owners[d.DeliveryID] != d.EventID {
		c.wrong("delivery %s of event %s to %s is on record, and its event knows nothing of it", d.DeliveryID, d.EventID, d.URL)
	}
	if len(d.Attempts) != d.AttemptCount {
		c.wrong("delivery %s has %d attempts on record and counts %d", d.DeliveryID, len(d.Attempts), d.AttemptCount)
	}
	succeeded := false
	for i, a := range d.Attempts {
		if a.Number != i+1 {
			c.wrong("delivery %s has attempt %d in place %d", d.DeliveryID, a.Number, i+1)
		}
		if succeeded {
			c.wrong("delivery %s was attempted again, as number %d, after it was delivered", d.DeliveryID, a.Number)
		}
		succeeded = a.Succeeded()
		c.checkAttempt(d, a)
	}
	switch d.Status {
	case notification.Delivered:
		if !succeeded {
			c.wrong("delivery %s is delivered, and its last attempt has failed", d.DeliveryID)
		}
	case notification.Exhausted:
		if succeeded || d.AttemptCount != c.retries+1 {
			c.wrong("delivery %s is exhausted after %d attempts of %d, success %t", d.DeliveryID, d.AttemptCount, c.retries+1, succeeded)
		}
	default:
		c.wrong("delivery %s of event %s is stuck: %s after attempt %d, due %s", d.DeliveryID, d.EventID, d.Status, d.AttemptCount, d.NextAt)
	}
}

// checkAttempt holds an attempt on record to be what a receiver has answered.
func (c *checker) checkAttempt(d notification.Delivery, a notification.Attempt) {
	for _, p := range c.postsOf[d.DeliveryID] {
		if p.attempt == a.Number && p.status == a.StatusCode && (p.status == 200) == a.Succeeded() {
			return
		}
	}
	c.wrong("delivery %s has attempt %d on record with status %d, reason %q, which no receiver has answered", d.DeliveryID, a.Number, a.StatusCode, a.Reason)
}

// checkPosts holds what a receiver has seen of one delivery to be of an event that
// is on record, on record itself, and the same each time.
func (c *checker) checkPosts(id string, posts []post, counts *Counts) {
	counts.Posts += len(posts)
	t, known := c.targets[id]
	d := c.deliveries[id]
	numbers := make(map[int]bool)
	for _, p := range posts {
		if !known || t.URL != p.url || c.owners[id] != p.eventID {
			c.wrong("%s was told of event %s as delivery %q, which nobody knows", p.url, p.eventID, id)
			continue
		}
		if !slices.ContainsFunc(d.Attempts, func(a notification.Attempt) bool { return a.Number == p.attempt }) {
			c.wrong("delivery %s was POSTed as attempt %d, which is not on record", id, p.attempt)
		}
		if p.body != posts[0].body || p.timestamp != posts[0].timestamp || p.signature != posts[0].signature {
			c.wrong("delivery %s was POSTed with another body, timestamp or signature as attempt %d", id, p.attempt)
		}
		sum := sha1.Sum([]byte(p.body + p.timestamp + c.secret))
		if p.signature != hex.EncodeToString(sum[:]) {
			c.wrong("delivery %s has a wrong signature in attempt %d", id, p.attempt)
		}
		if numbers[p.attempt] {
			counts.Extra++
		}
		numbers[p.attempt] = true
	}
}

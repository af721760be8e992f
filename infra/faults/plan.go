package faults

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// plan is all that is drawn for a round beforehand. What happens to the n-th call
// or invocation is drawn when it comes, from the same seed.
type plan struct {
	number int
	seed   uint64
	// schedule is RETRY_SCHEDULE, and retries its length.
	schedule string
	retries  int
	// sdkAttempts is AWS_MAX_ATTEMPTS: with 1 no fault is mended by the SDK.
	sdkAttempts int
	holdTimeout time.Duration
	// faultRate and killRate are how likely a call of AWS meets a fault and an
	// invocation its end.
	faultRate, killRate float64
	triggers            []trigger
	calls               []call
}

// trigger is one of the environment's, by the number of its URL.
type trigger struct {
	eventType string
	url       int
}

// call is one call of a producer, which it repeats until each of its events is
// acknowledged.
type call struct {
	number int
	way    string // http, direct or bus
	list   bool
	after  time.Duration
	// twice makes it at the same time from two places, again repeats it when it
	// was acknowledged, and givesUp forgets it when it was not.
	twice, again, givesUp bool
	events                []event
}

// event is one event of a call, and who must be told of it.
type event struct {
	id        string
	eventType string
	urls      []int // nil for nobody
	// half says that it belongs to an eager pair: where the other half came too
	// late, others are told.
	half bool
	// callURL and eagerURL are numbers of URLs, 0 for none.
	callURL, eagerURL int
	batch             string
	asksEager, async  bool
	size              int // bytes of filler in its payload
}

// The URLs of a round: those below secondOrigin are on one origin, the others on
// another. 1 to 3 are the triggers', the others the calls'.
const (
	urlCount     = 6
	secondOrigin = 4
)

func drawPlan(base uint64, number int) plan {
	r := roll(base, "round", number)
	p := plan{
		number:      number,
		seed:        r.Uint64(),
		schedule:    pick(r, "1s", "1s,1s", "1s,1s,1s", "1s,16m", "16m,1s"),
		sdkAttempts: pick(r, 1, 1, 2, 3),
		holdTimeout: 25 * time.Second,
		killRate:    0.15 + 0.2*r.Float64(),
	}
	p.retries = strings.Count(p.schedule, ",") + 1
	p.faultRate = 0.04 * (0.5 + r.Float64() + 0.5*float64(p.sdkAttempts))
	p.triggers = []trigger{{pick(r, "all", "upload"), 1}}
	if chance(r, 0.4) {
		p.triggers = append(p.triggers, trigger{pick(r, "all", "upload", "eager", "rename"), 2})
	}
	if chance(r, 0.2) {
		p.triggers = append(p.triggers, trigger{pick(r, "all", "eager", "delete"), 3})
	}
	alone := chance(r, 0.25) // halves whose other half never comes
	if alone {
		p.holdTimeout = 2 * time.Second
	}
	for n := range 2 + r.IntN(3) {
		c := call{
			number: n, way: pick(r, "http", "http", "http", "http", "direct", "bus"), after: within(r, time.Second),
			twice: chance(r, 0.1), again: chance(r, 0.15), givesUp: chance(r, 0.05),
		}
		switch {
		case alone && n < 3:
			c.events = []event{p.drawLone(r, n)}
		case chance(r, 0.25) && !alone:
			p.drawPair(r, c)
			continue
		case chance(r, 0.3):
			c.list = true
			for i := range 2 + r.IntN(pick(r, 4, 4, 19)) {
				c.events = append(c.events, p.drawEvent(r, n, i))
			}
		default:
			c.events = []event{p.drawEvent(r, n, 0)}
		}
		p.calls = append(p.calls, c)
	}
	return p
}

// matching lists the URLs of the triggers for a type.
func (p *plan) matching(eventType string) []int {
	var urls []int
	for _, t := range p.triggers {
		if t.eventType == eventType || t.eventType == "all" {
			urls = append(urls, t.url)
		}
	}
	return urls
}

func (p *plan) eventID(call, i int) string { return fmt.Sprintf("r%d-c%d-%d", p.number, call, i) }

// drawEvent draws an event that waits for nothing.
func (p *plan) drawEvent(r *rand.Rand, call, i int) event {
	e := event{id: p.eventID(call, i), eventType: pick(r, "upload", "upload", "rename", "delete"), size: drawSize(r)}
	e.urls = p.matching(e.eventType)
	if e.eventType == "upload" && chance(r, 0.4) {
		e.callURL = pick(r, 4, 5)
		e.urls = append(e.urls, e.callURL)
	}
	return e
}

// drawSize draws the size of a payload. Over 60 KiB a message carries a reference.
func drawSize(r *rand.Rand) int {
	if chance(r, 0.1) {
		return 70 << 10
	}
	return r.IntN(2000)
}

// drawPair adds the two halves of an eager pair, as two calls in either order.
func (p *plan) drawPair(r *rand.Rand, c call) {
	batch := fmt.Sprintf("batch-%d-%d", p.number, c.number)
	upload := event{id: p.eventID(c.number, 0), eventType: "upload", half: true, batch: batch, asksEager: true, urls: p.matching("upload")}
	result := event{id: p.eventID(c.number, 1), eventType: "eager", half: true, batch: batch}
	if chance(r, 0.5) { // the upload notification, after both
		upload.callURL = 4
		upload.urls = append(upload.urls, upload.callURL)
	} else { // both, each in its time
		upload.async, upload.eagerURL = true, 5
		result.urls = append(p.matching("eager"), upload.eagerURL)
	}
	other := c
	other.number, other.after = c.number+100, within(r, 1500*time.Millisecond)
	c.events, other.events = []event{upload}, []event{result}
	p.calls = append(p.calls, c, other)
}

// drawLone draws one half of an eager pair whose other half never comes.
func (p *plan) drawLone(r *rand.Rand, call int) event {
	e := event{id: p.eventID(call, 0), batch: fmt.Sprintf("batch-%d-%d", p.number, call)}
	if chance(r, 0.5) {
		e.eventType, e.urls = "eager", p.matching("eager")
		return e
	}
	e.eventType, e.asksEager, e.callURL = "upload", true, 4
	e.urls = append(p.matching("upload"), e.callURL)
	return e
}

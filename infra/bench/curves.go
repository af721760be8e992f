package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
)

// perPoint is how long each point of a curve is measured for.
const perPoint = 2 * time.Second

// curve is how the processor time of a function grows with one thing.
type curve struct {
	title  string
	unit   string // what the times are of
	points []point
}

type point struct {
	at   string
	cost time.Duration
	// ratio is how much work it is, in that of the first point.
	ratio float64
}

// curves measures how cost grows with work, and prints each curve beside the line
// that a cost in proportion would be.
func (b *bench) curves(ctx context.Context, out io.Writer) error {
	for _, measure := range []func(context.Context) (curve, error){
		b.byEvents, b.byTriggers, b.byEnvironments, b.byBodyOfIntake, b.byBatch, b.byBodyOfDelivery,
	} {
		c, err := measure(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\n%s\n%14s %14s %14s %14s\n", c.title, "", c.unit, "of the first", "in proportion")
		for _, p := range c.points {
			fmt.Fprintf(out, "%14s %14s %13.2fx %13.2fx\n", p.at, milliseconds(p.cost), float64(p.cost)/float64(c.points[0].cost), p.ratio)
		}
	}
	return nil
}

// realPayload is JSON of about so many bytes that compresses as results do, to
// about a half: names that repeat, and values that do not.
func realPayload(size int) string {
	dice := rand.New(rand.NewPCG(1, uint64(size))) //nolint:gosec // no secret
	var said strings.Builder
	fmt.Fprintf(&said, `{"public_id":"bench/%x","resources":[`, dice.Uint64())
	for said.Len() < size-90 {
		fmt.Fprintf(&said, `{"public_id":"%x","version":%d,"bytes":%d},`, dice.Uint64(), dice.Uint32(), dice.Uint32N(1e6))
	}
	return strings.TrimSuffix(said.String(), ",") + `]}`
}

// intakeCurve measures intake at each point: n events a call of a payload, by
// callers in turn.
func (b *bench) intakeCurve(ctx context.Context, c curve, events []int, payloads []string, by [][]registry.Credentials) (curve, error) {
	f, err := start(ctx, b.folder, "intake", b.environ)
	if err != nil {
		return c, err
	}
	defer f.stop()
	for i := range c.points {
		turn := 0
		cost, _, err := measureFor(perPoint, f, events[i], func() []byte {
			turn++
			return reportEvents(by[i][turn%len(by[i])], events[i], payloads[i])
		})
		if err != nil {
			return c, err
		}
		b.cloud.taken()
		c.points[i].cost = cost
	}
	return c, nil
}

// same repeats a value for each point.
func same[T any](n int, v T) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = v
	}
	return list
}

func (b *bench) byEvents(ctx context.Context) (curve, error) {
	c := curve{title: "intake, events a call", unit: "per event"}
	sizes := []int{1, 10, 25, 100}
	for _, n := range sizes {
		c.points = append(c.points, point{at: fmt.Sprint(n), ratio: 1})
	}
	n := len(sizes)
	return b.intakeCurve(ctx, c, sizes, same(n, realPayload(1024)), same(n, []registry.Credentials{b.credentials}))
}

func (b *bench) byTriggers(ctx context.Context) (curve, error) {
	c := curve{title: "intake, one event a call, notification URLs that are told", unit: "per event"}
	var callers [][]registry.Credentials
	for _, urls := range []int{1, 2, 5, 10} {
		var triggers []notification.Trigger
		for n := range urls {
			triggers = append(triggers, notification.Trigger{
				ID: fmt.Sprintf("%032d", n), URI: fmt.Sprintf("%s/%d", b.receiver, n), EventType: notification.AllEvents,
			})
		}
		by, err := b.createEnvironment(ctx, fmt.Sprintf("urls-%d", urls), triggers)
		if err != nil {
			return c, err
		}
		callers = append(callers, []registry.Credentials{by})
		c.points = append(c.points, point{at: fmt.Sprint(urls), ratio: float64(urls)})
	}
	n := len(c.points)
	return b.intakeCurve(ctx, c, same(n, 1), same(n, realPayload(1024)), callers)
}

func (b *bench) byEnvironments(ctx context.Context) (curve, error) {
	c := curve{title: "intake, one event a call, environments in turn", unit: "per event"}
	var all []registry.Credentials
	var callers [][]registry.Credentials
	for _, n := range []int{1, 10, 100, 1000} {
		for len(all) < n {
			by, err := b.createEnvironment(ctx, fmt.Sprintf("turn-%d", len(all)), []notification.Trigger{
				{ID: strings.Repeat("0", 32), URI: b.receiver, EventType: notification.AllEvents},
			})
			if err != nil {
				return c, err
			}
			all = append(all, by)
		}
		callers = append(callers, all[:n])
		c.points = append(c.points, point{at: fmt.Sprint(n), ratio: 1})
	}
	n := len(c.points)
	return b.intakeCurve(ctx, c, same(n, 1), same(n, realPayload(1024)), callers)
}

// bodySizes are those of payloads, in KB.
var bodySizes = []int{1, 4, 16, 64, 250}

func (b *bench) byBodyOfIntake(ctx context.Context) (curve, error) {
	c := curve{title: "intake, one event a call, payload in KB", unit: "per event"}
	var payloads []string
	for _, kb := range bodySizes {
		payloads = append(payloads, realPayload(kb<<10))
		c.points = append(c.points, point{at: fmt.Sprint(kb), ratio: float64(kb)})
	}
	n := len(c.points)
	return b.intakeCurve(ctx, c, same(n, 1), payloads, same(n, []registry.Credentials{b.credentials}))
}

// messagesOf are what intake sends of events of a payload.
func (b *bench) messagesOf(ctx context.Context, payload string) ([]string, error) {
	f, err := start(ctx, b.folder, "intake", b.environ)
	if err != nil {
		return nil, err
	}
	defer f.stop()
	b.cloud.taken()
	for range keptEvents {
		if _, err := f.invoke(reportEvents(b.credentials, 1, payload)); err != nil {
			return nil, err
		}
	}
	return b.cloud.taken(), nil
}

// deliveryCurve measures delivery at each point: batches of n messages of a
// payload.
func (b *bench) deliveryCurve(ctx context.Context, c curve, batches []int, payloads []string) (curve, error) {
	for i := range c.points {
		var err error
		if b.messages, err = b.messagesOf(ctx, payloads[i]); err != nil {
			return c, err
		}
		f, err := start(ctx, b.folder, "delivery", b.environ)
		if err != nil {
			return c, err
		}
		c.points[i].cost, _, err = measureFor(perPoint, f, batches[i], func() []byte { return b.batch(batches[i]) })
		f.stop()
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

func (b *bench) byBatch(ctx context.Context) (curve, error) {
	c := curve{title: "delivery, messages a batch", unit: "per delivery"}
	sizes := []int{1, 2, 5, 10}
	for _, n := range sizes {
		c.points = append(c.points, point{at: fmt.Sprint(n), ratio: 1})
	}
	return b.deliveryCurve(ctx, c, sizes, same(len(sizes), realPayload(1024)))
}

func (b *bench) byBodyOfDelivery(ctx context.Context) (curve, error) {
	c := curve{title: "delivery, batches of 10, payload in KB", unit: "per delivery"}
	var payloads []string
	for _, kb := range bodySizes {
		payloads = append(payloads, realPayload(kb<<10))
		c.points = append(c.points, point{at: fmt.Sprint(kb), ratio: float64(kb)})
	}
	return b.deliveryCurve(ctx, c, same(len(payloads), 10), payloads)
}

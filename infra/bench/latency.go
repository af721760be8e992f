package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// idleEvents is how many events are reported, one after the other, for a latency.
const idleEvents = 2000

// latency reports one event after the other, hands what intake sends to delivery at
// once, and measures from the report to the receiver: the engine's own part, with a
// queue and a table that take no time.
func (b *bench) latency(ctx context.Context) ([]row, error) {
	intake, err := start(ctx, b.folder, "intake", b.environ)
	if err != nil {
		return nil, err
	}
	defer intake.stop()
	delivery, err := start(ctx, b.folder, "delivery", b.environ)
	if err != nil {
		return nil, err
	}
	defer delivery.stop()
	b.cloud.queue = make(chan string, 1)
	b.arrived = make(chan time.Time, 1)
	defer func() { b.cloud.queue, b.arrived = nil, nil }()
	delivered := make(chan error, 1)
	go func() {
		for range idleEvents {
			_, err := delivery.invoke(encode(map[string]any{"Records": []map[string]string{
				{"messageId": "1", "eventSource": "aws:sqs", "body": <-b.cloud.queue},
			}}))
			delivered <- err
		}
	}()
	took := make([]time.Duration, 0, idleEvents)
	for range idleEvents {
		began := time.Now()
		if _, err := intake.invoke(b.reportEvents(1)); err != nil {
			return nil, err
		}
		select {
		case at := <-b.arrived:
			took = append(took, at.Sub(began))
		case <-time.After(time.Minute):
			return nil, errors.New("an event did not arrive within a minute")
		}
		if err := <-delivered; err != nil {
			return nil, err
		}
	}
	warm := took[idleEvents/10:]
	at := func(percent int) string { return milliseconds(percentile(warm, percent)) }
	return []row{{
		"reported to received, idle, queue and table that take no time", at(50),
		fmt.Sprintf("p50; p99 %s", at(99)),
	}}, nil
}

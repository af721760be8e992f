package main

import (
	"math/rand/v2"
	"time"
)

// latency is a distribution, given by some of its quantiles; between them it is
// even. It is drawn from in whole numbers, so that every machine draws the same.
type latency []quantile

type quantile struct {
	// ofMillion is how many of a million are quicker.
	ofMillion int64
	took      time.Duration
}

func (l latency) draw(r *rand.Rand) time.Duration {
	at := r.Int64N(1_000_000)
	for i := 1; i < len(l); i++ {
		if low, high := l[i-1], l[i]; at < high.ofMillion {
			return low.took + (high.took-low.took)*time.Duration(at-low.ofMillion)/time.Duration(high.ofMillion-low.ofMillion)
		}
	}
	return l[len(l)-1].took
}

const (
	ms = time.Millisecond
	us = time.Microsecond
)

// What the parts of AWS and of the network take. docs/capacity.md has the sources.
var (
	// receiveLatency is from a message's being there to its invocation.
	receiveLatency = latency{{0, 10 * ms}, {100_000, 13_700 * us}, {500_000, 16_200 * us}, {900_000, 33_800 * us}, {990_000, 105 * ms}, {1_000_000, 200 * ms}}
	// tableLatency is of one call of DynamoDB.
	tableLatency = latency{{0, 2 * ms}, {500_000, 3 * ms}, {900_000, 6 * ms}, {990_000, 15 * ms}, {999_000, 40 * ms}, {1_000_000, 80 * ms}}
	// queueLatency is of one call of SQS that sends or deletes.
	queueLatency = latency{{0, 4 * ms}, {500_000, 7 * ms}, {900_000, 14 * ms}, {990_000, 40 * ms}, {1_000_000, 100 * ms}}
	// coldLatency is of starting a process.
	coldLatency = latency{{0, 110 * ms}, {500_000, 150 * ms}, {900_000, 200 * ms}, {1_000_000, 400 * ms}}
	// answerLatency is of a quick endpoint on an open connection.
	answerLatency = latency{{0, 25 * ms}, {500_000, 40 * ms}, {900_000, 80 * ms}, {990_000, 150 * ms}, {1_000_000, 300 * ms}}
	// lifetime is how long a process is kept that has nothing to do.
	lifetime = latency{{0, 5 * time.Minute}, {1_000_000, 7 * time.Minute}}
)

// The network between a process and an endpoint.
const (
	oneWay = 10 * ms
	// connecting is TCP and TLS: two round trips.
	connecting = 4 * oneWay
	// keptOpen is how long a process keeps a connection that it does not use.
	keptOpen = 60 * time.Second
)

package main

import (
	"maps"
	"slices"
)

// part is what a line of the bill is for.
type part int

// The parts of a bill.
const (
	delivering part = iota // to accept, deliver and record
	logging                // to take in what the functions say of it
	keeping                // to keep records and logs until they expire
)

// line is a line of a bill: what was used for a million deliveries, and its price
// in dollars.
type line struct {
	part    part
	what    string
	used    float64
	unit    string
	dollars float64
}

// bill has everything that grows with the deliveries.
type bill []line

func (b bill) total() float64 { return b.of(delivering) + b.of(logging) + b.of(keeping) }

// of is the sum of a part.
func (b bill) of(p part) float64 {
	total := 0.0
	for _, l := range b {
		if l.part == p {
			total += l.dollars
		}
	}
	return total
}

// dollars are those of the lines of a name.
func (b bill) dollars(what string) float64 {
	for _, l := range b {
		if l.what == what {
			return l.dollars
		}
	}
	return 0
}

// kinds are what the keys of items begin with, in words.
var kinds = []struct{ prefix, what string }{
	{"EVT", "DynamoDB: writes of events"},
	{"LOG", "DynamoDB: writes of deliveries"},
	{"open", "DynamoDB: writes of the index"},
}

// Lines that others refer to.
const (
	apiCalls    = "HTTP API: calls"
	ourLog      = "Logs: lines of the functions"
	accessLog   = "Logs: lines of the HTTP API"
	platformLog = "Logs: lines of Lambda"
	recovery    = "DynamoDB: point-in-time recovery"
)

// billFor multiplies what was used.
func billFor(u usage, d described) bill {
	var b bill
	per := million / float64(u.deliveries)
	add := func(p part, what string, used float64, unit string, price float64) {
		if used > 0 {
			b = append(b, line{p, what, used * per, unit, used * per * price})
		}
	}
	add(delivering, apiCalls, u.gateway.chunks, "calls", list.apiCall)
	invocations, said := 0.0, 0.0
	for _, name := range slices.Sorted(maps.Keys(u.functions)) {
		f := u.functions[name]
		add(delivering, "Lambda: invocations of "+name, float64(f.invocations), "invocations", list.lambdaRequest)
		add(delivering, "Lambda: duration of "+name, f.gbSeconds(), "GB-s", list.lambdaGBs)
		invocations += float64(f.invocations)
		said += float64(f.said.bytes)
	}
	add(delivering, "SQS: sends", u.queues.sends, "requests", list.sqsRequest)
	add(delivering, "SQS: receives and deletes", u.queues.receives+u.queues.deletes, "requests", list.sqsRequest)
	add(delivering, "SQS: message groups", u.queues.fair, "requests", list.sqsFair)
	rest := maps.Clone(u.table.writes)
	for _, k := range kinds {
		add(delivering, k.what, rest[k.prefix], "write units", list.writeUnit)
		delete(rest, k.prefix)
	}
	others := 0.0
	for _, n := range rest {
		others += n
	}
	add(delivering, "DynamoDB: other writes", others, "write units", list.writeUnit)
	add(delivering, "DynamoDB: reads", u.table.reads, "read units", list.readUnit)
	add(delivering, "KMS", float64(u.kmsCalls), "calls", list.kmsCall)
	add(delivering, "Step Functions: waits", float64(u.waits*waitTransitions), "transitions", list.transition)
	add(delivering, "Egress: notifications", u.egress/gigabyte, "GB", list.egressGB)
	add(delivering, "Egress: answers of the HTTP API", (u.gateway.bytesOut+u.gateway.calls*postOverhead)/gigabyte, "GB", list.egressGB)

	access, platform := u.gateway.calls*float64(d.accessLine), invocations*float64(d.platformLines)
	add(logging, ourLog, said/gigabyte, "GB", list.logGB)
	add(logging, accessLog, access/gigabyte, "GB", list.logGB)
	add(logging, platformLog, platform/gigabyte, "GB", list.logGB)

	months := (d.retentionDays + lateTTL) / daysAMonth
	add(keeping, "DynamoDB: storage", storedBytes(u.table)*months/gigabyte, "GB-months", list.tableGBMonth)
	add(keeping, recovery, storedBytes(u.table)*months/gigabyte, "GB-months", list.backupGBMonth)
	kept := (access + platform + said) * logCompression * d.logRetentionDays / daysAMonth
	add(keeping, "Logs: storage", kept/gigabyte, "GB-months", list.logGBMonth)
	return b
}

// waitTransitions are the transitions of an execution of the wait workflow: into
// each of its two states, and to its end.
const waitTransitions = 3

// storedBytes are those of the items that stay until they expire, each with what
// DynamoDB adds: events and deliveries. The others are a few for an environment.
func storedBytes(t tableUse) float64 {
	total := 0
	for _, size := range keptItems(t) {
		total += size + itemOverhead
	}
	return float64(total)
}

func keptItems(t tableUse) (sizes []int) {
	for k, size := range t.stored {
		if len(k.pk) > 4 && (k.pk[:4] == "EVT#" || k.pk[:4] == "LOG#") {
			sizes = append(sizes, size)
		}
	}
	return sizes
}

// fixed is what each month costs, however little is delivered. The sweep is what
// one invocation of the recovery function uses.
func fixed(sweep usage, d described, metrics map[string]bool) bill {
	own := maps.Clone(d.alarmedMetrics)
	maps.Copy(own, metrics)
	reads := sweep.table.reads * sweepsAMonth
	var sweeps float64
	for _, f := range sweep.functions {
		sweeps += f.gbSeconds()*list.lambdaGBs + float64(f.invocations)*list.lambdaRequest
	}
	polls := float64(d.mappings*idlePollers) * hoursAMonth * 3600 / pollFor.Seconds()
	return bill{
		{keeping, "CloudWatch alarms", float64(d.alarms), "alarms", float64(d.alarms) * list.alarmMonth},
		{keeping, "CloudWatch metrics of our own, at least", float64(len(own)), "metrics", float64(len(own)) * list.metricMonth},
		{keeping, "KMS", float64(d.keys), "keys", float64(d.keys) * list.keyMonth},
		{keeping, "Secrets Manager", float64(d.secrets), "secrets", float64(d.secrets) * list.secretMonth},
		{keeping, "SQS, receives of empty queues, at most", polls, "requests", polls * list.sqsRequest},
		{keeping, "The sweep, every five minutes", sweepsAMonth, "sweeps", sweepsAMonth*sweeps + reads*list.readUnit},
	}
}

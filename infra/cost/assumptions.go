package main

import (
	"fmt"
	"time"
)

// The load that the bill is for, which the run makes.
const (
	// payloadSize is what an event's payload has, in bytes.
	payloadSize = 1024
	// listSize is how many events a call has that reports a list.
	listSize = 100
	// retryEvery is how many deliveries there are to one whose first attempt fails:
	// a share of 5 %.
	retryEvery = 20
	// receiverLatency is how long each receiver takes to answer.
	receiverLatency = 100 * time.Millisecond
)

// What the emulator cannot tell, because it is not AWS. Each is rather too much
// than too little.
const (
	// vCPUMemory is the memory, in MB, for which Lambda gives one processor; a
	// function with less gets as much less of it.
	vCPUMemory = 1769
	// overhead is what Lambda bills of an invocation besides the function's own
	// work: the Runtime API, and the start of the first millisecond.
	overhead = time.Millisecond
	// itemOverhead is what DynamoDB stores for each item besides what it holds.
	itemOverhead = 100
	// lateTTL is how many days DynamoDB takes to delete what has expired.
	lateTTL = 2
	// logOverhead is what CloudWatch Logs adds to each line, in bytes.
	logOverhead = 26
	// logCompression is what is left of a line that is kept.
	logCompression = 0.15
	// postOverhead is what a POST sends besides its HTTP request, in bytes: TLS
	// records, TCP and IP headers, acknowledgements, its share of a handshake.
	postOverhead = 300
	// idlePollers are the long polls of an event source mapping of a queue where
	// nothing happens, each of pollFor.
	idlePollers = 5
	pollFor     = 20 * time.Second
	// daysAMonth and hoursAMonth are of AWS's month of 730 hours.
	hoursAMonth = 730
	daysAMonth  = hoursAMonth / 24.0
	// sweepsAMonth are the invocations of the recovery function by its schedule.
	sweepsAMonth = hoursAMonth * 60 / 5
)

// latencies are how long AWS takes to answer a call from within its region. The
// run answers no sooner, so that what is called at once is seen to be.
var latencies = map[string]time.Duration{
	"dynamodb BatchExecuteStatement": 12 * time.Millisecond,
	"dynamodb BatchGetItem":          8 * time.Millisecond,
	"dynamodb GetItem":               5 * time.Millisecond,
	"dynamodb PutItem":               6 * time.Millisecond,
	"dynamodb Query":                 6 * time.Millisecond,
	"dynamodb UpdateItem":            6 * time.Millisecond,
	"kms Decrypt":                    15 * time.Millisecond,
	"sqs SendMessageBatch":           15 * time.Millisecond,
}

// latency looks an operation up.
func latency(service, operation string) (time.Duration, error) {
	found, ok := latencies[service+" "+operation]
	if !ok {
		return 0, fmt.Errorf("%s %s: assumptions.go does not say how long it takes", service, operation)
	}
	return found, nil
}

// platformStart and platformReport are the lines that Lambda itself writes for
// each invocation in the log format JSON, and accessValues what stands in the
// HTTP API's access log, in their usual length.
const (
	platformStart = `{"time":"2026-11-24T12:00:00.000Z","type":"platform.start","record":{"requestId":"79b4f56e-95b1-4643-9700-2807f4e68189","version":"$LATEST"}}`

	platformReport = `{"time":"2026-11-24T12:00:00.000Z","type":"platform.report","record":{"requestId":"79b4f56e-95b1-4643-9700-2807f4e68189","metrics":` +
		`{"durationMs":123.456,"billedDurationMs":124,"memorySizeMB":256,"maxMemoryUsedMB":37},"status":"success"}}`
)

var accessValues = map[string]string{
	"requestId":               "JKJaXmPLvHcESHA=",
	"requestTime":             "24/Nov/2026:12:00:00 +0000",
	"identity.sourceIp":       "198.51.100.107",
	"routeKey":                "POST /v1_1/{cloud_name}/events",
	"path":                    "/v1_1/demo/events",
	"status":                  "202",
	"responseLength":          "512",
	"responseLatency":         "31",
	"integrationLatency":      "27",
	"integrationStatus":       "200",
	"integrationErrorMessage": "-",
}

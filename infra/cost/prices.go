package main

// prices are AWS's list prices in US dollars, without free tiers and volume
// discounts.
type prices struct {
	date, region, source string

	apiCall       float64 // HTTP API, per call of up to 512 KB
	lambdaRequest float64
	lambdaGBs     float64 // arm64
	sqsRequest    float64 // standard queue, per 64 KB
	sqsFair       float64 // on top, where the messages have a group
	writeUnit     float64 // DynamoDB on demand
	readUnit      float64
	tableGBMonth  float64
	backupGBMonth float64 // point-in-time recovery
	logGB         float64 // taken in
	logGBMonth    float64 // kept, compressed
	egressGB      float64
	kmsCall       float64
	transition    float64 // Step Functions, standard workflow

	alarmMonth, metricMonth, keyMonth, secretMonth float64
}

const million = 1e6

// list is what the bill is multiplied by.
var list = prices{
	date: "2026-11", region: "us-east-1", source: "AWS's list prices, as its pricing pages and reports of them have them, not checked against an invoice",

	apiCall:       1.00 / million,
	lambdaRequest: 0.20 / million,
	lambdaGBs:     13.3334 / million,
	sqsRequest:    0.40 / million,
	sqsFair:       0.10 / million,
	writeUnit:     0.625 / million,
	readUnit:      0.125 / million,
	tableGBMonth:  0.25,
	backupGBMonth: 0.20,
	logGB:         0.50,
	logGBMonth:    0.03,
	egressGB:      0.09,
	kmsCall:       3.00 / million,
	transition:    25.00 / million,

	alarmMonth: 0.10, metricMonth: 0.30, keyMonth: 1.00, secretMonth: 0.40,
}

// What one chunk of a price is.
const (
	apiChunk   = 512 << 10
	sqsChunk   = 64 << 10
	writeChunk = 1 << 10
	readChunk  = 4 << 10
	gigabyte   = 1e9 // of storage, logs and egress: fewer bytes than 2^30, so that the bill is not too low
)

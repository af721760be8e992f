package faults

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// promise is what a producer was told of an event.
type promise struct {
	event event
	// deliveries are the ids that were named, by URL.
	deliveries map[string]string
}

// producer makes a call as a real one would: until each of its events is
// acknowledged, with the same event ids.
func (r *round) produce(c call) {
	time.Sleep(c.after)
	open := c.events
	for repeat := 0; len(open) > 0; repeat++ {
		if repeat == 40 {
			r.fail(fmt.Errorf("call %d was not acknowledged in %d tries", c.number, repeat))
			return
		}
		dice := roll(r.plan.seed, "producer", c.number, repeat)
		if repeat > 0 {
			time.Sleep(50*time.Millisecond + within(dice, 300*time.Millisecond))
		}
		if c.twice && repeat == 0 {
			r.group.Go(func() { r.send(c, c.events, -1) })
		}
		acknowledged := r.send(c, open, repeat)
		// Some repeat what is open, others the whole call.
		if left := slices.DeleteFunc(slices.Clone(open), func(e event) bool { return acknowledged[e.id] }); len(left) == 0 || chance(dice, 0.5) {
			open = left
		}
		if c.givesUp && len(open) > 0 {
			r.counts.giveUp()
			return
		}
	}
	if c.again {
		r.send(c, c.events, -2)
	}
}

// send makes a call once, and returns which of the events it was promised. A list
// stays one when it shrinks.
func (r *round) send(c call, events []event, try int) (acknowledged map[string]bool) {
	r.counts.call()
	body := r.write(c, events, try)
	i := &invocation{event: body, limit: 25 * time.Second}
	said, err := r.invoke(intake, i)
	switch {
	case errors.Is(err, errKilled), err == nil && i.failed:
		return nil
	case err != nil:
		r.fail(err)
		return nil
	}
	acknowledged = make(map[string]bool)
	if c.way == "bus" { // nobody reads an answer: what is taken is taken
		for _, e := range events {
			r.promised(e, nil)
			acknowledged[e.id] = true
		}
		return acknowledged
	}
	results, err := readAnswer(c, said)
	if err != nil {
		r.fail(fmt.Errorf("call %d: %w: %s", c.number, err, said))
		return nil
	}
	for _, e := range events {
		result, ok := results[e.id]
		switch result.Status {
		case "accepted", "held", "duplicate", "suppressed":
			deliveries := make(map[string]string)
			for _, d := range result.Deliveries {
				deliveries[d.URI] = d.DeliveryID
			}
			r.promised(e, deliveries)
			acknowledged[e.id] = true
		case "failed":
		default:
			if ok {
				r.fail(fmt.Errorf("event %s is %q: %s", e.id, result.Status, said))
			}
		}
	}
	return acknowledged
}

// result is the answer for one event.
type result struct {
	EventID    string `json:"event_id"`
	Status     string `json:"status"`
	Deliveries []struct {
		DeliveryID string `json:"delivery_id"`
		URI        string `json:"uri"`
	} `json:"deliveries"`
}

// readAnswer reads the results of a call, by event id: of 202, and of 503, which
// names those that came through.
func readAnswer(c call, said []byte) (map[string]result, error) {
	if c.way == "http" {
		var http struct {
			StatusCode int    `json:"statusCode"`
			Body       string `json:"body"`
		}
		if err := json.Unmarshal(said, &http); err != nil {
			return nil, err
		}
		if http.StatusCode >= 500 && http.StatusCode != 503 {
			return nil, nil
		}
		if http.StatusCode != 202 && http.StatusCode != 503 {
			return nil, fmt.Errorf("refused with status %d", http.StatusCode)
		}
		said = []byte(http.Body)
	}
	var shown struct {
		result
		Events []result `json:"events"`
	}
	if err := json.Unmarshal(said, &shown); err != nil {
		return nil, err
	}
	results := make(map[string]result)
	for _, one := range append(shown.Events, shown.result) {
		if one.EventID != "" {
			results[one.EventID] = one
		}
	}
	return results, nil
}

// write gives the event of the invocation that a call is.
func (r *round) write(c call, events []event, try int) []byte {
	var list []any
	for _, e := range events {
		list = append(list, r.report(e))
	}
	var body any = map[string]any{"events": list}
	if !c.list {
		body = list[0]
	}
	switch c.way {
	case "direct", "bus":
		detail := maps.Clone(body.(map[string]any))
		detail["cloud_name"] = r.name
		if c.way == "direct" {
			return encode(detail)
		}
		return encode(map[string]any{
			"version": "0", "id": fmt.Sprintf("bus-%s-%d", r.name, c.number), "detail-type": "Mediahooks Event", "source": "faults",
			"account": "123456789012", "time": r.started.UTC().Format(time.RFC3339), "region": "us-east-1", "resources": []string{}, "detail": detail,
		})
	}
	secret := base64.StdEncoding.EncodeToString([]byte(r.made.credentials.APIKey + ":" + r.made.credentials.APISecret))
	path := "/v1_1/" + r.name + "/events"
	return encode(map[string]any{
		"version": "2.0", "routeKey": "POST /v1_1/{cloud_name}/events", "rawPath": path, "rawQueryString": "",
		"headers":        map[string]string{"host": "api.example", "content-type": "application/json", "authorization": "Basic " + secret},
		"pathParameters": map[string]string{"cloud_name": r.name},
		"requestContext": map[string]any{
			"routeKey": "POST /v1_1/{cloud_name}/events", "accountId": "123456789012", "stage": "$default",
			"requestId": fmt.Sprintf("%s-%d-%d", r.name, c.number, try), "domainName": "api.example", "timeEpoch": time.Now().UnixMilli(),
			"http": map[string]string{"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "198.51.100.7", "userAgent": "faults"},
		},
		"body": string(encode(body)), "isBase64Encoded": false,
	})
}

// report is an event as its producer writes it: the same each time.
func (r *round) report(e event) map[string]any {
	report := map[string]any{
		"event_id": e.id, "notification_type": e.eventType,
		"payload": map[string]any{"public_id": e.id, "version": 1, "filler": filler(roll(r.plan.seed, "payload", e.id), e.size)},
	}
	if e.callURL > 0 {
		report["notification_url"] = r.receivers.urls[e.callURL]
	}
	if e.eagerURL > 0 {
		report["eager_notification_url"] = r.receivers.urls[e.eagerURL]
	}
	if e.batch != "" {
		report["batch_id"] = e.batch
	}
	if e.asksEager {
		report["eager"] = true
	}
	if e.async {
		report["eager_async"] = true
	}
	return report
}

// filler is text of about so many bytes that cannot be compressed much.
func filler(dice *rand.Rand, size int) string {
	raw := make([]byte, size*3/4)
	for i := range raw {
		raw[i] = byte(dice.Uint32())
	}
	return base64.StdEncoding.EncodeToString(raw)
}

package store

import (
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// deliveryItem encodes a delivery's record under its key.
func deliveryItem(k key, d notification.Delivery) item {
	open, openAt := openKey(k, d)
	return newItem(k, 21).
		text("event_id", d.EventID).
		text("notification_type", d.NotificationType).
		text("url", d.URL).
		text("why", string(d.Why)).
		text("trigger_id", d.TriggerID).
		boolean("lead", d.Lead).
		boolean("left_out", d.LeftOut).
		texts("public_ids", d.PublicIDs).
		number("schedule_from", int64(d.ScheduleFrom)).
		text("status", string(d.Status)).
		time("accepted_at", d.AcceptedAt).
		number("attempt_count", int64(d.AttemptCount)).
		list("attempts", attemptList(d.Attempts)).
		time("next_at", d.NextAt).
		text("next_lane", string(d.NextLane)).
		text(openPartition, open).
		text(openSort, openAt).
		expiry(d.ExpiresAt)
}

// openKey returns where the delivery stands in the sparse index; nowhere, unless
// it is retrying or exhausted.
func openKey(k key, d notification.Delivery) (partition, sort string) {
	switch d.Status {
	case notification.Retrying:
		return duePartition(shardOf(k)), instant(d.NextAt)
	case notification.Exhausted:
		return failedPartition(d.CloudName, shardOf(k)), d.DeliveryID
	}
	return "", ""
}

// instant writes a time so that texts sort as times do.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

func attemptList(attempts []notification.Attempt) []types.AttributeValue {
	list := make([]types.AttributeValue, len(attempts))
	for i, a := range attempts {
		list[i] = make(item, 0, 18).
			number("number", int64(a.Number)).
			time("started_at", a.StartedAt).
			number("duration", int64(a.Duration)).
			number("dns", int64(a.Phases.DNS)).
			number("connect", int64(a.Phases.Connect)).
			number("tls", int64(a.Phases.TLS)).
			number("first_byte", int64(a.Phases.FirstByte)).
			number("status_code", int64(a.StatusCode)).
			text("reason", string(a.Reason)).
			text("detail", a.Detail).
			binary("response", a.Response).
			text("remote_addr", a.RemoteAddr).
			text("signing_key", a.SigningKey).
			number("timestamp", a.Timestamp).
			text("signature", a.Signature).
			text("lane", string(a.Lane)).
			number("retry_after", int64(a.RetryAfter)).
			boolean("repeated", a.Repeated).
			asDocument()
	}
	return list
}

// readDelivery decodes what deliveryItem has encoded.
func readDelivery(k notification.DeliveryKey, attributes map[string]types.AttributeValue) (notification.Delivery, error) {
	f := fields{attributes: attributes}
	d := notification.Delivery{
		DeliveryKey:      k,
		EventID:          f.text("event_id"),
		NotificationType: f.text("notification_type"),
		URL:              f.text("url"),
		Why:              notification.Why(f.text("why")),
		TriggerID:        f.text("trigger_id"),
		Lead:             f.boolean("lead"),
		LeftOut:          f.boolean("left_out"),
		PublicIDs:        f.texts("public_ids"),
		ScheduleFrom:     int(f.number("schedule_from")),
		Status:           notification.Status(f.text("status")),
		AcceptedAt:       f.time("accepted_at"),
		AttemptCount:     int(f.number("attempt_count")),
		NextAt:           f.time("next_at"),
		NextLane:         notification.Lane(f.text("next_lane")),
		LeasedUntil:      f.time("leased_until"),
		ExpiresAt:        f.expiry(),
	}
	repeats := f.set("repeats")
	f.each("attempts", func(f *fields) {
		a := readAttempt(f)
		a.Repeated = a.Repeated || slices.Contains(repeats, strconv.Itoa(a.Number))
		d.Attempts = append(d.Attempts, a)
	})
	return d, f.err
}

func readAttempt(f *fields) notification.Attempt {
	return notification.Attempt{
		Number:    int(f.number("number")),
		StartedAt: f.time("started_at"),
		Duration:  f.duration("duration"),
		Phases: notification.Phases{
			DNS:       f.duration("dns"),
			Connect:   f.duration("connect"),
			TLS:       f.duration("tls"),
			FirstByte: f.duration("first_byte"),
		},
		StatusCode: int(f.number("status_code")),
		Reason:     notification.Reason(f.text("reason")),
		Detail:     f.text("detail"),
		Response:   f.binary("response"),
		RemoteAddr: f.text("remote_addr"),
		SigningKey: f.text("signing_key"),
		Timestamp:  f.number("timestamp"),
		Signature:  f.text("signature"),
		Lane:       notification.Lane(f.text("lane")),
		RetryAfter: f.duration("retry_after"),
		Repeated:   f.boolean("repeated"),
	}
}

// sameAttempt reports whether two records end in the very same attempt, which
// is how a write whose answer was lost recognises itself.
func sameAttempt(a, b notification.Delivery) bool {
	if a.AttemptCount != b.AttemptCount || len(a.Attempts) == 0 || len(b.Attempts) == 0 {
		return false
	}
	x, y := a.Attempts[len(a.Attempts)-1], b.Attempts[len(b.Attempts)-1]
	return x.Number == y.Number && x.StartedAt.Equal(y.StartedAt) && x.Duration == y.Duration &&
		x.StatusCode == y.StatusCode && x.Reason == y.Reason
}

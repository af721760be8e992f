package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Deliveries reads any number of records, strongly consistent. Those that do
// not exist, or have expired, are absent from the result.
func (t *Table) Deliveries(ctx context.Context, keys []notification.DeliveryKey) (map[notification.DeliveryKey]notification.Delivery, error) {
	names := make(map[key]notification.DeliveryKey, len(keys))
	var wanted []key
	for _, name := range keys {
		if k, ok := deliveryKey(name); ok {
			names[k] = name
			wanted = append(wanted, k)
		}
	}
	items, err := t.read(ctx, wanted)
	if err != nil {
		return nil, fmt.Errorf("read %d deliveries: %w", len(keys), err)
	}
	found := make(map[notification.DeliveryKey]notification.Delivery, len(items))
	for k, attributes := range items {
		d, err := readDelivery(names[k], attributes)
		if err != nil {
			return nil, fmt.Errorf("read delivery %s: %w", names[k].DeliveryID, err)
		}
		// A row without attempts stands for an event, not for a delivery.
		if !t.expired(d.ExpiresAt) && d.AttemptCount > 0 {
			found[names[k]] = d
		}
	}
	return found, nil
}

// Claim leases the delivery for the given attempt until a time, and returns its
// record as it was before: one with a lease was claimed for this attempt by a
// process that never recorded it. It reports false, with the record as it is, where
// an attempt of that number is on record, or a lease has not run out at now. A
// delivery without a record is a *notification.Error of code NotFound.
func (t *Table) Claim(ctx context.Context, name notification.DeliveryKey, attempt int, now, until time.Time) (notification.Delivery, bool, error) {
	k, ok := deliveryKey(name)
	if !ok {
		return notification.Delivery{}, false, noRecord(name)
	}
	// The mark tells this call from all others: where its answer is lost, the
	// client makes it again, and must not take its own lease for another's.
	mark := rand.Text()
	attributes, claimed, err := t.updateIf(ctx, k, "SET leased_until = :until, leased_by = :mark",
		"attempt_count = :before AND (attribute_not_exists(leased_until) OR leased_until <= :now OR leased_by = :mark)",
		map[string]types.AttributeValue{
			":until":  number(nanoseconds(until)),
			":mark":   text(mark),
			":now":    number(nanoseconds(now)),
			":before": number(int64(attempt - 1)),
		}, types.ReturnValueAllOld)
	if err != nil {
		return notification.Delivery{}, false, fmt.Errorf("claim delivery %s: %w", name.DeliveryID, err)
	}
	if attributes == nil {
		return notification.Delivery{}, false, noRecord(name)
	}
	d, err := readDelivery(name, attributes)
	if err != nil {
		return notification.Delivery{}, false, fmt.Errorf("claim delivery %s: %w", name.DeliveryID, err)
	}
	if by := (&fields{attributes: attributes}).text("leased_by"); claimed && by == mark {
		d.LeasedUntil = time.Time{} // this call's own
	}
	return d, claimed, nil
}

func noRecord(name notification.DeliveryKey) error {
	return notification.Errorf(notification.NotFound, "delivery %s has no record", name.DeliveryID)
}

// RecordAttempts writes each delivery over its state of one attempt before (no
// record at all, where AttemptCount is 1), and ends its lease. It returns an
// error for each that was not written, by index: notification.ErrConflict where
// the record has moved on. To find on record the very attempt that was to be
// recorded is a success: it is the repeat of a write whose answer was lost.
//
// A record counts here, and for Claim, as long as it is there: it outlives any
// message that asks for an attempt, and expires on reads alone.
func (t *Table) RecordAttempts(ctx context.Context, deliveries []notification.Delivery) (failed map[int]error) {
	var valid []int
	keys := make([]key, len(deliveries))
	for i, d := range deliveries {
		k, ok := deliveryKey(d.DeliveryKey)
		if !ok {
			failed = fail(failed, i, notification.Errorf(notification.Invalid, "delivery id %q is not a ULID", d.DeliveryID))
			continue
		}
		keys[i] = k
		valid = append(valid, i)
	}
	valid, failed = t.marked(ctx, deliveries, keys, valid, failed)
	for _, round := range rounds(len(valid), func(at int) key { return keys[valid[at]] }) {
		for at, i := range round {
			round[at] = valid[i]
		}
		for i, err := range t.recordRound(ctx, deliveries, keys, round) {
			failed = fail(failed, i, fmt.Errorf("record attempt %d of delivery %s: %w", deliveries[i].AttemptCount, deliveries[i].DeliveryID, err))
		}
	}
	return failed
}

// NoteRepeat says of an attempt that is on record that it was made twice. A delivery
// without a record is a *notification.Error of code NotFound.
func (t *Table) NoteRepeat(ctx context.Context, name notification.DeliveryKey, attempt int) error {
	k, ok := deliveryKey(name)
	if !ok {
		return noRecord(name)
	}
	there, noted, err := t.updateIf(ctx, k, "ADD repeats :attempt", "attempt_count >= :number", map[string]types.AttributeValue{
		":attempt": set(strconv.Itoa(attempt)),
		":number":  number(int64(attempt)),
	}, types.ReturnValueNone)
	switch {
	case err != nil:
		return fmt.Errorf("note repeat of attempt %d of delivery %s: %w", attempt, name.DeliveryID, err)
	case !noted && there == nil:
		return noRecord(name)
	case !noted:
		return fmt.Errorf("note repeat of attempt %d of delivery %s: %w", attempt, name.DeliveryID, notification.ErrConflict)
	}
	return nil
}

// marked returns those of the valid deliveries whose hour has its mark: without
// one, a record would be found by its id alone.
func (t *Table) marked(ctx context.Context, deliveries []notification.Delivery, keys []key, valid []int, failed map[int]error) ([]int, map[int]error) {
	var rows []key
	var last time.Time
	for _, i := range valid {
		if deliveries[i].AttemptCount == 1 {
			rows = append(rows, keys[i])
			if deliveries[i].ExpiresAt.After(last) {
				last = deliveries[i].ExpiresAt
			}
		}
	}
	unmarked := t.markHours(ctx, rows, last)
	if len(unmarked) == 0 {
		return valid, failed
	}
	var kept []int
	for _, i := range valid {
		if err := unmarked[keys[i].pk]; err != nil && deliveries[i].AttemptCount == 1 {
			failed = fail(failed, i, fmt.Errorf("record delivery %s: %w", deliveries[i].DeliveryID, err))
			continue
		}
		kept = append(kept, i)
	}
	return kept, failed
}

// recordRound records the deliveries of the given indices, no two of which are
// the same.
func (t *Table) recordRound(ctx context.Context, deliveries []notification.Delivery, keys []key, round []int) (failed map[int]error) {
	statements := make([]types.BatchStatementRequest, len(round))
	for at, i := range round {
		if deliveries[i].AttemptCount == 1 {
			statements[at] = deliveryItem(keys[i], deliveries[i]).insertInto(t.name)
		} else {
			statements[at] = t.updateStatement(keys[i], deliveries[i])
		}
	}
	var taken []int
	var takenKeys []key
	for at, err := range t.execute(ctx, statements) {
		i := round[at]
		switch {
		case errors.Is(err, errTaken):
			taken = append(taken, i)
			takenKeys = append(takenKeys, keys[i])
		case err != nil:
			failed = fail(failed, i, err)
		}
	}
	if len(taken) == 0 {
		return failed
	}
	found, readErr := t.read(ctx, takenKeys)
	for _, i := range taken {
		if err := settleRecord(deliveries[i], found[keys[i]], readErr); err != nil {
			failed = fail(failed, i, err)
		}
	}
	return failed
}

// settleRecord decides what became of a record whose write found another state
// than the one before, from the item that was then read. It returns nil for one
// that is written.
func settleRecord(d notification.Delivery, attributes map[string]types.AttributeValue, readErr error) error {
	if readErr != nil {
		return fmt.Errorf("read what is there: %w", readErr)
	}
	there, err := readDelivery(d.DeliveryKey, attributes)
	if err != nil {
		return fmt.Errorf("read what is there: %w", err)
	}
	if sameAttempt(there, d) {
		return nil
	}
	return notification.ErrConflict
}

// updateStatement replaces what an attempt changes. Attributes that have become
// zero are set to zero, not removed, but for the keys of the index, where only
// absence keeps an item out.
func (t *Table) updateStatement(k key, d notification.Delivery) types.BatchStatementRequest {
	statement := `UPDATE "` + t.name + `" SET "status"=? SET "attempt_count"=? SET "attempts"=?` +
		` SET "next_at"=? SET "next_lane"=? SET "expires_at"=? SET "leased_until"=?`
	values := []types.AttributeValue{
		text(string(d.Status)),
		number(int64(d.AttemptCount)),
		&types.AttributeValueMemberL{Value: attemptList(d.Attempts)},
		number(nanoseconds(d.NextAt)),
		text(string(d.NextLane)),
		number(seconds(d.ExpiresAt)),
		number(0),
	}
	if open, at := openKey(k, d); open != "" {
		statement += ` SET "open_in"=? SET "open_at"=?`
		values = append(values, text(open), text(at))
	} else {
		statement += ` REMOVE "open_in" REMOVE "open_at"`
	}
	statement += ` WHERE "pk"=? AND "sk"=? AND "attempt_count"=?`
	values = append(values, text(k.pk), text(k.sk), number(int64(d.AttemptCount-1)))
	return types.BatchStatementRequest{Statement: &statement, Parameters: values}
}

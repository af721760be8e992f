package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// JoinBatch adds an event to the batch that it names, among its eagers where its
// type is eager and else among its uploads, and returns the batch as it is
// afterwards. To join twice is to join once. Of two events that join at the same
// instant, the later one finds the other there. A *notification.Error of code
// Conflict says that notification.MaxBatch events are in it.
//
// A batch expires when the last of its events does; one that has expired is
// begun anew. It takes one write, unless what is there is not as usual; that
// write then brings it back, and what to do next follows from it.
func (t *Table) JoinBatch(ctx context.Context, event notification.Event) (notification.Batch, error) {
	var there notification.Batch
	for range maxRepeats {
		var attributes map[string]types.AttributeValue
		var joined bool
		var err error
		isIn := contains(there, event)
		outlives := seconds(event.ExpiresAt) > seconds(there.ExpiresAt)
		switch {
		case t.expired(there.ExpiresAt):
			attributes, joined, err = t.beginBatch(ctx, event)
		case isIn && !outlives:
			return there, nil
		case isIn:
			attributes, joined, err = t.prolongBatch(ctx, event)
		case len(there.Uploads)+len(there.Eagers) >= notification.MaxBatch:
			return notification.Batch{}, notification.Errorf(notification.Conflict,
				"batch_id: %d events name it already", notification.MaxBatch)
		default:
			attributes, joined, err = t.addToBatch(ctx, event, outlives)
		}
		if err == nil {
			there, err = readBatch(event.CloudName, event.BatchID, attributes)
		}
		if err != nil {
			return notification.Batch{}, fmt.Errorf("join batch %s: %w", event.BatchID, err)
		}
		if joined {
			return there, nil
		}
	}
	return notification.Batch{}, fmt.Errorf("join batch %s: it changed %d times meanwhile", event.BatchID, maxRepeats)
}

// beginBatch writes a batch that has only this event, where there is none that
// has not expired. If there is, it returns that one and false.
func (t *Table) beginBatch(ctx context.Context, event notification.Event) (map[string]types.AttributeValue, bool, error) {
	begun := append(newItem(batchKey(event.CloudName, event.BatchID), 3), attribute{half(event), set(event.ID)}).
		number("joined", 1).
		expiry(event.ExpiresAt)
	there, stored, err := t.putIfFree(ctx, begun)
	if stored {
		return begun.attributes(), true, nil
	}
	return there, false, err
}

// addToBatch adds an event that is not in it to a batch that is not full, and
// lets it expire with the event where that is later. If it is not so, it returns
// the batch as it is and false.
func (t *Table) addToBatch(ctx context.Context, event notification.Event, outlives bool) (map[string]types.AttributeValue, bool, error) {
	// A condition cannot add the sizes of two sets, hence the number.
	update := "ADD " + half(event) + " :ids, joined :one"
	condition := "expires_at > :now AND joined < :max AND NOT contains(" + half(event) + ", :id)"
	values := map[string]types.AttributeValue{
		":id":  text(event.ID),
		":ids": set(event.ID),
		":one": number(1),
		":max": number(notification.MaxBatch),
		":now": number(t.now().Unix()),
	}
	if outlives {
		update += " SET expires_at = :expires_at"
		condition = "attribute_not_exists(pk) OR (expires_at <= :expires_at AND " + condition + ")"
		values[":expires_at"] = number(seconds(event.ExpiresAt))
	}
	return t.updateIf(ctx, batchKey(event.CloudName, event.BatchID), update, condition, values, types.ReturnValueAllNew)
}

// prolongBatch lets a batch that the event is in expire with it, where that is
// later: an event that expires before its batch can be reported again. If it is
// not so, it returns the batch as it is and false.
func (t *Table) prolongBatch(ctx context.Context, event notification.Event) (map[string]types.AttributeValue, bool, error) {
	return t.updateIf(ctx, batchKey(event.CloudName, event.BatchID), "SET expires_at = :expires_at",
		"expires_at < :expires_at AND contains("+half(event)+", :id)",
		map[string]types.AttributeValue{
			":id":         text(event.ID),
			":expires_at": number(seconds(event.ExpiresAt)),
		}, types.ReturnValueAllNew)
}

// half names the set that an event's id belongs to.
func half(event notification.Event) string {
	if event.NotificationType == "eager" {
		return "eagers"
	}
	return "uploads"
}

func contains(batch notification.Batch, event notification.Event) bool {
	if half(event) == "eagers" {
		return slices.Contains(batch.Eagers, event.ID)
	}
	return slices.Contains(batch.Uploads, event.ID)
}

// TimeOutBatch sets when the clock of one half ran out, unless both halves are
// there or another has run out later, and returns the batch as it is afterwards.
// It reports false for one that does not exist or has expired.
func (t *Table) TimeOutBatch(ctx context.Context, cloudName, batchID string, at time.Time) (notification.Batch, bool, error) {
	attributes, _, err := t.updateIf(ctx, batchKey(cloudName, batchID), "SET timed_out_at = :at",
		"expires_at > :now AND (attribute_not_exists(uploads) OR attribute_not_exists(eagers)) AND "+
			"(attribute_not_exists(timed_out_at) OR timed_out_at < :at)",
		map[string]types.AttributeValue{
			":at":  number(nanoseconds(at)),
			":now": number(t.now().Unix()),
		}, types.ReturnValueAllNew)
	var batch notification.Batch
	if err == nil {
		batch, err = readBatch(cloudName, batchID, attributes)
	}
	if err != nil {
		return notification.Batch{}, false, fmt.Errorf("time out batch %s: %w", batchID, err)
	}
	if attributes == nil || t.expired(batch.ExpiresAt) {
		return notification.Batch{}, false, nil
	}
	return batch, true, nil
}

// Batch reads what is known of a batch_id; false, and no error, for one that does not
// exist or has expired.
func (t *Table) Batch(ctx context.Context, cloudName, batchID string) (notification.Batch, bool, error) {
	attributes, err := t.get(ctx, batchKey(cloudName, batchID))
	var batch notification.Batch
	if err == nil && attributes != nil {
		batch, err = readBatch(cloudName, batchID, attributes)
	}
	if err != nil {
		return notification.Batch{}, false, fmt.Errorf("read batch %s: %w", batchID, err)
	}
	if attributes == nil || t.expired(batch.ExpiresAt) {
		return notification.Batch{}, false, nil
	}
	return batch, true, nil
}

func readBatch(cloudName, batchID string, attributes map[string]types.AttributeValue) (notification.Batch, error) {
	f := fields{attributes: attributes}
	batch := notification.Batch{
		CloudName:  cloudName,
		ID:         batchID,
		Uploads:    f.set("uploads"),
		Eagers:     f.set("eagers"),
		TimedOutAt: f.time("timed_out_at"),
		ExpiresAt:  f.expiry(),
	}
	slices.Sort(batch.Uploads)
	slices.Sort(batch.Eagers)
	return batch, f.err
}

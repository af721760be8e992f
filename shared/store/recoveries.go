package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// recoveryKey names a recovery: those of an environment are one partition, in the
// order of their ids, which is that of their start.
func recoveryKey(k notification.RecoveryKey) key { return key{"REC#" + k.CloudName, k.ID} }

// recoveryPageKey names a page of a recovery. The number has as many digits as
// sort.
func recoveryPageKey(k notification.RecoveryKey, number int) key {
	return key{"REC#" + k.CloudName + "#" + k.ID, fmt.Sprintf("PAGE#%09d", number)}
}

// InsertRecovery writes a new recovery.
func (t *Table) InsertRecovery(ctx context.Context, r notification.Recovery) error {
	there, stored, err := t.putIfFree(ctx, recoveryItem(r))
	if err == nil && !stored {
		f := fields{attributes: there}
		if f.number("revision") != r.Revision || !f.time("started_at").Equal(r.StartedAt) {
			err = notification.ErrConflict
		}
	}
	if err != nil {
		return fmt.Errorf("insert recovery %s: %w", r.ID, err)
	}
	return nil
}

// ReplaceRecovery writes a recovery over its revision r.Revision-1;
// notification.ErrConflict where another revision is there, or none.
func (t *Table) ReplaceRecovery(ctx context.Context, r notification.Recovery) error {
	_, stored, err := t.putIf(ctx, recoveryItem(r), "revision = :before",
		map[string]types.AttributeValue{":before": number(r.Revision - 1)})
	if err == nil && !stored {
		err = notification.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("replace recovery %s: %w", r.ID, err)
	}
	return nil
}

// Recovery reads a recovery; false, and no error, for one that does not exist or
// has expired.
func (t *Table) Recovery(ctx context.Context, k notification.RecoveryKey) (notification.Recovery, bool, error) {
	if k.ID == "" {
		return notification.Recovery{}, false, nil
	}
	attributes, err := t.get(ctx, recoveryKey(k))
	if err != nil || attributes == nil {
		return notification.Recovery{}, false, wrapRecovery(k, err)
	}
	r, err := readRecovery(k, attributes)
	if err != nil || t.expired(r.ExpiresAt) {
		return notification.Recovery{}, false, wrapRecovery(k, err)
	}
	return r, true, nil
}

func wrapRecovery(k notification.RecoveryKey, err error) error {
	if err != nil {
		return fmt.Errorf("read recovery %s: %w", k.ID, err)
	}
	return nil
}

// Recoveries reads the recoveries of an environment, the latest first, from the
// one before an id on, and reports whether there are more.
func (t *Table) Recoveries(ctx context.Context, cloudName, before string, limit int) (list []notification.Recovery, more bool, err error) {
	input := t.partition(recoveryKey(notification.RecoveryKey{CloudName: cloudName}).pk)
	if before != "" {
		input.KeyConditionExpression = aws.String("pk = :partition AND sk < :before")
		input.ExpressionAttributeValues[":before"] = text(before)
	}
	err = t.each(ctx, input, func(attributes map[string]types.AttributeValue) (bool, error) {
		f := fields{attributes: attributes}
		r, err := readRecovery(notification.RecoveryKey{CloudName: cloudName, ID: f.text("sk")}, attributes)
		switch {
		case err != nil || t.expired(r.ExpiresAt):
		case len(list) == limit:
			more = true
		default:
			list = append(list, r)
		}
		return !more, err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list recoveries of %s: %w", cloudName, err)
	}
	return list, more, nil
}

// PlanRecoveryPage writes down what a page of a recovery is about to do, unless
// that has been done. It returns the page that counts, and whether it was there.
func (t *Table) PlanRecoveryPage(ctx context.Context, page notification.RecoveryPage) (notification.RecoveryPage, bool, error) {
	steps := make([]string, len(page.Steps))
	for i, s := range page.Steps {
		steps[i] = s.DeliveryID + ":" + strconv.Itoa(s.Attempts) + ":" + s.EventID
	}
	there, stored, err := t.putIfFree(ctx, newItem(recoveryPageKey(page.RecoveryKey, page.Number), 4).
		texts("steps", steps).
		document("skipped", skippedItem(page.Skipped)).
		text("next_page", page.Next).
		expiry(page.ExpiresAt))
	if err == nil && !stored {
		page, err = readRecoveryPage(page.RecoveryKey, there)
	}
	if err != nil {
		return notification.RecoveryPage{}, false, fmt.Errorf("plan page %d of recovery %s: %w", page.Number, page.ID, err)
	}
	return page, !stored, nil
}

// RecoveryPages reads the latest pages of a recovery, the latest first.
func (t *Table) RecoveryPages(ctx context.Context, k notification.RecoveryKey, limit int) (pages []notification.RecoveryPage, err error) {
	err = t.each(ctx, t.partition(recoveryPageKey(k, 0).pk), func(attributes map[string]types.AttributeValue) (bool, error) {
		page, err := readRecoveryPage(k, attributes)
		if err == nil && !t.expired(page.ExpiresAt) {
			pages = append(pages, page)
		}
		return len(pages) < limit, err
	})
	if err != nil {
		return nil, fmt.Errorf("read pages of recovery %s: %w", k.ID, err)
	}
	return pages, nil
}

// partition is a query for all items of a partition, the last first.
func (t *Table) partition(name string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName:                 &t.name,
		KeyConditionExpression:    aws.String("pk = :partition"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":partition": text(name)},
		ScanIndexForward:          aws.Bool(false),
		ConsistentRead:            aws.Bool(true),
		Limit:                     aws.Int32(maxKeys),
	}
}

// each calls visit with the items of a query until it wants no more.
func (t *Table) each(ctx context.Context, input *dynamodb.QueryInput, visit func(map[string]types.AttributeValue) (bool, error)) error {
	for {
		out, err := t.client.Query(ctx, input)
		if err != nil {
			return err
		}
		for _, attributes := range out.Items {
			if more, err := visit(attributes); err != nil || !more {
				return err
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return nil
		}
		input.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

func recoveryItem(r notification.Recovery) item {
	return newItem(recoveryKey(r.RecoveryKey), 25).
		text("status", string(r.Status)).
		boolean("unmatched", r.Unmatched).
		text("of_status", string(r.Filter.Status)).
		text("notification_type", r.Filter.NotificationType).
		text("trigger_id", r.Filter.TriggerID).
		text("url", r.Filter.URL).
		text("public_id", r.Filter.PublicID).
		text("reason", string(r.Filter.Reason)).
		time("from_time", r.From).
		time("to_time", r.To).
		number("max_per_second", int64(r.MaxPerSecond)).
		text("api_key", r.By).
		text("after", r.Cursor).
		number("pages", int64(r.Pages)).
		number("part", int64(r.Part)).
		number("first_page", int64(r.FirstPage)).
		number("examined", int64(r.Examined)).
		number("queued", int64(r.Queued)).
		document("skipped", skippedItem(r.Skipped)).
		text("failure", r.Failure).
		time("started_at", r.StartedAt).
		time("ended_at", r.EndedAt).
		expiry(r.ExpiresAt).
		number("revision", r.Revision)
}

func readRecovery(k notification.RecoveryKey, attributes map[string]types.AttributeValue) (notification.Recovery, error) {
	f := fields{attributes: attributes}
	r := notification.Recovery{
		RecoveryKey: k,
		Status:      notification.RecoveryStatus(f.text("status")),
		Unmatched:   f.boolean("unmatched"),
		Filter: notification.LogFilter{
			Status:           notification.Status(f.text("of_status")),
			NotificationType: f.text("notification_type"),
			TriggerID:        f.text("trigger_id"),
			URL:              f.text("url"),
			PublicID:         f.text("public_id"),
			Reason:           notification.Reason(f.text("reason")),
		},
		From: f.time("from_time"), To: f.time("to_time"),
		MaxPerSecond: int(f.number("max_per_second")),
		By:           f.text("api_key"),
		Cursor:       f.text("after"),
		Pages:        int(f.number("pages")),
		Part:         int(f.number("part")),
		FirstPage:    int(f.number("first_page")),
		Examined:     int(f.number("examined")),
		Queued:       int(f.number("queued")),
		Failure:      f.text("failure"),
		StartedAt:    f.time("started_at"),
		EndedAt:      f.time("ended_at"),
		ExpiresAt:    f.expiry(),
		Revision:     f.number("revision"),
	}
	r.Skipped = skippedOf(&f)
	return r, f.err
}

func skippedItem(skipped map[notification.SkipReason]int) item {
	made := make(item, 0, len(skipped))
	for _, reason := range notification.SkipReasons {
		made = made.number(string(reason), int64(skipped[reason]))
	}
	return made
}

func skippedOf(f *fields) map[notification.SkipReason]int {
	var skipped map[notification.SkipReason]int
	f.within("skipped", func(f *fields) {
		for _, reason := range notification.SkipReasons {
			if n := f.number(string(reason)); n > 0 {
				if skipped == nil {
					skipped = make(map[notification.SkipReason]int)
				}
				skipped[reason] = int(n)
			}
		}
	})
	return skipped
}

var errStep = errors.New("attribute steps: want a ULID, a number and an event each")

func readRecoveryPage(k notification.RecoveryKey, attributes map[string]types.AttributeValue) (notification.RecoveryPage, error) {
	f := fields{attributes: attributes}
	page := notification.RecoveryPage{RecoveryKey: k, Next: f.text("next_page"), ExpiresAt: f.expiry()}
	_, digits, _ := strings.Cut(f.text("sk"), "#")
	page.Number, _ = strconv.Atoi(digits) // as recoveryPageKey writes it
	page.Skipped = skippedOf(&f)
	for _, step := range f.texts("steps") {
		parts := strings.SplitN(step, ":", 3)
		if len(parts) != 3 {
			return page, errStep
		}
		n, err := strconv.Atoi(parts[1])
		if err != nil {
			return page, errStep
		}
		page.Steps = append(page.Steps, notification.RecoveryStep{DeliveryID: parts[0], Attempts: n, EventID: parts[2]})
	}
	return page, f.err
}

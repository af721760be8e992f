package history

import (
	"context"
	"errors"
	"fmt"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Resend has a delivery attempted once more, now, with the key that is right now;
// should that fail, its schedule begins anew. It returns the delivery as it then
// is, and a *notification.Error of code NotFound for one without a record, of code
// Conflict where an attempt is under way or its notification is not on record, of
// code Invalid where its URL may no longer be told.
func (s Service) Resend(ctx context.Context, key notification.DeliveryKey) (notification.Delivery, error) {
	found, err := s.Delivery(ctx, key)
	if err != nil {
		return notification.Delivery{}, err
	}
	d := found.Delivery
	if d.LeftOut {
		return d, notification.Errorf(notification.Conflict, notKept)
	}
	if found.Body == nil {
		return d, notification.Errorf(notification.Conflict, "delivery_id: the notification cannot be sent again, since its event is no longer on record")
	}
	if err := s.Guard.CheckURL("uri", d.URL); err != nil {
		return d, err
	}
	now := s.Now().UTC()
	err = s.Records.Reopen(ctx, d, now, notification.First)
	if errors.Is(err, notification.ErrConflict) {
		return d, notification.Errorf(notification.Conflict, "delivery_id: an attempt is under way; look at it again in half a minute")
	}
	if err != nil {
		return d, err
	}
	d.Status, d.NextAt, d.NextLane, d.ScheduleFrom = notification.Retrying, now, notification.First, d.AttemptCount
	if err := s.Queue.Send(ctx, []notification.Message{nextMessage(d, now)})[0]; err != nil {
		return d, &notification.Error{
			Code:    notification.Unavailable,
			Message: "the attempt is on record as due, but could not be queued: it is made within 20 minutes, or after this call is repeated",
			Err:     fmt.Errorf("queue delivery %s: %w", d.DeliveryID, err),
		}
	}
	return d, nil
}

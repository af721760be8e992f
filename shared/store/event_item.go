package store

import (
	"cmp"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// The usual event, which is accepted at once, has none of the attributes of those
// that were held: each costs bytes in every write.
func eventItem(event notification.Event) item {
	targets := make([]types.AttributeValue, len(event.Targets))
	for i, target := range event.Targets {
		also := make([]types.AttributeValue, len(target.Also))
		for i, naming := range target.Also {
			also[i] = make(item, 0, 2).text("why", string(naming.Why)).text("trigger_id", naming.TriggerID).asDocument()
		}
		targets[i] = make(item, 0, 5).
			text("delivery_id", target.DeliveryID).
			text("url", target.URL).
			text("why", string(target.Why)).
			text("trigger_id", target.TriggerID).
			list("also", also).
			asDocument()
	}
	it := newItem(eventKey(event.CloudName, event.ID), 10).
		text("notification_type", event.NotificationType).
		text("method", event.Method).
		binary("hash", event.Hash).
		binary("body", event.Body).
		boolean("left_out", event.LeftOut).
		list("targets", targets).
		texts("public_ids", event.PublicIDs).
		text("log_id", event.LogID).
		text("batch_id", event.BatchID).
		text("misfit", event.Misfit).
		text("parent_id", event.ParentID).
		time("accepted_at", event.AcceptedAt).
		expiry(event.ExpiresAt)
	if event.Status != notification.EventAccepted {
		it = it.text("status", string(event.Status))
	}
	if event.Eager != nil {
		it = it.document("eager", make(item, 0, 5).
			boolean("requested", event.Eager.Requested).
			boolean("async", event.Eager.Async).
			text("notification_url", event.Eager.NotificationURL).
			boolean("call_url", event.Eager.CallURL).
			number("uploads", event.Eager.Uploads))
	}
	return it.
		time("held_until", event.HeldUntil).
		time("released_at", event.ReleasedAt).
		text("release", string(event.Release)).
		number("revision", event.Revision)
}

func readEvent(cloudName, eventID string, attributes map[string]types.AttributeValue) (notification.Event, error) {
	f := fields{attributes: attributes}
	event := notification.Event{
		CloudName:        cloudName,
		ID:               eventID,
		NotificationType: f.text("notification_type"),
		Method:           f.text("method"),
		Hash:             f.binary("hash"),
		Body:             f.binary("body"),
		LeftOut:          f.boolean("left_out"),
		Status:           cmp.Or(notification.EventStatus(f.text("status")), notification.EventAccepted),
		PublicIDs:        f.texts("public_ids"),
		LogID:            f.text("log_id"),
		BatchID:          f.text("batch_id"),
		Misfit:           f.text("misfit"),
		ParentID:         f.text("parent_id"),
		AcceptedAt:       f.time("accepted_at"),
		HeldUntil:        f.time("held_until"),
		ReleasedAt:       f.time("released_at"),
		Release:          notification.Release(f.text("release")),
		Revision:         f.number("revision"),
		ExpiresAt:        f.expiry(),
	}
	f.each("targets", func(f *fields) {
		target := notification.Target{
			DeliveryID: f.text("delivery_id"),
			URL:        f.text("url"),
			Why:        notification.Why(f.text("why")),
			TriggerID:  f.text("trigger_id"),
		}
		f.each("also", func(f *fields) {
			target.Also = append(target.Also, notification.Naming{Why: notification.Why(f.text("why")), TriggerID: f.text("trigger_id")})
		})
		event.Targets = append(event.Targets, target)
	})
	f.within("eager", func(f *fields) {
		event.Eager = &notification.Eager{
			Requested:       f.boolean("requested"),
			Async:           f.boolean("async"),
			NotificationURL: f.text("notification_url"),
			CallURL:         f.boolean("call_url"),
			Uploads:         f.number("uploads"),
		}
	})
	return event, f.err
}

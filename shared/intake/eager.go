package intake

import (
	"slices"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// eagerType is the type of the event that reports the results of eager
// transformations.
const eagerType = "eager"

// Who is told when, and of what, follows from what the upload's call asked for:
//
//	eager, notification_url                                 upload, after both
//	eager, eager_notification_url                           eager, after both
//	eager, eager_notification_url, eager_async              eager, after the transformations
//	eager, notification_url, eager_notification_url         upload, after both
//	eager, all three                                        upload after the upload, eager after the transformations
//
// Global upload triggers and the upload preset's URL are told when the upload
// notification is due; global eager triggers only with eager_async.
//
// Source: Cloudinary, Webhook notifications, Notification combinations with
// eager.

// waits reports whether an event has to wait for its other half: an upload for
// transformations that are not made in the background, and a result for the
// upload that says whom to tell.
func waits(event notification.Event) bool {
	e := event.Eager
	switch {
	case e == nil:
		return false
	case event.NotificationType == eagerType:
		return event.BatchID != "" && !saysItself(e)
	default:
		return e.Requested && !e.Async
	}
}

// joins reports whether an event is a half of a pair.
func joins(event notification.Event) bool { return event.Eager != nil && event.BatchID != "" }

// saysItself reports whether an eager event says whom to tell.
func saysItself(e *notification.Eager) bool { return e.Async || e.NotificationURL != "" }

// toldSeparately reports whether a call's eager_notification_url is told: not
// where the upload notification, which comes after both, tells the call's
// notification_url.
func toldSeparately(e *notification.Eager) bool { return e.Async || !e.CallURL }

// addEager adds the targets of an eager event, given the uploads of its batch.
// Without any, an event that says nothing itself is told to the triggers: there
// is nothing that could speak against it.
func (l *targetList) addEager(event notification.Event, hooks notification.Hooks, uploads []notification.Event) {
	if event.Eager == nil {
		l.addTriggers(eagerType, hooks)
		return
	}
	if event.Eager.Async {
		l.addTriggers(eagerType, hooks)
	}
	l.add(event.Eager.NotificationURL, notification.ByCall, "")
	for _, upload := range uploads {
		if upload.Eager == nil {
			continue
		}
		if upload.Eager.Async {
			l.addTriggers(eagerType, hooks)
		}
		if toldSeparately(upload.Eager) {
			l.add(upload.Eager.NotificationURL, notification.ByCall, "")
		}
	}
}

// pair is what is known of a batch when one of its events is decided.
type pair struct {
	ids   *IDs
	batch notification.Batch
	// uploads and eagers are the events of the batch that are on record.
	uploads, eagers []notification.Event
	hooks           notification.Hooks
	now             time.Time
}

// decide returns the event as it is to be, and whether that is a change: a held
// one is released when its other half or the end of its time has come, and an
// eager one learns of further uploads whom to tell.
func (p pair) decide(event notification.Event) (notification.Event, bool) {
	if event.NotificationType == eagerType {
		return p.decideEager(event)
	}
	switch {
	case event.Status != notification.EventHeld:
		late := event.Release == "" && byOther(p.eagers) == notification.ReleasedLate
		if late {
			event.Release = notification.ReleasedLate
		}
		return event, late
	case len(p.batch.Eagers) > 0:
		return p.release(event, byOther(p.eagers)), true
	case p.timedOut(event):
		return p.release(event, notification.ReleasedByTime), true
	}
	return event, false
}

func (p pair) decideEager(event notification.Event) (notification.Event, bool) {
	known := int64(len(p.batch.Uploads))
	held := event.Status == notification.EventHeld
	list := targetList{ids: p.ids, at: event.AcceptedAt, targets: slices.Clone(event.Targets)}
	eager := *event.Eager
	switch {
	case known > eager.Uploads:
		list.addEager(event, p.hooks, p.uploads)
		eager.Uploads = known
		if held {
			event = p.release(event, byOther(p.uploads))
		}
	case held && known == 0 && p.timedOut(event):
		list.addTriggers(eagerType, p.hooks)
		event = p.release(event, notification.ReleasedByTime)
	default:
		return event, false
	}
	event.Targets, event.Eager = list.targets, &eager
	event.ReleasedAt = p.now
	return event, true
}

// timedOut reports whether an event's clock has run out. That of another half on
// the same batch may have done so before.
func (p pair) timedOut(event notification.Event) bool {
	return !p.batch.TimedOutAt.IsZero() && !p.batch.TimedOutAt.Before(event.HeldUntil)
}

func (p pair) release(event notification.Event, why notification.Release) notification.Event {
	event.Status, event.ReleasedAt, event.Release = notification.EventAccepted, p.now, why
	return event
}

// byOther says how the other half's coming releases an event: late, where that
// half was not waited for to the end.
func byOther(others []notification.Event) notification.Release {
	for _, other := range others {
		if other.Release == notification.ReleasedByTime {
			return notification.ReleasedLate
		}
	}
	return notification.ReleasedByBoth
}

package history

import (
	"fmt"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Explain says in sentences what became of an event and why, for those who do not
// know the rules.
func Explain(e notification.Event) []string {
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	switch {
	case e.Status == notification.EventSuppressed && e.NotificationType == "delete_folder":
		say("Nobody is told: the folder was empty, and the deletion of an empty folder is not notified.")
	case e.Status == notification.EventSuppressed:
		say("Nobody is told: more events than %d named its batch_id, and this one was not accepted.", notification.MaxBatch)
	case e.Status == notification.EventHeld:
		say("Held since %s, until the other half of its eager pair comes, and until %s at most.", instant(e.AcceptedAt), instant(e.HeldUntil))
	}
	switch e.Release {
	case notification.ReleasedByBoth:
		say("Both halves of its eager pair have come; told since %s.", instant(e.ReleasedAt))
	case notification.ReleasedByTime:
		say("The other half of its eager pair did not come in time; told alone, since %s.", instant(e.ReleasedAt))
	case notification.ReleasedLate:
		say("It came late: the other half of its eager pair had been told alone.")
	}
	if e.Eager != nil && e.NotificationType != "eager" && e.Eager.NotificationURL != "" {
		switch {
		case e.Eager.Async:
			say("The call's eager_notification_url is told of the transformations, by the eager event of the same batch_id.")
		case e.Eager.CallURL:
			say("The call's eager_notification_url is not told: the call named a notification_url too, and was not eager_async.")
		}
	}
	switch {
	case e.LeftOut && e.Status == notification.EventHeld:
		say("The notification is on record only while the event is held: keep_payloads was false when it was accepted.")
	case e.LeftOut:
		say(notShown)
	}
	if e.ParentID != "" {
		say("It follows from the event %s.", e.ParentID)
	}
	byTrigger := false
	for _, t := range e.Targets {
		byTrigger = byTrigger || t.Why == notification.ByTrigger
	}
	if toldSince(e) {
		say("When the event was accepted, no trigger was for %s or for all. A recovery has told those that were made since.", e.NotificationType)
	}
	if !byTrigger && e.Status == notification.EventAccepted {
		say("No trigger was told: when the event was accepted, none was for %s or for all.", e.NotificationType)
	}
	if len(e.Targets) == 0 && e.Status == notification.EventAccepted {
		say("So nobody was told.")
	}
	return said
}

// notShown is why there is no notification to show.
const notShown = "The notification is not shown: keep_payloads was false when the event was accepted, and so it was never kept."

// toldSince reports whether an event that matched nothing was recovered: it has a
// row of its own, as what has no delivery, and targets, but was never held.
func toldSince(e notification.Event) bool {
	return e.LogID != "" && len(e.Targets) > 0 && e.HeldUntil.IsZero() && e.ReleasedAt.IsZero()
}

// ExplainTarget says in a sentence why a URL is told of an event.
func ExplainTarget(t notification.Target) string {
	said := "Told because " + because(t.Why, t.TriggerID)
	for _, also := range t.Also {
		said += ", and " + because(also.Why, also.TriggerID)
	}
	if len(t.Also) > 0 {
		said += "; a URL is told once, however often it is named"
	}
	return said + "."
}

// ExplainDelivery says in sentences why a URL was told, and what there is not to
// show of it.
func ExplainDelivery(d Delivery) string {
	var said []string
	if target, ok := d.Event.Target(d.DeliveryID); ok {
		said = append(said, ExplainTarget(target))
	}
	if d.LeftOut {
		said = append(said, notShown)
	}
	return strings.Join(said, " ")
}

func because(why notification.Why, triggerID string) string {
	switch why {
	case notification.ByTrigger:
		return "trigger " + triggerID + " names it"
	case notification.ByPreset:
		return "the upload preset names it"
	default:
		return "the call named it"
	}
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Note says what is not known of an attempt; nothing, for most.
func Note(a notification.Attempt) string {
	if !a.Repeated {
		return ""
	}
	return "This attempt was taken up another time, and what became of that is not on record: the receiver may have got the same " +
		notification.DeliveryHeader + " and " + notification.AttemptHeader + " twice."
}

// Advice says what the receiver's owner can do about a failed attempt.
//
// Source: Cloudinary, Webhook notifications, Troubleshooting; decision 14.
func Advice(a notification.Attempt) string {
	if a.Reason == notification.ReasonStatus && (a.StatusCode == 401 || a.StatusCode == 403) {
		return "If the receiver verifies signatures, check that it hashes the raw body, and uses the secret of the key that signature_key names."
	}
	return advice[a.Reason]
}

var advice = map[notification.Reason]string{
	notification.ReasonStatus:             "Answer 200 as soon as the notification is received, and do the work afterwards.",
	notification.ReasonRedirect:           "Redirects are never followed: register the URL that the last of them leads to.",
	notification.ReasonTimeout:            "The whole exchange has 20 seconds: answer first, and do the work afterwards.",
	notification.ReasonConnect:            "Check that the receiver runs, listens on this port, and is not behind a firewall that refuses the sender.",
	notification.ReasonDNS:                "Check that the host name exists in the public DNS.",
	notification.ReasonTLS:                "Check the certificate: it must be valid for this host, in time, and complete with its intermediates.",
	notification.ReasonProtocol:           "The answer is not HTTP, or breaks its rules: check what listens on this port.",
	notification.ReasonBlockedAddress:     "The host resolves to an address, or names a port, that may not be notified: use a public address, or have the operator allow its network.",
	notification.ReasonInvalidURL:         "No request can be made of this URL: correct the trigger, the preset or the call.",
	notification.ReasonInvalidPayload:     "The stored notification cannot be read: report the event again under another event_id.",
	notification.ReasonSigningKeyDisabled: "Enable the access key that is dedicated for webhooks, or dedicate another.",
	notification.ReasonNoSigningKey:       "Enable an access key of this environment.",
}

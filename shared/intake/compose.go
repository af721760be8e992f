package intake

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/request"
)

// Caller is who made a call: the source and id that notification_context names
// where the producer names none.
type Caller struct{ Source, ID string }

// compose makes the event that a report tells of: its body, its hash and its
// targets.
func (s Service) compose(env notification.Environment, caller Caller, r Report, now time.Time) (notification.Event, error) {
	context := payload.Context{TriggeredAt: r.TriggeredAt, Source: r.Source, ID: r.SourceID}
	if context.TriggeredAt.IsZero() {
		context.TriggeredAt = now
	}
	if context.Source == "" {
		context.Source, context.ID = caller.Source, caller.ID
	}
	body, err := payload.Compose(r.NotificationType, r.Payload, context)
	if err != nil {
		path := "payload"
		if r.Path != "" {
			path = r.Path + ".payload"
		}
		return notification.Event{}, request.Malformed(path, err)
	}
	hash, err := hashOf(r)
	if err != nil {
		return notification.Event{}, fmt.Errorf("hash event %s: %w", r.EventID, err)
	}
	event := notification.Event{
		CloudName:        env.CloudName,
		ID:               r.EventID,
		NotificationType: r.NotificationType,
		Hash:             hash,
		Body:             payload.Pack(body),
		AcceptedAt:       now.Truncate(time.Millisecond),
		ExpiresAt:        now.Add(s.Retention),
	}
	if event.ID == "" {
		event.ID = newID(event.AcceptedAt)
	}
	event.Targets, err = s.targets(env, r, event.AcceptedAt)
	return event, err
}

// targets lists who must be told: the URLs of the triggers for the type and for
// all, and the call's own, each URL once.
//
// Source: Cloudinary, Webhook notifications, Notification URLs for specific API
// calls: in addition to any of the global notification URLs.
func (s Service) targets(env notification.Environment, r Report, at time.Time) ([]notification.Target, error) {
	var targets []notification.Target
	named := make(map[string]bool)
	add := func(t notification.Target) {
		if !named[t.URL] {
			named[t.URL] = true
			t.DeliveryID = newID(at)
			targets = append(targets, t)
		}
	}
	for _, trigger := range env.Hooks.Matching(r.NotificationType) {
		add(notification.Target{URL: trigger.URI, Why: notification.ByTrigger, TriggerID: trigger.ID})
	}
	if r.NotificationURL != "" {
		field := "notification_url"
		if r.Path != "" {
			field = r.Path + "." + field
		}
		if err := s.Guard.CheckURL(field, r.NotificationURL); err != nil {
			return nil, err
		}
		add(notification.Target{URL: r.NotificationURL, Why: notification.ByCall})
	}
	return targets, nil
}

// hashOf digests what the producer said, each part with its length before it. It
// leaves out what we filled in, which differs between repeats, and how the JSON
// was laid out, which may.
func hashOf(r Report) ([]byte, error) {
	said, err := payload.Canonical(r.Payload)
	if err != nil {
		return nil, err
	}
	triggeredAt := ""
	if !r.TriggeredAt.IsZero() {
		triggeredAt = r.TriggeredAt.Format(time.RFC3339Nano)
	}
	digest := sha256.New()
	for _, part := range []string{
		r.NotificationType, r.Method, triggeredAt, r.Source, r.SourceID, r.NotificationURL, r.BatchID, string(said),
	} {
		digest.Write(binary.AppendUvarint(nil, uint64(len(part))))
		digest.Write([]byte(part))
	}
	return digest.Sum(nil), nil
}

// newID returns a ULID of the given time. Its other half is random rather than
// counted upwards, because deliveries are spread over partitions by it.
func newID(at time.Time) string {
	return ulid.MustNew(ulid.Timestamp(at), rand.Reader).String()
}

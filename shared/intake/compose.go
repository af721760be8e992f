package intake

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/mediahooks/mediahooks/shared/misfit"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/request"
)

// Caller is who made a call, and when where the way in tells: what
// notification_context says where the producer says nothing.
type Caller struct {
	Source, ID string
	// At is zero for now.
	At time.Time
}

// composer makes events of reports, for one call.
type composer struct {
	Service
	env     notification.Environment
	caller  Caller
	presets map[string]notification.UploadPreset
	now     time.Time
}

// compose makes the event that a report tells of: its body, its hash, its
// targets, and whether it is held.
func (c composer) compose(r Report) (notification.Event, error) {
	hash, err := hashOf(r)
	if err != nil {
		return notification.Event{}, request.Malformed(r.field("payload"), err)
	}
	event := notification.Event{
		CloudName:        c.env.CloudName,
		ID:               r.EventID,
		NotificationType: r.NotificationType,
		Method:           r.Method,
		Hash:             hash,
		Status:           notification.EventAccepted,
		BatchID:          r.BatchID,
		ParentID:         r.parent,
		AcceptedAt:       c.now.Truncate(time.Millisecond),
		ExpiresAt:        c.now.Add(c.Retention),
		LeftOut:          c.env.Settings.LeaveOutPayloads,
	}
	if event.ID == "" {
		event.ID = c.IDs.next(event.AcceptedAt)
	}
	if c.env.Settings.FolderMode == notification.FixedFolders {
		if event.NotificationType, err = inFixedFolders(r); err != nil {
			return notification.Event{}, err
		}
	}
	if r.results == nil {
		event.Eager = r.Eager
	}
	if event.Eager != nil && event.Eager.Requested && event.BatchID == "" {
		event.BatchID = newBatchID()
	}
	if event.Body, err = c.body(r, event); err != nil {
		return notification.Event{}, err
	}
	if !event.LeftOut {
		event.PublicIDs = publicIDs(r.Payload)
	}
	event.Misfit = misfit.Find(event.NotificationType, r.Payload)
	event.Targets, err = c.targets(r, event)
	if err != nil {
		return notification.Event{}, err
	}
	switch {
	case r.Assets != nil && len(r.Assets) == 0:
		event.Status, event.Targets = notification.EventSuppressed, nil
	case waits(event):
		event.Status, event.HeldUntil = notification.EventHeld, event.AcceptedAt.Add(c.HoldTimeout)
	}
	if event.Status != notification.EventAccepted || len(event.Targets) == 0 {
		event.LogID = c.IDs.next(event.AcceptedAt)
	}
	return event, nil
}

// body makes the packed notification that an event is told with.
func (c composer) body(r Report, event notification.Event) ([]byte, error) {
	body, err := payload.Compose(event.NotificationType, r.Payload, c.context(r, event), c.form(r, event))
	if err != nil {
		return nil, request.Malformed(r.field("payload"), err)
	}
	packed := payload.Pack(body)
	if event.LeftOut && len(packed) > maxCarried {
		return nil, notification.Errorf(notification.Invalid,
			"%s: is too large where keep_payloads is false: compressed, the notification takes %d bytes, and the message that carries it has room for %d",
			r.field("payload"), len(packed), maxCarried)
	}
	return packed, nil
}

// maxCarried bounds a packed notification that has no record to be read from, in
// bytes: in base64, and with a URL, it has to fit into the 256 KiB of a message.
const maxCarried = 180 << 10

// context says when and by whom the event was triggered.
func (c composer) context(r Report, event notification.Event) payload.Context {
	context := payload.Context{TriggeredAt: r.TriggeredAt, Source: r.Source, ID: r.SourceID}
	if context.TriggeredAt.IsZero() {
		context.TriggeredAt = c.caller.At
	}
	if context.TriggeredAt.IsZero() {
		context.TriggeredAt = c.now
		if event.LeftOut { // a repeat must be able to say the same
			context.TriggeredAt = event.AcceptedAt
		}
	}
	if context.Source == "" {
		context.Source, context.ID = c.caller.Source, c.caller.ID
	}
	return context
}

// form says what the environment and the event change in the payload's fields.
func (c composer) form(r Report, event notification.Event) payload.Form {
	form := payload.Form{FixedFolders: c.env.Settings.FolderMode == notification.FixedFolders}
	// A notification that says batch_id is one whose other half comes, or came,
	// in a notification of its own.
	tells := event.Eager != nil && (event.NotificationType == eagerType || event.Eager.Async)
	if tells && event.BatchID != "" && !r.batchInPayload {
		form.With = append(form.With, payload.Text{Name: "batch_id", Value: event.BatchID})
	}
	switch {
	case !c.env.Settings.IncludeClientIP:
		form.Without = []string{requesterIP}
	case r.ClientIP != "":
		form.With = append(form.With, payload.Text{Name: requesterIP, Value: r.ClientIP})
	}
	return form
}

// requesterIP is the field of a notification that names the client.
const requesterIP = "requester_ip"

// targets lists who must be told: the URLs of the triggers for the type and for
// all, the call's own and its upload preset's, each URL once.
//
// Source: Cloudinary, Webhook notifications, Notification URLs for specific API
// calls: in addition to any of the global notification URLs.
func (c composer) targets(r Report, event notification.Event) ([]notification.Target, error) {
	for _, named := range []struct{ field, url string }{
		{"notification_url", r.NotificationURL}, {"eager_notification_url", eagerURL(r)},
	} {
		if named.url == "" {
			continue
		}
		if err := c.Guard.CheckURL(r.field(named.field), named.url); err != nil {
			return nil, err
		}
	}
	list := targetList{ids: c.IDs, at: event.AcceptedAt}
	if event.NotificationType == eagerType {
		list.addEager(event, c.env.Hooks, nil)
		return list.targets, nil
	}
	list.addTriggers(event.NotificationType, c.env.Hooks)
	list.add(r.NotificationURL, notification.ByCall, "")
	if event.NotificationType == "upload" {
		list.add(c.presets[r.UploadPreset].NotificationURL, notification.ByPreset, "")
	}
	return list.targets, nil
}

func eagerURL(r Report) string {
	if r.Eager == nil {
		return ""
	}
	return r.Eager.NotificationURL
}

// targetList gathers targets, each URL once, by the first reason that names it.
type targetList struct {
	ids     *IDs
	at      time.Time
	targets []notification.Target
}

func (l *targetList) add(url string, why notification.Why, triggerID string) {
	if url != "" {
		l.targets = notification.AddTarget(l.targets, url, notification.Naming{Why: why, TriggerID: triggerID},
			func() string { return l.ids.next(l.at) })
	}
}

func (l *targetList) addTriggers(notificationType string, hooks notification.Hooks) {
	for _, trigger := range hooks.Matching(notificationType) {
		l.add(trigger.URI, notification.ByTrigger, trigger.ID)
	}
}

// hashOf digests what the producer said, each part with its length before it. It
// leaves out what we filled in, which differs between repeats, and how the JSON
// was laid out, which may.
func hashOf(r Report) ([]byte, error) {
	said, err := payload.Canonical(r.Payload)
	if err != nil {
		return nil, err
	}
	parts := []string{
		r.NotificationType, r.Method, instant(r.TriggeredAt), r.Source, r.SourceID, r.NotificationURL, r.BatchID, string(said),
		r.UploadPreset, r.ClientIP,
	}
	if e := r.Eager; e != nil {
		parts = append(parts, "eager", strconv.FormatBool(e.Requested), strconv.FormatBool(e.Async), e.NotificationURL)
	}
	if r.Assets != nil {
		parts = append(parts, "assets", string(bytes.Join(r.Assets, []byte{','})))
	}
	digest := sha256.New()
	for _, part := range parts {
		digest.Write(binary.AppendUvarint(nil, uint64(len(part))))
		digest.Write([]byte(part))
	}
	return digest.Sum(nil), nil
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// newBatchID returns 64 hex digits, as Cloudinary's have.
func newBatchID() string {
	id := make([]byte, 32)
	rand.Read(id)
	return hex.EncodeToString(id)
}

// derivedID is the id of an event that follows from another: the same for every
// repeat, and readable as what it came from.
func derivedID(parent, kind string, said []byte) string {
	digest := sha256.Sum256(fmt.Appendf(nil, "%d:%s%s:%s", len(parent), parent, kind, said))
	return fmt.Sprintf("%.80s.%s.%x", parent, kind, digest[:8])
}

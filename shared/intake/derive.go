package intake

import (
	"bytes"
	"fmt"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/request"
)

// derive returns the reports that follow from another: the deletion of each
// asset that a deleted folder held, and the eager notification of an upload whose
// payload holds the results of its transformations. Their event is the one that
// the report became, and their ids follow from its, so that a repeat derives the
// same.
//
// Source: Cloudinary, Webhook notifications, Console UI notifications: deleting a
// folder that contains assets also triggers a delete notification for all
// individual assets in that folder.
func derive(r Report, event notification.Event) ([]Report, error) {
	next := Report{
		CloudName:   r.CloudName,
		TriggeredAt: r.TriggeredAt,
		Source:      r.Source,
		SourceID:    r.SourceID,
		ClientIP:    r.ClientIP,
		Traceparent: r.Traceparent,
		parent:      event.ID,
	}
	var derived []Report
	for i, asset := range r.Assets {
		said, err := payload.Canonical(asset)
		if err != nil {
			return nil, request.Malformed(r.field(fmt.Sprintf("assets[%d]", i)), err)
		}
		next.Path = r.field(fmt.Sprintf("assets[%d]", i))
		next.NotificationType = "delete"
		next.EventID = derivedID(event.ID, "delete", said)
		next.Payload = fmt.Appendf(nil, `{"resources":[%s]}`, said)
		derived = append(derived, next)
	}
	if r.results != nil {
		next.Path = r.Path
		next.NotificationType = eagerType
		next.EventID = derivedID(event.ID, eagerType, nil)
		next.BatchID = r.BatchID
		next.batchInPayload = r.batchInPayload
		next.Eager = &notification.Eager{Async: r.Eager.Async}
		if toldSeparately(r.Eager) {
			next.Eager.NotificationURL = r.Eager.NotificationURL
		}
		next.Payload = eagerPayload(r.results)
		derived = append(derived, next)
	}
	return derived, nil
}

// eagerFields are those of an upload's payload that its eager notification has
// too, in its order.
var eagerFields = []string{"timestamp", "request_id", "eager", "batch_id", "asset_id", "public_id", "api_key"}

func eagerPayload(results []payload.Field) []byte {
	var out bytes.Buffer
	for _, name := range eagerFields {
		for _, f := range results {
			if f.Name == name {
				fmt.Fprintf(&out, `,"%s":%s`, name, f.Raw)
			}
		}
	}
	out.WriteByte('}')
	out.Bytes()[0] = '{'
	return out.Bytes()
}

// inFixedFolders returns the type that an event has in an environment with fixed
// folders, where moving an asset is renaming it. It returns a
// *notification.Error of code Invalid for what does not happen there.
//
// Source: Cloudinary, Webhook notifications, Console UI notifications and
// Notification response examples, legacy fixed folder mode.
func inFixedFolders(r Report) (string, error) {
	if r.NotificationType != "move" {
		if !catalog.InFixedFolders(r.NotificationType) {
			return "", notification.Errorf(notification.Invalid,
				"%s: %s does not exist in fixed folder mode", r.field("notification_type"), r.NotificationType)
		}
		return r.NotificationType, nil
	}
	moved := request.JSON(r.field("payload"), r.Payload)
	for _, name := range []string{"from_public_id", "to_public_id"} {
		if moved.Text(name) == "" {
			moved.Fail(name, "is required: in fixed folder mode a move is a rename")
		}
	}
	return "rename", moved.Err()
}

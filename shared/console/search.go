package console

import (
	"net/http"
	"strings"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// search finds what one box is given: the id of a delivery or an event, a URL, a
// host, and else the public ID of an asset.
func (c *Console) search(w http.ResponseWriter, r *http.Request, v visitor) error {
	wanted := strings.TrimSpace(r.URL.Query().Get("q"))
	if wanted == "" {
		return seeOther(w, r, root+"/deliveries")
	}
	if strings.HasPrefix(wanted, "http://") || strings.HasPrefix(wanted, "https://") {
		return seeOther(w, r, query(root+"/deliveries", "uri", wanted))
	}
	if _, err := ulid.ParseStrict(wanted); err == nil {
		_, err := c.History.Delivery(r.Context(), notification.DeliveryKey{CloudName: v.env.CloudName, DeliveryID: wanted})
		if err == nil {
			return seeOther(w, r, root+"/deliveries/"+wanted)
		}
		if notification.CodeOf(err) != notification.NotFound {
			return err
		}
	}
	_, err := c.History.Event(r.Context(), v.env.CloudName, wanted)
	if err == nil {
		return seeOther(w, r, query(root+"/event", "event_id", wanted))
	}
	if notification.CodeOf(err) != notification.NotFound {
		return err
	}
	for _, u := range hooksOf(v) {
		if hostOf(u.URI) == wanted || strings.Split(hostOf(u.URI), ":")[0] == wanted {
			return seeOther(w, r, root+"/urls/"+u.ID())
		}
	}
	return seeOther(w, r, query(root+"/deliveries", "public_id", wanted))
}

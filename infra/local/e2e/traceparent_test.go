package e2e_test

import (
	"net/http"
	"testing"

	"github.com/mediahooks/mediahooks/infra/local/demo"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// A producer's trace goes on to its receivers where the environment has asked for
// that, retries included, and can be read back with what was sent.
func TestTraceparent(t *testing.T) {
	const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	receiver := notificationtest.NewReceiver(t)
	receiver.AnswerInTurn(http.StatusOK, http.StatusServiceUnavailable, http.StatusOK)
	addTrigger(t, receiver.URL("/hook"), "rename")
	c := local.Credentials()
	send := func() reported {
		t.Helper()
		const event = `{"notification_type":"rename","payload":{"from_public_id":"a","to_public_id":"b"}}`
		got := callFrom(t, http.Header{"Traceparent": {traceparent}}, c.APIKey, c.APISecret, "POST", "/v1_1/"+demo.CloudName+"/events", event)
		if got.status != http.StatusAccepted {
			t.Fatalf("report event: %d %s", got.status, got.body)
		}
		var r reported
		got.decode(t, &r)
		return r
	}
	send()
	if got := receiver.Wait(t, 1)[0].Header.Get("Traceparent"); got != "" {
		t.Errorf("before anybody asked for it: %q", got)
	}
	setSettings(t, `{"forward_traceparent":true}`)
	result := send()
	for i, got := range receiver.Wait(t, 3)[1:] {
		if traced := got.Header.Get("Traceparent"); traced != traceparent {
			t.Errorf("attempt %d has %q, want %s", i+1, traced, traceparent)
		}
	}
	settled(t, result.Deliveries[0].DeliveryID)
	var shown struct {
		Attempts []struct {
			Request struct{ Headers map[string]string }
		}
	}
	call(t, "GET", "/deliveries/"+result.Deliveries[0].DeliveryID, "").decode(t, &shown)
	if len(shown.Attempts) != 2 || shown.Attempts[1].Request.Headers["Traceparent"] != traceparent {
		t.Errorf("read back: %+v", shown)
	}
}

package main

import (
	"errors"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/infra/watch/recorded"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// TestLines records what the function writes: every line and every metric that it
// has, each by a call that brings it about.
func TestLines(t *testing.T) {
	s := newServer(t)
	for _, file := range []string{
		"event.json", "event.json", // the second is a duplicate
		"eventbridge.json", "direct.json", "list.json", "delete-folder.json", "eager-upload.json", "eager-result.json", "example.json",
		"malformed.json", "eventbridge-invalid.json", "wrong-secret.json",
	} {
		s.serve(t, file)
	}
	const other = `{"event_id":"upload-4711","notification_type":"upload","payload":{"public_id":"another"}}`
	const unmatched = `{"event_id":"rename-2","notification_type":"rename","payload":{"from_public_id":"a","to_public_id":"b"}}`
	if _, err := s.invoke(t, []byte(httpCall(t, other))); err != nil { // a conflict
		t.Error(err)
	}
	if err := s.store.ReplaceHooks(t.Context(), "demo", notification.Hooks{Version: 2}); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(time.Second) // the function forgets the trigger
	if _, err := s.invoke(t, []byte(httpCall(t, unmatched))); err != nil {
		t.Error(err)
	}
	s.serve(t, "hold.json")

	broken := newServer(t)
	refuse := func(notificationtest.Call) error { return errors.New("send message: ThrottlingException") }
	broken.queue.OnCall(refuse)
	broken.holds.OnCall(refuse)
	broken.serve(t, "event.json")
	if _, err := broken.invoke(t, read(t, "eventbridge.json")); err == nil {
		t.Error("an event of the bus that is not queued is a success")
	}
	broken.serve(t, "hold.json")
	if err := recorded.Compare(recorded.File, s.log.String()+broken.log.String()); err != nil {
		t.Error(err)
	}
}

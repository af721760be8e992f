package main

import (
	"io"
	"testing"

	"github.com/mediahooks/mediahooks/infra/watch/recorded"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// TestLines records what the function writes.
func TestLines(t *testing.T) {
	s := newServer(t)
	for _, file := range []string{"ping.json", "wrong-secret.json", "get-event-unknown.json"} {
		s.serve(t, file)
	}
	s.store.OnCall(func(notificationtest.Call) error { return io.ErrUnexpectedEOF })
	s.serve(t, "list-presets.json")
	s.store.OnCall(func(notificationtest.Call) error { panic("a bug") })
	s.serve(t, "list-presets.json")
	if err := recorded.Compare(recorded.File, s.log.String()); err != nil {
		t.Error(err)
	}
}

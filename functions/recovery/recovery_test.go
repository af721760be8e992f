package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// lateBy is how far past its time the test's one delivery is.
const lateBy = time.Hour

// wantFor holds, for each file in events/recovery, what its invocation logs and
// how many messages it queues, or which error it ends in.
var wantFor = map[string]struct {
	queued   int
	log, err string
}{
	"scheduled.json": {1, `"msg":"swept","found":1,"queued":1,"left":0,"failed":0,"oldest_ms":3600000`, ""},
	"stranger.json":  {0, "", `detail-type "EC2 Instance State-change Notification": must be "Scheduled Event"`},
}

func TestEvents(t *testing.T) {
	files, err := os.ReadDir("../../events/recovery")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(wantFor) {
		t.Errorf("%d files in events/recovery, %d expectations", len(files), len(wantFor))
	}
	for _, file := range files {
		t.Run(file.Name(), func(t *testing.T) {
			want, known := wantFor[file.Name()]
			if !known {
				t.Fatal("no expectation for this file")
			}
			raw, err := os.ReadFile(filepath.Join("../../events/recovery", file.Name()))
			if err != nil {
				t.Fatal(err)
			}
			var event events.EventBridgeEvent
			if err := json.Unmarshal(raw, &event); err != nil {
				t.Fatal(err)
			}
			h, queue, log := newHandler(t)
			err = h.handle(t.Context(), event)
			if got := errorText(err); got != want.err {
				t.Errorf("error %q, want %q", got, want.err)
			}
			if got := len(queue.Waiting()); got != want.queued {
				t.Errorf("%d messages queued, want %d", got, want.queued)
			}
			if !strings.Contains(log.String(), want.log) {
				t.Errorf("log has no %s:\n%s", want.log, log)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A sweep that runs out of time says what it has done, and is no failure.
func TestOutOfTime(t *testing.T) {
	h, queue, log := newHandler(t)
	ctx, cancel := context.WithTimeout(t.Context(), spare)
	defer cancel()
	if err := h.handle(ctx, events.EventBridgeEvent{DetailType: scheduled}); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "sweep stopped for lack of time") || len(queue.Waiting()) != 0 {
		t.Errorf("queued %v, logged %s", queue.Waiting(), log)
	}
}

// newHandler returns a handler over fakes, with one delivery that is overdue.
func newHandler(t *testing.T) (handler, *notificationtest.Queue, *bytes.Buffer) {
	t.Helper()
	clock := notificationtest.NewClock(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
	store, queue := notificationtest.NewStore(clock.Now), notificationtest.NewQueue(clock.Now)
	d := notification.Delivery{
		DeliveryKey: notification.DeliveryKey{CloudName: "demo", DeliveryID: ulid.Make().String()},
		EventID:     "event", URL: "https://example.com/hook", Status: notification.Retrying,
		NextAt: clock.Now().Add(-lateBy), NextLane: notification.First,
	}
	d.Attempted(notification.Attempt{Number: 1, Reason: notification.ReasonStatus})
	if failed := store.RecordAttempts(t.Context(), []notification.Delivery{d}); len(failed) > 0 {
		t.Fatal(failed)
	}
	var log bytes.Buffer
	return handler{
		sweep: history.Sweep{Overdue: store, Queue: queue, Now: clock.Now},
		log:   slog.New(slog.NewJSONHandler(&log, nil)),
	}, queue, &log
}

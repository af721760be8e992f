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

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/outbound"
)

// lateBy is how far past its time the test's one delivery is.
const lateBy = time.Hour

// wantFor holds, for each file in events/recovery, what its invocation logs and
// how many messages it queues, or which error it ends in.
var wantFor = map[string]struct {
	queued           int
	answer, log, err string
}{
	"scheduled.json":    {1, `null`, `"msg":"swept","found":1,"queued":1,"left":0,"failed":0,"oldest_ms":3600000`, ""},
	"stranger.json":     {0, `null`, "", `detail-type "EC2 Instance State-change Notification": must be "Scheduled Event"`},
	"unknown-task.json": {0, `null`, "", `task "redrive": must be recover or fail`},
	"recover.json":      {1, `{"next":"end","next_at":"2026-11-24T12:00:00.050Z"}`, `"msg":"page done","cloud_name":"demo","recovery_id":"` + recoveryID, ""},
	"recover-old-part.json": {
		0, `{"next":"successor","next_at":"2026-11-24T12:00:00.000Z","successor":{"name":"` + recoveryID + `-3",` +
			`"input":"{\"cloud_name\":\"demo\",\"recovery_id\":\"` + recoveryID + `\",\"part\":3}","part":3}}`, "", "",
	},
	"recover-unknown.json": {0, `{"next":"end"}`, `"msg":"recovery is no longer on record"`, ""},
	"fail.json":            {0, `null`, `"level":"ERROR","msg":"recovery failed"`, ""},
}

// recoveryID is the recovery that the files speak of, in its third part.
const recoveryID = "01KGGVH71G3T9W6QH0ZC5V8N60"

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
			var event invocation
			if err := json.Unmarshal(raw, &event); err != nil {
				t.Fatal(err)
			}
			h, queue, log := newHandler(t)
			turn, err := h.handle(t.Context(), event)
			if answer, err := json.Marshal(turn); err != nil || string(answer) != want.answer {
				t.Errorf("answered %s, want %s", answer, want.answer)
			}
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
	if _, err := h.handle(ctx, invocation{DetailType: scheduled}); err != nil {
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
	keepRecovery(t, store, clock.Now(), d)
	var log bytes.Buffer
	return handler{
		recover: history.Recover{
			Service:    history.Service{Records: store, Queue: queue, Guard: outbound.Guard{}, Now: clock.Now},
			Recoveries: store,
		},
		sweep: history.Sweep{Overdue: store, Queue: queue, Now: clock.Now},
		log:   slog.New(slog.NewJSONHandler(&log, nil)),
	}, queue, &log
}

// keepRecovery stores a recovery that means the one delivery, in its third part.
func keepRecovery(t *testing.T, store *notificationtest.Store, now time.Time, d notification.Delivery) {
	t.Helper()
	_, failed := store.InsertEvents(t.Context(), []notification.Event{{
		CloudName: d.CloudName, ID: d.EventID, Status: notification.EventAccepted, ExpiresAt: now.Add(time.Hour),
	}})
	if len(failed) > 0 {
		t.Fatal(failed)
	}
	err := store.InsertRecovery(t.Context(), notification.Recovery{
		RecoveryKey: notification.RecoveryKey{CloudName: "demo", ID: recoveryID}, Status: notification.RecoveryRunning,
		Filter: notification.LogFilter{Status: notification.Retrying}, From: time.UnixMilli(0), To: time.Now().Add(time.Hour),
		MaxPerSecond: 20, Part: 3, Revision: 1, ExpiresAt: now.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
}

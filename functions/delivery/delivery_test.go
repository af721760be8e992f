package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/delivery"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/retry"
)

type okSender struct{ posts atomic.Int64 }

func (s *okSender) Post(context.Context, notification.Request) notification.Answer {
	s.posts.Add(1)
	return notification.Answer{StatusCode: 200}
}

// wantFor holds, for each file in events/delivery, how many POSTs it causes and
// which of its records stay on the queue.
var wantFor = map[string]struct {
	posts int64
	stay  []int
}{
	"first-attempt.json":         {1, nil},
	"batch.json":                 {3, nil},
	"batch-with-a-stranger.json": {1, []int{1, 2}},
	"unknown-environment.json":   {0, []int{0}},
	"same-message-twice.json":    {1, nil},
}

func TestEvents(t *testing.T) {
	files, err := os.ReadDir("../../events/delivery")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(wantFor) {
		t.Errorf("%d files in events/delivery, %d expectations", len(files), len(wantFor))
	}
	for _, file := range files {
		t.Run(file.Name(), func(t *testing.T) {
			want, known := wantFor[file.Name()]
			if !known {
				t.Fatal("no expectation for this file")
			}
			raw, err := os.ReadFile(filepath.Join("../../events/delivery", file.Name()))
			if err != nil {
				t.Fatal(err)
			}
			var batch events.SQSEvent
			if err := json.Unmarshal(raw, &batch); err != nil {
				t.Fatal(err)
			}
			sender := &okSender{}
			answer, err := newHandler(t, sender).deliver(t.Context(), batch)
			if err != nil {
				t.Fatal(err)
			}
			if posts := sender.posts.Load(); posts != want.posts {
				t.Errorf("%d POSTs, want %d", posts, want.posts)
			}
			wantIDs := []string{}
			for _, i := range want.stay {
				wantIDs = append(wantIDs, batch.Records[i].MessageId)
			}
			gotIDs := []string{}
			for _, failure := range answer.BatchItemFailures {
				gotIDs = append(gotIDs, failure.ItemIdentifier)
			}
			slices.Sort(gotIDs)
			if diff := cmp.Diff(wantIDs, gotIDs); diff != "" {
				t.Errorf("left on the queue (-want +got):\n%s", diff)
			}
		})
	}
}

// A message that comes again may have been POSTed before: its attempt says so.
func TestReceivedAgain(t *testing.T) {
	raw, err := os.ReadFile("../../events/delivery/first-attempt.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, count := range []string{"1", "2"} {
		var batch events.SQSEvent
		if err := json.Unmarshal(raw, &batch); err != nil {
			t.Fatal(err)
		}
		batch.Records[0].Attributes["ApproximateReceiveCount"] = count
		h := newHandler(t, &okSender{})
		if _, err := h.deliver(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		key := notification.DeliveryKey{CloudName: "demo", DeliveryID: "01KGGVH71G0000000000000001"}
		records, err := h.service.Records.Deliveries(t.Context(), []notification.DeliveryKey{key})
		if err != nil || len(records[key].Attempts) != 1 {
			t.Fatalf("%+v, %v", records, err)
		}
		if got := records[key].Attempts[0].Repeated; got != (count == "2") {
			t.Errorf("received %s times: repeated is %t", count, got)
		}
	}
}

// Lambda takes a null list for a fault of the function, and an empty one for
// success.
func TestAnswerIsNeverNull(t *testing.T) {
	answer, err := newHandler(t, &okSender{}).deliver(t.Context(), events.SQSEvent{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(answer)
	if err != nil || string(raw) != `{"batchItemFailures":[]}` {
		t.Errorf("answer = %s, %v", raw, err)
	}
}

// newHandler returns a handler over fakes, with an environment "demo".
func newHandler(t *testing.T, sender delivery.Sender) handler {
	t.Helper()
	store, vault := notificationtest.NewStore(time.Now), notificationtest.NewVault()
	if _, err := (registry.Environments{Store: store, Vault: vault, Now: time.Now}).Create(t.Context(), "demo"); err != nil {
		t.Fatal(err)
	}
	queue := notificationtest.NewQueue(time.Now)
	directory := registry.NewDirectory(store, time.Now)
	return handler{service: delivery.Service{
		Records: store, Events: store, Sender: sender, Queue: queue, Workflow: notificationtest.NewWorkflow(queue),
		Keys:     registry.Signers{Directory: directory, Vault: vault},
		Settings: directory,
		Origins:  delivery.NewOrigins(store, time.Now),
		Log:      slog.New(slog.NewJSONHandler(io.Discard, nil)),
		Schedule: retry.Cloudinary(), Retention: 1000 * 24 * time.Hour, Now: time.Now, After: time.After,
	}}
}

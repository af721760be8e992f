package queue_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/intake"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/queue"
)

var _ intake.Clock = (*queue.Holds)(nil)

func hold(n int, until time.Time) notification.Hold {
	return notification.Hold{CloudName: "demo", EventID: fmt.Sprint("upload&", n), BatchID: fmt.Sprint("batch\uffff", n), Until: until.UTC()}
}

// takingHolds takes holds off the real queue.
type takingHolds struct {
	*queue.Holds
	url string
}

func (h takingHolds) Take(t *testing.T, n int) []notification.Hold {
	t.Helper()
	return take[notification.Hold](t, h.url, n)
}

func (h takingHolds) Pass(d time.Duration) { time.Sleep(d) }

func TestHolds(t *testing.T) {
	notificationtest.ExerciseHolds(t, func(t *testing.T) (notificationtest.HoldsContract, func() time.Time) {
		url := newQueue(t)
		return takingHolds{queue.NewHolds(client, url, time.Now), url}, time.Now
	})
}

func TestHoldEntries(t *testing.T) {
	r := &recorder{answer: func(_ int, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		return all(in, false), nil
	}}
	holds := queue.NewHolds(r, "u", func() time.Time { return epoch })
	failed := holds.StartHolds(context.Background(), []notification.Hold{
		hold(0, epoch.Add(-time.Hour)), hold(1, epoch.Add(1)), hold(2, epoch.Add(900*time.Second)), hold(3, epoch.Add(time.Hour)),
	})
	if len(failed) > 0 {
		t.Fatal(failed)
	}
	for i, want := range []int32{0, 1, 900, 900} {
		entry := r.calls[0][i]
		if entry.DelaySeconds != want || entry.MessageGroupId != nil {
			t.Errorf("hold %d is delayed by %d s in group %v, want %d s and none", i, entry.DelaySeconds, entry.MessageGroupId, want)
		}
	}
	const want = `{"cloud_name":"demo","event_id":"upload&0","batch_id":"batch\uffff0","until":"2026-02-03T03:05:06Z"}`
	if got := *r.calls[0][0].MessageBody; got != want {
		t.Errorf("body = %s\nwant   %s", got, want)
	}
}

// Of 25 holds, one fails for good: it is named by its place among all.
func TestFailingHold(t *testing.T) {
	r := &recorder{answer: func(_ int, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		for i, entry := range in.Entries {
			if strings.Contains(aws.ToString(entry.MessageBody), `"upload&17"`) {
				return all(in, false, i), nil
			}
		}
		return all(in, false), nil
	}}
	var list []notification.Hold
	for n := range 25 {
		list = append(list, hold(n, epoch))
	}
	failed := queue.NewHolds(r, "u", func() time.Time { return epoch }).StartHolds(context.Background(), list)
	if len(failed) != 1 || failed[17] == nil || failed[17].Error() != "send hold of event upload&17: Code: " {
		t.Errorf("failed = %v, want number 17 alone", failed)
	}
	var calls []int
	for _, call := range r.calls {
		calls = append(calls, len(call))
	}
	slices.Sort(calls)
	if diff := cmp.Diff([]int{1, 1, 1, 1, 5, 10, 10}, calls); diff != "" {
		t.Errorf("entries of each call (-want +got):\n%s", diff)
	}
}

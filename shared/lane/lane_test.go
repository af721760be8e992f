package lane_test

import (
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/lane"
	"github.com/mediahooks/mediahooks/shared/notification"
)

func TestAfterAttempt(t *testing.T) {
	for _, test := range []struct {
		name    string
		attempt notification.Attempt
		want    notification.Lane
	}{
		{"quick failure", notification.Attempt{StatusCode: 500, Reason: notification.ReasonStatus, Duration: time.Millisecond}, notification.First},
		{"refused connection", notification.Attempt{Reason: notification.ReasonConnect, Duration: 3 * time.Millisecond}, notification.First},
		{"just quick enough", notification.Attempt{Reason: notification.ReasonStatus, Duration: lane.SlowAfter - 1}, notification.First},
		{"slow failure", notification.Attempt{StatusCode: 500, Reason: notification.ReasonStatus, Duration: lane.SlowAfter}, notification.Slow},
		{"no answer", notification.Attempt{Reason: notification.ReasonTimeout, Duration: 20 * time.Second}, notification.Slow},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := lane.AfterAttempt(test.attempt); got != test.want {
				t.Errorf("lane = %s, want %s", got, test.want)
			}
		})
	}
}

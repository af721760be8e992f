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

func TestJudgeAndLearn(t *testing.T) {
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	proven := func(d time.Duration) notification.Health { return notification.Health{ProvenUntil: now.Add(d)} }
	slow := func(since time.Duration) notification.Health { return notification.Health{SlowSince: now.Add(-since)} }
	const quick, late = 999 * time.Millisecond, time.Second
	for _, test := range []struct {
		name    string
		health  notification.Health
		verdict lane.Verdict
		took    time.Duration
		want    notification.Health
		news    bool
	}{
		{"unknown, quick", notification.Health{}, lane.Unknown, quick, proven(lane.ProvenFor), true},
		{"unknown, slow", notification.Health{}, lane.Unknown, late, slow(0), true},
		{"proven, quick", proven(6 * time.Minute), lane.Proven, quick, proven(6 * time.Minute), false},
		{"proven, not for long", proven(5 * time.Minute), lane.Proven, quick, proven(lane.ProvenFor), true},
		{"proven, slow", proven(9 * time.Minute), lane.Proven, late, slow(0), true},
		{"no longer proven", proven(0), lane.Unknown, quick, proven(lane.ProvenFor), true},
		{"slow, again", slow(time.Hour), lane.Slow, late, slow(0), false},
		{"slow, quick at once", slow(lane.SlowFor - 1), lane.Slow, quick, slow(lane.SlowFor - 1), false},
		{"slow, quick later", slow(lane.SlowFor), lane.Slow, quick, proven(lane.ProvenFor), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := lane.Judge(test.health, now); got != test.verdict {
				t.Errorf("verdict = %d, want %d", got, test.verdict)
			}
			got, news := lane.Learn(test.health, test.took, now)
			if news != test.news || news && got != test.want {
				t.Errorf("learnt %+v, %t, want %+v, %t", got, news, test.want, test.news)
			}
		})
	}
}

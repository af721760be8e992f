// Package lane chooses the delivery queue that an attempt waits in. It is pure,
// and its one rule is that slowness decides, not failure: a receiver that says
// 500 at once keeps nobody waiting, one that says nothing for 20 s does.
package lane

import (
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// SlowAfter is how long an attempt may take before its retry goes to the slow
// lane.
const SlowAfter = 2 * time.Second

// AfterAttempt returns the lane of the retry that follows an attempt.
func AfterAttempt(a notification.Attempt) notification.Lane {
	if a.Duration >= SlowAfter {
		return notification.Slow
	}
	return notification.First
}

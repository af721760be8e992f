package notificationtest_test

import (
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

func TestStore(t *testing.T) {
	notificationtest.ExerciseStore(t, func(_ *testing.T, now func() time.Time) notificationtest.StoreContract {
		return notificationtest.NewStore(now)
	})
}

// takingQueue takes messages off the fake, on its standing clock.
type takingQueue struct{ *notificationtest.Queue }

func (q takingQueue) Take(_ *testing.T, lane notification.Lane, _ int) []notification.Message {
	var taken []notification.Message
	for _, r := range q.Receive(lane, 1000) {
		q.Delete(r)
		taken = append(taken, r.Message)
	}
	return taken
}

func TestQueue(t *testing.T) {
	notificationtest.ExerciseQueue(t, func(*testing.T) (notificationtest.QueueContract, func() time.Time) {
		clock := notificationtest.NewClock(time.Now())
		return takingQueue{notificationtest.NewQueue(clock.Now)}, clock.Now
	})
}

func TestVault(t *testing.T) {
	notificationtest.ExerciseVault(t, notificationtest.NewVault())
}

package notificationtest_test

import (
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

func TestStore(t *testing.T) {
	notificationtest.ExerciseStore(t, func(_ *testing.T, now func() time.Time) notificationtest.StoreContract {
		return notificationtest.NewStore(now)
	})
}

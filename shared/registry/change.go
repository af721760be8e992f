package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// wait returns after a duration, or with the context's error before that. A nil
// one returns at once, for whom no function runs yet.
type wait func(ctx context.Context, d time.Duration) error

func (w wait) pass(ctx context.Context, d time.Duration) error {
	if w == nil {
		return nil
	}
	return w(ctx, d)
}

// inForce makes a change, and again where another call was faster, which try says
// by notification.ErrConflict: it reads anew each time. It returns once every
// process sees the result.
func (w wait) inForce(ctx context.Context, what string, try func() error) error {
	for attempt := 0; ; attempt++ {
		err := try()
		if err == nil {
			return w.pass(ctx, CacheTime)
		}
		if !errors.Is(err, notification.ErrConflict) {
			return err
		}
		if err := w.pass(ctx, pause(attempt)); err != nil {
			return tooMany(what, err)
		}
	}
}

// tooMany is the answer to a call that lost every race until its time was over.
func tooMany(what string, err error) error {
	return &notification.Error{Code: notification.Unavailable, Message: what + " are being changed by many calls at once: try again", Err: err}
}

// pause spreads calls that lost a race: up to 10 ms at first, up to 200 ms later.
func pause(attempt int) time.Duration {
	return rand.N(min(10*time.Millisecond<<min(attempt, 8), 200*time.Millisecond))
}

// served reads an environment for a call that was authenticated, which it may
// have stopped to serve since.
func served(ctx context.Context, store Store, cloudName string) (notification.Environment, error) {
	env, found, err := store.Environment(ctx, cloudName)
	if err != nil {
		return notification.Environment{}, fmt.Errorf("read environment %s: %w", cloudName, err)
	}
	if !found || !env.Serves() {
		return notification.Environment{}, unauthorized()
	}
	return env, nil
}

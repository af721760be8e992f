package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Settings changes what an environment has decided about its notifications.
type Settings struct {
	Store Store
	// Wait returns after a duration, or with the context's error before that.
	Wait func(ctx context.Context, d time.Duration) error
}

// Change applies an edit to the settings as they are in the store, and again to
// what they have become where another call was faster. It returns them once every
// process sees them.
func (s Settings) Change(ctx context.Context, cloudName string, edit func(*notification.Settings)) (notification.Settings, error) {
	for attempt := 0; ; attempt++ {
		env, found, err := s.Store.Environment(ctx, cloudName)
		if err != nil {
			return notification.Settings{}, fmt.Errorf("read environment %s: %w", cloudName, err)
		}
		if !found { // it was there when the caller was authenticated
			return notification.Settings{}, notification.Errorf(notification.Unauthorized, "Invalid credentials")
		}
		settings := env.Settings
		edit(&settings)
		settings.Version = env.Settings.Version + 1
		err = s.Store.ReplaceSettings(ctx, cloudName, settings)
		if err == nil {
			return settings, s.Wait(ctx, CacheTime)
		}
		if !errors.Is(err, notification.ErrConflict) {
			return notification.Settings{}, fmt.Errorf("write settings of %s: %w", cloudName, err)
		}
		if err := s.Wait(ctx, pause(attempt)); err != nil {
			return notification.Settings{}, tooMany("settings", err)
		}
	}
}

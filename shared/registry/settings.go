package registry

import (
	"context"
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
	var settings notification.Settings
	err := wait(s.Wait).inForce(ctx, "settings", func() error {
		env, err := served(ctx, s.Store, cloudName)
		if err != nil {
			return err
		}
		settings = env.Settings
		edit(&settings)
		settings.Version = env.Settings.Version + 1
		if err := s.Store.ReplaceSettings(ctx, cloudName, settings); err != nil {
			return fmt.Errorf("write settings of %s: %w", cloudName, err)
		}
		return nil
	})
	if err != nil {
		return notification.Settings{}, err
	}
	return settings, nil
}

package registry

import (
	"context"
	"fmt"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Rewrap replaces the encrypted data key of every access key by what rewrap makes
// of it, environment by environment, and returns how many it replaced. The secrets
// stay as they are. It may be repeated after a fault.
func (k Keys) Rewrap(ctx context.Context, rewrap func(ctx context.Context, cloudName, apiKey string, dataKey []byte) ([]byte, error)) (int, error) {
	all, err := k.Store.ListEnvironments(ctx)
	if err != nil {
		return 0, fmt.Errorf("list environments: %w", err)
	}
	done := 0
	for _, listed := range sorted(all) {
		env, err := changeEnvironment(ctx, k.Store, k.Wait, listed.ID, func(env *notification.Environment) error {
			for i, key := range env.Keys {
				wrapped, err := rewrap(ctx, env.CloudName, key.APIKey, key.DataKey)
				if err != nil {
					return fmt.Errorf("rewrap data key of %s: %w", key.APIKey, err)
				}
				env.Keys[i].DataKey = wrapped
			}
			return nil
		})
		if notification.CodeOf(err) == notification.NotFound {
			continue // deleted since it was listed
		}
		if err != nil {
			return done, fmt.Errorf("rewrap data keys of %s: %w", listed.CloudName, err)
		}
		done += len(env.Keys)
	}
	return done, nil
}

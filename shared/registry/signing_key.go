package registry

import (
	"context"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// SignWith dedicates an access key for webhooks, or none where apiKey is empty, in
// place of the one that was seen to be; none is the empty text. Code Conflict says
// that another is by now, code Invalid that the key is disabled.
func (k Keys) SignWith(ctx context.Context, id, apiKey, seen string) error {
	_, err := changeEnvironment(ctx, k.Store, k.Wait, id, func(env *notification.Environment) error {
		dedicated, found := "", apiKey == ""
		for i := range env.Keys {
			key := &env.Keys[i]
			if key.Webhooks {
				dedicated = key.APIKey
			}
			wanted := key.APIKey == apiKey
			if wanted && !key.Enabled {
				return notification.Errorf(notification.Invalid, "api_key: access key %s is disabled, and a disabled key signs nothing", apiKey)
			}
			if key.Webhooks != wanted {
				key.Webhooks, key.UpdatedAt = wanted, k.now()
			}
			found = found || wanted
		}
		switch {
		case !found:
			return errNotFound
		case dedicated != seen:
			return notification.Errorf(notification.Conflict,
				"somebody has chosen another signing key since you opened this page, so nothing was changed; this is how it is now")
		}
		return nil
	})
	return err
}

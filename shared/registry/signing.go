package registry

import (
	"cmp"
	"context"
	"fmt"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/signature"
)

// Signers opens the keys that sign. Only the delivery function has one: its
// vault needs the right to decrypt.
type Signers struct {
	Directory *Directory
	Vault     Opener
}

// SigningKey returns the key that signs for an environment at this moment, or
// notification.ErrSigningKeyDisabled or notification.ErrNoSigningKey. A disabled
// environment has none, nor has one that is deleted: what it still has on the
// lanes fails by the schedule, and where it is enabled in time goes on.
func (s Signers) SigningKey(ctx context.Context, cloudName string) (notification.SigningKey, error) {
	env, err := s.Directory.record(ctx, cloudName)
	if err != nil {
		return notification.SigningKey{}, err
	}
	key, err := env.KeyForSigning()
	if err != nil {
		return notification.SigningKey{}, err
	}
	secret, err := s.Vault.Open(ctx, cloudName, key.APIKey, key.DataKey, key.SealedSecret)
	if err != nil {
		return notification.SigningKey{}, fmt.Errorf("open key %s of %s: %w", key.APIKey, cloudName, err)
	}
	return notification.SigningKey{APIKey: key.APIKey, Secret: secret, Algorithm: cmp.Or(env.Settings.SignatureAlgorithm, signature.SHA1)}, nil
}

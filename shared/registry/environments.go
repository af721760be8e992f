package registry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Environments makes environments.
type Environments struct {
	Store Store
	Vault Vault
	Now   func() time.Time
}

// Credentials are a new access key's. The secret is nowhere else in clear.
type Credentials struct {
	CloudName, APIKey, APISecret string
}

// maxCloudName is the longest name of an environment, in bytes.
const maxCloudName = 64

// cloudNamePattern is narrower than Cloudinary's: some SDKs lower-case the name
// and one breaks on an underscore.
var cloudNamePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// Create makes an environment with one enabled access key. It returns a
// *notification.Error of code Invalid for a name that cannot be one, and of code
// Conflict where it is taken.
func (e Environments) Create(ctx context.Context, cloudName string) (Credentials, error) {
	if !cloudNamePattern.MatchString(cloudName) {
		return Credentials{}, notification.Errorf(notification.Invalid,
			"cloud_name: must be 1 to 64 lower-case letters, digits or hyphens, and begin with a letter or digit")
	}
	dataKey, err := e.Vault.NewDataKey(ctx, cloudName)
	if err != nil {
		return Credentials{}, fmt.Errorf("make data key of %s: %w", cloudName, err)
	}
	now := e.Now().UTC()
	made := Credentials{CloudName: cloudName, APIKey: newAPIKey(), APISecret: newSecret()}
	sealed, err := e.Vault.Seal(ctx, cloudName, dataKey, made.APIKey, made.APISecret)
	if err != nil {
		return Credentials{}, fmt.Errorf("seal key %s of %s: %w", made.APIKey, cloudName, err)
	}
	err = e.Store.CreateEnvironment(ctx, notification.Environment{
		CloudName: cloudName,
		ID:        randomHex(17),
		CreatedAt: now,
		DataKey:   dataKey,
		Keys: []notification.AccessKey{{
			APIKey:       made.APIKey,
			Name:         "main_key",
			SecretHash:   HashSecret(made.APISecret),
			SealedSecret: sealed,
			Enabled:      true,
			CreatedAt:    now,
			UpdatedAt:    now,
		}},
	})
	if errors.Is(err, notification.ErrConflict) {
		return Credentials{}, notification.Errorf(notification.Conflict, "cloud_name: %s is taken", cloudName)
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("write environment %s: %w", cloudName, err)
	}
	return made, nil
}

// newAPIKey returns 15 random digits, the first not 0.
func newAPIKey() string {
	key := make([]byte, 15)
	rand.Read(key)
	key[0] = '1' + key[0]%9
	for i := 1; i < len(key); i++ {
		key[i] = '0' + key[i]%10
	}
	return string(key)
}

// secretLetters are the ones that every SDK leaves alone when it reads
// CLOUDINARY_URL: some percent-decode it and some do not.
const secretLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// newSecret returns 27 random letters of 64, which is 162 bits.
func newSecret() string {
	secret := make([]byte, 27)
	rand.Read(secret)
	for i, b := range secret {
		secret[i] = secretLetters[b%64]
	}
	return string(secret)
}

// randomHex returns n random bytes in hex.
func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}

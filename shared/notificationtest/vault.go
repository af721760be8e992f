package notificationtest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// Vault seals secrets without KMS: the data keys that it hands out are not
// encrypted, but bound to their environment and access key all the same.
type Vault struct{ Faults }

// NewVault returns a vault.
func NewVault() *Vault { return &Vault{} }

// Seal encrypts a secret under a new data key.
func (v *Vault) Seal(ctx context.Context, cloudName, apiKey, secret string) (dataKey, sealed []byte, err error) {
	v.called("Seal")
	err = v.effect(ctx, Call{Op: "Seal", Key: cloudName}, func() error {
		dataKey = make([]byte, 32)
		if _, err := rand.Read(dataKey); err != nil {
			return err
		}
		aead, err := aeadOf(cloudName, dataKey)
		if err != nil {
			return err
		}
		sealed = aead.Seal(nil, nil, []byte(secret), []byte(apiKey))
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return dataKey, sealed, nil
}

// Open returns a sealed secret, and an error where any argument is not what it
// was sealed with.
func (v *Vault) Open(ctx context.Context, cloudName, apiKey string, dataKey, sealed []byte) (string, error) {
	v.called("Open")
	var secret []byte
	err := v.effect(ctx, Call{Op: "Open", Key: cloudName}, func() error {
		aead, err := aeadOf(cloudName, dataKey)
		if err != nil {
			return err
		}
		secret, err = aead.Open(nil, nil, sealed, []byte(apiKey))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("open secret of access key %s: %w", apiKey, err)
	}
	return string(secret), nil
}

func aeadOf(cloudName string, dataKey []byte) (cipher.AEAD, error) {
	if len(dataKey) != 32 {
		return nil, errors.New("malformed data key")
	}
	key := sha256.Sum256(append(append([]byte(cloudName), 0), dataKey...))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

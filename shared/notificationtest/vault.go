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
// encrypted, but bound to their environment all the same.
type Vault struct{ Faults }

// NewVault returns a vault.
func NewVault() *Vault { return &Vault{} }

// NewDataKey returns a new data key.
func (v *Vault) NewDataKey(ctx context.Context, cloudName string) ([]byte, error) {
	v.called("NewDataKey")
	var dataKey []byte
	err := v.effect(ctx, Call{Op: "NewDataKey", Key: cloudName}, func() error {
		dataKey = make([]byte, 32)
		_, err := rand.Read(dataKey)
		return err
	})
	if err != nil {
		return nil, err
	}
	return dataKey, nil
}

// Seal encrypts a secret.
func (v *Vault) Seal(ctx context.Context, cloudName string, dataKey []byte, apiKey, secret string) ([]byte, error) {
	v.called("Seal")
	var sealed []byte
	err := v.effect(ctx, Call{Op: "Seal", Key: cloudName}, func() error {
		aead, err := aeadOf(cloudName, dataKey)
		if err != nil {
			return err
		}
		sealed = aead.Seal(nil, nil, []byte(secret), []byte(apiKey))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sealed, nil
}

// Open returns a sealed secret, and an error where any argument is not what it
// was sealed with.
func (v *Vault) Open(ctx context.Context, cloudName string, dataKey []byte, apiKey string, sealed []byte) (string, error) {
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

// Package vault seals the secrets of access keys. Each environment has a data
// key, which KMS encrypts and binds to the environment's name; the data key
// seals the secrets, each bound to its access key, so that nothing can be moved
// from one row of the table to another and still be opened.
//
// Only what may call kms:Decrypt on the key can open or seal; to make a new
// data key takes less.
package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"golang.org/x/sync/singleflight"
)

// API is what is used of a KMS client.
type API interface {
	Decrypt(context.Context, *kms.DecryptInput, ...func(*kms.Options)) (*kms.DecryptOutput, error)
	GenerateDataKeyWithoutPlaintext(context.Context, *kms.GenerateDataKeyWithoutPlaintextInput, ...func(*kms.Options)) (*kms.GenerateDataKeyWithoutPlaintextOutput, error)
}

// maxKept bounds the data keys that are kept in memory: some hundred bytes
// each, and as many environments as one process serves between two calls of
// KMS for the same one.
const maxKept = 1024

// decryptTimeout bounds a call of KMS that several callers wait for, none of
// whose contexts may end it for the others.
const decryptTimeout = 5 * time.Second

// Vault seals and opens. It is safe for concurrent use.
type Vault struct {
	client API
	keyID  string
	flight singleflight.Group

	mu   sync.Mutex
	kept map[string]cipher.AEAD
}

// New returns a vault whose data keys are encrypted by the KMS key of that id,
// ARN or alias.
func New(client API, keyID string) *Vault {
	return &Vault{client: client, keyID: keyID, kept: make(map[string]cipher.AEAD)}
}

// NewDataKey makes the key that an environment's secrets are sealed with, and
// returns it encrypted. Its plaintext never leaves KMS here.
func (v *Vault) NewDataKey(ctx context.Context, cloudName string) ([]byte, error) {
	out, err := v.client.GenerateDataKeyWithoutPlaintext(ctx, &kms.GenerateDataKeyWithoutPlaintextInput{
		KeyId:             &v.keyID,
		KeySpec:           types.DataKeySpecAes256,
		EncryptionContext: encryptionContext(cloudName),
	})
	if err != nil {
		return nil, fmt.Errorf("make data key of %s: %w", cloudName, err)
	}
	return out.CiphertextBlob, nil
}

// Seal encrypts the secret of an access key.
func (v *Vault) Seal(ctx context.Context, cloudName string, dataKey []byte, apiKey, secret string) ([]byte, error) {
	aead, err := v.open(ctx, cloudName, dataKey)
	if err != nil {
		return nil, fmt.Errorf("seal secret of access key %s: %w", apiKey, err)
	}
	return aead.Seal(nil, nil, []byte(secret), bound(cloudName, apiKey)), nil
}

// Open returns the secret of an access key, and an error where any argument is
// not what it was sealed with. The error tells nothing about the secret.
func (v *Vault) Open(ctx context.Context, cloudName string, dataKey []byte, apiKey string, sealed []byte) (string, error) {
	aead, err := v.open(ctx, cloudName, dataKey)
	if err != nil {
		return "", fmt.Errorf("open secret of access key %s: %w", apiKey, err)
	}
	secret, err := aead.Open(nil, nil, sealed, bound(cloudName, apiKey))
	if err != nil {
		return "", fmt.Errorf("open secret of access key %s: %w", apiKey, err)
	}
	return string(secret), nil
}

// encryptionContext binds a data key to its environment; the template lets no
// function decrypt without it.
func encryptionContext(cloudName string) map[string]string {
	return map[string]string{"cloud_name": cloudName}
}

// bound is the additional data of a sealed secret. A cloud_name holds no zero
// byte, so that no two pairs give the same.
func bound(cloudName, apiKey string) []byte { return []byte(cloudName + "\x00" + apiKey) }

// open returns the cipher of a data key. KMS is asked once for each data key
// that is not in memory, however many callers need it.
func (v *Vault) open(ctx context.Context, cloudName string, dataKey []byte) (cipher.AEAD, error) {
	id := cloudName + "\x00" + string(dataKey)
	v.mu.Lock()
	aead, ok := v.kept[id]
	v.mu.Unlock()
	if ok {
		return aead, nil
	}
	opened := v.flight.DoChan(id, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), decryptTimeout)
		defer cancel()
		aead, err := v.decrypt(ctx, cloudName, dataKey)
		if err == nil {
			v.keep(id, aead)
		}
		return aead, err
	})
	select {
	case result := <-opened:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(cipher.AEAD), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (v *Vault) decrypt(ctx context.Context, cloudName string, dataKey []byte) (cipher.AEAD, error) {
	out, err := v.client.Decrypt(ctx, &kms.DecryptInput{
		KeyId:             &v.keyID,
		CiphertextBlob:    dataKey,
		EncryptionContext: encryptionContext(cloudName),
	})
	if err != nil {
		return nil, fmt.Errorf("decrypt data key of %s: %w", cloudName, err)
	}
	defer clear(out.Plaintext)
	block, err := aes.NewCipher(out.Plaintext)
	if err != nil {
		return nil, fmt.Errorf("decrypt data key of %s: %w", cloudName, err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// keep remembers a cipher. When there are too many, any other is dropped: all
// of them can be had again.
func (v *Vault) keep(id string, aead cipher.AEAD) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for other := range v.kept {
		if len(v.kept) < maxKept {
			break
		}
		delete(v.kept, other)
	}
	v.kept[id] = aead
}

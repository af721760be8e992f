// Package vault seals the secrets of access keys. Each access key has a data key
// of its own, which KMS encrypts and binds to the environment's name and the
// access key; the data key seals the secret. So nothing can be moved from one row
// of the table to another and still be opened.
//
// To seal takes kms:GenerateDataKey, to open kms:Decrypt: whoever makes access
// keys cannot read those that are there
// (docs/decisions/0016-each-access-key-has-its-data-key.md).
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
	GenerateDataKey(context.Context, *kms.GenerateDataKeyInput, ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error)
}

// maxKept bounds the data keys that are kept in memory: some hundred bytes
// each, and as many access keys as one process signs with between two calls of
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

// Seal encrypts the secret of an access key under a new data key, which it
// returns encrypted.
func (v *Vault) Seal(ctx context.Context, cloudName, apiKey, secret string) (dataKey, sealed []byte, err error) {
	out, err := v.client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId:             &v.keyID,
		KeySpec:           types.DataKeySpecAes256,
		EncryptionContext: EncryptionContext(cloudName, apiKey),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("make data key of access key %s: %w", apiKey, err)
	}
	aead, err := cipherOf(out.Plaintext)
	if err != nil {
		return nil, nil, fmt.Errorf("seal secret of access key %s: %w", apiKey, err)
	}
	return out.CiphertextBlob, aead.Seal(nil, nil, []byte(secret), bound(cloudName, apiKey)), nil
}

// Open returns the secret of an access key, and an error where any argument is
// not what it was sealed with. The error tells nothing about the secret.
func (v *Vault) Open(ctx context.Context, cloudName, apiKey string, dataKey, sealed []byte) (string, error) {
	aead, err := v.open(ctx, cloudName, apiKey, dataKey)
	if err != nil {
		return "", fmt.Errorf("open secret of access key %s: %w", apiKey, err)
	}
	secret, err := aead.Open(nil, nil, sealed, bound(cloudName, apiKey))
	if err != nil {
		return "", fmt.Errorf("open secret of access key %s: %w", apiKey, err)
	}
	return string(secret), nil
}

// EncryptionContext binds a data key to its environment and access key; the
// template lets no function make or decrypt one without it.
func EncryptionContext(cloudName, apiKey string) map[string]string {
	return map[string]string{"cloud_name": cloudName, "api_key": apiKey}
}

// bound is the additional data of a sealed secret. A cloud_name holds no zero
// byte, so that no two pairs give the same.
func bound(cloudName, apiKey string) []byte { return []byte(cloudName + "\x00" + apiKey) }

// open returns the cipher of a data key. KMS is asked once for each data key
// that is not in memory, however many callers need it.
func (v *Vault) open(ctx context.Context, cloudName, apiKey string, dataKey []byte) (cipher.AEAD, error) {
	id := string(bound(cloudName, apiKey)) + "\x00" + string(dataKey)
	v.mu.Lock()
	aead, ok := v.kept[id]
	v.mu.Unlock()
	if ok {
		return aead, nil
	}
	opened := v.flight.DoChan(id, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), decryptTimeout)
		defer cancel()
		aead, err := v.decrypt(ctx, cloudName, apiKey, dataKey)
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

func (v *Vault) decrypt(ctx context.Context, cloudName, apiKey string, dataKey []byte) (cipher.AEAD, error) {
	out, err := v.client.Decrypt(ctx, &kms.DecryptInput{
		KeyId:             &v.keyID,
		CiphertextBlob:    dataKey,
		EncryptionContext: EncryptionContext(cloudName, apiKey),
	})
	if err != nil {
		return nil, fmt.Errorf("decrypt data key: %w", err)
	}
	return cipherOf(out.Plaintext)
}

// cipherOf returns the cipher of a data key, and wipes the key.
func cipherOf(plaintext []byte) (cipher.AEAD, error) {
	defer clear(plaintext)
	block, err := aes.NewCipher(plaintext)
	if err != nil {
		return nil, err
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

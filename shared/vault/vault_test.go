package vault_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/mediahooks/mediahooks/infra/local/emulator"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/vault"
)

var (
	_ registry.Sealer = (*vault.Vault)(nil)
	_ registry.Opener = (*vault.Vault)(nil)
)

// counting counts what is decrypted, which KMS bills.
type counting struct {
	*kms.Client
	decrypts atomic.Int64
	fault    atomic.Bool
}

func (c *counting) Decrypt(ctx context.Context, in *kms.DecryptInput, opts ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	c.decrypts.Add(1)
	if c.fault.Load() {
		return nil, errors.New("throttled")
	}
	return c.Client.Decrypt(ctx, in, opts...)
}

func newVault(t *testing.T) (*vault.Vault, *counting) {
	t.Helper()
	e, err := emulator.Start(t.Context(), emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	cfg, err := e.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := &counting{Client: kms.NewFromConfig(cfg)}
	key, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	return vault.New(client, *key.KeyMetadata.Arn), client
}

func TestVault(t *testing.T) {
	v, _ := newVault(t)
	notificationtest.ExerciseVault(t, v)
}

// A data key is decrypted once per process, however many attempts need it at
// once; a failure is not remembered.
func TestDataKeyIsKept(t *testing.T) {
	v, client := newVault(t)
	dataKey, sealed, err := v.Seal(t.Context(), "demo", "1", "secret")
	if err != nil {
		t.Fatal(err)
	}
	client.fault.Store(true)
	if _, err := v.Open(t.Context(), "demo", "1", dataKey, sealed); err == nil {
		t.Fatal("opened without a data key")
	}
	client.fault.Store(false)
	before := client.decrypts.Load()
	var opens sync.WaitGroup
	for range 50 {
		opens.Go(func() {
			if got, err := v.Open(t.Context(), "demo", "1", dataKey, sealed); err != nil || got != "secret" {
				t.Errorf("open = %q, %v", got, err)
			}
		})
	}
	opens.Wait()
	if n := client.decrypts.Load() - before; n != 1 {
		t.Errorf("%d calls of Decrypt, want 1", n)
	}
}

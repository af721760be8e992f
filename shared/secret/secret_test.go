package secret_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/mediahooks/mediahooks/infra/local/emulator"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/secret"
)

var _ registry.AccountKeys = (*secret.Account)(nil)

func TestAccountKey(t *testing.T) {
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
	client := secretsmanager.NewFromConfig(cfg)
	want := notification.AccountKey{APIKey: "stack", APISecret: "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~<>"}
	text, err := secret.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	name := "account"
	made, err := client.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: &text})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := secret.NewAccount(client, *made.ARN).AccountKey(t.Context()); err != nil || got != want {
		t.Errorf("key = %q, %v, want %q", got, err, want)
	}
	if _, err := secret.NewAccount(client, "nothing").AccountKey(t.Context()); err == nil {
		t.Error("a secret of nobody's is read")
	}
}

func TestSessionKey(t *testing.T) {
	for _, test := range []struct {
		name, text string
		good       bool
	}{
		{"generated", strings.Repeat("k", 64), true}, {"short", "secret-but-short", false}, {"empty", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			key, err := secret.NewSession(fixed(test.text), "session").SessionKey(t.Context())
			if (err == nil) != test.good || test.good && string(key) != test.text {
				t.Errorf("key = %q, %v", key, err)
			}
			if err != nil && test.text != "" && strings.Contains(err.Error(), test.text) {
				t.Errorf("the error tells the key: %v", err)
			}
		})
	}
}

// fixed is a Secrets Manager whose every secret is one text.
type fixed string

func (f fixed) GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	text := string(f)
	return &secretsmanager.GetSecretValueOutput{SecretString: &text}, nil
}

func TestMalformedSecrets(t *testing.T) {
	for _, text := range []string{"", "s3cr3t", `{"api_key":"a"}`, `{"api_secret":"s3cr3t"}`, `["s3cr3t"]`} {
		_, err := secret.Decode(text)
		if err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: error = %v", text, err)
		}
	}
}

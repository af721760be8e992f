// Package secret reads the account key, which the stack generates in Secrets
// Manager. It keeps nothing: when to read again is decided by who asks.
package secret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// API is what is used of a Secrets Manager client.
type API interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// Account reads the account key of a stack. It is safe for concurrent use.
type Account struct {
	client API
	id     string
}

// NewAccount returns the account whose key is the secret of that ARN or name.
func NewAccount(client API, id string) *Account { return &Account{client: client, id: id} }

// AccountKey returns the key as it is at this moment. Its errors tell nothing of
// what the secret holds.
func (a *Account) AccountKey(ctx context.Context) (notification.AccountKey, error) {
	out, err := a.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &a.id})
	if err != nil {
		return notification.AccountKey{}, fmt.Errorf("read secret: %w", err)
	}
	return Decode(aws.ToString(out.SecretString))
}

// stored is how Secrets Manager holds the account key; template.yaml has its
// first half, and generates the other.
type stored struct {
	APIKey    string `json:"api_key"`
	APISecret string `json:"api_secret"`
}

// Decode reads an account key as the secret holds it.
func Decode(text string) (notification.AccountKey, error) {
	var key stored
	if err := json.Unmarshal([]byte(text), &key); err != nil {
		return notification.AccountKey{}, errors.New("secret: is not a JSON object of api_key and api_secret")
	}
	if key.APIKey == "" || key.APISecret == "" {
		return notification.AccountKey{}, errors.New("secret: api_key or api_secret is missing")
	}
	return notification.AccountKey(key), nil
}

// Encode writes an account key as the secret holds it.
func Encode(key notification.AccountKey) (string, error) {
	text, err := json.Marshal(stored(key))
	return string(text), err
}

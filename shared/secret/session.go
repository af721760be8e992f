package secret

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// Session reads the key that signs the console's sessions. It is safe for
// concurrent use.
type Session struct {
	client API
	id     string
}

// NewSession returns the key that is the secret of that ARN or name.
func NewSession(client API, id string) *Session { return &Session{client: client, id: id} }

// shortestKey is how many letters a key has at least; the stack generates more.
const shortestKey = 32

// SessionKey returns the key as it is at this moment. Its errors tell nothing of
// it.
func (s *Session) SessionKey(ctx context.Context) ([]byte, error) {
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.id})
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	key := aws.ToString(out.SecretString)
	if len(key) < shortestKey {
		return nil, fmt.Errorf("read secret: the key has %d letters, must have at least %d", len(key), shortestKey)
	}
	return []byte(key), nil
}

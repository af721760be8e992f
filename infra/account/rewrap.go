package account

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/store"
	"github.com/mediahooks/mediahooks/shared/vault"
)

// Rewrap has KMS encrypt the data keys of all access keys anew, under its newest
// material, and returns how many they are. No data key leaves KMS in clear.
func Rewrap(ctx context.Context, cfg aws.Config, outputs map[string]string) (int, error) {
	for _, name := range []string{"TableName", "SecretsKeyArn"} {
		if outputs[name] == "" {
			return 0, fmt.Errorf("the stack has no output %s: deploy this version of it first", name)
		}
	}
	client, keyID := kms.NewFromConfig(cfg), outputs["SecretsKeyArn"]
	keys := registry.Keys{
		Store: store.New(dynamodb.NewFromConfig(cfg), outputs["TableName"], time.Now),
		Now:   time.Now,
	}
	return keys.Rewrap(ctx, func(ctx context.Context, cloudName, apiKey string, dataKey []byte) ([]byte, error) {
		bound := vault.EncryptionContext(cloudName, apiKey)
		out, err := client.ReEncrypt(ctx, &kms.ReEncryptInput{
			CiphertextBlob:               dataKey,
			SourceEncryptionContext:      bound,
			DestinationKeyId:             &keyID,
			DestinationEncryptionContext: bound,
		})
		if err != nil {
			return nil, err
		}
		return out.CiphertextBlob, nil
	})
}

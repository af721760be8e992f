// Package account is the operator's side of a deployed stack: its outputs, its
// account key, and the calls of the Provisioning API that make the first
// environment. It is what infra/operator and the local stack are made of.
package account

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/registry"
	"github.com/mediahooks/mediahooks/shared/secret"
)

// Account is the account of one stack.
type Account struct {
	// ID stands in the paths below /v1_1/provisioning/accounts.
	ID  string
	Key notification.AccountKey
	// APIURL is the base URL of the stack's HTTP API.
	APIURL string

	secrets *secretsmanager.Client
	keyARN  string
}

// Outputs reads the outputs of a stack, by name.
func Outputs(ctx context.Context, cfg aws.Config, stackName string) (map[string]string, error) {
	found, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stackName})
	if err != nil {
		return nil, fmt.Errorf("read the stack %s: %w", stackName, err)
	}
	if len(found.Stacks) != 1 {
		return nil, fmt.Errorf("found %d stacks of the name %s", len(found.Stacks), stackName)
	}
	outputs := map[string]string{}
	for _, o := range found.Stacks[0].Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return outputs, nil
}

// Open reads the account of a stack from its outputs and its secret.
func Open(ctx context.Context, cfg aws.Config, outputs map[string]string) (*Account, error) {
	for _, name := range []string{"AccountId", "AccountKeyArn", "ApiUrl"} {
		if outputs[name] == "" {
			return nil, fmt.Errorf("the stack has no output %s: deploy this version of it first", name)
		}
	}
	a := &Account{
		ID: outputs["AccountId"], APIURL: outputs["ApiUrl"],
		secrets: secretsmanager.NewFromConfig(cfg), keyARN: outputs["AccountKeyArn"],
	}
	var err error
	if a.Key, err = secret.NewAccount(a.secrets, a.keyARN).AccountKey(ctx); err != nil {
		return nil, fmt.Errorf("read the account key: %w", err)
	}
	return a, nil
}

// URL returns the value of CLOUDINARY_ACCOUNT_URL. Whatever is not a letter, a
// digit or one of -._~ is percent-encoded: some SDKs decode it, and the API takes
// the secret of those that do not.
func (a *Account) URL() string {
	return "account://" + encode(a.Key.APIKey) + ":" + encode(a.Key.APISecret) + "@" + a.ID
}

func encode(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// CloudinaryURL returns the value of CLOUDINARY_URL for an access key.
func (a *Account) CloudinaryURL(c registry.Credentials) string {
	return fmt.Sprintf("cloudinary://%s:%s@%s?upload_prefix=%s", c.APIKey, c.APISecret, c.CloudName, a.APIURL)
}

// CreateEnvironment makes an environment with one access key.
func (a *Account) CreateEnvironment(ctx context.Context, cloudName string) (registry.Credentials, error) {
	var made struct {
		CloudName string `json:"cloud_name"`
		Keys      []struct {
			Key    string `json:"key"`
			Secret string `json:"secret"`
		} `json:"api_access_keys"`
	}
	body := map[string]string{"name": cloudName, "cloud_name": cloudName}
	if err := a.call(ctx, a.Key, http.MethodPost, "/sub_accounts", body, &made); err != nil {
		return registry.Credentials{}, err
	}
	if len(made.Keys) != 1 {
		return registry.Credentials{}, fmt.Errorf("the new environment has %d access keys, want 1", len(made.Keys))
	}
	return registry.Credentials{CloudName: made.CloudName, APIKey: made.Keys[0].Key, APISecret: made.Keys[0].Secret}, nil
}

// Rotate gives the account another secret and makes sure that the API takes it.
// It returns the key that was there, which a process may go on to take for some
// seconds; see Refused.
func (a *Account) Rotate(ctx context.Context) (was notification.AccountKey, err error) {
	was = a.Key
	next := notification.AccountKey{APIKey: was.APIKey, APISecret: newSecret()}
	text, err := secret.Encode(next)
	if err != nil {
		return was, err
	}
	if _, err := a.secrets.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &a.keyARN, SecretString: &text}); err != nil {
		return was, fmt.Errorf("write the account key: %w", err)
	}
	a.Key = next
	// A process that was asked for the account within the second reads the
	// secret a second later.
	return was, until(ctx, func() error { return a.call(ctx, next, http.MethodGet, "/sub_accounts", nil, nil) })
}

// Refused waits until every process of the API refuses a key, and asks one.
func (a *Account) Refused(ctx context.Context, key notification.AccountKey) error {
	select {
	case <-time.After(registry.AccountKeyTime):
	case <-ctx.Done():
		return ctx.Err()
	}
	return until(ctx, func() error {
		err := a.call(ctx, key, http.MethodGet, "/sub_accounts", nil, nil)
		if errors.Is(err, errRefused) {
			return nil
		}
		return errors.Join(errors.New("the API still takes the account key that was replaced"), err)
	})
}

// until repeats a step every second until it succeeds, for half a minute.
func until(ctx context.Context, step func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := step()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return err
		}
	}
}

var errRefused = errors.New("401 Invalid credentials")

// call calls the API below the account, and decodes the answer where it is asked
// for.
func (a *Account) call(ctx context.Context, key notification.AccountKey, method, path string, body, answer any) error {
	var sent io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.APIURL+"/v1_1/provisioning/accounts/"+a.ID+path, sent)
	if err != nil {
		return err
	}
	req.SetBasicAuth(key.APIKey, key.APISecret)
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: 30 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w", method, path, err)
	case res.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%s %s: %w", method, path, errRefused)
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, message(got))
	case answer == nil:
		return nil
	}
	if err := json.Unmarshal(got, answer); err != nil {
		return fmt.Errorf("%s %s: the answer is no JSON of ours: %w", method, path, err)
	}
	return nil
}

// message returns what an error in Cloudinary's shape says.
func message(body []byte) string {
	var fault struct{ Error struct{ Message string } }
	if err := json.Unmarshal(body, &fault); err != nil || fault.Error.Message == "" {
		return "no message"
	}
	return fault.Error.Message
}

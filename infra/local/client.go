package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/mediahooks/mediahooks/shared/registry"
)

// client calls the HTTP API as any backend would.
type client struct {
	base string
	key  registry.Credentials
	http http.Client
}

func newClient(base string, key registry.Credentials) *client {
	return &client{base: base, key: key, http: http.Client{Timeout: 30 * time.Second}}
}

// post posts a JSON body below /v1_1/{cloud_name} and decodes the answer.
func (c *client) post(ctx context.Context, path string, body, answer any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/v1_1/"+c.key.CloudName+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.SetBasicAuth(c.key.APIKey, c.key.APISecret)
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("POST %s: %w", path, err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("POST %s: %w", path, err)
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("POST %s: %s: %s", path, res.Status, bytes.TrimSpace(got))
	}
	if err := json.Unmarshal(got, answer); err != nil {
		return fmt.Errorf("POST %s: %s: %w", path, got, err)
	}
	return nil
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/mediahooks/mediahooks/infra/local/stack"
	"github.com/mediahooks/mediahooks/shared/registry"
)

// caller calls the API of a local stack.
type caller struct {
	local  *stack.Stack
	client *http.Client
}

func newCaller(local *stack.Stack) caller {
	return caller{local, &http.Client{Timeout: time.Minute}}
}

// call makes a call of an environment, and reads its answer where into is not nil.
func (c caller) call(ctx context.Context, by registry.Credentials, method, path string, body, into any) error {
	said, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.local.APIURL()+"/v1_1/"+by.CloudName+path, bytes.NewReader(said))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(by.APIKey, by.APISecret)
	answer, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %s: %.200s", method, path, answer.Status, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

// report reports one event for each URL, in one call.
func (c caller) report(ctx context.Context, by registry.Credentials, urls []string) error {
	type event struct {
		NotificationType string         `json:"notification_type"`
		Payload          map[string]any `json:"payload"`
		NotificationURL  string         `json:"notification_url"`
	}
	var list struct {
		Events []event `json:"events"`
	}
	for _, url := range urls {
		list.Events = append(list.Events, event{"upload", map[string]any{"public_id": "bench"}, url})
	}
	return c.call(ctx, by, http.MethodPost, "/events", list, nil)
}

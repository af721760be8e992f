package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

// callAPI makes the trigger calls through sam local start-api.
func (c *checks) callAPI(ctx context.Context) (err error) {
	const table = "start-api"
	if err := c.newTable(ctx, table, "api"); err != nil {
		return err
	}
	listener, err := workspace.Listen(0)
	if err != nil {
		return err
	}
	port := workspace.Port(listener)
	if err := listener.Close(); err != nil { // start-api wants a number, and opens it itself
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	cmd, err := c.command(ctx, table, []string{"ApiFunction", "IntakeFunction"}, map[string]string{"TABLE_NAME": table, "ACCOUNT_ID": accountID},
		"start-api", "--port", fmt.Sprint(port), "--warm-containers", "LAZY")
	if err != nil {
		stop()
		return err
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		stop()
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // we stop it
	}()
	defer func() {
		stop() // it removes its containers
		<-ended
		if err != nil {
			err = fmt.Errorf("sam local start-api: %w\n%s", err, said.String())
		}
	}()
	client := apiClient{base: fmt.Sprintf("http://127.0.0.1:%d", port), secret: apiSecret}
	if err := client.await(ctx, ended); err != nil {
		return err
	}
	return client.roundOfTriggers(ctx)
}

// apiClient calls what sam local start-api serves.
type apiClient struct{ base, secret string }

// await waits until the API answers.
func (a apiClient) await(ctx context.Context, ended <-chan struct{}) error {
	for deadline := time.Now().Add(time.Minute); ; {
		_, _, err := a.call(ctx, http.MethodGet, "/v1_1/demo/ping", "")
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return errors.New("it ended at once")
		case <-time.After(100 * time.Millisecond):
			if ctx.Err() != nil || time.Now().After(deadline) {
				return err
			}
		}
	}
}

// roundOfTriggers makes every trigger call, with its refusals.
func (a apiClient) roundOfTriggers(ctx context.Context) error {
	created, body, err := a.call(ctx, http.MethodPost, "/v1_1/demo/triggers", `{"uri":"https://shop.example/hooks/media","event_type":"rename"}`)
	if err != nil {
		return err
	}
	var trigger struct{ ID string }
	if err := json.Unmarshal([]byte(body), &trigger); err != nil || created != http.StatusCreated || trigger.ID == "" {
		return fmt.Errorf("create a trigger: %d %s", created, body)
	}
	stranger := apiClient{base: a.base, secret: "wrong"}
	calls := []struct {
		client             apiClient
		method, path, body string
		status             int
		answer             string
	}{
		{a, http.MethodGet, "/ping", "", 200, `{"status":"ok"}`},
		{a, http.MethodGet, "/triggers", "", 200, `"total":2`},
		{a, http.MethodGet, "/triggers?event_type=rename", "", 200, `"uri":"https://shop.example/hooks/media"`},
		{a, http.MethodPost, "/triggers", `{"uri":"https://shop.example/hooks/media","event_type":"rename"}`, 409, "record_already_exists"},
		{a, http.MethodPost, "/triggers", `{"uri":"https://10.0.0.1/","event_type":"rename"}`, 400, `{"error":{"message":"uri: `},
		{a, http.MethodPut, "/triggers/" + trigger.ID, `{"new_uri":"https://shop.example/hooks/moved"}`, 200, `"uri":"https://shop.example/hooks/moved"`},
		{a, http.MethodPost, "/triggers/" + trigger.ID + "/test", `{}`, 200, `"trigger_id":"` + trigger.ID + `"`},
		{a, http.MethodPost, "/events", `{"notification_type":"rename","payload":{"from_public_id":"a","to_public_id":"b"}}`, 202, `"status":"accepted"`},
		{a, http.MethodDelete, "/triggers/" + trigger.ID, "", 200, `{"message":"ok"}`},
		{a, http.MethodDelete, "/triggers/" + trigger.ID, "", 404, "record_not_found"},
		{a, http.MethodPatch, "/triggers", "", 405, "method PATCH is not allowed here"},
		{stranger, http.MethodGet, "/triggers", "", 401, "Invalid credentials"},
	}
	var faults []error
	quickest := time.Hour
	for _, call := range calls {
		began := time.Now()
		status, answer, err := call.client.call(ctx, call.method, "/v1_1/demo"+call.path, call.body)
		if err != nil {
			return err
		}
		quickest = min(quickest, time.Since(began))
		if status != call.status || !strings.Contains(answer, call.answer) {
			faults = append(faults, fmt.Errorf("%s %s: %d %s, want %d with %s", call.method, call.path, status, answer, call.status, call.answer))
		}
	}
	fmt.Printf("         sam local start-api: %d calls, %d not as expected, the quickest took %s\n",
		len(calls)+1, len(faults), quickest.Round(time.Millisecond))
	return errors.Join(faults...)
}

func (a apiClient) call(ctx context.Context, method, path, body string) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.SetBasicAuth(apiKey, a.secret)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	return res.StatusCode, string(got), err
}

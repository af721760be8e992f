package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// callers is how many calls of the HTTP API are under way at once.
const callers = 4

// report reports events, some a call, of which one in retryEvery fails first: the
// first ones, so that their retries are due while others are delivered.
func (r *rig) report(ctx context.Context, name string, events, perCall int) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(callers)
	for first := 0; first < events; first += perCall {
		g.Go(func() error {
			var list []any
			for i := first; i < min(first+perCall, events); i++ {
				id := fmt.Sprintf("%s/%d", name, i)
				if i < events/retryEvery {
					id = failing + id
				}
				list = append(list, map[string]any{"notification_type": "upload", "payload": payload(id)})
			}
			if perCall == 1 {
				return r.call(ctx, "/events", list[0], http.StatusAccepted)
			}
			return r.call(ctx, "/events", map[string]any{"events": list}, http.StatusAccepted)
		})
	}
	return g.Wait()
}

// payload is that of an upload, of payloadSize bytes, a third of which says nothing
// that other uploads say too.
func payload(publicID string) json.RawMessage {
	random := func(n int) string {
		b := make([]byte, n/2)
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		return hex.EncodeToString(b)
	}
	file := "http://res.media.example/demo/image/upload/v1772440331/" + publicID + ".jpg"
	fields := fmt.Sprintf(`{"timestamp":"2026-03-02T08:32:11+00:00","request_id":"%s","asset_id":"%s","public_id":"%s","version":1772440331,`+
		`"version_id":"%s","width":1600,"height":1200,"format":"jpg","resource_type":"image","created_at":"2026-03-02T08:32:11Z","tags":["catalogue"],`+
		`"bytes":284113,"type":"upload","etag":"%s","placeholder":false,"url":"%s","secure_url":"%s","asset_folder":"catalogue",`+
		`"display_name":"brass-lamp","original_filename":"IMG_2209","api_key":"111111111111111","context":{"custom":{"sku":"%s","caption":"`,
		random(32), random(32), publicID, random(32), random(32), file, file, random(80))
	const end = `"}}}`
	caption := bytes.Repeat([]byte("A brass lamp on an oak desk, seen from the window. "), payloadSize/50)
	return json.RawMessage(fields + string(caption[:payloadSize-len(fields)-len(end)]) + end)
}

// call calls the HTTP API below the environment.
func (r *rig) call(ctx context.Context, path string, body any, want int) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.stack.APIURL()+"/v1_1/demo"+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(r.stack.Credentials().APIKey, r.stack.Credentials().APISecret)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != want {
		return fmt.Errorf("call %s: %s %s %w", path, res.Status, said, err)
	}
	return nil
}

// delivered waits for as many successes.
func (r *rig) delivered(ctx context.Context, n int) error {
	for i := range n {
		select {
		case <-r.receiver.arrived:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Minute):
			return fmt.Errorf("%d of %d notifications arrived, and then none within a minute", i, n)
		}
	}
	return nil
}

// shape is how a part of the load is made.
type shape struct {
	name            string
	events, perCall int
	// trickle reports an event when the one before has arrived, so that each batch
	// has one message; else batches are full.
	trickle bool
}

// make makes a part of the load.
func (r *rig) make(ctx context.Context, s shape) error {
	if s.trickle {
		for i := range s.events {
			name := fmt.Sprintf("%s/%d", s.name, i)
			if i%retryEvery == 0 {
				name = failing + name
			}
			event := map[string]any{"notification_type": "upload", "payload": payload(name)}
			if err := r.call(ctx, "/events", event, http.StatusAccepted); err != nil {
				return err
			}
			if err := r.delivered(ctx, 1); err != nil {
				return err
			}
		}
		return r.drained(ctx)
	}
	if err := r.feed(ctx, false); err != nil {
		return err
	}
	reported := r.report(ctx, s.name, s.events, s.perCall)
	if err := errors.Join(reported, r.feed(ctx, true)); err != nil {
		return err
	}
	if err := r.delivered(ctx, s.events); err != nil {
		return err
	}
	return r.drained(ctx)
}

package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/infra/local/demo"
	"github.com/mediahooks/mediahooks/infra/local/stack"
	"github.com/mediahooks/mediahooks/shared/notification"
)

// arrivalLimit bounds the wait for the example's notification.
const arrivalLimit = 30 * time.Second

//go:embed example.json
var example []byte

// run shows the main job once, from a trigger to the recorded delivery, and
// then every notification that arrives, until it is told to stop.
func run(ctx context.Context, s settings, p *printer) (err error) {
	r, err := startReceiver()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	o := s.options("run")
	o.Progress = p.stackStep
	running, err := stack.Start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, running.Close()) }()
	p.ports(s, running)
	r.trust(running.Credentials().APISecret)
	if err := show(ctx, p, running, r); err != nil {
		return err
	}
	p.next(running, r)
	for {
		select {
		case a := <-r.got:
			p.arrived(a)
		case <-running.Done():
			return errors.New("the emulator has ended by itself: see .local/run-emulator.log")
		case <-ctx.Done():
			p.printf("\nStopped.")
			return nil
		}
	}
}

// show does the main job, step by step.
func show(ctx context.Context, p *printer, running *stack.Stack, r *receiver) error {
	api := newClient(running.APIURL(), running.Credentials())
	var trigger struct {
		ID        string `json:"id"`
		EventType string `json:"event_type"`
		URI       string `json:"uri"`
	}
	err := api.post(ctx, "/triggers", map[string]string{"event_type": "all", "uri": r.url() + "/notifications"}, &trigger)
	if err != nil {
		return err
	}
	p.step("trigger %s created: %s events to %s", trigger.ID, trigger.EventType, trigger.URI)
	var accepted struct {
		EventID    string `json:"event_id"`
		Deliveries []struct {
			ID string `json:"delivery_id"`
		} `json:"deliveries"`
	}
	if err := api.post(ctx, "/events", json.RawMessage(example), &accepted); err != nil {
		return err
	}
	if len(accepted.Deliveries) != 1 {
		return fmt.Errorf("event %s has %d deliveries, want 1", accepted.EventID, len(accepted.Deliveries))
	}
	p.step("event %s accepted, delivery %s queued", accepted.EventID, accepted.Deliveries[0].ID)
	a, err := r.wait(ctx, arrivalLimit)
	if err != nil {
		return err
	}
	p.step("notification received, %s", p.verdict(a))
	p.printf("\n%s\n", excerpt(a))
	if !a.verified {
		return errors.New("the notification's signature does not match its body, timestamp and secret")
	}
	key := notification.DeliveryKey{CloudName: running.Credentials().CloudName, DeliveryID: accepted.Deliveries[0].ID}
	record, err := settled(ctx, running, key)
	if err != nil {
		return err
	}
	last := record.Attempts[len(record.Attempts)-1]
	p.step("delivery recorded: %s after %s, answer %d in %d ms", record.Status, plural(record.AttemptCount, "attempt"),
		last.StatusCode, last.Duration.Milliseconds())
	return nil
}

func settled(ctx context.Context, running *stack.Stack, key notification.DeliveryKey) (notification.Delivery, error) {
	ctx, cancel := context.WithTimeout(ctx, arrivalLimit)
	defer cancel()
	cfg, err := running.AWSConfig(ctx)
	if err != nil {
		return notification.Delivery{}, err
	}
	return demo.Settled(ctx, cfg, running.Outputs(), key)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (p *printer) verdict(a arrival) string {
	if a.verified {
		return p.paint(green, "signature verified")
	}
	return p.paint(red, "signature wrong")
}

// arrived writes one line about a notification.
func (p *printer) arrived(a arrival) {
	var body struct {
		Type     string `json:"notification_type"`
		PublicID string `json:"public_id"`
	}
	_ = json.Unmarshal(a.body, &body) // one that is no JSON has neither
	p.printf("%s  %-10s %-24s %s  attempt %s, answered %d, %s", p.paint(dim, a.at.Format(time.TimeOnly)),
		body.Type, body.PublicID, a.path, a.header.Get(notification.AttemptHeader), a.answered, p.verdict(a))
}

// excerpt shows a notification as its receiver sees it.
func excerpt(a arrival) string {
	lines := []string{http.MethodPost + " " + a.path}
	for _, name := range []string{"Content-Type", "User-Agent", notification.TimestampHeader, notification.SignatureHeader,
		notification.DeliveryHeader, notification.AttemptHeader} {
		lines = append(lines, name+": "+a.header.Get(name))
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, a.body, "", "  "); err != nil {
		pretty.Write(a.body)
	}
	lines = append(lines, "")
	lines = append(lines, strings.Split(pretty.String(), "\n")...)
	return "      " + strings.Join(lines, "\n      ")
}

// next says where everything is and what to try.
func (p *printer) next(running *stack.Stack, r *receiver) {
	c := running.Credentials()
	curl := fmt.Sprintf("curl -su %s:%s %s/v1_1/%s", c.APIKey, c.APISecret, running.APIURL(), c.CloudName)
	p.printf(`
The API         %s
The console     %s
                sign in with cloud name %s, API key %s, API secret %s
AWS             %s  (AWS_ENDPOINT_URL, any credentials)
The receiver    %s/notifications
CLOUDINARY_URL  %s

Try, in another terminal:
  %s/triggers
  %s/events --json '{"notification_type":"upload","payload":{"public_id":"cat"}}'
  %s/events --json '{"notification_type":"upload","payload":{"public_id":"cat"},"notification_url":"%s/status/503"}'

The last one is answered 503 and tried again by the retry schedule; for a quick one:
  make run PARAMS="RetrySchedule=2s,4s,6s"

What became of them, and of one of them in full:
  %s/deliveries
  %s/deliveries/{delivery_id}

Notifications as they arrive (Ctrl-C stops everything):`, running.APIURL(), running.ConsoleURL(), c.CloudName, c.APIKey, c.APISecret, running.Endpoint(), r.url(), running.CloudinaryURL(), curl, curl, curl, r.url(), curl, curl)
}

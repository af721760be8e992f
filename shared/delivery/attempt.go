package delivery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/mediahooks/mediahooks/shared/lane"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/retry"
	"github.com/mediahooks/mediahooks/shared/signature"
)

// attempt makes the task's attempt and brings its record up to date, in memory.
// It sets the task's err where a fault of ours kept the attempt from being made.
func (s Service) attempt(ctx context.Context, t *task) {
	m := t.message
	started := s.Now()
	settings, err := s.Settings.Settings(ctx, m.CloudName)
	if err != nil {
		t.err = fmt.Errorf("read settings of %s: %w", m.CloudName, err)
		return
	}
	req, signed, reason, err := s.sign(ctx, m, started)
	if err != nil {
		t.err = err
		return
	}
	var ended time.Time
	if reason == "" {
		ended = s.watched(ctx, t, func() { t.answer = s.Sender.Post(ctx, req) })
	} else {
		t.answer = notification.Answer{Reason: reason, Detail: nothingSent(m, reason)}
		ended = s.Now()
	}
	if m.LeftOut {
		t.answer.Response = nil // it may repeat what it got
	}
	t.attempt = classify(t.answer, s.isSuccess(settings.Success), ended)
	t.attempt.Number = m.Attempt
	t.attempt.StartedAt, t.attempt.Duration = started.UTC(), ended.Sub(started)
	t.attempt.SigningKey, t.attempt.Timestamp, t.attempt.Signature = signed.key, signed.timestamp, signed.digest
	t.attempt.Lane, t.attempt.Repeated = m.Lane, t.takenUpBefore()
	s.decide(t, s.schedule(settings), ended)
}

// takenUpBefore reports whether this attempt was begun before, so that its outcome
// is lost. A retry's claim tells: a lease that is still there was never followed by
// a record. A first attempt has no record to lease, so its message tells: it came
// back. It may have done so before anything was sent.
func (t *task) takenUpBefore() bool {
	if t.message.Attempt == 1 {
		return t.received > 1
	}
	return !t.delivery.LeasedUntil.IsZero()
}

// isSuccess returns what tells a successful status: the environment's rule, else
// the stack's.
//
// Source: Cloudinary, Webhook notifications, Retry policy: the response is a
// failure if it is not 200 OK.
func (s Service) isSuccess(rule notification.SuccessRule) func(code int) bool {
	anySuccess := rule == notification.Any2xx || rule == notification.StackSuccess && s.AnySuccess
	return func(code int) bool {
		return code == http.StatusOK || anySuccess && code >= 200 && code < 300
	}
}

// schedule returns the environment's schedule, else the stack's.
func (s Service) schedule(settings notification.Settings) retry.Schedule {
	if settings.RetrySchedule != nil {
		return settings.RetrySchedule
	}
	return s.Schedule
}

// signed is what a request was signed with.
type signed struct {
	key       string
	timestamp int64
	digest    string
}

// sign makes the request of an attempt, with the key that is right at this
// moment. A reason says that none can be made, an error that this is not known.
func (s Service) sign(ctx context.Context, m notification.Message, at time.Time) (req notification.Request, by signed, reason notification.Reason, err error) {
	if m.IsLost() {
		return req, by, notification.ReasonInvalidPayload, nil
	}
	key, err := s.Keys.SigningKey(ctx, m.CloudName)
	switch {
	case errors.Is(err, notification.ErrSigningKeyDisabled):
		return req, by, notification.ReasonSigningKeyDisabled, nil
	case errors.Is(err, notification.ErrNoSigningKey):
		return req, by, notification.ReasonNoSigningKey, nil
	case err != nil:
		return req, by, "", fmt.Errorf("get signing key of %s: %w", m.CloudName, err)
	}
	unpacked, err := payload.Unpack(m.Body)
	if err != nil {
		s.Log.ErrorContext(ctx, "stored body is unreadable", "delivery_id", m.DeliveryID, "error", err)
		return req, by, notification.ReasonInvalidPayload, nil
	}
	body := payload.WithSignatureKey(unpacked, key.APIKey)
	timestamp := signature.Timestamp(m.AcceptedAt, at)
	digest, err := signature.Sign(key.Algorithm, body, timestamp, key.Secret)
	if err != nil {
		return req, by, "", fmt.Errorf("sign delivery %s: %w", m.DeliveryID, err)
	}
	return notification.Request{
		URL: m.URL,
		Header: map[string]string{
			"Content-Type":               "application/json",
			notification.TimestampHeader: strconv.FormatInt(timestamp, 10),
			notification.SignatureHeader: digest,
			notification.DeliveryHeader:  m.DeliveryID,
			notification.AttemptHeader:   strconv.Itoa(m.Attempt),
		},
		Body: body,
	}, signed{key.APIKey, timestamp, digest}, "", nil
}

// nothingSent says why there is no request.
func nothingSent(m notification.Message, reason notification.Reason) string {
	switch {
	case m.IsLost():
		return "nothing was sent: the environment keeps no payloads, and the message that carried this notification is lost"
	case reason == notification.ReasonSigningKeyDisabled:
		return "nothing was sent: " + notification.ErrSigningKeyDisabled.Error()
	case reason == notification.ReasonNoSigningKey:
		return "nothing was sent: " + notification.ErrNoSigningKey.Error()
	default:
		return "nothing was sent: the stored notification cannot be read"
	}
}

// classify tells success from failure.
func classify(answer notification.Answer, isSuccess func(code int) bool, now time.Time) notification.Attempt {
	a := notification.Attempt{
		StatusCode: answer.StatusCode,
		Reason:     answer.Reason,
		Detail:     answer.Detail,
		Response:   answer.Response,
		RemoteAddr: answer.RemoteAddr,
		Phases:     answer.Phases,
		RetryAfter: retry.After(answer.StatusCode, answer.RetryAfter, now),
	}
	code := answer.StatusCode
	switch {
	case a.Reason != "" || isSuccess(code):
	case code >= 300 && code < 400:
		a.Reason = notification.ReasonRedirect
		a.Detail = fmt.Sprintf("answered %d, and redirects are not followed: register the final URL", code)
	default:
		a.Reason = notification.ReasonStatus
		a.Detail = fmt.Sprintf("answered %d %s", code, http.StatusText(code))
	}
	return a
}

// decide adds the attempt to the delivery's record and says what comes next.
func (s Service) decide(t *task, schedule retry.Schedule, ended time.Time) {
	m, d := t.message, &t.delivery
	if d.AttemptCount == 0 {
		*d = notification.Delivery{
			DeliveryKey:      key(m),
			EventID:          m.EventID,
			NotificationType: m.NotificationType,
			URL:              m.URL,
			Why:              m.Why,
			TriggerID:        m.TriggerID,
			Lead:             m.Lead,
			LeftOut:          m.LeftOut,
			PublicIDs:        m.PublicIDs,
			AcceptedAt:       m.AcceptedAt,
			ExpiresAt:        m.AcceptedAt.Add(s.Retention),
		}
	}
	d.Attempted(t.attempt)
	d.NextAt, d.NextLane, d.LeasedUntil = time.Time{}, "", time.Time{}
	if t.attempt.Succeeded() {
		d.Status = notification.Delivered
		return
	}
	wait, again := schedule.Next(m.Attempt-d.ScheduleFrom, t.attempt.RetryAfter)
	if !again || m.IsLost() {
		d.Status = notification.Exhausted
		return
	}
	d.Status, d.NextAt, d.NextLane = notification.Retrying, ended.Add(wait).UTC(), lane.AfterAttempt(t.attempt)
	if keepUntil := d.NextAt.Add(s.Retention); d.NextAt.After(d.ExpiresAt) {
		d.ExpiresAt = keepUntil // a schedule can be longer than the retention
	}
}

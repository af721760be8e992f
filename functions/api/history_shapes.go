package main

import (
	"strconv"
	"time"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
)

// eventHead is an event without its notification.
type eventHead struct {
	EventID          string   `json:"event_id"`
	NotificationType string   `json:"notification_type"`
	Method           string   `json:"method,omitempty"`
	Status           string   `json:"status"`
	PublicIDs        []string `json:"public_ids"`
	AcceptedAt       string   `json:"accepted_at"`
	BatchID          string   `json:"batch_id,omitempty"`
	HeldUntil        string   `json:"held_until,omitempty"`
	ReleasedAt       string   `json:"released_at,omitempty"`
	Release          string   `json:"release,omitempty"`
	ParentEventID    string   `json:"parent_event_id,omitempty"`
	Remark           string   `json:"remark,omitempty"`
	ExpiresAt        string   `json:"expires_at"`
}

// eventSummary is an event in a list.
type eventSummary struct {
	eventHead
	Deliveries map[notification.Status]int `json:"deliveries"`
}

func showEvent(e notification.Event) eventHead {
	return eventHead{
		EventID: e.ID, NotificationType: e.NotificationType, Method: e.Method, Status: string(e.Status), PublicIDs: list(e.PublicIDs),
		AcceptedAt: moment(e.AcceptedAt), BatchID: e.BatchID, HeldUntil: moment(e.HeldUntil), ReleasedAt: moment(e.ReleasedAt),
		Release: string(e.Release), ParentEventID: e.ParentID, Remark: e.Misfit, ExpiresAt: moment(e.ExpiresAt),
	}
}

// moment is RFC 3339 in UTC with milliseconds; empty for the zero time.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// deliveryHead is a delivery without its attempts.
type deliveryHead struct {
	DeliveryID       string   `json:"delivery_id"`
	EventID          string   `json:"event_id"`
	NotificationType string   `json:"notification_type"`
	PublicIDs        []string `json:"public_ids"`
	URI              string   `json:"uri"`
	Why              string   `json:"why"`
	TriggerID        string   `json:"trigger_id,omitempty"`
	Status           string   `json:"status"`
	AcceptedAt       string   `json:"accepted_at"`
	AttemptCount     int      `json:"attempt_count"`
	LastAttemptAt    string   `json:"last_attempt_at,omitempty"`
	StatusCode       int      `json:"status_code,omitempty"`
	Reason           string   `json:"reason,omitempty"`
	Message          string   `json:"message,omitempty"`
	NextAttemptAt    string   `json:"next_attempt_at,omitempty"`
	NextLane         string   `json:"next_lane,omitempty"`
	ExpiresAt        string   `json:"expires_at"`
}

// toldURL is a URL that an event goes to.
type toldURL struct {
	deliveryHead
	Explanation string `json:"explanation"`
}

func showDelivery(d notification.Delivery) deliveryHead {
	head := deliveryHead{
		DeliveryID: d.DeliveryID, EventID: d.EventID, NotificationType: d.NotificationType, PublicIDs: list(d.PublicIDs), URI: d.URL,
		Why: string(d.Why), TriggerID: d.TriggerID, Status: string(d.Status), AcceptedAt: moment(d.AcceptedAt),
		AttemptCount: d.AttemptCount, NextAttemptAt: moment(d.NextAt), NextLane: string(d.NextLane), ExpiresAt: moment(d.ExpiresAt),
	}
	if n := len(d.Attempts); n > 0 {
		last := d.Attempts[n-1]
		head.LastAttemptAt, head.StatusCode = moment(last.StartedAt), last.StatusCode
		head.Reason, head.Message = string(last.Reason), last.Detail
	}
	return head
}

// attempt is one attempt with both sides of the exchange.
type attempt struct {
	Number     int     `json:"number"`
	StartedAt  string  `json:"started_at"`
	DurationMS float64 `json:"duration_ms"`
	Phases     phases  `json:"phases_ms"`
	StatusCode int     `json:"status_code,omitempty"`
	Reason     string  `json:"reason,omitempty"`
	Message    string  `json:"message,omitempty"`
	Advice     string  `json:"advice,omitempty"`
	// Response is the start of the answer's body, as text or else in base64.
	Response       string `json:"response"`
	ResponseBase64 []byte `json:"response_base64,omitempty"`
	RemoteAddress  string `json:"remote_address,omitempty"`
	SignatureKey   string `json:"signature_key,omitempty"`
	Lane           string `json:"lane"`
	// Note is what else there is to say, in a sentence.
	Note        string       `json:"note,omitempty"`
	RetryAfterS float64      `json:"retry_after_s,omitempty"`
	Request     *requestSent `json:"request,omitempty"`
}

// phases are how long the steps of an attempt took, in milliseconds.
type phases struct {
	DNS       float64 `json:"dns"`
	Connect   float64 `json:"connect"`
	TLS       float64 `json:"tls"`
	FirstByte float64 `json:"first_byte"`
}

// requestSent is what was POSTed; the body is its very bytes, where they were kept.
type requestSent struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body,omitempty"`
}

func showAttempt(d history.Delivery, a notification.Attempt) attempt {
	shown := attempt{
		Number: a.Number, StartedAt: moment(a.StartedAt), DurationMS: ms(a.Duration),
		Phases:     phases{ms(a.Phases.DNS), ms(a.Phases.Connect), ms(a.Phases.TLS), ms(a.Phases.FirstByte)},
		StatusCode: a.StatusCode, Reason: string(a.Reason), Message: a.Detail, Advice: history.Advice(a), RemoteAddress: a.RemoteAddr,
		SignatureKey: a.SigningKey, Lane: string(a.Lane), Note: history.Note(a), RetryAfterS: a.RetryAfter.Seconds(),
	}
	shown.Response, shown.ResponseBase64 = printable(a.Response)
	if a.Signature != "" && (d.Body != nil || d.LeftOut) {
		shown.Request = &requestSent{
			Method: "POST", URL: d.URL,
			Headers: map[string]string{
				"Content-Type":               "application/json",
				notification.TimestampHeader: strconv.FormatInt(a.Timestamp, 10),
				notification.SignatureHeader: a.Signature,
				notification.DeliveryHeader:  d.DeliveryID,
				notification.AttemptHeader:   strconv.Itoa(a.Number),
			},
		}
		if d.Body != nil {
			shown.Request.Body = string(payload.WithSignatureKey(d.Body, a.SigningKey))
		}
	}
	return shown
}

// ms is a duration in milliseconds, to the microsecond.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

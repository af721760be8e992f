// Package web is the edge between API Gateway's HTTP API and net/http: it turns
// one into the other, asks for credentials, and gives every answer Cloudinary's
// shape. It has no rules of its own.
package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// lastWords is how long before its function's deadline a request's context ends,
// so that there is time to say so.
const lastWords = 500 * time.Millisecond

// Lambda returns a handler of HTTP API events (payload format 2.0) that serves
// them by a http.Handler. Whatever happens, the answer is JSON in Cloudinary's
// error shape or the handler's own, and carries X-Request-Id.
func Lambda(handler http.Handler, log *slog.Logger) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	proxy := httpadapter.NewV2(rescue(inShape(handler), log))
	return func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		if deadline, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, deadline.Add(-lastWords))
			defer cancel()
		}
		started := time.Now()
		event.RawPath = routedPath(event)
		answer, err := proxy.ProxyWithContext(ctx, event)
		if err != nil { // the event's path or body is not what HTTP allows
			log.WarnContext(ctx, "malformed request", "request_id", event.RequestContext.RequestID, "error", err)
			answer = events.APIGatewayV2HTTPResponse{
				StatusCode: http.StatusBadRequest,
				Headers:    map[string]string{"Content-Type": "application/json; charset=utf-8"},
				Body:       `{"error":{"message":"malformed request"}}`,
			}
		}
		if answer.Headers == nil {
			answer.Headers = make(map[string]string)
		}
		answer.Headers["X-Request-Id"] = event.RequestContext.RequestID
		// The gateway's own log has every request, so here is what went wrong.
		level := slog.LevelDebug
		if answer.StatusCode >= http.StatusBadRequest {
			level = slog.LevelInfo
		}
		log.Log(ctx, level, "request answered", "request_id", event.RequestContext.RequestID, "route", event.RouteKey,
			"status", answer.StatusCode, "duration_ms", time.Since(started))
		return answer, nil
	}
}

// routedPath is the path of a request, percent-encoded. The gateway's own is
// decoded, but for %25, and in it an id that holds a ? cannot be told from what
// comes after; by the route and its parameters it can.
func routedPath(event events.APIGatewayV2HTTPRequest) string {
	_, path, found := strings.Cut(event.RouteKey, " ")
	if !found || len(event.PathParameters) == 0 {
		return event.RawPath
	}
	if strings.HasSuffix(path, "/{proxy+}") { // takes whole paths, whose slashes are slashes
		return (&url.URL{Path: event.RawPath}).EscapedPath()
	}
	for name, value := range event.PathParameters {
		escaped := url.PathEscape(strings.ReplaceAll(value, "%25", "%"))
		path = strings.NewReplacer("{"+name+"}", escaped, "{"+name+"+}", escaped).Replace(path)
	}
	return path
}

// RequestID returns the id that API Gateway gave a request.
func RequestID(r *http.Request) string {
	gateway, _ := core.GetAPIGatewayV2ContextFromContext(r.Context())
	return gateway.RequestID
}

// rescue answers a panic with a 500, and logs it.
func rescue(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if fault := recover(); fault != nil {
				log.ErrorContext(r.Context(), "panic", "request_id", RequestID(r), "fault", fault)
				WriteJSON(w, http.StatusInternalServerError, ErrorBody{Error: Message(nil, RequestID(r))})
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// ErrorBody is Cloudinary's error shape.
type ErrorBody struct {
	Error ErrorMessage `json:"error"`
}

// ErrorMessage is the inside of an ErrorBody.
type ErrorMessage struct {
	Message string `json:"message"`
}

// statusOf maps the codes of errors to HTTP.
var statusOf = map[notification.Code]int{
	notification.Invalid:      http.StatusBadRequest,
	notification.Unauthorized: http.StatusUnauthorized,
	notification.NotFound:     http.StatusNotFound,
	notification.Conflict:     http.StatusConflict,
	notification.TooLarge:     http.StatusRequestEntityTooLarge,
	notification.Throttled:    http.StatusTooManyRequests,
	notification.Unavailable:  http.StatusServiceUnavailable,
	notification.Internal:     http.StatusInternalServerError,
}

// Describe returns the HTTP status of an error, and what its caller may read. It
// logs the cause of those that are our fault.
func Describe(r *http.Request, log *slog.Logger, err error) (status int, body ErrorBody) {
	code := notification.CodeOf(err)
	status = statusOf[code]
	if status >= http.StatusInternalServerError {
		log.ErrorContext(r.Context(), "request failed", "request_id", RequestID(r), "error", err)
	}
	return status, ErrorBody{Message(err, RequestID(r))}
}

// Message returns what the caller of a request may read of an error.
func Message(err error, requestID string) ErrorMessage {
	if known, ok := errors.AsType[*notification.Error](err); ok && known.Code != notification.Internal {
		return ErrorMessage{known.Message}
	}
	return ErrorMessage{"Internal error. Quote request " + requestID + " when you report it."}
}

// WriteError answers with an error.
func WriteError(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	status, body := Describe(r, log, err)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Mediahooks", charset="UTF-8"`)
	}
	WriteJSON(w, status, body)
}

// WriteJSON answers with a value.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // into memory; the values are our own structs
}

// inShape gives http.ServeMux's own answers, for unknown paths and methods, the
// shape of all others.
func inShape(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&shaper{ResponseWriter: w, path: r.URL.Path, method: r.Method}, r)
	})
}

// shaper replaces plain-text errors.
type shaper struct {
	http.ResponseWriter
	path, method string
	replaced     bool
}

func (s *shaper) WriteHeader(status int) {
	plain := s.Header().Get("Content-Type") == "text/plain; charset=utf-8"
	switch {
	case plain && status == http.StatusNotFound:
		s.replace(status, "no such path: "+s.path)
	case status == http.StatusTemporaryRedirect: // ServeMux's, from a path with // in it
		s.Header().Del("Location")
		s.replace(http.StatusNotFound, "no such path: "+s.path)
	case plain && status == http.StatusMethodNotAllowed:
		s.replace(status, "method "+s.method+" is not allowed here; allowed: "+s.Header().Get("Allow"))
	default:
		s.ResponseWriter.WriteHeader(status)
	}
}

func (s *shaper) replace(status int, message string) {
	s.replaced = true
	s.Header().Del("X-Content-Type-Options")
	WriteJSON(s.ResponseWriter, status, ErrorBody{ErrorMessage{message}})
}

func (s *shaper) Write(body []byte) (int, error) {
	if s.replaced {
		return len(body), nil
	}
	return s.ResponseWriter.Write(body)
}

package web

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"mime"
	"net/http"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/request"
)

// Authenticator finds the environment that a caller's access key belongs to.
type Authenticator interface {
	Authenticate(ctx context.Context, cloudName, apiKey, secret string) (notification.Environment, error)
}

// Caller is who makes an authenticated request.
type Caller struct {
	Environment notification.Environment
	APIKey      string
}

// Endpoint serves authenticated requests. An error that it returns is written by
// WriteError.
type Endpoint func(w http.ResponseWriter, r *http.Request, caller Caller) error

// Authenticated serves requests of {cloud_name} that carry an access key of that
// environment by Basic authentication.
func Authenticated(auth Authenticator, log *slog.Logger, endpoint Endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		apiKey, secret, _ := r.BasicAuth()
		env, err := auth.Authenticate(r.Context(), r.PathValue("cloud_name"), apiKey, secret)
		if err == nil {
			err = endpoint(w, r, Caller{Environment: env, APIKey: apiKey})
		}
		if err != nil {
			WriteError(w, r, log, err)
		}
	})
}

// ReadBody returns a request's body, or a *notification.Error of code TooLarge
// where it is longer than a limit in bytes.
func ReadBody(r *http.Request, limit int) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if err != nil {
		return nil, &notification.Error{Code: notification.Invalid, Message: "body: cannot be read", Err: err}
	}
	if len(body) > limit {
		return nil, notification.Errorf(notification.TooLarge, "body: must be at most %d bytes", limit)
	}
	return body, nil
}

// maxObject bounds the small objects of management calls, in bytes.
const maxObject = 64 << 10

// ReadObject reads a request's object, from JSON or a form. JSON is recognised
// by its first character too, since curl -d calls everything a form.
func ReadObject(r *http.Request) (*request.Object, error) {
	body, err := ReadBody(r, maxObject)
	if err != nil {
		return nil, err
	}
	body = bytes.TrimSpace(body)
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var object *request.Object
	if mediaType == "application/x-www-form-urlencoded" && !bytes.HasPrefix(body, []byte("{")) {
		object = request.Form(string(body))
	} else {
		object = request.JSON("", body)
	}
	return object, object.Err()
}

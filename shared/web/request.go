package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
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
func Authenticated(auth Authenticator, logins *Logins, log *slog.Logger, endpoint Endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		apiKey, secret, _ := r.BasicAuth()
		cloudName := r.PathValue("cloud_name")
		env, err := auth.Authenticate(r.Context(), cloudName, apiKey, secret)
		switch {
		case err == nil:
			err = endpoint(w, r, Caller{Environment: env, APIKey: apiKey})
		case notification.CodeOf(err) == notification.Unauthorized:
			err = logins.Failed(w, r, cloudName, err)
		}
		if err != nil {
			WriteError(w, r, log, err)
		}
	})
}

// AccountAuthenticator judges the account key of a call.
type AccountAuthenticator interface {
	AuthenticateAccount(ctx context.Context, accountID, apiKey, secret string) error
}

// AccountEndpoint serves requests of the account. An error that it returns is
// written by WriteError.
type AccountEndpoint func(w http.ResponseWriter, r *http.Request) error

// OfAccount serves requests of {account_id} that carry the account key by Basic
// authentication.
func OfAccount(auth AccountAuthenticator, logins *Logins, log *slog.Logger, endpoint AccountEndpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		apiKey, secret, _ := r.BasicAuth()
		accountID := r.PathValue("account_id")
		err := auth.AuthenticateAccount(r.Context(), accountID, apiKey, secret)
		switch {
		case err == nil:
			err = endpoint(w, r)
		case notification.CodeOf(err) == notification.Unauthorized:
			err = logins.Failed(w, r, accountID, err)
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

// ReadObject reads a request's object, from JSON or a form of either kind. JSON is
// recognised by its first character too, since curl -d calls everything a form;
// the Python SDK sends what curl -F does.
func ReadObject(r *http.Request) (*request.Object, error) {
	body, err := ReadBody(r, maxObject)
	if err != nil {
		return nil, err
	}
	body = bytes.TrimSpace(body)
	mediaType, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var object *request.Object
	switch {
	case mediaType == "application/x-www-form-urlencoded" && !bytes.HasPrefix(body, []byte("{")):
		object = request.Form(string(body))
	case mediaType == "multipart/form-data" && len(body) > 0:
		object = readParts(multipart.NewReader(bytes.NewReader(body), parameters["boundary"]))
	default:
		object = request.JSON("", body)
	}
	return object, object.Err()
}

// readParts reads the fields of a multipart form.
func readParts(form *multipart.Reader) *request.Object {
	object := &request.Object{}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return object
		}
		var value []byte
		if err == nil {
			value, err = io.ReadAll(part)
		}
		if err != nil {
			object.Fail("body", "is not a valid form")
			return object
		}
		object.Add(part.FormName(), string(value))
	}
}

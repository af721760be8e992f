package console

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// How long a session lives: from its sign-in, and without a request. See
// docs/decisions/0023-the-consoles-sessions.md.
const (
	longestSession = 8 * time.Hour
	longestIdle    = time.Hour
	// renewAfter is how old a cookie is when a request brings another.
	renewAfter = time.Minute
	// keyTime is for how long a signing key is remembered.
	keyTime = 5 * time.Minute
)

// SessionKeys knows the key that signs sessions.
type SessionKeys interface {
	SessionKey(ctx context.Context) ([]byte, error)
}

// Sessions makes and reads the cookie of a session. It holds who is signed in,
// signed, and no secret. It is safe for concurrent use.
type Sessions struct {
	Keys SessionKeys
	Now  func() time.Time

	mu     sync.Mutex
	key    []byte
	readAt time.Time
}

// session is what the cookie says. The times are unix seconds.
type session struct {
	CloudName string `json:"c"`
	APIKey    string `json:"k"`
	Began     int64  `json:"b"`
	Seen      int64  `json:"s"`
}

// errNoSession says that a cookie is none of ours, or its time is over.
var errNoSession = errors.New("no session")

// signingKey returns the key, from memory for some minutes.
func (s *Sessions) signingKey(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now().Round(0) // by the wall: a frozen process's other clock stands still
	if age := now.Sub(s.readAt); s.key != nil && age >= 0 && age < keyTime {
		return s.key, nil
	}
	key, err := s.Keys.SessionKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("read session key: %w", err)
	}
	s.key, s.readAt = key, now
	return key, nil
}

// seal writes a session as a text that open reads.
func (s *Sessions) seal(ctx context.Context, of session) (string, error) {
	key, err := s.signingKey(ctx)
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(of)
	if err != nil {
		return "", fmt.Errorf("encode session: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(data)
	return text + "." + base64.RawURLEncoding.EncodeToString(mac(key, text)), nil
}

// open reads a session; errNoSession for one that was not sealed here, or is over.
func (s *Sessions) open(ctx context.Context, sealed string) (session, error) {
	key, err := s.signingKey(ctx)
	if err != nil {
		return session{}, err
	}
	text, signature, _ := strings.Cut(sealed, ".")
	given, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || !hmac.Equal(given, mac(key, text)) {
		return session{}, errNoSession
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return session{}, errNoSession
	}
	var of session
	if err := json.Unmarshal(data, &of); err != nil {
		return session{}, errNoSession
	}
	now := s.Now()
	if now.Sub(time.Unix(of.Began, 0)) >= longestSession || now.Sub(time.Unix(of.Seen, 0)) >= longestIdle {
		return session{}, errNoSession
	}
	return of, nil
}

// mac signs a text for this purpose and no other.
func mac(key []byte, text string) []byte {
	digest := hmac.New(sha256.New, key)
	digest.Write([]byte("mediahooks console session 1\n" + text))
	return digest.Sum(nil)
}

// cookieName is the name of the session's cookie.
const cookieName = "mediahooks_session"

// set gives the browser a session.
func (s *Sessions) set(w http.ResponseWriter, r *http.Request, of session) error {
	sealed, err := s.seal(r.Context(), of)
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie(r, sealed, 0))
	return nil
}

// end has the browser forget its session.
func (s *Sessions) end(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, cookie(r, "", -1))
}

// cookie has no age unless it ends: the browser forgets it when it is closed.
func cookie(r *http.Request, value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, Path: root, MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: !isLoopback(r.Host),
	}
}

// isLoopback reports whether a host is this machine, where the console is served
// without TLS.
func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// current returns the session that a request carries; errNoSession for none.
func (s *Sessions) current(r *http.Request) (session, error) {
	found, err := r.Cookie(cookieName)
	if err != nil {
		return session{}, errNoSession
	}
	return s.open(r.Context(), found.Value)
}

// renew moves the end of an idle session on.
func (s *Sessions) renew(w http.ResponseWriter, r *http.Request, of session) error {
	now := s.Now()
	if now.Sub(time.Unix(of.Seen, 0)) < renewAfter {
		return nil
	}
	of.Seen = now.Unix()
	return s.set(w, r, of)
}

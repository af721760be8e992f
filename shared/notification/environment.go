package notification

import (
	"slices"
	"time"
)

// Environment is a tenant (Cloudinary: product environment): it owns access
// keys and triggers, and every event belongs to one.
type Environment struct {
	// CloudName is the environment's name in URLs: lower-case letters, digits
	// and hyphens.
	CloudName string
	// ID is 34 hex digits, shown as product_environment_id.
	ID string
	// Name and Description are for people. CustomAttributes are whatever its
	// owner keeps with it, a JSON object; empty for none.
	Name, Description string
	CustomAttributes  []byte
	// Disabled is set while the environment serves nobody: its keys authenticate
	// no call and sign nothing.
	Disabled             bool
	CreatedAt, UpdatedAt time.Time
	// DeletedAt is set when the environment is gone and its name still reserved:
	// of the other fields CloudName, ID, CreatedAt and Version are left.
	DeletedAt time.Time
	// Version is raised by every change of the fields above and of Keys, which
	// change together: a change is stored only over the version that it was made
	// from. Hooks and Settings have versions of their own.
	Version  int64
	Keys     []AccessKey
	Hooks    Hooks
	Settings Settings
}

// Serves reports whether the environment is there for callers and producers.
func (e Environment) Serves() bool { return !e.Disabled && e.DeletedAt.IsZero() }

// AccessKey authenticates calls and signs notifications.
type AccessKey struct {
	APIKey string
	Name   string
	// SecretHash is the SHA-256 digest of the secret: enough to recognise it,
	// not to sign with it.
	SecretHash []byte
	// SealedSecret is the secret, encrypted under DataKey, which is the key's own
	// and itself encrypted by KMS.
	SealedSecret, DataKey []byte
	Enabled               bool
	// Webhooks is set on the one key that is dedicated for webhooks.
	Webhooks bool
	// Root is set on the key that the environment began with.
	Root      bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// AccountKey authenticates the calls that make environments and their access
// keys. It serves for nothing else.
type AccountKey struct{ APIKey, APISecret string }

// SigningKey is the opened key that signs an attempt. It exists in memory of
// the delivery function only.
type SigningKey struct {
	APIKey    string
	Secret    string
	Algorithm string
}

// KeyForSigning returns the key that signs the environment's notifications:
// the one that is dedicated for webhooks, else the oldest enabled one.
//
// Source: Cloudinary, Webhook notifications, Dedicated API key for webhook
// notifications; Verifying notification signatures.
//
// It returns ErrSigningKeyDisabled where the dedicated key is disabled, and
// ErrNoSigningKey where no key is enabled, or the environment is not.
func (e Environment) KeyForSigning() (AccessKey, error) {
	if !e.Serves() {
		return AccessKey{}, ErrNoSigningKey
	}
	var oldest *AccessKey
	for i, key := range e.Keys {
		if key.Webhooks {
			if !key.Enabled {
				return AccessKey{}, ErrSigningKeyDisabled
			}
			return key, nil
		}
		if key.Enabled && (oldest == nil || older(key, *oldest)) {
			oldest = &e.Keys[i]
		}
	}
	if oldest == nil {
		return AccessKey{}, ErrNoSigningKey
	}
	return *oldest, nil
}

// older breaks ties of creation time by id, so that every process chooses the
// same key.
func older(a, b AccessKey) bool {
	if a.CreatedAt.Equal(b.CreatedAt) {
		return a.APIKey < b.APIKey
	}
	return a.CreatedAt.Before(b.CreatedAt)
}

// AllEvents is the event type of a trigger that every event matches. It is
// never the type of an event.
const AllEvents = "all"

// Trigger pairs one event type with one notification URL.
type Trigger struct {
	// ID is 32 hex digits.
	ID        string
	URI       string
	EventType string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Hooks are all triggers of an environment. They change together: Version is
// raised by every change, and a change is stored only over the version that it
// was made from, which is what makes limits and duplicates hold under
// concurrent calls.
type Hooks struct {
	Version  int64
	Triggers []Trigger
}

// URLs returns the distinct notification URLs, in the order of their first
// trigger.
func (h Hooks) URLs() []string {
	var urls []string
	for _, t := range h.Triggers {
		if !slices.Contains(urls, t.URI) {
			urls = append(urls, t.URI)
		}
	}
	return urls
}

// Matching returns the triggers that an event of the given type sets off: those
// for its type and those for all.
func (h Hooks) Matching(eventType string) []Trigger {
	var matching []Trigger
	for _, t := range h.Triggers {
		if t.EventType == eventType || t.EventType == AllEvents {
			matching = append(matching, t)
		}
	}
	return matching
}

package registry

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Keys makes, changes and deletes the access keys of environments. Its methods
// return a *notification.Error of code NotFound for an environment or a key that
// does not exist.
//
// Source: Cloudinary, Provisioning API, access keys; Webhook notifications,
// Dedicated API key for webhook notifications.
type Keys struct {
	Store Store
	Vault Sealer
	Now   func() time.Time
	// Wait returns after a duration, or with the context's error before that.
	Wait func(ctx context.Context, d time.Duration) error
}

// MaxKeys is how many access keys an environment may have: as many as one
// transaction can remove with it, and more than anybody has a use for.
const MaxKeys = 50

// KeyOrder is an order that a list of keys can have.
type KeyOrder string

// The orders of keys.
const (
	ByAPIKey    KeyOrder = "api_key"
	ByCreatedAt KeyOrder = "created_at"
	ByName      KeyOrder = "name"
	ByEnabled   KeyOrder = "enabled"
)

// KeyOrders are all of them.
var KeyOrders = []string{string(ByAPIKey), string(ByCreatedAt), string(ByName), string(ByEnabled)}

// List returns all access keys of an environment in an order; descending ones
// begin with the largest.
func (k Keys) List(ctx context.Context, id string, by KeyOrder, descending bool) ([]notification.AccessKey, error) {
	env, err := find(ctx, k.Store, id)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(env.Keys, func(a, b notification.AccessKey) int {
		order := 0
		switch by {
		case ByAPIKey:
		case ByCreatedAt:
			order = a.CreatedAt.Compare(b.CreatedAt)
		case ByName:
			order = strings.Compare(a.Name, b.Name)
		case ByEnabled:
			order = number(a.Enabled) - number(b.Enabled)
		}
		order = cmp.Or(order, strings.Compare(a.APIKey, b.APIKey)) // so that pages fit together
		if descending {
			return -order
		}
		return order
	})
	return env.Keys, nil
}

func number(flag bool) int {
	if flag {
		return 1
	}
	return 0
}

// Create adds an access key, under a name of its own where none is given, and
// returns its secret, which nothing else ever does. Code Conflict says that the
// name is taken.
func (k Keys) Create(ctx context.Context, id, name string, enabled bool) (key notification.AccessKey, secret string, err error) {
	if name == "" {
		name = "key_" + randomHex(4)
	}
	if err := checkText("name", name, maxName); err != nil {
		return notification.AccessKey{}, "", err
	}
	env, err := find(ctx, k.Store, id)
	if err != nil {
		return notification.AccessKey{}, "", err
	}
	key, secret, err = newKey(ctx, k.Vault, env.CloudName, name, k.now())
	if err != nil {
		return notification.AccessKey{}, "", err
	}
	key.Enabled = enabled
	_, err = changeEnvironment(ctx, k.Store, k.Wait, id, func(env *notification.Environment) error {
		if len(env.Keys) >= MaxKeys {
			return notification.Errorf(notification.Invalid, "limit_reached: an environment has at most %d access keys", MaxKeys)
		}
		env.Keys = append(env.Keys, key)
		return checkNames(*env)
	})
	if err != nil {
		return notification.AccessKey{}, "", err
	}
	return key, secret, nil
}

// KeyChange is what a call says about an access key. What is nil stays.
type KeyChange struct {
	Name    *string
	Enabled *bool
	// Webhooks dedicates the key for webhooks, in place of any other.
	Webhooks *bool
}

// Update changes an access key. Code Conflict says that the name is taken, or
// that no enabled key would be left.
func (k Keys) Update(ctx context.Context, id, apiKey string, change KeyChange) (notification.AccessKey, error) {
	if change == (KeyChange{}) {
		return notification.AccessKey{}, errNothingToDo
	}
	if change.Name != nil {
		if err := checkText("name", *change.Name, maxName); err != nil {
			return notification.AccessKey{}, err
		}
	}
	var updated notification.AccessKey
	_, err := changeEnvironment(ctx, k.Store, k.Wait, id, func(env *notification.Environment) error {
		i := slices.IndexFunc(env.Keys, func(key notification.AccessKey) bool { return key.APIKey == apiKey })
		if i < 0 {
			return errNotFound
		}
		key := &env.Keys[i]
		hadEnabled := anyEnabled(*env)
		if change.Name != nil {
			key.Name = *change.Name
		}
		if change.Enabled != nil {
			key.Enabled = *change.Enabled
		}
		if change.Webhooks != nil {
			if *change.Webhooks {
				for other := range env.Keys {
					env.Keys[other].Webhooks = false
				}
			}
			key.Webhooks = *change.Webhooks
		}
		key.UpdatedAt = k.now()
		updated = *key
		if hadEnabled && !anyEnabled(*env) {
			return lastEnabled(*key, "disabled")
		}
		return checkNames(*env)
	})
	return updated, err
}

// Delete removes an access key. Code Conflict says that no enabled key would be
// left. Where it was the one that is dedicated for webhooks, none is afterwards.
func (k Keys) Delete(ctx context.Context, id, apiKey string) error {
	return k.delete(ctx, id, func(key notification.AccessKey) bool { return key.APIKey == apiKey })
}

// DeleteByName removes the access key of a name, as Delete does.
func (k Keys) DeleteByName(ctx context.Context, id, name string) error {
	if name == "" {
		return notification.Errorf(notification.Invalid, "name: is required")
	}
	return k.delete(ctx, id, func(key notification.AccessKey) bool { return key.Name == name })
}

func (k Keys) delete(ctx context.Context, id string, is func(notification.AccessKey) bool) error {
	_, err := changeEnvironment(ctx, k.Store, k.Wait, id, func(env *notification.Environment) error {
		i := slices.IndexFunc(env.Keys, is)
		if i < 0 {
			return errNotFound
		}
		key := env.Keys[i]
		env.Keys = slices.Delete(env.Keys, i, i+1)
		if key.Enabled && !anyEnabled(*env) {
			return lastEnabled(key, "deleted")
		}
		return nil
	})
	return err
}

func anyEnabled(env notification.Environment) bool {
	return slices.ContainsFunc(env.Keys, func(key notification.AccessKey) bool { return key.Enabled })
}

func lastEnabled(key notification.AccessKey, what string) error {
	return notification.Errorf(notification.Conflict,
		"access key %s is the last enabled one of its environment and cannot be %s: no call would be authenticated and no notification signed; "+
			"enable or create another first, or disable the environment", key.APIKey, what)
}

// checkNames finds two keys of one name.
func checkNames(env notification.Environment) error {
	seen := make(map[string]bool, len(env.Keys))
	for _, key := range env.Keys {
		if seen[key.Name] {
			return notification.Errorf(notification.Conflict, "name: another access key is named %s", key.Name)
		}
		seen[key.Name] = true
	}
	return nil
}

// checkText judges a name that people give.
func checkText(field, text string, most int) error {
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	switch {
	case text == "":
		return notification.Errorf(notification.Invalid, "%s: is required", field)
	case len(text) > most || !utf8.ValidString(text) || strings.ContainsFunc(text, unprintable) || strings.TrimSpace(text) != text:
		return notification.Errorf(notification.Invalid,
			"%s: must be 1 to %d bytes of printable characters, without spaces at its ends", field, most)
	}
	return nil
}

// now is in milliseconds, which is more than is shown.
func (k Keys) now() time.Time { return k.Now().UTC().Truncate(time.Millisecond) }

// newKey makes an enabled access key, and returns its secret, which nothing else
// ever does.
func newKey(ctx context.Context, vault Sealer, cloudName, name string, now time.Time) (notification.AccessKey, string, error) {
	key := notification.AccessKey{APIKey: newAPIKey(), Name: name, Enabled: true, CreatedAt: now, UpdatedAt: now}
	secret := newSecret()
	var err error
	key.SecretHash = HashSecret(secret)
	if key.DataKey, key.SealedSecret, err = vault.Seal(ctx, cloudName, key.APIKey, secret); err != nil {
		return notification.AccessKey{}, "", fmt.Errorf("seal key %s of %s: %w", key.APIKey, cloudName, err)
	}
	return key, secret, nil
}

// newAPIKey returns 15 random digits, the first not 0.
func newAPIKey() string {
	key := make([]byte, 15)
	rand.Read(key)
	key[0] = '1' + key[0]%9
	for i := 1; i < len(key); i++ {
		key[i] = '0' + key[i]%10
	}
	return string(key)
}

// secretLetters are the ones that every SDK leaves alone when it reads
// CLOUDINARY_URL: some percent-decode it and some do not.
const secretLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// newSecret returns 27 random letters of 64, which is 162 bits.
func newSecret() string {
	secret := make([]byte, 27)
	rand.Read(secret)
	for i, b := range secret {
		secret[i] = secretLetters[b%64]
	}
	return string(secret)
}

// randomHex returns n random bytes in hex.
func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}

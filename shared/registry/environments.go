package registry

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
)

// Environments makes, changes and deletes environments.
//
// Source: Cloudinary, Provisioning API, product environments (sub_accounts).
type Environments struct {
	Store Store
	Vault Sealer
	Now   func() time.Time
	// Reserve is how long the name of a deleted environment stays taken: until
	// nothing is left of it that a new one of the name could inherit.
	Reserve time.Duration
	// Wait returns after a duration, or with the context's error before that. Nil
	// waits for nothing: no function runs yet.
	Wait func(ctx context.Context, d time.Duration) error
}

// Credentials are a new access key's. The secret is nowhere else in clear.
type Credentials struct {
	CloudName, APIKey, APISecret string
}

// Bounds of an environment, in bytes.
const (
	maxCloudName        = 64
	maxName             = 255
	maxDescription      = 1000
	maxCustomAttributes = 4 << 10
)

// cloudNamePattern is narrower than Cloudinary's: some SDKs lower-case the name
// and one breaks on an underscore.
var cloudNamePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// provisioning is the one name that no environment can have: paths below
// /v1_1/provisioning are the account's.
const provisioning = "provisioning"

// NewEnvironment is what a call says about an environment to be made.
type NewEnvironment struct {
	// Name is for people. CloudName is made from it where it is empty.
	Name, CloudName string
	Description     string
	// CustomAttributes are a JSON object, or nil.
	CustomAttributes []byte
	Disabled         bool
}

// Create makes an environment with one enabled access key. It returns a
// *notification.Error of code Invalid for a name that cannot be one, and of code
// Conflict where it is taken.
func (e Environments) Create(ctx context.Context, cloudName string) (Credentials, error) {
	if cloudName == "" {
		return Credentials{}, checkCloudName(cloudName)
	}
	_, made, err := e.Make(ctx, NewEnvironment{Name: cloudName, CloudName: cloudName})
	return made, err
}

// Make makes an environment with one enabled access key, and returns both when
// every process sees them. It returns a *notification.Error of code Invalid for
// bad input, and of code Conflict where the cloud_name is taken, or reserved
// because its environment was deleted a while ago.
func (e Environments) Make(ctx context.Context, with NewEnvironment) (notification.Environment, Credentials, error) {
	now := e.now()
	env := notification.Environment{
		ID: randomHex(17), CloudName: with.CloudName, Name: with.Name, Description: with.Description,
		CustomAttributes: with.CustomAttributes, Disabled: with.Disabled, CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	if err := check(env); err != nil {
		return notification.Environment{}, Credentials{}, err
	}
	derived := with.CloudName == ""
	for try := 0; ; try++ {
		if derived {
			env.CloudName = cloudNameFrom(with.Name, try)
		}
		if err := checkCloudName(env.CloudName); err != nil {
			return notification.Environment{}, Credentials{}, err
		}
		made, err := e.make(ctx, &env)
		if errors.Is(err, notification.ErrConflict) {
			if derived && try < maxDerived {
				continue
			}
			return notification.Environment{}, Credentials{}, notification.Errorf(notification.Conflict, "cloud_name: %s is taken", env.CloudName)
		}
		if err != nil {
			return notification.Environment{}, Credentials{}, err
		}
		return env, made, wait(e.Wait).pass(ctx, CacheTime)
	}
}

// make writes an environment with its first key, under the name that it has.
func (e Environments) make(ctx context.Context, env *notification.Environment) (Credentials, error) {
	key, secret, err := newKey(ctx, e.Vault, env.CloudName, "main_key", env.CreatedAt)
	if err != nil {
		return Credentials{}, err
	}
	key.Root = true
	env.Keys = []notification.AccessKey{key}
	if err := e.Store.CreateEnvironment(ctx, *env); err != nil {
		return Credentials{}, fmt.Errorf("write environment %s: %w", env.CloudName, err)
	}
	return Credentials{CloudName: env.CloudName, APIKey: key.APIKey, APISecret: secret}, nil
}

// now is in milliseconds, which is more than is shown.
func (e Environments) now() time.Time { return e.Now().UTC().Truncate(time.Millisecond) }

// check judges what a call may say of an environment.
func check(env notification.Environment) error {
	if err := checkText("name", env.Name, maxName); err != nil {
		return err
	}
	if len(env.Description) > maxDescription {
		return notification.Errorf(notification.Invalid, "description: must be at most %d bytes", maxDescription)
	}
	if len(env.CustomAttributes) == 0 {
		return nil
	}
	if len(env.CustomAttributes) > maxCustomAttributes {
		return notification.Errorf(notification.Invalid, "custom_attributes: must be at most %d bytes of JSON", maxCustomAttributes)
	}
	if _, err := payload.Fields(env.CustomAttributes); err != nil {
		return notification.Errorf(notification.Invalid, "custom_attributes: must be an object")
	}
	return nil
}

func checkCloudName(cloudName string) error {
	switch {
	case !cloudNamePattern.MatchString(cloudName):
		return notification.Errorf(notification.Invalid,
			"cloud_name: must be 1 to %d lower-case letters, digits or hyphens, and begin with a letter or digit", maxCloudName)
	case cloudName == provisioning:
		return notification.Errorf(notification.Invalid, "cloud_name: %s is not free for an environment", provisioning)
	}
	return nil
}

// maxDerived is how many names are tried after the one that a name gives.
const maxDerived = 5

// cloudNameFrom makes a cloud_name from a name for people: as it is the first
// time, with something random behind it later.
func cloudNameFrom(name string, try int) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	const random = 8
	derived := strings.Join(words, "-")
	derived = strings.TrimRight(derived[:min(len(derived), maxCloudName-random-1)], "-")
	if try == 0 && derived != "" && derived != provisioning {
		return derived
	}
	return strings.TrimLeft(derived+"-"+randomHex(random/2), "-")
}

// clear removes all upload presets of a name. They are as many as somebody made,
// so they are no part of a transaction.
func (e Environments) clear(ctx context.Context, cloudName string) error {
	for {
		page, more, err := e.Store.ListUploadPresets(ctx, cloudName, "", clearedAtOnce)
		if err != nil {
			return fmt.Errorf("list upload presets of %s: %w", cloudName, err)
		}
		faults := make(chan error, len(page))
		for _, preset := range page {
			go func() { faults <- e.Store.DeleteUploadPreset(ctx, preset) }()
		}
		conflict := false
		for range page {
			if err := <-faults; errors.Is(err, notification.ErrConflict) {
				conflict = true // changed meanwhile: the next round has it
			} else if err != nil {
				return fmt.Errorf("clear upload presets of %s: %w", cloudName, err)
			}
		}
		if !more && !conflict {
			return nil
		}
	}
}

// clearedAtOnce is how many presets are removed at the same time.
const clearedAtOnce = 16

// sorted puts environments in the order in which they were made.
func sorted(all []notification.Environment) []notification.Environment {
	slices.SortFunc(all, func(a, b notification.Environment) int {
		if a.CreatedAt.Equal(b.CreatedAt) {
			return strings.Compare(a.CloudName, b.CloudName)
		}
		return a.CreatedAt.Compare(b.CreatedAt)
	})
	return all
}

// Package registry is the stage that knows who may call and who must be told:
// environments, their access keys and their triggers. It keeps Cloudinary's
// rules for triggers, and it knows no AWS: what it needs is in the interfaces
// below.
package registry

import (
	"context"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Store keeps environments.
type Store interface {
	// Environment reads an environment with its keys and triggers, strongly
	// consistent. It returns false, and no error, for one that does not exist.
	// One that is deleted does, with DeletedAt set, while its name is reserved.
	Environment(ctx context.Context, cloudName string) (notification.Environment, bool, error)
	// CloudName finds the environment of an ID, strongly consistent. It returns
	// false, and no error, for one that does not exist or is deleted.
	CloudName(ctx context.Context, id string) (cloudName string, found bool, err error)
	// ListEnvironments reads all environments but the deleted, in no order and
	// strongly consistent, without their triggers and settings. Of their keys
	// APIKey and Enabled are there.
	ListEnvironments(ctx context.Context) ([]notification.Environment, error)
	// CreateEnvironment writes a new environment with its keys, all or nothing.
	// It returns notification.ErrConflict where the name is taken or reserved.
	CreateEnvironment(ctx context.Context, env notification.Environment) error
	// ReplaceEnvironment writes an environment's own fields and its keys, all or
	// nothing, over version after.Version-1, as which it was read as before. It
	// returns notification.ErrConflict where another version is there. Triggers
	// and settings stay as they are.
	ReplaceEnvironment(ctx context.Context, before, after notification.Environment) error
	// DeleteEnvironment removes an environment with its keys, triggers and
	// settings, all or nothing, as it was read. Its name is reserved until an
	// instant. It returns notification.ErrConflict where another version of it is
	// there.
	DeleteEnvironment(ctx context.Context, env notification.Environment, at, reservedUntil time.Time) error
	// ReplaceHooks writes the triggers of an environment over version
	// hooks.Version-1 (0: none were ever written). It returns
	// notification.ErrConflict where another version is there.
	ReplaceHooks(ctx context.Context, cloudName string, hooks notification.Hooks) error
	// ReplaceSettings writes the settings of an environment over version
	// settings.Version-1 (0: none were ever written). It returns
	// notification.ErrConflict where another version is there.
	ReplaceSettings(ctx context.Context, cloudName string, settings notification.Settings) error
	// UploadPresets reads the upload presets of the given names, strongly
	// consistent. Those that do not exist are absent from the result.
	UploadPresets(ctx context.Context, cloudName string, names []string) (map[string]notification.UploadPreset, error)
	// ListUploadPresets reads upload presets in the order of their names, those
	// after a name: at most limit, and fewer where they are large. It reports
	// whether there may be more.
	ListUploadPresets(ctx context.Context, cloudName, after string, limit int) (presets []notification.UploadPreset, more bool, err error)
	// PutUploadPreset writes an upload preset over version preset.Version-1 (0:
	// there is none of its name). It returns notification.ErrConflict where
	// another version is there, be it of the same content.
	PutUploadPreset(ctx context.Context, preset notification.UploadPreset) error
	// DeleteUploadPreset removes an upload preset as it was read. It returns
	// notification.ErrConflict where it is another by now; one that is gone is
	// no error.
	DeleteUploadPreset(ctx context.Context, preset notification.UploadPreset) error
}

// Sealer seals the secrets of access keys. It need not be able to open them.
type Sealer interface {
	// Seal encrypts a secret under a new data key, which it returns encrypted.
	Seal(ctx context.Context, cloudName, apiKey, secret string) (dataKey, sealed []byte, err error)
}

// Opener opens the secrets of access keys.
type Opener interface {
	// Open returns a secret, and an error where any of its arguments is not what
	// it was sealed with.
	Open(ctx context.Context, cloudName, apiKey string, dataKey, sealed []byte) (string, error)
}

// URLGuard judges a notification URL when it is named, by the rules that will
// hold when it is dialled. It returns a *notification.Error of code Invalid
// whose message begins with the field's name.
type URLGuard interface {
	CheckURL(field, url string) error
}

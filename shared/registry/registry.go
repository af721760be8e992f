// Package registry is the stage that knows who may call and who must be told:
// environments, their access keys and their triggers. It keeps Cloudinary's
// rules for triggers, and it knows no AWS: what it needs is in the interfaces
// below.
package registry

import (
	"context"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Store keeps environments.
type Store interface {
	// Environment reads an environment with its keys and triggers, strongly
	// consistent. It returns false, and no error, for one that does not exist.
	Environment(ctx context.Context, cloudName string) (notification.Environment, bool, error)
	// CreateEnvironment writes a new environment with its keys, all or nothing.
	// It returns notification.ErrConflict where the name is taken.
	CreateEnvironment(ctx context.Context, env notification.Environment) error
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

// Vault seals and opens the secrets of access keys.
type Vault interface {
	// NewDataKey makes the key that an environment's secrets are sealed with,
	// and returns it encrypted.
	NewDataKey(ctx context.Context, cloudName string) ([]byte, error)
	// Seal encrypts a secret. Open returns it, and an error where any of its
	// arguments is not what it was sealed with.
	Seal(ctx context.Context, cloudName string, dataKey []byte, apiKey, secret string) ([]byte, error)
	Open(ctx context.Context, cloudName string, dataKey []byte, apiKey string, sealed []byte) (string, error)
}

// URLGuard judges a notification URL when it is named, by the rules that will
// hold when it is dialled. It returns a *notification.Error of code Invalid
// whose message begins with the field's name.
type URLGuard interface {
	CheckURL(field, url string) error
}

package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
)

// Presets keeps upload presets. Of their parameters, notification_url is the one
// that is used here; the others are kept as given.
//
// Source: Cloudinary, Webhook notifications, Managing webhook notifications from
// the Console; Admin API, upload_presets.
type Presets struct {
	Store Store
	Guard URLGuard
	Now   func() time.Time
	// Wait returns after a duration, or with the context's error before that.
	Wait func(ctx context.Context, d time.Duration) error
}

// Bounds of upload presets.
const (
	maxPresetName     = 255      // bytes
	maxPresetSettings = 32 << 10 // bytes of JSON
)

// presetURL is the parameter that is used here.
const presetURL = "notification_url"

// PresetChange is what a call says about a preset. What it leaves out stays.
type PresetChange struct {
	Unsigned *bool
	// NotificationURL is the one among the settings; nil where they have none.
	NotificationURL *string
	// Settings are all parameters but the name and unsigned.
	Settings []payload.Field
}

// List returns a page of presets in the order of their names, those after a name
// where one is given: at most limit, and fewer where they are large. It returns the
// name after which the next page begins, empty for the last page. A name that
// cannot be one is a *notification.Error of code Invalid.
func (p Presets) List(ctx context.Context, cloudName, after string, limit int) (page []notification.UploadPreset, next string, err error) {
	if after != "" && !isPresetName(after) {
		return nil, "", notification.Errorf(notification.Invalid, "next_cursor: is not one that a list has returned")
	}
	page, more, err := p.Store.ListUploadPresets(ctx, cloudName, after, limit)
	if err != nil {
		return nil, "", fmt.Errorf("list upload presets of %s: %w", cloudName, err)
	}
	if more && len(page) > 0 {
		next = page[len(page)-1].Name
	}
	return page, next, nil
}

// Get returns one preset, or a *notification.Error of code NotFound.
func (p Presets) Get(ctx context.Context, cloudName, name string) (notification.UploadPreset, error) {
	if !isPresetName(name) {
		return notification.UploadPreset{}, noSuchPreset(name)
	}
	found, err := p.Store.UploadPresets(ctx, cloudName, []string{name})
	if err != nil {
		return notification.UploadPreset{}, fmt.Errorf("read upload preset %s: %w", name, err)
	}
	preset, ok := found[name]
	if !ok {
		return notification.UploadPreset{}, noSuchPreset(name)
	}
	return preset, nil
}

// Create makes a preset, under a name of its own where none is given. It returns
// a *notification.Error of code Invalid for bad input, and of code Conflict where
// the name is taken.
func (p Presets) Create(ctx context.Context, cloudName, name string, change PresetChange) (notification.UploadPreset, error) {
	if name == "" {
		name = newPresetName()
	}
	if !isPresetName(name) {
		return notification.UploadPreset{}, notification.Errorf(notification.Invalid,
			"name: must be 1 to %d bytes of printable characters other than / ? # %%, without spaces at its ends", maxPresetName)
	}
	preset := notification.UploadPreset{CloudName: cloudName, Name: name, Settings: []byte("{}"), CreatedAt: p.Now().UTC()}
	if err := p.apply(&preset, change); err != nil {
		return notification.UploadPreset{}, err
	}
	err := p.Store.PutUploadPreset(ctx, preset)
	if errors.Is(err, notification.ErrConflict) {
		return notification.UploadPreset{}, notification.Errorf(notification.Conflict, "Preset %s already exists", name)
	}
	if err != nil {
		return notification.UploadPreset{}, fmt.Errorf("write upload preset %s: %w", name, err)
	}
	return preset, p.Wait(ctx, CacheTime)
}

// Update changes a preset. The errors are those of Get and Create.
func (p Presets) Update(ctx context.Context, cloudName, name string, change PresetChange) (notification.UploadPreset, error) {
	return p.change(ctx, cloudName, name, func(preset *notification.UploadPreset) error {
		if err := p.apply(preset, change); err != nil {
			return err
		}
		return p.Store.PutUploadPreset(ctx, *preset)
	})
}

// Delete removes a preset. It returns a *notification.Error of code NotFound where
// there is none.
func (p Presets) Delete(ctx context.Context, cloudName, name string) error {
	_, err := p.change(ctx, cloudName, name, func(preset *notification.UploadPreset) error {
		return p.Store.DeleteUploadPreset(ctx, *preset)
	})
	return err
}

// change does something to a preset as it is in the store, and again to what it
// has become where another call was faster. It returns once every process sees the
// result.
func (p Presets) change(ctx context.Context, cloudName, name string, do func(*notification.UploadPreset) error) (notification.UploadPreset, error) {
	var preset notification.UploadPreset
	err := wait(p.Wait).inForce(ctx, "upload presets", func() (err error) {
		if preset, err = p.Get(ctx, cloudName, name); err != nil {
			return err
		}
		if err := do(&preset); err != nil {
			return fmt.Errorf("change upload preset %s: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return notification.UploadPreset{}, err
	}
	return preset, nil
}

// apply brings a preset to its next version.
func (p Presets) apply(preset *notification.UploadPreset, change PresetChange) error {
	if url := change.NotificationURL; url != nil {
		if *url != "" {
			if err := p.Guard.CheckURL(presetURL, *url); err != nil {
				return err
			}
		}
		preset.NotificationURL = *url
	}
	if change.Unsigned != nil {
		preset.Unsigned = *change.Unsigned
	}
	merged, err := merge(preset.Settings, change.Settings)
	if err != nil {
		return fmt.Errorf("merge settings of upload preset %s: %w", preset.Name, err)
	}
	if len(merged) > maxPresetSettings {
		return notification.Errorf(notification.Invalid, "settings: must be at most %d bytes", maxPresetSettings)
	}
	preset.Settings = merged
	preset.UpdatedAt = p.Now().UTC()
	preset.Version++
	return nil
}

// merge writes fields over an object: one that it has keeps its place, one that
// is null now is removed, and so is a notification_url that is empty.
func merge(object []byte, over []payload.Field) ([]byte, error) {
	fields, err := payload.Fields(object)
	if err != nil {
		return nil, err
	}
	for _, f := range over {
		i := slices.IndexFunc(fields, func(there payload.Field) bool { return there.Name == f.Name })
		if i < 0 {
			fields = append(fields, f)
		} else {
			fields[i] = f
		}
	}
	var out bytes.Buffer
	out.WriteByte('{')
	for _, f := range fields {
		if string(f.Raw) == "null" || f.Name == presetURL && string(f.Raw) == `""` {
			continue
		}
		name, err := json.Marshal(f.Name)
		if err != nil {
			return nil, err
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(f.Raw)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

func noSuchPreset(name string) error {
	return notification.Errorf(notification.NotFound, "Can't find upload preset named %.255s", name)
}

// isPresetName refuses names by which no preset could be found again: the gateway
// hands paths over unescaped, so that what parts a path in two stays out.
func isPresetName(name string) bool {
	bad := func(r rune) bool { return strings.ContainsRune("/?#%", r) || !unicode.IsPrint(r) }
	return name != "" && len(name) <= maxPresetName && utf8.ValidString(name) && !strings.ContainsFunc(name, bad) &&
		strings.TrimSpace(name) == name && name != "." && name != ".."
}

// newPresetName returns 8 random letters and digits, as Cloudinary makes them.
func newPresetName() string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	name := make([]byte, 8)
	for i := range name {
		name[i] = letters[rand.N(len(letters))]
	}
	return string(name)
}

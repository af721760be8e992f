package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// PresetChange is what a call says about a preset. What it leaves out stays.
type PresetChange struct {
	Unsigned *bool
	// NotificationURL is the one among the settings; nil where they have none.
	NotificationURL *string
	// Settings are all parameters but the name and unsigned.
	Settings []payload.Field
}

// List returns a page of presets in the order of their names, and the name after
// which the next page begins, empty for the last.
func (p Presets) List(ctx context.Context, cloudName, after string, limit int) (page []notification.UploadPreset, next string, err error) {
	page, err = p.Store.ListUploadPresets(ctx, cloudName, after, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list upload presets of %s: %w", cloudName, err)
	}
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].Name
	}
	return page, next, nil
}

// Get returns one preset, or a *notification.Error of code NotFound.
func (p Presets) Get(ctx context.Context, cloudName, name string) (notification.UploadPreset, error) {
	if err := checkPresetName(name); err != nil {
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
		name = strings.ToLower(randomHex(5))
	}
	if err := checkPresetName(name); err != nil {
		return notification.UploadPreset{}, err
	}
	preset := notification.UploadPreset{CloudName: cloudName, Name: name, Settings: []byte("{}"), CreatedAt: p.Now().UTC()}
	if err := p.apply(&preset, change); err != nil {
		return notification.UploadPreset{}, err
	}
	err := p.Store.PutUploadPreset(ctx, preset)
	if errors.Is(err, notification.ErrConflict) {
		return notification.UploadPreset{}, notification.Errorf(notification.Conflict, "Upload preset %s already exists", name)
	}
	if err != nil {
		return notification.UploadPreset{}, fmt.Errorf("write upload preset %s: %w", name, err)
	}
	return preset, p.Wait(ctx, CacheTime)
}

// Update changes a preset. The errors are those of Get and Create.
func (p Presets) Update(ctx context.Context, cloudName, name string, change PresetChange) (notification.UploadPreset, error) {
	for attempt := 0; ; attempt++ {
		preset, err := p.Get(ctx, cloudName, name)
		if err != nil {
			return notification.UploadPreset{}, err
		}
		if err := p.apply(&preset, change); err != nil {
			return notification.UploadPreset{}, err
		}
		err = p.Store.PutUploadPreset(ctx, preset)
		if err == nil {
			return preset, p.Wait(ctx, CacheTime)
		}
		if !errors.Is(err, notification.ErrConflict) {
			return notification.UploadPreset{}, fmt.Errorf("write upload preset %s: %w", name, err)
		}
		if err := p.Wait(ctx, pause(attempt)); err != nil {
			return notification.UploadPreset{}, tooMany("upload presets", err)
		}
	}
}

// Delete removes a preset.
func (p Presets) Delete(ctx context.Context, cloudName, name string) error {
	if err := checkPresetName(name); err != nil {
		return noSuchPreset(name)
	}
	err := p.Store.DeleteUploadPreset(ctx, cloudName, name)
	if notification.CodeOf(err) == notification.NotFound {
		return noSuchPreset(name)
	}
	if err != nil {
		return fmt.Errorf("delete upload preset %s: %w", name, err)
	}
	return p.Wait(ctx, CacheTime)
}

// apply brings a preset to its next version.
func (p Presets) apply(preset *notification.UploadPreset, change PresetChange) error {
	if url := change.NotificationURL; url != nil {
		if *url != "" {
			if err := p.Guard.CheckURL("notification_url", *url); err != nil {
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
// is null now is removed.
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
		if string(f.Raw) == "null" {
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
	return notification.Errorf(notification.NotFound, "Can't find upload preset with name %.255s", name)
}

// checkPresetName refuses what cannot stand in a path.
func checkPresetName(name string) error {
	bad := func(r rune) bool { return r == '/' || !unicode.IsPrint(r) }
	if name == "" || len(name) > maxPresetName || !utf8.ValidString(name) || strings.ContainsFunc(name, bad) || strings.Trim(name, ".") == "" {
		return notification.Errorf(notification.Invalid, "name: must be 1 to %d bytes of printable characters other than /", maxPresetName)
	}
	return nil
}

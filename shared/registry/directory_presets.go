package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// cachedPresets bounds the cache of upload presets, each of which may be as large
// as maxPresetSettings: 16 MiB in all.
const cachedPresets = 512

type presetName struct{ cloudName, name string }

// presetEntry is what was read of an upload preset; found is false for one that
// did not exist.
type presetEntry struct {
	readAt time.Time
	found  bool
	preset notification.UploadPreset
}

// UploadPresets returns upload presets as they were at most CacheTime ago. Those
// that do not exist are absent from the result.
func (d *Directory) UploadPresets(ctx context.Context, cloudName string, names []string) (map[string]notification.UploadPreset, error) {
	now := d.now()
	known := make(map[string]notification.UploadPreset, len(names))
	var unread []string
	d.presetsMu.Lock()
	for _, name := range names {
		switch e := d.presets[presetName{cloudName, name}]; {
		case !isPresetName(name): // nothing is stored under it
		case !fresh(e.readAt, now):
			unread = append(unread, name)
		case e.found:
			known[name] = e.preset
		}
	}
	d.presetsMu.Unlock()
	if len(unread) == 0 {
		return known, nil
	}
	read, err := d.store.UploadPresets(ctx, cloudName, unread)
	if err != nil {
		return nil, fmt.Errorf("read upload presets of %s: %w", cloudName, err)
	}
	d.presetsMu.Lock()
	defer d.presetsMu.Unlock()
	if len(d.presets)+len(unread) > cachedPresets {
		clear(d.presets)
	}
	for _, name := range unread {
		preset, found := read[name]
		// The age counts from before the read: what was written since is not in it.
		d.presets[presetName{cloudName, name}] = presetEntry{readAt: now, found: found, preset: preset}
		if found {
			known[name] = preset
		}
	}
	return known, nil
}

package notificationtest

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/mediahooks/mediahooks/shared/notification"
)

type presetKey struct{ cloudName, name string }

// ReplaceSettings replaces the settings over version settings.Version-1;
// notification.ErrConflict where another version is there.
func (s *Store) ReplaceSettings(ctx context.Context, cloudName string, settings notification.Settings) error {
	s.called("ReplaceSettings")
	return s.effect(ctx, Call{Op: "ReplaceSettings", Key: cloudName}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		env, ok := s.environments[cloudName]
		switch {
		case !ok || !env.DeletedAt.IsZero():
			return notification.Errorf(notification.NotFound, "unknown cloud_name %q", cloudName)
		case env.Settings.Equal(settings):
			return nil // the repeat of a write whose answer was lost
		case env.Settings.Version != settings.Version-1:
			return notification.ErrConflict
		}
		settings.RetrySchedule = slices.Clone(settings.RetrySchedule)
		env.Settings = settings
		s.environments[cloudName] = env
		return nil
	})
}

// UploadPresets reads upload presets; those that do not exist are absent.
func (s *Store) UploadPresets(ctx context.Context, cloudName string, names []string) (map[string]notification.UploadPreset, error) {
	s.called("UploadPresets")
	found := make(map[string]notification.UploadPreset)
	err := s.effect(ctx, Call{Op: "UploadPresets", Key: cloudName}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, name := range names {
			if preset, ok := s.presets[presetKey{cloudName, name}]; ok {
				found[name] = clonePreset(preset)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// ListUploadPresets reads upload presets by name, those after one, at most limit.
func (s *Store) ListUploadPresets(ctx context.Context, cloudName, after string, limit int) (presets []notification.UploadPreset, more bool, err error) {
	s.called("ListUploadPresets")
	err = s.effect(ctx, Call{Op: "ListUploadPresets", Key: cloudName}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for key, preset := range s.presets {
			if key.cloudName == cloudName && key.name > after {
				presets = append(presets, clonePreset(preset))
			}
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	slices.SortFunc(presets, func(a, b notification.UploadPreset) int { return strings.Compare(a.Name, b.Name) })
	return presets[:min(limit, len(presets))], len(presets) > limit, nil
}

// PutUploadPreset writes an upload preset over version preset.Version-1;
// notification.ErrConflict where another version is there.
func (s *Store) PutUploadPreset(ctx context.Context, preset notification.UploadPreset) error {
	s.called("PutUploadPreset")
	return s.effect(ctx, Call{Op: "PutUploadPreset", Key: preset.Name}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		key := presetKey{preset.CloudName, preset.Name}
		if s.presets[key].Version != preset.Version-1 {
			return notification.ErrConflict
		}
		s.presets[key] = clonePreset(preset)
		return nil
	})
}

// DeleteUploadPreset removes an upload preset as it was read;
// notification.ErrConflict where it is another by now.
func (s *Store) DeleteUploadPreset(ctx context.Context, preset notification.UploadPreset) error {
	s.called("DeleteUploadPreset")
	return s.effect(ctx, Call{Op: "DeleteUploadPreset", Key: preset.Name}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		key := presetKey{preset.CloudName, preset.Name}
		there, ok := s.presets[key]
		if ok && (there.Version != preset.Version || !there.CreatedAt.Equal(preset.CreatedAt)) {
			return notification.ErrConflict
		}
		delete(s.presets, key)
		return nil
	})
}

func clonePreset(preset notification.UploadPreset) notification.UploadPreset {
	preset.Settings = bytes.Clone(preset.Settings)
	return preset
}

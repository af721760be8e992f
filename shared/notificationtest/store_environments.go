package notificationtest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// Environment reads an environment; false, and no error, for an unknown one.
func (s *Store) Environment(ctx context.Context, cloudName string) (notification.Environment, bool, error) {
	s.called("Environment")
	var env notification.Environment
	var found bool
	err := s.effect(ctx, Call{Op: "Environment", Key: cloudName}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		env, found = s.environments[cloudName]
		found = found && !s.expired(s.reserved[cloudName])
		env.Hooks = s.hooks[cloudName]
		env = cloneEnvironment(env)
		return nil
	})
	if err != nil || !found {
		return notification.Environment{}, false, err
	}
	return env, true, nil
}

// CloudName finds the environment of an ID.
func (s *Store) CloudName(ctx context.Context, id string) (cloudName string, found bool, err error) {
	s.called("CloudName")
	err = s.effect(ctx, Call{Op: "CloudName", Key: id}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, env := range s.environments {
			if env.ID == id && env.DeletedAt.IsZero() {
				cloudName, found = env.CloudName, true
			}
		}
		return nil
	})
	if err != nil {
		return "", false, err
	}
	return cloudName, found, nil
}

// ListEnvironments reads all environments, of their keys what is no secret.
func (s *Store) ListEnvironments(ctx context.Context) ([]notification.Environment, error) {
	s.called("ListEnvironments")
	var all []notification.Environment
	err := s.effect(ctx, Call{Op: "ListEnvironments"}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, env := range s.environments {
			if !env.DeletedAt.IsZero() {
				continue
			}
			env = cloneEnvironment(env)
			env.Settings = notification.Settings{}
			for i, key := range env.Keys {
				env.Keys[i] = notification.AccessKey{APIKey: key.APIKey, Enabled: key.Enabled}
			}
			all = append(all, env)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// CreateEnvironment adds an environment; notification.ErrConflict where its
// name is taken or reserved.
func (s *Store) CreateEnvironment(ctx context.Context, env notification.Environment) error {
	s.called("CreateEnvironment")
	return s.effect(ctx, Call{Op: "CreateEnvironment", Key: env.CloudName}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, taken := s.environments[env.CloudName]; taken && !s.expired(s.reserved[env.CloudName]) {
			return notification.ErrConflict
		}
		delete(s.reserved, env.CloudName)
		delete(s.hooks, env.CloudName)
		if env.Hooks.Version > 0 {
			s.hooks[env.CloudName] = env.Hooks
		}
		s.put(env)
		return nil
	})
}

// ReplaceEnvironment replaces an environment and its keys over version
// after.Version-1; notification.ErrConflict where another version is there.
func (s *Store) ReplaceEnvironment(ctx context.Context, _, after notification.Environment) error {
	s.called("ReplaceEnvironment")
	return s.effect(ctx, Call{Op: "ReplaceEnvironment", Key: after.CloudName}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		there, ok := s.environments[after.CloudName]
		if !ok || there.ID != after.ID || there.Version != after.Version-1 {
			return notification.ErrConflict
		}
		after.Settings, after.CreatedAt = there.Settings, there.CreatedAt
		s.put(after)
		return nil
	})
}

// DeleteEnvironment removes an environment as it was read, and reserves its name;
// notification.ErrConflict where it is another by now.
func (s *Store) DeleteEnvironment(ctx context.Context, env notification.Environment, at, reservedUntil time.Time) error {
	s.called("DeleteEnvironment")
	return s.effect(ctx, Call{Op: "DeleteEnvironment", Key: env.CloudName}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		there, ok := s.environments[env.CloudName]
		if !ok || there.ID != env.ID || there.Version != env.Version {
			return notification.ErrConflict
		}
		delete(s.hooks, env.CloudName)
		s.reserved[env.CloudName] = reservedUntil
		s.put(notification.Environment{
			CloudName: there.CloudName, ID: there.ID, CreatedAt: there.CreatedAt, DeletedAt: at, Version: there.Version + 1,
		})
		return nil
	})
}

// put stores an environment, without its triggers and with its keys in order.
func (s *Store) put(env notification.Environment) {
	env = cloneEnvironment(env)
	env.Hooks = notification.Hooks{}
	slices.SortFunc(env.Keys, func(a, b notification.AccessKey) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.APIKey, b.APIKey))
	})
	s.environments[env.CloudName] = env
}

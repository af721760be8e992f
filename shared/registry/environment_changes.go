package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// errNotFound is Cloudinary's answer to an ID of nobody's.
var errNotFound = notification.Errorf(notification.NotFound, "not found")

// Filter says which environments a list has. The zero Filter has all of them.
type Filter struct {
	// Enabled is nil for both.
	Enabled *bool
	// IDs and CloudNames name those wanted; where one of IDs is given, the rest
	// of the filter says nothing.
	IDs, CloudNames []string
	// Prefix is what the name or the cloud_name begins with, in any case.
	Prefix string
}

func (f Filter) matches(env notification.Environment) bool {
	if len(f.IDs) > 0 {
		return slices.Contains(f.IDs, env.ID)
	}
	prefix := strings.ToLower(f.Prefix)
	return (f.Enabled == nil || *f.Enabled == !env.Disabled) &&
		(len(f.CloudNames) == 0 || slices.Contains(f.CloudNames, env.CloudName)) &&
		(strings.HasPrefix(strings.ToLower(env.Name), prefix) || strings.HasPrefix(env.CloudName, prefix))
}

// List returns environments in the order in which they were made, without their
// triggers and settings. Of their keys APIKey and Enabled are there.
func (e Environments) List(ctx context.Context, filter Filter) ([]notification.Environment, error) {
	all, err := e.Store.ListEnvironments(ctx)
	if err != nil {
		return nil, fmt.Errorf("list environments: %w", err)
	}
	return sorted(slices.DeleteFunc(all, func(env notification.Environment) bool { return !filter.matches(env) })), nil
}

// Get returns one environment, or a *notification.Error of code NotFound.
func (e Environments) Get(ctx context.Context, id string) (notification.Environment, error) {
	return find(ctx, e.Store, id)
}

// find reads the environment of an ID, past all caches.
func find(ctx context.Context, store Store, id string) (notification.Environment, error) {
	if !isID(id) {
		return notification.Environment{}, errNotFound
	}
	cloudName, found, err := store.CloudName(ctx, id)
	if err != nil {
		return notification.Environment{}, fmt.Errorf("find environment %s: %w", id, err)
	}
	if !found {
		return notification.Environment{}, errNotFound
	}
	env, found, err := store.Environment(ctx, cloudName)
	if err != nil {
		return notification.Environment{}, fmt.Errorf("read environment %s: %w", cloudName, err)
	}
	if !found || env.ID != id || !env.DeletedAt.IsZero() { // deleted since
		return notification.Environment{}, errNotFound
	}
	return env, nil
}

// isID reports whether a text can be the ID of an environment.
func isID(id string) bool {
	return len(id) == 34 && strings.Trim(id, "0123456789abcdef") == ""
}

// changeEnvironment applies an edit to an environment as it is in the store, and
// again to what it has become where another call was faster. It returns it once
// every process sees the result.
//
// All of an environment's own fields and all of its keys have one version, and
// every change goes over the version that it was judged by. So what must hold of
// them together, that one key is enabled, that one at most is dedicated, that
// names are unique, is plain code over what was read, and holds however many
// calls come at once. People change them, a few times a year: that calls of one
// environment take turns, and that a transaction costs double, is nothing to them.
func changeEnvironment(ctx context.Context, store Store, wait wait, id string, edit func(*notification.Environment) error) (notification.Environment, error) {
	var after notification.Environment
	err := wait.inForce(ctx, "the environment and its access keys", func() error {
		before, err := find(ctx, store, id)
		if err != nil {
			return err
		}
		after = before
		after.Keys = slices.Clone(before.Keys)
		after.Version++
		if err := edit(&after); err != nil {
			return err
		}
		if err := store.ReplaceEnvironment(ctx, before, after); err != nil {
			return fmt.Errorf("write environment %s: %w", before.CloudName, err)
		}
		return nil
	})
	if err != nil {
		return notification.Environment{}, err
	}
	return after, nil
}

// EnvironmentChange is what a call says about an environment. What is nil stays.
type EnvironmentChange struct {
	Name, CloudName, Description *string
	CustomAttributes             *[]byte
	Enabled                      *bool
}

// Update changes an environment. Its errors are those of Get and Make. The
// cloud_name can only be given as it is.
func (e Environments) Update(ctx context.Context, id string, change EnvironmentChange) (notification.Environment, error) {
	if change == (EnvironmentChange{}) {
		return notification.Environment{}, errNothingToDo
	}
	return changeEnvironment(ctx, e.Store, e.Wait, id, func(env *notification.Environment) error {
		if change.CloudName != nil && *change.CloudName != env.CloudName {
			return notification.Errorf(notification.Invalid,
				"cloud_name: is %s and cannot be changed, because notifications and URLs name it; create another environment", env.CloudName)
		}
		if change.Name != nil {
			env.Name = *change.Name
		}
		if change.Description != nil {
			env.Description = *change.Description
		}
		if change.CustomAttributes != nil {
			env.CustomAttributes = *change.CustomAttributes
		}
		if change.Enabled != nil {
			env.Disabled = !*change.Enabled
		}
		env.UpdatedAt = e.now()
		return check(*env)
	})
}

// Delete removes an environment with its keys, triggers, upload presets and
// settings. It returns a *notification.Error of code NotFound where there is
// none. The events and deliveries on record run out by themselves, and until then
// the name is reserved.
//
// The environment is disabled first, and removed when no process serves it any
// more: then nobody writes another preset behind its back. A call that ends in
// between leaves a disabled environment, which the next one removes.
func (e Environments) Delete(ctx context.Context, id string) error {
	env, err := find(ctx, e.Store, id)
	if err != nil {
		return err
	}
	if !env.Disabled {
		disable := func(env *notification.Environment) error {
			env.Disabled, env.UpdatedAt = true, e.now()
			return nil
		}
		if _, err := changeEnvironment(ctx, e.Store, e.Wait, id, disable); err != nil {
			return err
		}
	}
	return wait(e.Wait).inForce(ctx, "the environment and its access keys", func() error {
		env, err := find(ctx, e.Store, id)
		if err != nil {
			return err
		}
		if err := e.clear(ctx, env.CloudName); err != nil {
			return err
		}
		now := e.now()
		if err := e.Store.DeleteEnvironment(ctx, env, now, now.Add(e.Reserve)); err != nil {
			return fmt.Errorf("delete environment %s: %w", env.CloudName, err)
		}
		return nil
	})
}

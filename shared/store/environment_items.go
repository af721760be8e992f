package store

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mediahooks/mediahooks/shared/notification"
)

func environmentKey(cloudName string) key {
	return key{environmentPartition(cloudName), environmentSort}
}

func environmentItem(env notification.Environment) item {
	it := append(newItem(environmentKey(env.CloudName), 9), ownFields(env)...).
		text("id", env.ID).
		time("created_at", env.CreatedAt)
	if env.Settings.Version > 0 {
		it = it.document("settings", settingsItem(env.Settings))
	}
	return it
}

// ownFields encodes what ReplaceEnvironment changes of an environment, its keys
// aside.
func ownFields(env notification.Environment) item {
	return make(item, 0, 6).
		number("version", env.Version).
		text("name", env.Name).
		text("description", env.Description).
		binary("custom_attributes", env.CustomAttributes).
		boolean("disabled", env.Disabled).
		time("updated_at", env.UpdatedAt)
}

// tombstoneItem is what is left of an environment whose name is reserved.
func tombstoneItem(env notification.Environment, at, reservedUntil time.Time) item {
	return newItem(environmentKey(env.CloudName), 5).
		text("id", env.ID).
		number("version", env.Version+1).
		time("created_at", env.CreatedAt).
		time("deleted_at", at).
		expiry(reservedUntil)
}

// listedItem is an environment's entry in the list of them: all that the list
// shows, so that it is one query. The same transactions write it.
func listedItem(env notification.Environment) item {
	keys := make([]types.AttributeValue, len(env.Keys))
	for i, k := range env.Keys {
		keys[i] = make(item, 0, 2).text("api_key", k.APIKey).boolean("enabled", k.Enabled).asDocument()
	}
	return append(newItem(key{environmentsPartition, env.ID}, 9), ownFields(env)...).
		text("cloud_name", env.CloudName).
		time("created_at", env.CreatedAt).
		list("keys", keys)
}

func readListedItem(attributes map[string]types.AttributeValue) (notification.Environment, error) {
	f := fields{attributes: attributes}
	env := notification.Environment{ID: f.text("sk"), CloudName: f.text("cloud_name"), CreatedAt: f.time("created_at")}
	f.own(&env)
	f.each("keys", func(f *fields) {
		env.Keys = append(env.Keys, notification.AccessKey{APIKey: f.text("api_key"), Enabled: f.boolean("enabled")})
	})
	return env, f.err
}

// own reads what ownFields encodes.
func (f *fields) own(env *notification.Environment) {
	env.Version = f.number("version")
	env.Name = f.text("name")
	env.Description = f.text("description")
	env.CustomAttributes = f.binary("custom_attributes")
	env.Disabled = f.boolean("disabled")
	env.UpdatedAt = f.time("updated_at")
}

// settingsItem encodes the settings of an environment. The schedule is there as
// soon as the environment has one of its own, since an empty one means something.
func settingsItem(s notification.Settings) item {
	it := make(item, 0, 7).
		number("version", s.Version).
		text("signature_algorithm", s.SignatureAlgorithm).
		boolean("include_client_ip", s.IncludeClientIP).
		text("folder_mode", string(s.FolderMode)).
		text("success", string(s.Success)).
		boolean("leave_out_payloads", s.LeaveOutPayloads)
	if s.RetrySchedule != nil {
		waits := make([]types.AttributeValue, len(s.RetrySchedule))
		for i, wait := range s.RetrySchedule {
			waits[i] = number(int64(wait))
		}
		it = append(it, attribute{"retry_schedule", &types.AttributeValueMemberL{Value: waits}})
	}
	return it
}

func readSettings(f *fields) notification.Settings {
	return notification.Settings{
		Version:            f.number("version"),
		SignatureAlgorithm: f.text("signature_algorithm"),
		IncludeClientIP:    f.boolean("include_client_ip"),
		FolderMode:         notification.FolderMode(f.text("folder_mode")),
		Success:            notification.SuccessRule(f.text("success")),
		RetrySchedule:      f.durations("retry_schedule"),
		LeaveOutPayloads:   f.boolean("leave_out_payloads"),
	}
}

func accessKeyKey(cloudName, apiKey string) key {
	return key{environmentPartition(cloudName), accessKeySort + apiKey}
}

func accessKeyItem(cloudName string, k notification.AccessKey) item {
	return newItem(accessKeyKey(cloudName, k.APIKey), 9).
		text("name", k.Name).
		binary("secret_hash", k.SecretHash).
		binary("sealed_secret", k.SealedSecret).
		binary("data_key", k.DataKey).
		boolean("enabled", k.Enabled).
		boolean("webhooks", k.Webhooks).
		boolean("root", k.Root).
		time("created_at", k.CreatedAt).
		time("updated_at", k.UpdatedAt)
}

func triggersKey(cloudName string) key {
	return key{environmentPartition(cloudName), triggersSort}
}

// triggersItem encodes all triggers of an environment, grouped by URL, since a
// URL may be long and have a trigger for every event type. Each trigger keeps
// its position in the list.
func triggersItem(cloudName string, hooks notification.Hooks) item {
	byURL := make(map[string][]types.AttributeValue)
	for i, trigger := range hooks.Triggers {
		byURL[trigger.URI] = append(byURL[trigger.URI], make(item, 0, 5).
			number("position", int64(i)).
			text("id", trigger.ID).
			text("event_type", trigger.EventType).
			time("created_at", trigger.CreatedAt).
			time("updated_at", trigger.UpdatedAt).
			asDocument())
	}
	var urls []types.AttributeValue
	for _, url := range hooks.URLs() {
		urls = append(urls, make(item, 0, 2).text("uri", url).list("triggers", byURL[url]).asDocument())
	}
	return newItem(triggersKey(cloudName), 2).
		number("version", hooks.Version).
		list("urls", urls)
}

// readEnvironmentItem adds one item of an environment's partition to it, and
// reports whether it is the environment's own.
func (t *Table) readEnvironmentItem(env *notification.Environment, attributes map[string]types.AttributeValue) (isEnvironment bool, err error) {
	f := fields{attributes: attributes}
	sk := f.text("sk")
	switch {
	case sk == environmentSort:
		isEnvironment = !t.expired(f.expiry())
		env.ID = f.text("id")
		env.CreatedAt = f.time("created_at")
		env.DeletedAt = f.time("deleted_at")
		f.own(env)
		f.within("settings", func(f *fields) { env.Settings = readSettings(f) })
	case sk == triggersSort:
		env.Hooks, f.err = readTriggers(attributes)
	case strings.HasPrefix(sk, accessKeySort):
		env.Keys = append(env.Keys, notification.AccessKey{
			APIKey:       strings.TrimPrefix(sk, accessKeySort),
			Name:         f.text("name"),
			SecretHash:   f.binary("secret_hash"),
			SealedSecret: f.binary("sealed_secret"),
			DataKey:      f.binary("data_key"),
			Enabled:      f.boolean("enabled"),
			Webhooks:     f.boolean("webhooks"),
			Root:         f.boolean("root"),
			CreatedAt:    f.time("created_at"),
			UpdatedAt:    f.time("updated_at"),
		})
	}
	return isEnvironment, f.err
}

func readTriggers(attributes map[string]types.AttributeValue) (notification.Hooks, error) {
	type placed struct {
		position int64
		trigger  notification.Trigger
	}
	var all []placed
	f := fields{attributes: attributes}
	f.each("urls", func(f *fields) {
		uri := f.text("uri")
		f.each("triggers", func(f *fields) {
			all = append(all, placed{f.number("position"), notification.Trigger{
				ID:        f.text("id"),
				URI:       uri,
				EventType: f.text("event_type"),
				CreatedAt: f.time("created_at"),
				UpdatedAt: f.time("updated_at"),
			}})
		})
	})
	slices.SortFunc(all, func(a, b placed) int { return int(a.position - b.position) })
	hooks := notification.Hooks{Version: f.number("version")}
	for _, p := range all {
		hooks.Triggers = append(hooks.Triggers, p.trigger)
	}
	return hooks, f.err
}

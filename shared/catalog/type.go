package catalog

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

// Type describes an event type, for whoever reports events or receives them.
// What its slices hold is shared: it is not to be changed.
type Type struct {
	Name string
	// Description says in a sentence what has happened.
	Description string
	// Methods are the API methods that cause events of the type, by the names of
	// Cloudinary's SDKs and API reference, and ConsoleActions the actions in the
	// Console, in words. Both are empty where nothing but the platform itself does.
	Methods, ConsoleActions []string
	// NotificationURLMethods are those of the methods whose call may name a
	// notification_url for events of the type.
	NotificationURLMethods []string
	// EagerNotificationURL says whether events of the type may come with the
	// eager_notification_url of a call, which upload and explicit take.
	EagerNotificationURL bool
	// FixedFolders says whether the type exists with fixed folders.
	FixedFolders bool
	// Schema is the JSON Schema (2020-12) of the payload: of what its producer
	// reports, without notification_type, notification_context and signature_key.
	Schema json.RawMessage
	// Examples are payloads of the type, at least one.
	Examples []Example
}

// Example is a payload that might be reported.
type Example struct {
	// Title says in a few words what has happened.
	Title   string
	Payload json.RawMessage
}

// schemas/<type>.json for each type, and examples/<type>-<kind>.json for each of
// its examples.
//
//go:embed schemas/*.json examples/*.json
var files embed.FS

// Types describes all event types but "all", sorted by name.
func Types() []Type { return slices.Clone(types()) }

// Find returns the description of an event type. It reports false for "all"
// and for what is none.
func Find(name string) (Type, bool) {
	i := slices.IndexFunc(types(), func(t Type) bool { return t.Name == name })
	if i < 0 {
		return Type{}, false
	}
	return types()[i], true
}

var types = sync.OnceValue(func() []Type {
	all := make([]Type, len(eventTypes))
	for i, t := range eventTypes {
		all[i] = Type{
			Name:                   t.name,
			Description:            t.description,
			Methods:                t.methods,
			ConsoleActions:         t.console,
			NotificationURLMethods: t.urlMethods,
			EagerNotificationURL:   t.name == "eager" || TakesEager(t.name, ""),
			FixedFolders:           !t.dynamicFolders,
			Schema:                 read("schemas", t.name),
		}
		for _, e := range t.examples {
			all[i].Examples = append(all[i].Examples, Example{Title: e.title, Payload: read("examples", t.name+"-"+e.kind)})
		}
	}
	return all
})

// read returns an embedded file. One that is missing is a mistake in this
// package, which its tests find.
func read(folder, name string) json.RawMessage {
	data, err := files.ReadFile(folder + "/" + name + ".json")
	if err != nil {
		panic(fmt.Sprintf("catalog: %v", err))
	}
	return bytes.TrimSpace(data)
}

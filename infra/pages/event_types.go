package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mediahooks/mediahooks/shared/catalog"
)

const eventTypesHead = `# Event types

<!-- Written by make docs from shared/catalog: change it there. -->

What can happen, by Cloudinary's names. An event's ` + "`notification_type`" + ` is one of these; a trigger's ` + "`event_type`" + ` is
one of these, or ` + "`all`" + `. ` + "`GET /v1_1/{cloud_name}/event_types`" + ` answers with the same in JSON.

The examples are payloads: what a producer reports. A notification has ` + "`notification_type`" + ` before them, and
` + "`notification_context`" + ` and ` + "`signature_key`" + ` after them. The schemas say what types the known fields have and which
fields must be there. Any other field may be there too, and receivers should expect that.

A payload that does not fit is told all the same; whoever reports it reads why in ` + "`payload_warning`" + `.

| event type | what has happened | a call's own URLs | fixed folders |
| --- | --- | --- | --- |
`

// eventTypes is the page of the catalogue.
func eventTypes(string) (string, error) {
	var b strings.Builder
	b.WriteString(eventTypesHead)
	for _, t := range catalog.Types() {
		var urls []string
		if len(t.NotificationURLMethods) > 0 {
			urls = append(urls, "`notification_url`")
		}
		if t.EagerNotificationURL {
			urls = append(urls, "`eager_notification_url`")
		}
		folders := "yes"
		if !t.FixedFolders {
			folders = "no"
		}
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s | %s |\n", t.Name, t.Name, t.Description, cmp.Or(strings.Join(urls, ", "), "none"), folders)
	}
	for _, t := range catalog.Types() {
		section(&b, t)
	}
	return b.String(), nil
}

func section(b *strings.Builder, t catalog.Type) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", t.Name, t.Description)
	if len(t.Methods) > 0 {
		fmt.Fprintf(b, "- API methods: %s\n", code(t.Methods))
	}
	if len(t.ConsoleActions) > 0 {
		fmt.Fprintf(b, "- In the Console: %s\n", strings.Join(t.ConsoleActions, "; "))
	}
	if len(t.Methods)+len(t.ConsoleActions) == 0 {
		b.WriteString("- No method and no action: the platform does so by itself\n")
	}
	if len(t.NotificationURLMethods) > 0 {
		fmt.Fprintf(b, "- `notification_url`: with %s\n", code(t.NotificationURLMethods))
	}
	if t.EagerNotificationURL {
		b.WriteString("- `eager_notification_url`: with `upload`, `explicit`\n")
	}
	switch {
	case t.Name == "move":
		b.WriteString("- With fixed folders: a [`rename`](#rename), so the payload has `from_public_id` and `to_public_id`\n")
	case !t.FixedFolders:
		b.WriteString("- With fixed folders: does not exist\n")
	}
	fmt.Fprintf(b, "- [Schema](../shared/catalog/schemas/%s.json): %s\n", t.Name, meaning(t))
	for _, e := range t.Examples {
		fmt.Fprintf(b, "\n%s:\n\n```json\n%s\n```\n", e.Title, e.Payload)
	}
}

// meaning is what the type's schema says of itself.
func meaning(t catalog.Type) string {
	var schema struct {
		Description string `json:"description"`
	}
	if err := json.Unmarshal(t.Schema, &schema); err != nil {
		panic(fmt.Sprintf("schema of %s: %v", t.Name, err)) // the catalogue's tests know better
	}
	return schema.Description
}

func code(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }

package misfit_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/misfit"
)

func eachExample(t *testing.T, check func(t *testing.T, name string, payload json.RawMessage)) {
	t.Helper()
	for _, described := range catalog.Types() {
		for _, example := range described.Examples {
			t.Run(described.Name+"/"+example.Title, func(t *testing.T) { check(t, described.Name, example.Payload) })
		}
	}
}

func TestExamplesFit(t *testing.T) {
	eachExample(t, func(t *testing.T, name string, payload json.RawMessage) {
		if fault := misfit.Find(name, payload); fault != "" {
			t.Error(fault)
		}
	})
}

// Examples are payloads, of a cloud and of hosts that are nobody's.
func TestExamplesAreOurOwn(t *testing.T) {
	eachExample(t, func(t *testing.T, _ string, payload json.RawMessage) {
		var fields map[string]any
		if err := json.Unmarshal(payload, &fields); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"notification_type", "notification_context", "signature_key", "signature"} {
			if _, has := fields[name]; has {
				t.Errorf("%s is not the producer's", name)
			}
		}
		if strings.Contains(string(payload), "cloudinary.com") {
			t.Error("names one of Cloudinary's hosts")
		}
		for _, url := range regexp.MustCompile(`https?://[^"]+`).FindAllString(string(payload), -1) {
			if !regexp.MustCompile(`^https?://(res\.media\.example/demo|media\.shop\.example)/`).MatchString(url) {
				t.Errorf("%s", url)
			}
		}
	})
}

// Receivers are told to expect fields that are new, and so are schemas: each
// object of each example gets one. A map of assets by name gets another asset.
//
// Source: Cloudinary, Webhook notifications, Notification response examples,
// Important.
func TestUnknownFieldsFit(t *testing.T) {
	eachExample(t, func(t *testing.T, name string, payload json.RawMessage) {
		var document any
		if err := json.Unmarshal(payload, &document); err != nil {
			t.Fatal(err)
		}
		for _, unknown := range []any{nil, true, 1.5, "x", []any{map[string]any{}}, map[string]any{"x": nil}} {
			extended, err := json.Marshal(extend(document, "", unknown))
			if err != nil {
				t.Fatal(err)
			}
			if fault := misfit.Find(name, extended); fault != "" {
				t.Errorf("with %v: %s", unknown, fault)
			}
		}
	})
}

// extend copies a document with a further field in every object.
func extend(document any, name string, unknown any) any {
	switch value := document.(type) {
	case []any:
		more := make([]any, len(value))
		for i := range value {
			more[i] = extend(value[i], "", unknown)
		}
		return more
	case map[string]any:
		more := make(map[string]any)
		var entry any
		for field := range value {
			entry = extend(value[field], field, unknown)
			more[field] = entry
		}
		if name == "resources" || name == "custom" { // whose fields' names are customers' own
			more["one_more"] = entry
		} else {
			more["a_field_of_tomorrow"] = unknown
		}
		return more
	}
	return document
}

// keywords are those that Misfit has words for, and those that say nothing of a
// payload.
var keywords = strings.Fields(`type required enum const pattern format minLength minItems minProperties minimum
	properties additionalProperties items if then $ref $defs $schema title description`)

func TestSchemas(t *testing.T) {
	for _, described := range catalog.Types() {
		t.Run(described.Name, func(t *testing.T) {
			var schema map[string]any
			if err := json.Unmarshal(described.Schema, &schema); err != nil {
				t.Fatal(err)
			}
			if schema["$schema"] != "https://json-schema.org/draft/2020-12/schema" || schema["title"] != described.Name || schema["description"] == "" {
				t.Errorf("$schema %v, title %v, description %v", schema["$schema"], schema["title"], schema["description"])
			}
			checkSchema(t, "", schema)
		})
	}
}

// checkSchema holds a schema, and those within it, to what fault.go knows.
func checkSchema(t *testing.T, path string, schema map[string]any) {
	for keyword, value := range schema {
		at := path + "/" + keyword
		switch {
		case !slices.Contains(keywords, keyword):
			t.Errorf("%s: not a keyword that Misfit has words for", at)
		case keyword == "pattern" && value != "^https?://":
			t.Errorf("%s: Misfit calls every pattern a URL", at)
		case keyword == "format" && value != "date-time":
			t.Errorf("%s: Misfit calls every format a time", at)
		case strings.HasPrefix(keyword, "min") && keyword != "minimum" && value != 1.0:
			t.Errorf("%s: Misfit calls what is too small empty", at)
		case keyword == "enum":
			if sentence := fmt.Sprint(value); len(sentence) > 80 {
				t.Errorf("%s: too long for a sentence", at)
			}
		case keyword == "properties" || keyword == "$defs":
			for name, inner := range value.(map[string]any) {
				checkSchema(t, at+"/"+name, inner.(map[string]any))
			}
		case keyword == "items" || keyword == "additionalProperties" || keyword == "if" || keyword == "then":
			inner, ok := value.(map[string]any)
			if !ok {
				t.Fatalf("%s: %v would refuse what is unknown", at, value)
			}
			checkSchema(t, at, inner)
		}
	}
}

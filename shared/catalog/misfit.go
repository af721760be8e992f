package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Misfit says in a short sentence where a payload does not fit the schema of its
// type: eager[0].reason: is missing. Of several faults it is the first by path.
// It is empty where the payload fits, and where the type is none. It tells names
// and types and never values, so it may be shown and logged.
//
// Numbers are read as the doubles that receivers make of them, which also bounds
// what judging one can cost. A payload that is not JSON does not fit.
func Misfit(name string, payload []byte) string {
	schema, known := compiled[name]
	if !known {
		return ""
	}
	var document any
	if err := json.Unmarshal(payload, &document); err != nil {
		return "is not JSON that can be read"
	}
	err := schema().Validate(document)
	if err == nil {
		return ""
	}
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return "does not fit the schema"
	}
	var first fault
	first.seek(invalid)
	return first.sentence(document)
}

// compiled has the schema of each type, which is compiled when it is first
// asked for: most processes meet few types.
var compiled = func() map[string]func() *jsonschema.Schema {
	all := make(map[string]func() *jsonschema.Schema, len(eventTypes))
	for _, t := range eventTypes {
		all[t.name] = sync.OnceValue(func() *jsonschema.Schema { return compile(t.name) })
	}
	return all
}()

// compile reads the schema of a type. One that cannot be is a mistake in this
// package, which its tests find.
func compile(name string) *jsonschema.Schema {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(read("schemas", name)))
	if err != nil {
		panic(fmt.Sprintf("catalog: schema of %s: %v", name, err))
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	url := "catalog:///" + name + ".json"
	if err := compiler.AddResource(url, document); err != nil {
		panic(fmt.Sprintf("catalog: schema of %s: %v", name, err))
	}
	return compiler.MustCompile(url)
}

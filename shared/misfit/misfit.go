// Package misfit says where a payload does not fit the schema that the catalogue
// has of its type. It is apart from the catalogue because the library that reads
// schemas costs every process that starts with it 3 ms, and only intake judges.
package misfit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mediahooks/mediahooks/shared/catalog"
)

// Find says in a short sentence where a payload does not fit the schema of its
// type: eager[0].reason: is missing. Of several faults it is the first by path.
// It is empty where the payload fits, and where the type is none. It tells names
// and types and never values, so it may be shown and logged.
//
// Numbers are read as the doubles that receivers make of them, which also bounds
// what judging one can cost. A payload that is not JSON does not fit.
func Find(name string, payload []byte) string {
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
	names := catalog.EventTypes()
	all := make(map[string]func() *jsonschema.Schema, len(names))
	for _, name := range names {
		all[name] = sync.OnceValue(func() *jsonschema.Schema { return compile(name) })
	}
	return all
}()

// compile reads the schema of a type. One that cannot be is a mistake in the
// catalogue, which the tests here find.
func compile(name string) *jsonschema.Schema {
	described, _ := catalog.Find(name)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(described.Schema))
	if err != nil {
		panic(fmt.Sprintf("misfit: schema of %s: %v", name, err))
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	url := "catalog:///" + name + ".json"
	if err := compiler.AddResource(url, document); err != nil {
		panic(fmt.Sprintf("misfit: schema of %s: %v", name, err))
	}
	return compiler.MustCompile(url)
}

// Package api holds the description of the HTTP API, which the api function
// serves and the tests hold the functions against.
package api

import _ "embed"

// OpenAPI is openapi.yaml.
//
//go:embed openapi.yaml
var OpenAPI []byte

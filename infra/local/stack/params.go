package stack

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/mediahooks/mediahooks/infra/template"
)

// ParseParams reads template parameters written as PARAMS has them: Name=value,
// separated by spaces.
func ParseParams(text string) (map[string]string, error) {
	params := map[string]string{}
	for item := range strings.FieldsSeq(text) {
		name, value, ok := strings.Cut(item, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("PARAMS: %q is not Name=value", item)
		}
		params[name] = value
	}
	return params, nil
}

// parameters returns what the stack is deployed with: what samconfig.toml says
// for local, the architecture of this machine, and over both what was asked for.
func parameters(root string, asked map[string]string) (map[string]string, error) {
	config, err := os.ReadFile(filepath.Join(root, "samconfig.toml"))
	if err != nil {
		return nil, err
	}
	params, err := localOverrides(string(config))
	if err != nil {
		return nil, err
	}
	params["Architecture"] = architecture()
	if _, ok := asked["Architecture"]; ok {
		return nil, fmt.Errorf("PARAMS: Architecture is %s here, the machine's own", params["Architecture"])
	}
	known, err := template.Parameters(filepath.Join(root, "template.yaml"))
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		i := slices.IndexFunc(known, func(p template.Parameter) bool { return p.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("PARAMS: template.yaml has no parameter %s; docs/configuration.md lists them", name)
		}
		if err := known[i].Check(asked[name]); err != nil {
			return nil, fmt.Errorf("PARAMS: %w", err)
		}
		params[name] = asked[name]
	}
	return params, nil
}

var overrides = regexp.MustCompile(`(?ms)^\[local\.deploy\.parameters\]$.*?^parameter_overrides = "([^"\n]*)"$`)

// localOverrides finds the parameters that samconfig.toml gives the stage
// local. They have to be named again, because the SAM CLI drops them all as
// soon as one is given on its command line.
func localOverrides(config string) (map[string]string, error) {
	found := overrides.FindStringSubmatch(config)
	if found == nil || strings.Contains(found[0][1:], "\n[") {
		return nil, fmt.Errorf("samconfig.toml: no parameter_overrides in [local.deploy.parameters]")
	}
	return ParseParams(found[1])
}

// architecture is this machine's, in Lambda's words.
func architecture() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}

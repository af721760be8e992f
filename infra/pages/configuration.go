package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/mediahooks/mediahooks/infra/template"
)

const configurationHead = `# Configuration

<!-- Written by make docs from template.yaml: change the descriptions there. -->

Mediahooks is configured by the parameters of its template, and by nothing else; every one has a default that
works. What a stage changes stands in ` + "`parameter_overrides`" + ` of its table in ` + "`samconfig.toml`" + `. On the local stack,
` + "`PARAMS`" + ` sets them for one run:

` + "```sh" + `
make run PARAMS="RetrySchedule=2s,4s,6s UrlLimit=3"
` + "```" + `

The stage ` + "`local`" + ` opens the loopback networks, which are closed everywhere else, and needs less concurrency; its
` + "`Architecture`" + ` is the machine's.
`

// configuration is the page of the parameters of template.yaml.
func configuration(root string) (string, error) {
	groups, err := template.Groups(filepath.Join(root, "template.yaml"))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(configurationHead)
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n| parameter | default | values | what it sets |\n| --- | --- | --- | --- |\n", g.Label)
		for _, p := range g.Parameters {
			def := "empty"
			if p.Default != "" {
				def = "`" + p.Default + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p.Name, def, cell(p.Values()), cell(p.Description))
		}
	}
	return b.String(), nil
}

// cell makes a text fit for a cell of a table.
func cell(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), "|", `\|`) }

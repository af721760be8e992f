// Package template reads the parameters of template.yaml: for the local stack,
// which refuses those that it does not know, and for docs/configuration.md,
// which lists them.
package template

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Parameter is one parameter of the template.
type Parameter struct {
	Name        string   `yaml:"-"`
	Type        string   `yaml:"Type"`
	Description string   `yaml:"Description"`
	Default     string   `yaml:"Default"`
	Allowed     []string `yaml:"AllowedValues"`
	Pattern     string   `yaml:"AllowedPattern"`
	Constraint  string   `yaml:"ConstraintDescription"`
	Min         *int64   `yaml:"MinValue"`
	Max         *int64   `yaml:"MaxValue"`
}

// Group is a heading of the template's interface and the parameters below it.
type Group struct {
	Label      string
	Parameters []Parameter
}

// Groups reads the parameters of the template in the given file, in the order
// and under the headings of its AWS::CloudFormation::Interface. A parameter
// without a heading is an error.
func Groups(file string) ([]Group, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Metadata struct {
			Interface struct {
				ParameterGroups []struct {
					Label struct {
						Default string `yaml:"default"`
					} `yaml:"Label"`
					Parameters []string `yaml:"Parameters"`
				} `yaml:"ParameterGroups"`
			} `yaml:"AWS::CloudFormation::Interface"`
		} `yaml:"Metadata"`
		Parameters map[string]Parameter `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var groups []Group
	for _, g := range doc.Metadata.Interface.ParameterGroups {
		group := Group{Label: g.Label.Default}
		for _, name := range g.Parameters {
			p, ok := doc.Parameters[name]
			if !ok {
				return nil, fmt.Errorf("%s: the group %q names %s, which is no parameter", file, group.Label, name)
			}
			delete(doc.Parameters, name)
			p.Name = name
			group.Parameters = append(group.Parameters, p)
		}
		groups = append(groups, group)
	}
	for name := range doc.Parameters {
		return nil, fmt.Errorf("%s: parameter %s is in no group", file, name)
	}
	return groups, nil
}

// Parameters reads the parameters of the template in the given file.
func Parameters(file string) ([]Parameter, error) {
	groups, err := Groups(file)
	if err != nil {
		return nil, err
	}
	var all []Parameter
	for _, g := range groups {
		all = append(all, g.Parameters...)
	}
	return all, nil
}

// Check judges a value by the bounds that CloudFormation would hold it to.
func (p Parameter) Check(value string) error {
	if len(p.Allowed) > 0 && !slices.Contains(p.Allowed, value) {
		return fmt.Errorf("%s=%s: must be one of %s", p.Name, value, strings.Join(p.Allowed, ", "))
	}
	if p.Pattern != "" {
		pattern, err := regexp.Compile(`^(?:` + p.Pattern + `)$`)
		if err != nil {
			return fmt.Errorf("%s: AllowedPattern: %w", p.Name, err)
		}
		if !pattern.MatchString(value) {
			return fmt.Errorf("%s=%s: %s", p.Name, value, p.Constraint)
		}
	}
	if p.Type != "Number" {
		return nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || (p.Min != nil && n < *p.Min) || (p.Max != nil && n > *p.Max) {
		return fmt.Errorf("%s=%s: must be a number%s", p.Name, value, p.bounds())
	}
	return nil
}

func (p Parameter) bounds() string {
	switch {
	case p.Min != nil && p.Max != nil:
		return fmt.Sprintf(" from %d to %d", *p.Min, *p.Max)
	case p.Min != nil:
		return fmt.Sprintf(" of at least %d", *p.Min)
	case p.Max != nil:
		return fmt.Sprintf(" of at most %d", *p.Max)
	}
	return ""
}

// Values says in words which values the parameter takes.
func (p Parameter) Values() string {
	switch {
	case len(p.Allowed) > 0:
		quoted := make([]string, len(p.Allowed))
		for i, v := range p.Allowed {
			quoted[i] = "`" + v + "`"
		}
		return strings.Join(quoted, ", ")
	case p.Constraint != "":
		return p.Constraint
	case p.Type == "Number":
		return "A number" + p.bounds() + "."
	}
	return "Any text."
}

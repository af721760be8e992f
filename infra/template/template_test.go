package template_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mediahooks/mediahooks/infra/template"
)

const small = `
Metadata:
  AWS::CloudFormation::Interface:
    ParameterGroups:
      - Label: {default: All}
        Parameters: [Name, Size, Mode]
Parameters:
  Mode: {Type: String, Description: A mode., Default: a, AllowedValues: [a, b]}
  Name: {Type: String, Description: A name., Default: "", AllowedPattern: "[a-z]*", ConstraintDescription: Small letters.}
  Size: {Type: Number, Description: A size., Default: 3, MinValue: 1, MaxValue: 9}
Resources:
  Any: {Type: "AWS::SQS::Queue", Properties: {QueueName: !Sub "${Name}"}}
`

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestParameters(t *testing.T) {
	params, err := template.Parameters(write(t, small))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range params {
		got = append(got, p.Name+": "+p.Default+": "+p.Values())
	}
	want := []string{"Name: : Small letters.", "Size: 3: A number from 1 to 9.", "Mode: a: `a`, `b`"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant, in the order of the group,\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCheck(t *testing.T) {
	params, err := template.Parameters(write(t, small))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		index       int
		value, want string
	}{
		{0, "abc", ""},
		{0, "", ""},
		{0, "aB", "Name=aB: Small letters."},
		{1, "9", ""},
		{1, "10", "Size=10: must be a number from 1 to 9"},
		{1, "0", "Size=0: must be a number from 1 to 9"},
		{1, "", "Size=: must be a number from 1 to 9"},
		{2, "b", ""},
		{2, "c", "Mode=c: must be one of a, b"},
	} {
		got := ""
		if err := params[test.index].Check(test.value); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s=%s: got %q, want %q", params[test.index].Name, test.value, got, test.want)
		}
	}
}

func TestGroupsFaults(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"a parameter in no group", ", Mode]", "]", "parameter Mode is in no group"},
		{"a group names what is none", "[Name,", "[Nome,", `the group "All" names Nome, which is no parameter`},
		{"no YAML", "Parameters:", "Parameters: [", "yaml:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := template.Groups(write(t, strings.Replace(small, test.old, test.new, 1)))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

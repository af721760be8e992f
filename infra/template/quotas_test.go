package template_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/mediahooks/mediahooks/infra/template"
)

// docs/quotas.md computes with limits that the template sets.
func TestQuotasPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/quotas.md")
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Resources struct {
			HTTPAPIStage struct {
				Properties struct {
					DefaultRouteSettings struct {
						Rate  int `yaml:"ThrottlingRateLimit"`
						Burst int `yaml:"ThrottlingBurstLimit"`
					} `yaml:"DefaultRouteSettings"`
				} `yaml:"Properties"`
			} `yaml:"HttpApiStage"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(src, &doc); err != nil {
		t.Fatal(err)
	}
	parameters, err := template.Parameters("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	throttle := doc.Resources.HTTPAPIStage.Properties.DefaultRouteSettings
	wants := []string{fmt.Sprintf("| %s calls/s, burst %s |", thousands(throttle.Rate), thousands(throttle.Burst))}
	for _, p := range parameters {
		if p.Name == "FirstConcurrency" {
			wants = append(wants, "| "+p.Default+" places of 10 |", "| "+thousandsOf(p.Allowed[len(p.Allowed)-1])+", the most that `MaximumConcurrency` takes |")
		}
	}
	for _, want := range wants {
		if !strings.Contains(string(page), want) {
			t.Errorf("docs/quotas.md has no %q: compute it anew", want)
		}
	}
}

func thousands(n int) string { return thousandsOf(fmt.Sprint(n)) }

// thousandsOf puts a comma before each three digits.
func thousandsOf(digits string) string {
	return regexp.MustCompile(`(\d)(\d{3})$`).ReplaceAllString(digits, "$1,$2")
}

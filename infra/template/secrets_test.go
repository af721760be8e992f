package template_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

type policy struct {
	PolicyDocument struct {
		Statement []yaml.Node `yaml:"Statement"`
	} `yaml:"PolicyDocument"`
}

// Who may do what with secrets: delivery alone opens those of access keys, the api
// function makes them and reads the account's, each within its encryption context,
// and nobody else has to do with either.
func TestRolesAndSecrets(t *testing.T) {
	src, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Resources map[string]struct {
			Type       string `yaml:"Type"`
			Properties struct {
				Policy   policy   `yaml:",inline"` // of an AWS::IAM::Policy
				Policies []policy `yaml:"Policies"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(src, &doc); err != nil {
		t.Fatal(err)
	}
	bound := fmt.Sprint(map[string]map[string]string{"Null": {"kms:EncryptionContext:cloud_name": "false", "kms:EncryptionContext:api_key": "false"}})
	var found []string
	for name, resource := range doc.Resources {
		if resource.Type != "AWS::IAM::Role" && resource.Type != "AWS::IAM::Policy" {
			continue
		}
		for _, policy := range append(resource.Properties.Policies, resource.Properties.Policy) {
			for _, node := range policy.PolicyDocument.Statement {
				var s struct {
					Effect    string    `yaml:"Effect"`
					Action    any       `yaml:"Action"`
					Resource  yaml.Node `yaml:"Resource"`
					Condition any       `yaml:"Condition"`
				}
				if node.Kind != yaml.MappingNode { // an Fn::If, of X-Ray
					continue
				}
				if err := node.Decode(&s); err != nil {
					t.Fatal(err)
				}
				actions := strings.Trim(fmt.Sprint(s.Action), "[]")
				if !strings.Contains(actions, "kms:") && !strings.Contains(actions, "secretsmanager:") {
					continue
				}
				found = append(found, name+" "+actions+" "+s.Resource.Value)
				if strings.Contains(actions, "kms:") && fmt.Sprint(s.Condition) != bound {
					t.Errorf("%s: %s has the condition %v, want %s", name, actions, s.Condition, bound)
				}
			}
		}
	}
	slices.Sort(found)
	want := []string{
		"ApiRole kms:GenerateDataKey SecretsKey.Arn",
		"ApiRole secretsmanager:GetSecretValue AccountKey.Id",
		"ConsoleRole secretsmanager:GetSecretValue SessionKey.Id",
		"DeliveryPolicy kms:Decrypt SecretsKey.Arn",
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
}

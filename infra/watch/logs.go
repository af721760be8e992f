package watch

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// Query is a saved query.
type Query struct {
	// Name is what an alarm calls it.
	Name, Text string
	// Groups are the log groups that it searches, by their names in the template.
	Groups []string
}

// Queries reads the saved queries.
func Queries(root string) ([]Query, error) {
	var queries []Query
	err := each(root, "AWS::Logs::QueryDefinition", func(_ string, r resource) error {
		var p struct {
			Name          string   `yaml:"Name"`
			LogGroupNames []string `yaml:"LogGroupNames"`
			QueryString   string   `yaml:"QueryString"`
		}
		err := r.Properties.Decode(&p)
		queries = append(queries, Query{unprefixed(p.Name), p.QueryString, p.LogGroupNames})
		return err
	})
	return queries, err
}

// Contributors is a rule of Contributor Insights.
type Contributors struct {
	Name string
	// Fields are those that it looks at.
	Fields []string
	// Groups are the log groups that it watches.
	Groups []string
}

// Rules reads the rules of Contributor Insights.
func Rules(root string) ([]Contributors, error) {
	var rules []Contributors
	err := each(root, "AWS::CloudWatch::InsightRule", func(_ string, r resource) error {
		var p struct {
			RuleName string `yaml:"RuleName"`
			RuleBody string `yaml:"RuleBody"`
		}
		if err := r.Properties.Decode(&p); err != nil {
			return err
		}
		var body struct {
			LogGroupNames []string
			Contribution  struct {
				Keys    []string
				ValueOf string
				Filters []struct{ Match string }
			}
		}
		if err := json.Unmarshal([]byte(p.RuleBody), &body); err != nil {
			return err
		}
		fields := slices.Concat(body.Contribution.Keys, []string{body.Contribution.ValueOf})
		for _, f := range body.Contribution.Filters {
			fields = append(fields, f.Match)
		}
		rule := Contributors{Name: unprefixed(p.RuleName)}
		for _, f := range fields {
			if name := strings.TrimPrefix(f, "$."); name != "" {
				rule.Fields = append(rule.Fields, name)
			}
		}
		for _, group := range body.LogGroupNames {
			rule.Groups = append(rule.Groups, strings.Trim(group, "${}"))
		}
		rules = append(rules, rule)
		return nil
	})
	return rules, err
}

// Function is a function of template.yaml.
type Function struct {
	// ID is its name in the template, Folder the one below functions that it is
	// built of, LogGroup where its lines are.
	ID, Folder, LogGroup string
	// Timeout is in seconds.
	Timeout int
}

// Functions reads the functions.
func Functions(root string) ([]Function, error) {
	var functions []Function
	err := each(root, "AWS::Serverless::Function", func(id string, r resource) error {
		var p struct {
			CodeURI string `yaml:"CodeUri"`
			Timeout int    `yaml:"Timeout"`
			Logging struct {
				LogGroup string `yaml:"LogGroup"`
			} `yaml:"LoggingConfig"`
		}
		err := r.Properties.Decode(&p)
		functions = append(functions, Function{ID: id, Folder: path.Base(p.CodeURI), LogGroup: p.Logging.LogGroup, Timeout: p.Timeout})
		return err
	})
	return functions, err
}

// Workflows reads the names of the state machines.
func Workflows(root string) (ids []string, err error) {
	err = each(root, "AWS::Serverless::StateMachine", func(id string, _ resource) error {
		ids = append(ids, id)
		return nil
	})
	return ids, err
}

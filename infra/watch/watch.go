// Package watch reads how the stack is watched: the alarms, the dashboard, the saved
// queries and the contributor rules of template.yaml and of the template that it
// nests. Tests hold them against what the functions write, and the end-to-end tests
// judge the alarms by it.
package watch

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Templates are the files of the templates, below the repository's root.
var Templates = []string{"template.yaml", "infra/operations/template.yaml"}

// OwnNamespace is how the templates write the namespace of the functions' metrics.
const OwnNamespace = "MetricsNamespace"

// Metric is a metric that an alarm judges or a dashboard shows. Dimensions that the
// templates take from elsewhere have the name of where.
type Metric struct {
	ID, Namespace, Name, Stat string
	Period                    int
	Dimensions                map[string]string
}

// Alarm is an alarm of a template.
type Alarm struct {
	// ID is its name in the template, Name that in CloudWatch without the stack's.
	ID, Name, Description string
	Metrics               []Metric
	// Expression is what is made of the metrics; empty for an alarm of one. Period is
	// its own, where no metric has one.
	Expression string
	Period     int
	Threshold  float64
	Operator   string
	// It fires when this many of the last Periods are beyond the threshold.
	Datapoints, Periods int
	// Missing is what a period without a value counts as.
	Missing string
	// Rule is that of a composite alarm.
	Rule string
	// Actions is where it goes: the template's words.
	Actions string
}

// Runbook is the page that the description names, Query the saved query.
func (a Alarm) Runbook() string { return named(a.Description, `Runbook (\S+\.md),`) }

// Query is the saved query that the description names.
func (a Alarm) Query() string { return named(a.Description, `query ([a-z-]+)\.$`) }

// Effect is what the description says before that.
func (a Alarm) Effect() string {
	before, _, _ := strings.Cut(a.Description, " Runbook ")
	return before
}

func named(text, pattern string) string {
	found := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return found[1]
}

// resource is what is read of a template's resource.
type resource struct {
	Type       string    `yaml:"Type"`
	Properties yaml.Node `yaml:"Properties"`
}

// each hands every resource of a type to a function.
func each(root, kind string, visit func(id string, r resource) error) error {
	for _, file := range Templates {
		data, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return err
		}
		var doc struct {
			Resources map[string]resource `yaml:"Resources"`
		}
		if err := yaml.Unmarshal(data, &doc); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, id := range slices.Sorted(maps.Keys(doc.Resources)) {
			if r := doc.Resources[id]; r.Type == kind {
				if err := visit(id, r); err != nil {
					return fmt.Errorf("%s: %s: %w", file, id, err)
				}
			}
		}
	}
	return nil
}

// dimension is one of a metric, as templates have it.
type dimension struct {
	Name  string `yaml:"Name"`
	Value string `yaml:"Value"`
}

func dimensionsOf(list []dimension) map[string]string {
	m := make(map[string]string, len(list))
	for _, d := range list {
		m[d.Name] = d.Value
	}
	return m
}

// properties are those of an alarm, with the functions of CloudFormation left out:
// !Ref Table is the text Table.
type properties struct {
	AlarmName          string      `yaml:"AlarmName"`
	AlarmDescription   string      `yaml:"AlarmDescription"`
	AlarmActions       yaml.Node   `yaml:"AlarmActions"`
	AlarmRule          yaml.Node   `yaml:"AlarmRule"`
	Namespace          string      `yaml:"Namespace"`
	MetricName         string      `yaml:"MetricName"`
	Dimensions         []dimension `yaml:"Dimensions"`
	Statistic          string      `yaml:"Statistic"`
	ExtendedStatistic  string      `yaml:"ExtendedStatistic"`
	Period             int         `yaml:"Period"`
	Threshold          float64     `yaml:"Threshold"`
	ComparisonOperator string      `yaml:"ComparisonOperator"`
	EvaluationPeriods  int         `yaml:"EvaluationPeriods"`
	DatapointsToAlarm  int         `yaml:"DatapointsToAlarm"`
	TreatMissingData   string      `yaml:"TreatMissingData"`
	Metrics            []struct {
		ID         string `yaml:"Id"`
		Expression string `yaml:"Expression"`
		Period     int    `yaml:"Period"`
		MetricStat struct {
			Metric struct {
				Namespace  string      `yaml:"Namespace"`
				MetricName string      `yaml:"MetricName"`
				Dimensions []dimension `yaml:"Dimensions"`
			} `yaml:"Metric"`
			Stat   string `yaml:"Stat"`
			Period int    `yaml:"Period"`
		} `yaml:"MetricStat"`
	} `yaml:"Metrics"`
}

// Alarms reads all alarms, the composite one included.
func Alarms(root string) ([]Alarm, error) {
	var alarms []Alarm
	for _, kind := range []string{"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"} {
		err := each(root, kind, func(id string, r resource) error {
			var p properties
			if err := r.Properties.Decode(&p); err != nil {
				return err
			}
			a := Alarm{
				ID: id, Name: unprefixed(p.AlarmName), Description: p.AlarmDescription, Threshold: p.Threshold, Operator: p.ComparisonOperator,
				Datapoints: cmp.Or(p.DatapointsToAlarm, p.EvaluationPeriods), Periods: p.EvaluationPeriods, Missing: p.TreatMissingData,
				Rule: flat(&p.AlarmRule), Actions: flat(&p.AlarmActions),
			}
			if p.MetricName != "" {
				a.Metrics = []Metric{{
					Namespace: p.Namespace, Name: p.MetricName, Stat: p.Statistic + p.ExtendedStatistic, Period: p.Period,
					Dimensions: dimensionsOf(p.Dimensions),
				}}
			}
			for _, m := range p.Metrics {
				if m.Expression != "" {
					a.Expression, a.Period = m.Expression, m.Period
					continue
				}
				of := m.MetricStat.Metric
				a.Metrics = append(a.Metrics, Metric{
					ID: m.ID, Namespace: of.Namespace, Name: of.MetricName, Stat: m.MetricStat.Stat, Period: m.MetricStat.Period,
					Dimensions: dimensionsOf(of.Dimensions),
				})
			}
			alarms = append(alarms, a)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return alarms, nil
}

// unprefixed is a name without the stack's, which everything of a stack begins with.
func unprefixed(name string) string {
	return strings.TrimLeft(regexp.MustCompile(`^\$\{(AWS::StackName|Name)\}`).ReplaceAllString(name, ""), "-/")
}

// flat returns all texts below a node.
func flat(node *yaml.Node) string {
	if node.Kind == yaml.ScalarNode {
		return node.Value
	}
	var texts []string
	for _, child := range node.Content {
		texts = append(texts, flat(child))
	}
	return strings.Join(texts, " ")
}

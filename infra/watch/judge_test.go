package watch_test

import (
	"strings"
	"testing"

	"github.com/mediahooks/mediahooks/infra/watch"
	"github.com/mediahooks/mediahooks/infra/watch/emf"
)

func TestJudge(t *testing.T) {
	own := map[string]string{"service": "s", "stack": "AWS::StackName"}
	of := func(name, stat string) watch.Metric {
		return watch.Metric{Namespace: watch.OwnNamespace, Name: name, Stat: stat, Dimensions: own}
	}
	point := func(name string, values ...float64) emf.Point {
		return emf.Point{Namespace: "Mediahooks", Name: name, Dimensions: map[string]string{"service": "s", "stack": "mine"}, Values: values}
	}
	other := point("M", 100)
	other.Dimensions = map[string]string{"service": "other", "stack": "mine"}
	named := func(id string, m watch.Metric) watch.Metric { m.ID = id; return m }
	const share = "IF(calls >= 10, 100 * FILL(faults, 0) / calls, 0)"
	for _, test := range []struct {
		name   string
		alarm  watch.Alarm
		points []emf.Point
		value  float64
		fires  bool
	}{
		{"a sum", watch.Alarm{Metrics: []watch.Metric{of("M", "Sum")}, Threshold: 3, Operator: "GreaterThanOrEqualToThreshold"},
			[]emf.Point{point("M", 1), point("M", 2), point("N", 9), other}, 3, true},
		{"a maximum", watch.Alarm{Metrics: []watch.Metric{of("M", "Maximum")}, Threshold: 2, Operator: "GreaterThanThreshold"},
			[]emf.Point{point("M", 1), point("M", 2)}, 2, false},
		{"a percentile", watch.Alarm{Metrics: []watch.Metric{of("M", "p50")}, Threshold: 2, Operator: "GreaterThanThreshold"},
			[]emf.Point{point("M", 9, 1, 5)}, 5, true},
		{"nothing, which is good", watch.Alarm{Metrics: []watch.Metric{of("M", "Sum")}, Threshold: 1, Operator: "LessThanThreshold", Missing: "notBreaching"}, nil, 0, false},
		{"nothing, which is bad", watch.Alarm{Metrics: []watch.Metric{of("M", "Sum")}, Threshold: 1, Operator: "LessThanThreshold", Missing: "breaching"}, nil, 0, true},
		{"a sum of several", watch.Alarm{Expression: watch.SumOfAll, Metrics: []watch.Metric{named("a", of("M", "Sum")), named("b", of("N", "Sum"))}, Threshold: 4, Operator: "GreaterThanOrEqualToThreshold"},
			[]emf.Point{point("M", 1), point("N", 3)}, 4, true},
		{"a share", watch.Alarm{Expression: share, Metrics: []watch.Metric{named("calls", of("C", "Sum")), named("faults", of("F", "Sum"))}, Threshold: 1, Operator: "GreaterThanThreshold"},
			[]emf.Point{point("C", 20), point("F", 1)}, 5, true},
		{"a share of few", watch.Alarm{Expression: share, Metrics: []watch.Metric{named("calls", of("C", "Sum")), named("faults", of("F", "Sum"))}, Threshold: 1, Operator: "GreaterThanThreshold"},
			[]emf.Point{point("C", 9), point("F", 9)}, 0, false},
		{"contributors", watch.Alarm{Expression: `INSIGHT_RULE_METRIC("r", "UniqueContributors")`, Threshold: 10, Operator: "GreaterThanOrEqualToThreshold"},
			[]emf.Point{{Name: watch.UniqueContributors, Values: []float64{10}}}, 10, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			value, fires, err := test.alarm.Judge(test.points)
			if value != test.value || fires != test.fires || err != nil {
				t.Errorf("%g, fires %t, %v; want %g, %t", value, fires, err, test.value, test.fires)
			}
		})
	}
	for name, unknown := range map[string]watch.Alarm{
		"expression": {Expression: "RATE(m)"},
		"comparison": {Metrics: []watch.Metric{of("M", "Sum")}, Operator: "Outside"},
	} {
		if _, _, err := unknown.Judge([]emf.Point{point("M", 1)}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("an unknown %s: %v", name, err)
		}
	}
}

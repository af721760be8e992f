package watch

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mediahooks/mediahooks/infra/watch/emf"
)

// Is reports whether a point is of the metric. What the template takes from
// elsewhere, the stack's name and those of its parts, goes by its words there.
func (m Metric) Is(p emf.Point) bool {
	own := m.Namespace == OwnNamespace && !strings.HasPrefix(p.Namespace, "AWS/")
	if p.Name != m.Name || len(p.Dimensions) != len(m.Dimensions) || !own && p.Namespace != m.Namespace {
		return false
	}
	for name, value := range p.Dimensions {
		used, there := m.Dimensions[name]
		switch {
		case !there:
			return false
		case name == "stack":
			if used != "AWS::StackName" && used != "Name" {
				return false
			}
		case name != "function_name" && used != value:
			return false
		}
	}
	return true
}

// value is what the metric's statistic makes of the points; false where there is
// none.
func (m Metric) value(points []emf.Point) (float64, bool) {
	var values []float64
	for _, p := range points {
		if m.Is(p) {
			values = append(values, p.Values...)
		}
	}
	if len(values) == 0 {
		return 0, false
	}
	switch m.Stat {
	case "Sum":
		sum := 0.0
		for _, v := range values {
			sum += v
		}
		return sum, true
	case "Maximum":
		return slices.Max(values), true
	}
	rank, err := strconv.ParseFloat(strings.TrimPrefix(m.Stat, "p"), 64)
	if err != nil {
		return math.NaN(), true
	}
	slices.Sort(values)
	return values[min(len(values)-1, int(math.Ceil(rank/100*float64(len(values))))-1)], true
}

// SumOfAll is how the templates add up an alarm's metrics.
const SumOfAll = "SUM(FILL(METRICS(), 0))"

// UniqueContributors is the name of a point that says what a contributor rule has
// counted.
const UniqueContributors = "UniqueContributors"

// Judge reports whether the points of one period are beyond the alarm's threshold,
// and their value. An expression that it does not know is an error.
func (a Alarm) Judge(points []emf.Point) (value float64, fires bool, err error) {
	values, any := make(map[string]float64), false
	for _, m := range a.Metrics {
		v, there := m.value(points)
		values[m.ID], any = v, any || there
	}
	switch expression := a.Expression; {
	case expression == "":
		value = values[""]
	case expression == SumOfAll:
		for _, v := range values {
			value += v
		}
	case expression == "IF(calls >= 10, 100 * FILL(faults, 0) / calls, 0)":
		if values["calls"] >= 10 {
			value = 100 * values["faults"] / values["calls"]
		}
	case strings.HasPrefix(expression, "INSIGHT_RULE_METRIC("):
		value, any = Metric{Name: UniqueContributors, Stat: "Maximum"}.value(points)
	default:
		return 0, false, fmt.Errorf("judge %s: the expression %s is not known here", a.Name, expression)
	}
	if !any {
		return 0, a.Missing == "breaching", nil
	}
	switch a.Operator {
	case "GreaterThanThreshold":
		return value, value > a.Threshold, nil
	case "GreaterThanOrEqualToThreshold":
		return value, value >= a.Threshold, nil
	case "LessThanThreshold":
		return value, value < a.Threshold, nil
	}
	return value, false, fmt.Errorf("judge %s: the comparison %s is not known here", a.Name, a.Operator)
}

// Paging returns the names in the templates of the alarms that page, by way of the
// composite alarm.
func Paging(root string) ([]string, error) {
	var ids []string
	for _, file := range Templates {
		data, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return nil, err
		}
		for _, found := range regexp.MustCompile(`ALARM\("\$\{(\w+)\}"\)`).FindAllStringSubmatch(string(data), -1) {
			ids = append(ids, found[1])
		}
	}
	return ids, nil
}

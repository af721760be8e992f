package watch

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Widget is a graph, or a table of lines, of the dashboard.
type Widget struct {
	Title   string
	Metrics []Metric
	// Expressions are what is made of the metrics.
	Expressions []string
	// Thresholds are the lines across it, by the alarm that each is of.
	Thresholds map[string]float64
	// Query is what a table shows, Groups where it looks.
	Query  string
	Groups []string
	// Alarms are those whose state it shows, by their names in the template.
	Alarms []string
}

// Widgets reads the dashboard.
func Widgets(root string) ([]Widget, error) {
	var widgets []Widget
	err := each(root, "AWS::CloudWatch::Dashboard", func(_ string, r resource) error {
		var p struct {
			DashboardBody []any `yaml:"DashboardBody"`
		}
		if err := r.Properties.Decode(&p); err != nil {
			return err
		}
		text, ok := p.DashboardBody[0].(string)
		if !ok {
			return errors.New("DashboardBody is no text with variables")
		}
		var body struct {
			Widgets []struct {
				Type       string
				Properties shown
			}
		}
		// The one variable that is no text is the beginning of a list.
		if err := json.Unmarshal([]byte(strings.Replace(text, "${Nested}", "", 1)), &body); err != nil {
			return err
		}
		for _, raw := range body.Widgets {
			if raw.Type == "text" {
				continue
			}
			w, err := raw.Properties.widget()
			if err != nil {
				return fmt.Errorf("widget %q: %w", raw.Properties.Title, err)
			}
			widgets = append(widgets, w)
		}
		return nil
	})
	return widgets, err
}

// shown is a widget's properties.
type shown struct {
	Title       string
	Metrics     [][]any
	Stat        string
	Period      int
	Query       string
	Alarms      []string
	Annotations struct {
		Horizontal []struct {
			Label string
			Value float64
		}
	}
}

var source = regexp.MustCompile(`SOURCE '\$\{(\w+)\}' \| `)

func (s shown) widget() (Widget, error) {
	w := Widget{Title: s.Title, Query: source.ReplaceAllString(s.Query, ""), Thresholds: make(map[string]float64)}
	for _, found := range source.FindAllStringSubmatch(s.Query, -1) {
		w.Groups = append(w.Groups, found[1])
	}
	for _, alarm := range s.Alarms {
		w.Alarms = append(w.Alarms, strings.TrimSuffix(strings.Trim(alarm, "${}"), ".Arn"))
	}
	for _, line := range s.Annotations.Horizontal {
		w.Thresholds[line.Label] = line.Value
	}
	for _, row := range s.Metrics {
		options, ok := row[len(row)-1].(map[string]any)
		if !ok {
			return w, fmt.Errorf("metric %v has no options", row)
		}
		if expression, ok := options["expression"].(string); ok {
			w.Expressions = append(w.Expressions, expression)
			continue
		}
		m, err := s.metric(row[:len(row)-1], options)
		if err != nil {
			return w, err
		}
		w.Metrics = append(w.Metrics, m)
	}
	return w, nil
}

// metric reads namespace, name, and the names and values of dimensions.
func (s shown) metric(row []any, options map[string]any) (Metric, error) {
	texts := make([]string, len(row))
	for i, v := range row {
		text, ok := v.(string)
		if !ok {
			return Metric{}, fmt.Errorf("metric %v: %v is no text", row, v)
		}
		texts[i] = strings.TrimSuffix(strings.TrimPrefix(text, "${"), "}")
	}
	if len(texts) < 2 || len(texts)%2 == 1 {
		return Metric{}, fmt.Errorf("metric %v: has a dimension without a value", row)
	}
	m := Metric{Namespace: texts[0], Name: texts[1], Stat: s.Stat, Period: s.Period, Dimensions: make(map[string]string)}
	for i := 2; i < len(texts); i += 2 {
		m.Dimensions[texts[i]] = texts[i+1]
	}
	if stat, ok := options["stat"].(string); ok {
		m.Stat = stat
	}
	if id, ok := options["id"].(string); ok {
		m.ID = id
	}
	return m, nil
}

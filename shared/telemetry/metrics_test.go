package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/telemetry"
)

// emf is what the specification makes of a line: a root object with the metadata
// in _aws, whose metric names and dimensions refer to members of the root.
type emf struct {
	AWS struct {
		Timestamp         *int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	} `json:"_aws"`
}

// units are those that the specification knows.
var units = strings.Fields(`Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits Megabits
	Gigabits Terabits Percent Count Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second Terabytes/Second Bits/Second
	Kilobits/Second Megabits/Second Gigabits/Second Terabits/Second Count/Second None`)

// check holds a line against the rules of the specification.
func check(line []byte) error {
	var meta emf
	var root map[string]any
	if err := errors.Join(json.Unmarshal(line, &meta), json.Unmarshal(line, &root)); err != nil {
		return err
	}
	if at := meta.AWS.Timestamp; at == nil || *at < 1e12 || *at > 1e13 {
		return errors.New("_aws.Timestamp is not in milliseconds")
	}
	if len(meta.AWS.CloudWatchMetrics) == 0 {
		return errors.New("no _aws.CloudWatchMetrics")
	}
	for _, directive := range meta.AWS.CloudWatchMetrics {
		if n := len(directive.Namespace); n < 1 || n > 1024 {
			return errors.New("Namespace has not 1 to 1024 characters")
		}
		if n := len(directive.Dimensions); n < 1 {
			return errors.New("no dimension set")
		}
		for _, set := range directive.Dimensions {
			for _, name := range set {
				if value, ok := root[name].(string); !ok || value == "" || len(value) > 1024 || len(name) > 250 || len(set) > 30 {
					return fmt.Errorf("dimension %s is no text of the root", name)
				}
			}
		}
		if n := len(directive.Metrics); n < 1 || n > 100 {
			return fmt.Errorf("%d metrics", n)
		}
		for _, metric := range directive.Metrics {
			if _, ok := root[metric.Name].(float64); !ok || metric.Name == "" || len(metric.Name) > 1024 {
				return fmt.Errorf("metric %s is no number of the root", metric.Name)
			}
			if !slices.Contains(units, metric.Unit) {
				return fmt.Errorf("metric %s has the unit %s", metric.Name, metric.Unit)
			}
		}
	}
	return nil
}

func TestEmit(t *testing.T) {
	var out bytes.Buffer
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	metrics := telemetry.NewMetrics(&out, "mediahooks-api", "dev", func() time.Time { return at })
	if err := metrics.Emit(telemetry.LoginFailed); err != nil {
		t.Fatal(err)
	}
	const want = `{"LoginsFailed":1,"_aws":{"CloudWatchMetrics":[{"Namespace":"Mediahooks","Dimensions":[["service","stage"]],` +
		`"Metrics":[{"Name":"LoginsFailed","Unit":"Count"}]}],"Timestamp":1767323045678},"service":"mediahooks-api","stage":"dev"}` + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
	var many []telemetry.Metric
	for i := range 101 {
		many = append(many, telemetry.Metric{Name: fmt.Sprint("m", i), Unit: telemetry.Milliseconds, Value: float64(i) / 3})
	}
	if err := metrics.Emit(many[:100]...); err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(out.Bytes(), []byte("\n"))
	if len(lines) != 3 { // the third is what follows the last line's end
		t.Errorf("%d lines, want one for each call", len(lines)-1)
	}
	for _, line := range lines[:len(lines)-1] {
		if err := check(line); err != nil {
			t.Errorf("%v: %s", err, line)
		}
	}

	out.Reset()
	for name, wrong := range map[string][]telemetry.Metric{
		"none":             nil,
		"too many":         many,
		"twice":            {many[0], many[0]},
		"a dimension":      {{Name: "stage", Unit: telemetry.Count}},
		"the metadata":     {{Name: "_aws", Unit: telemetry.Count}},
		"no name":          {{Unit: telemetry.Count}},
		"not a number":     {{Name: "m", Unit: telemetry.Count, Value: math.NaN()}},
		"without an end":   {{Name: "m", Unit: telemetry.Count, Value: math.Inf(1)}},
		"good beside evil": {many[0], {Name: "service", Unit: telemetry.Count}},
	} {
		if err := metrics.Emit(wrong...); err == nil || out.Len() > 0 {
			t.Errorf("%s: error %v, and %q", name, err, out.String())
		}
	}
}

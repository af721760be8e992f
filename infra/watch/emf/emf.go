// Package emf reads lines of a log as CloudWatch does that makes metrics of them,
// and says where a line breaks the rules: CloudWatch itself drops such a line
// without a word.
//
// Source: Amazon CloudWatch, Specification: Embedded metric format.
package emf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Point is what a line says of one metric.
type Point struct {
	Namespace, Name, Unit string
	Dimensions            map[string]string
	At                    time.Time
	Values                []float64
}

// The limits of the format.
const (
	mostBytes      = 1 << 20 // of a line
	mostMetrics    = 100     // of a directive
	mostValues     = 100     // of a metric
	mostDimensions = 30      // of a set
	longestName    = 1024    // of a namespace, a metric, a dimension's value
	longestKey     = 250     // of a dimension
)

// units are those that CloudWatch knows.
var units = strings.Fields(`Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits Megabits
	Gigabits Terabits Percent Count Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second Terabytes/Second Bits/Second
	Kilobits/Second Megabits/Second Gigabits/Second Terabits/Second Count/Second None`)

type metadata struct {
	Timestamp         *int64
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []struct {
		Name, Unit        string
		StorageResolution int
	}
}

// Is reports whether a line is one that metrics are made of.
func Is(line []byte) bool { return bytes.Contains(line, []byte(`"_aws":`)) }

// Read returns the metrics of a line, or where it breaks the rules.
func Read(line []byte) ([]Point, error) {
	if len(line) > mostBytes {
		return nil, fmt.Errorf("the line has %d bytes, at most %d are allowed", len(line), mostBytes)
	}
	var root map[string]json.RawMessage
	if err := json.Unmarshal(line, &root); err != nil {
		return nil, fmt.Errorf("the line is no JSON object: %w", err)
	}
	var meta metadata
	strict := json.NewDecoder(bytes.NewReader(root["_aws"]))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&meta); err != nil {
		return nil, fmt.Errorf("_aws: %w", err)
	}
	if meta.Timestamp == nil || *meta.Timestamp < 1e12 || *meta.Timestamp > 1e13 {
		return nil, errors.New("_aws.Timestamp is not in milliseconds")
	}
	if len(meta.CloudWatchMetrics) == 0 {
		return nil, errors.New("_aws.CloudWatchMetrics is empty")
	}
	var points []Point
	for _, d := range meta.CloudWatchMetrics {
		of, err := d.points(root)
		if err != nil {
			return nil, err
		}
		for i := range of {
			of[i].At = time.UnixMilli(*meta.Timestamp).UTC()
		}
		points = append(points, of...)
	}
	return points, nil
}

func (d directive) points(root map[string]json.RawMessage) ([]Point, error) {
	if n := len(d.Namespace); n < 1 || n > longestName || strings.HasPrefix(d.Namespace, "AWS/") {
		return nil, fmt.Errorf("namespace %q: must have 1 to %d characters and not be one of AWS", d.Namespace, longestName)
	}
	if len(d.Dimensions) == 0 {
		return nil, errors.New("a directive has no set of dimensions")
	}
	if n := len(d.Metrics); n < 1 || n > mostMetrics {
		return nil, fmt.Errorf("a directive has %d metrics, must have 1 to %d", n, mostMetrics)
	}
	var points []Point
	for _, set := range d.Dimensions {
		dimensions, err := dimensionsOf(set, root)
		if err != nil {
			return nil, err
		}
		seen := make(map[string]bool)
		for _, m := range d.Metrics {
			values, err := valuesOf(m.Name, root[m.Name])
			if err != nil {
				return nil, err
			}
			if seen[m.Name] {
				return nil, fmt.Errorf("metric %s is named twice", m.Name)
			}
			seen[m.Name] = true
			if m.Unit != "" && !slices.Contains(units, m.Unit) {
				return nil, fmt.Errorf("metric %s has the unit %q, which CloudWatch does not know", m.Name, m.Unit)
			}
			if m.StorageResolution != 0 && m.StorageResolution != 1 && m.StorageResolution != 60 {
				return nil, fmt.Errorf("metric %s has the StorageResolution %d, must be 1 or 60", m.Name, m.StorageResolution)
			}
			points = append(points, Point{Namespace: d.Namespace, Name: m.Name, Unit: m.Unit, Dimensions: dimensions, Values: values})
		}
	}
	return points, nil
}

func dimensionsOf(set []string, root map[string]json.RawMessage) (map[string]string, error) {
	if len(set) > mostDimensions {
		return nil, fmt.Errorf("a set has %d dimensions, at most %d are allowed", len(set), mostDimensions)
	}
	dimensions := make(map[string]string, len(set))
	for _, name := range set {
		var value string
		if err := json.Unmarshal(root[name], &value); err != nil || name == "_aws" {
			return nil, fmt.Errorf("dimension %q is no text of the root", name)
		}
		if name == "" || len(name) > longestKey || value == "" || len(value) > longestName {
			return nil, fmt.Errorf("dimension %q is %q: must have 1 to %d characters, and its value 1 to %d", name, value, longestKey, longestName)
		}
		dimensions[name] = value
	}
	return dimensions, nil
}

func valuesOf(name string, raw json.RawMessage) ([]float64, error) {
	if name == "" || name == "_aws" || len(name) > longestName {
		return nil, fmt.Errorf("metric %q: must have 1 to %d characters and not be _aws", name, longestName)
	}
	var values []float64
	var one float64
	switch err := json.Unmarshal(raw, &one); {
	case err == nil && string(raw) != "null":
		values = []float64{one}
	case json.Unmarshal(raw, &values) != nil || len(values) < 1 || len(values) > mostValues:
		return nil, fmt.Errorf("metric %s is neither a number of the root nor a list of 1 to %d", name, mostValues)
	}
	for _, v := range values {
		if math.Abs(v) > math.Ldexp(1, 360) {
			return nil, fmt.Errorf("metric %s has the value %g, which is more than CloudWatch takes", name, v)
		}
	}
	return values, nil
}

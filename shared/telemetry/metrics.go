package telemetry

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sync"
	"time"
)

// Unit is a unit of CloudWatch.
type Unit string

// The units in use.
const (
	Count        Unit = "Count"
	Milliseconds Unit = "Milliseconds"
)

// Metric is one value of a metric.
type Metric struct {
	Name  string
	Unit  Unit
	Value float64
}

// LoginFailed is one call whose credentials were wrong.
var LoginFailed = Metric{Name: "LoginsFailed", Unit: Count, Value: 1}

// namespace is where CloudWatch keeps the metrics.
const namespace = "Mediahooks"

// mostMetrics is how many metrics one object may have.
const mostMetrics = 100

// Metrics writes metrics of one function in CloudWatch's embedded metric format:
// lines of the log that CloudWatch makes metrics of, so that no call and no
// permission is needed. Their dimensions are service and stage alone: each
// combination of values is a metric that is paid for, so that a tenant is never
// one. It is safe for concurrent use.
//
// Source: Amazon CloudWatch, Specification: Embedded metric format.
type Metrics struct {
	mu             sync.Mutex
	w              io.Writer
	service, stage string
	now            func() time.Time
}

// NewMetrics returns the metrics of one function.
func NewMetrics(w io.Writer, service, stage string, now func() time.Time) *Metrics {
	return &Metrics{w: w, service: service, stage: stage, now: now}
}

// Emit writes metrics as one object on one line.
func (m *Metrics) Emit(metrics ...Metric) error {
	if len(metrics) == 0 || len(metrics) > mostMetrics {
		return fmt.Errorf("emit metrics: %d, must be 1 to %d", len(metrics), mostMetrics)
	}
	type definition struct {
		Name string `json:"Name"`
		Unit Unit   `json:"Unit"`
	}
	type directive struct {
		Namespace  string       `json:"Namespace"`
		Dimensions [][]string   `json:"Dimensions"`
		Metrics    []definition `json:"Metrics"`
	}
	directives := []directive{{Namespace: namespace, Dimensions: [][]string{{"service", "stage"}}}}
	root := map[string]any{"service": m.service, "stage": m.stage}
	for _, metric := range metrics {
		if _, taken := root[metric.Name]; taken || metric.Name == "" || metric.Name == "_aws" {
			return fmt.Errorf("emit metric %q: the name is taken", metric.Name)
		}
		if math.IsNaN(metric.Value) || math.IsInf(metric.Value, 0) {
			return fmt.Errorf("emit metric %s: %v is no value", metric.Name, metric.Value)
		}
		root[metric.Name] = metric.Value
		directives[0].Metrics = append(directives[0].Metrics, definition{metric.Name, metric.Unit})
	}
	root["_aws"] = map[string]any{"Timestamp": m.now().UnixMilli(), "CloudWatchMetrics": directives}
	line, err := json.Marshal(root)
	if err != nil {
		return fmt.Errorf("emit metrics: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.w.Write(append(line, '\n')); err != nil { // in one piece, between those of the logger
		return fmt.Errorf("emit metrics: %w", err)
	}
	return nil
}

package telemetry

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"
)

// mostValues is how many values an object may have of one metric.
const mostValues = 100

// Metrics gathers what one function measures during an invocation, and writes it
// in CloudWatch's embedded metric format: lines of the log that CloudWatch makes
// metrics of, so that no call and no permission is needed. What was not measured is
// not written: a metric is paid for by the hours in which it has values. It is safe
// for concurrent use.
//
// Source: Amazon CloudWatch, Specification: Embedded metric format.
type Metrics struct {
	w        io.Writer
	now      func() time.Time
	function string
	// The parts of an object that never change, as JSON.
	namespace, members []byte

	mu sync.Mutex
	// groups are the metrics of each dimension's value, the plain ones first.
	groups []group
	buf    []byte
}

// group is the metrics that have one value of one dimension in common, or no
// dimension.
type group struct {
	dimension Dimension
	of        string
	series    []series
}

type series struct {
	metric Metric
	// values are all that were measured; of a count, their sum.
	values []float64
}

// NewMetrics returns the metrics of one function.
func NewMetrics(w io.Writer, source Source, now func() time.Time) *Metrics {
	members := append([]byte(`,"service":`), text(source.Service)...)
	members = append(append(members, `,"stack":`...), text(source.Stack)...)
	return &Metrics{w: w, now: now, function: source.Function, namespace: text(source.Namespace), members: members, groups: make([]group, 1)}
}

// text writes a string as JSON.
func text(s string) []byte {
	quoted, _ := json.Marshal(s) // no string fails
	return quoted
}

// Count adds to a metric that counts.
func (m *Metrics) Count(metric Metric, n int) {
	if n == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.series(metric)
	if len(s.values) == 0 {
		s.values = append(s.values, 0)
	}
	s.values[0] += float64(n)
}

// Measure adds a value to a metric that measures time. An instant before the one
// that it is measured from, by the clocks of two machines, counts as none.
func (m *Metrics) Measure(metric Metric, d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.series(metric)
	s.values = append(s.values, math.Round(float64(max(d, 0))/1e3)/1e3) // milliseconds, to the microsecond
}

// series finds what was measured of a metric. They are few.
func (m *Metrics) series(metric Metric) *series {
	g := m.group(metric)
	for i := range g.series {
		if g.series[i].metric.Name == metric.Name {
			return &g.series[i]
		}
	}
	g.series = append(g.series, series{metric: metric})
	return &g.series[len(g.series)-1]
}

func (m *Metrics) group(metric Metric) *group {
	for i := range m.groups {
		if m.groups[i].dimension == metric.Dimension && m.groups[i].of == metric.of {
			return &m.groups[i]
		}
	}
	m.groups = append(m.groups, group{dimension: metric.Dimension, of: metric.of})
	return &m.groups[len(m.groups)-1]
}

// Flush writes what was gathered and forgets it: as one object on one line, as long
// as no dimension has two values and no metric more than a hundred.
func (m *Metrics) Flush() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.buf = m.buf[:0]
	for parts := m.next(); len(parts) > 0; parts = m.next() {
		m.buf = m.object(m.buf, parts)
	}
	m.groups = m.groups[:1]
	if len(m.buf) == 0 {
		return nil
	}
	if _, err := m.w.Write(m.buf); err != nil { // in one piece, between the lines of the logger
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}

// next takes what the next object holds: of each dimension one value's metrics, of
// each metric a hundred values.
func (m *Metrics) next() (parts []group) {
	for i := range m.groups {
		g := &m.groups[i]
		taken := slices.ContainsFunc(parts, func(p group) bool { return p.dimension == g.dimension })
		if len(g.series) == 0 || taken {
			continue
		}
		part := group{dimension: g.dimension, of: g.of}
		var left []series
		for _, s := range g.series {
			n := min(len(s.values), mostValues)
			part.series = append(part.series, series{s.metric, s.values[:n]})
			if n < len(s.values) {
				left = append(left, series{s.metric, s.values[n:]})
			}
		}
		g.series = left
		parts = append(parts, part)
	}
	return parts
}

// object appends the line of one object.
func (m *Metrics) object(b []byte, parts []group) []byte {
	b = strconv.AppendInt(append(b, `{"_aws":{"Timestamp":`...), m.now().UnixMilli(), 10)
	b = append(b, `,"CloudWatchMetrics":[`...)
	for i, part := range parts {
		b = append(append(comma(b, i), `{"Namespace":`...), m.namespace...)
		b = append(b, `,"Dimensions":[["service","stack"`...)
		if part.dimension != "" {
			b = append(append(append(b, `,"`...), part.dimension...), '"')
		}
		b = append(b, `]],"Metrics":[`...)
		for i, s := range part.series {
			b = append(append(comma(b, i), `{"Name":"`...), s.metric.Name...)
			b = append(append(append(b, `","Unit":"`...), s.metric.Unit...), `"}`...)
		}
		b = append(b, "]}"...)
	}
	b = append(append(b, "]}"...), m.members...)
	for _, part := range parts {
		if part.dimension != "" {
			b = append(append(append(append(b, `,"`...), part.dimension...), `":`...), text(part.of)...)
		}
		for _, s := range part.series {
			b = append(append(append(b, `,"`...), s.metric.Name...), `":`...)
			b = appendValues(b, s.values)
		}
	}
	return append(b, "}\n"...)
}

func appendValues(b []byte, values []float64) []byte {
	if len(values) == 1 {
		return strconv.AppendFloat(b, values[0], 'f', -1, 64)
	}
	b = append(b, '[')
	for i, v := range values {
		b = strconv.AppendFloat(comma(b, i), v, 'f', -1, 64)
	}
	return append(b, ']')
}

// comma appends what comes between two elements of a list.
func comma(b []byte, i int) []byte {
	if i == 0 {
		return b
	}
	return append(b, ',')
}

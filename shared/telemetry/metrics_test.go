package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/infra/watch/emf"
	"github.com/mediahooks/mediahooks/shared/telemetry"
)

var (
	source = telemetry.Source{Namespace: "Mediahooks", Service: "mediahooks-delivery", Stack: "mediahooks-dev", Function: "dev-delivery"}
	noon   = time.Date(2026, 1, 2, 12, 0, 0, 678e6, time.UTC)
)

func newMetrics(out *bytes.Buffer) *telemetry.Metrics {
	return telemetry.NewMetrics(out, source, func() time.Time { return noon })
}

func TestFlush(t *testing.T) {
	var out bytes.Buffer
	m := newMetrics(&out)
	m.Count(telemetry.DeliveriesSucceeded, 1)
	m.Measure(telemetry.QueueDelay.Of("first"), 1500*time.Microsecond)
	m.Count(telemetry.DeliveriesSucceeded, 2)
	m.Measure(telemetry.QueueDelay.Of("first"), -time.Second) // by another machine's clock
	m.Count(telemetry.OriginsSlowed, 0)
	if err := m.Flush(); err != nil {
		t.Fatal(err)
	}
	const want = `{"_aws":{"Timestamp":1767355200678,"CloudWatchMetrics":[` +
		`{"Namespace":"Mediahooks","Dimensions":[["service","stack"]],"Metrics":[{"Name":"DeliveriesSucceeded","Unit":"Count"}]},` +
		`{"Namespace":"Mediahooks","Dimensions":[["service","stack","lane"]],"Metrics":[{"Name":"QueueDelay","Unit":"Milliseconds"}]}]},` +
		`"service":"mediahooks-delivery","stack":"mediahooks-dev","DeliveriesSucceeded":3,"lane":"first","QueueDelay":[1.5,0]}` + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
	out.Reset()
	if err := m.Flush(); err != nil || out.Len() > 0 {
		t.Errorf("without anything new: %v, %s", err, out.String())
	}
}

// Whatever is measured is written, whole, in as many lines as the format needs.
func TestNothingIsLost(t *testing.T) {
	var out bytes.Buffer
	m := newMetrics(&out)
	want := make(map[string][]float64)
	for i := range 250 {
		m.Measure(telemetry.AttemptDuration, time.Duration(i)*time.Millisecond)
		want["AttemptDuration "] = append(want["AttemptDuration "], float64(i))
		reason := fmt.Sprint("reason", i%3)
		m.Count(telemetry.AttemptFailures.Of(reason), i)
		key := "AttemptFailures " + reason
		if want[key] == nil {
			want[key] = []float64{0}
		}
		want[key][0] += float64(i)
	}
	if err := m.Flush(); err != nil {
		t.Fatal(err)
	}
	got := make(map[string][]float64)
	lines := slices.Collect(strings.Lines(out.String()))
	for _, line := range lines {
		points, err := emf.Read([]byte(line))
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		for _, p := range points {
			key := p.Name + " " + p.Dimensions["reason"]
			got[key] = append(got[key], p.Values...)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(lines) != 3 {
		t.Errorf("in %d lines (-want +got):\n%s", len(lines), diff)
	}
}

// Every metric of the list can be written, and is written as the list says.
func TestList(t *testing.T) {
	var out bytes.Buffer
	m := newMetrics(&out)
	names := make(map[string]telemetry.Metric)
	for _, metric := range telemetry.List() {
		if _, twice := names[metric.Name]; twice || metric.Meaning == "" {
			t.Errorf("%s is there twice, or has no meaning", metric.Name)
		}
		names[metric.Name] = metric
		if metric.Dimension != "" {
			metric = metric.Of("x")
		}
		if metric.Unit == telemetry.Milliseconds {
			m.Measure(metric, time.Second)
		} else {
			m.Count(metric, 1)
		}
	}
	if err := m.Flush(); err != nil {
		t.Fatal(err)
	}
	points, err := emf.Read(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		metric := names[p.Name]
		dimensions := map[string]string{"service": source.Service, "stack": source.Stack}
		if metric.Dimension != "" {
			dimensions[string(metric.Dimension)] = "x"
		}
		if diff := cmp.Diff(dimensions, p.Dimensions); diff != "" || p.Unit != string(metric.Unit) || p.Namespace != source.Namespace {
			t.Errorf("%s is written as %+v", p.Name, p)
		}
		delete(names, p.Name)
	}
	if len(names) > 0 {
		t.Errorf("not written: %v", names)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestMeasured(t *testing.T) {
	var out bytes.Buffer
	m := newMetrics(&out)
	log := telemetry.NewLogger(&out, slog.LevelInfo, source)
	handle := telemetry.Measured(m, log, func(_ context.Context, in int) (string, error) {
		m.Count(telemetry.MessagesLeft, in)
		return "done", errors.New("fault")
	})
	for i := 1; i <= 2; i++ {
		if got, err := handle(t.Context(), i); got != "done" || err == nil {
			t.Errorf("answer %q, %v", got, err)
		}
	}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], `"MessagesLeft":1`) || !strings.Contains(lines[0], `"function_name":"dev-delivery","ColdStart":1`) ||
		!strings.Contains(lines[1], `"MessagesLeft":2`) || strings.Contains(lines[1], "ColdStart") {
		t.Errorf("lines:\n%s", out.String())
	}

	out.Reset()
	m = telemetry.NewMetrics(brokenPipe{}, source, time.Now)
	if _, err := telemetry.Measured(m, log, func(context.Context, int) (int, error) { return 0, nil })(t.Context(), 1); err != nil {
		t.Errorf("an invocation fails for its metrics: %v", err)
	}
	if !strings.Contains(out.String(), `"message":"metrics not written"`) {
		t.Errorf("log has %s", out.String())
	}
}

// A batch of ten costs the hot path this much.
func BenchmarkBatch(b *testing.B) {
	var out bytes.Buffer
	m := newMetrics(&out)
	for b.Loop() {
		for range 10 {
			m.Count(telemetry.DeliveryAttempts.Of("first"), 1)
			m.Measure(telemetry.QueueDelay.Of("first"), 1234*time.Microsecond)
			m.Measure(telemetry.AttemptDuration, 56789*time.Microsecond)
			m.Count(telemetry.DeliveriesSucceeded, 1)
			m.Measure(telemetry.TimeToDeliver, 67890*time.Microsecond)
		}
		out.Reset()
		if err := m.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(out.Len()), "bytes/batch")
}

package emf_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/infra/watch/emf"
)

const good = `{"_aws":{"Timestamp":1767323045678,"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[["a"],["a","b"]],` +
	`"Metrics":[{"Name":"M","Unit":"Count"},{"Name":"L","Unit":"Milliseconds"}]}]},"a":"x","b":"y","M":1,"L":[1.5,2]}`

func TestRead(t *testing.T) {
	got, err := emf.Read([]byte(good))
	if err != nil || !emf.Is([]byte(good)) {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	a, ab := map[string]string{"a": "x"}, map[string]string{"a": "x", "b": "y"}
	want := []emf.Point{
		{"N", "M", "Count", a, at, []float64{1}}, {"N", "L", "Milliseconds", a, at, []float64{1.5, 2}},
		{"N", "M", "Count", ab, at, []float64{1}}, {"N", "L", "Milliseconds", ab, at, []float64{1.5, 2}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
}

// Each rule has a line that breaks it and no other.
func TestRules(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	list := func(n int, of string) string { return strings.TrimSuffix(strings.Repeat(of+",", n), ",") }
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprintf(`{"Name":"m%d"}`, i)
	}
	for _, test := range []struct{ name, old, new, want string }{
		{"no JSON", `"M":1`, `"M":`, "no JSON object"},
		{"too long", `"M":1`, `"M":1,"z":"` + long(1<<20) + `"`, "bytes"},
		{"no metadata", `"_aws"`, `"aws"`, "_aws"},
		{"a misspelt member", `"Timestamp"`, `"TimeStmp"`, "unknown field"},
		{"a member that is not known", `"Unit":"Count"`, `"Units":"Count"`, "unknown field"},
		{"no time", `"Timestamp":1767323045678,`, ``, "Timestamp"},
		{"seconds", `1767323045678`, `1767323045`, "milliseconds"},
		{"no namespace", `"N"`, `""`, "namespace"},
		{"a namespace of AWS", `"N"`, `"AWS/SQS"`, "namespace"},
		{"no dimensions", `[["a"],["a","b"]]`, `[]`, "no set of dimensions"},
		{"too many dimensions", `["a"]`, `[` + list(31, `"a"`) + `]`, "31 dimensions"},
		{"a dimension that is not there", `"b":"y"`, `"c":"y"`, `dimension "b"`},
		{"a dimension that is a number", `"b":"y"`, `"b":1`, `dimension "b"`},
		{"an empty dimension", `"b":"y"`, `"b":""`, `dimension "b"`},
		{"a long dimension", `"b":"y"`, `"b":"` + long(1025) + `"`, `dimension "b"`},
		{"no metrics", `{"Name":"M","Unit":"Count"},{"Name":"L","Unit":"Milliseconds"}`, ``, "0 metrics"},
		{"too many metrics", `{"Name":"M","Unit":"Count"}`, strings.Join(many, ","), "102 metrics"},
		{"a metric that is not there", `"M":1`, `"O":1`, "metric M"},
		{"a metric that is text", `"M":1`, `"M":"1"`, "metric M"},
		{"a metric that is null", `"M":1`, `"M":null`, "metric M"},
		{"a metric without values", `[1.5,2]`, `[]`, "metric L"},
		{"too many values", `[1.5,2]`, `[` + list(101, "1") + `]`, "metric L"},
		{"too large a value", `"M":1`, `"M":1e200`, "more than CloudWatch takes"},
		{"a metric twice", `"Name":"L"`, `"Name":"M"`, "twice"},
		{"a unit of ours", `"Unit":"Count"`, `"Unit":"Events"`, "unit"},
		{"a resolution of ours", `"Unit":"Count"`, `"Unit":"Count","StorageResolution":5`, "StorageResolution"},
	} {
		t.Run(test.name, func(t *testing.T) {
			line := strings.Replace(good, test.old, test.new, 1)
			if line == good {
				t.Fatalf("the line has no %s", test.old)
			}
			if points, err := emf.Read([]byte(line)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("read %v, error %v, want %s", points, err, test.want)
			}
		})
	}
	if _, err := emf.Read([]byte(`{"_aws":{"Timestamp":1767323045678,"CloudWatchMetrics":[]}}`)); err == nil {
		t.Error("a line without a directive passes")
	}
}

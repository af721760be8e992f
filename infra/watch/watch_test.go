package watch_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
	"github.com/mediahooks/mediahooks/infra/watch"
	"github.com/mediahooks/mediahooks/infra/watch/emf"
	"github.com/mediahooks/mediahooks/infra/watch/recorded"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/telemetry"
)

// house is everything that has to agree.
type house struct {
	root      string
	alarms    []watch.Alarm
	widgets   []watch.Widget
	queries   []watch.Query
	rules     []watch.Contributors
	functions []watch.Function
	// lines are the recorded lines of each function, points the metrics of them.
	lines  map[string][]recorded.Line
	points []emf.Point
}

func open(t *testing.T) house {
	t.Helper()
	var h house
	var err error
	must := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	h.root, err = workspace.Root()
	must()
	h.alarms, err = watch.Alarms(h.root)
	must()
	h.widgets, err = watch.Widgets(h.root)
	must()
	h.queries, err = watch.Queries(h.root)
	must()
	h.rules, err = watch.Rules(h.root)
	must()
	h.functions, err = watch.Functions(h.root)
	must()
	h.lines, err = recorded.Read(h.root)
	must()
	for _, name := range slices.Sorted(maps.Keys(h.lines)) {
		for _, line := range h.lines[name] {
			if line["_aws"] == nil {
				continue
			}
			text, err := json.Marshal(line)
			if err != nil {
				t.Fatal(err)
			}
			points, err := emf.Read(text)
			if err != nil {
				t.Errorf("%s writes a line that CloudWatch drops: %v in %s", name, err, text)
			}
			h.points = append(h.points, points...)
		}
	}
	if len(h.alarms) == 0 || len(h.widgets) == 0 || len(h.queries) == 0 || len(h.rules) == 0 || len(h.functions) == 0 || len(h.points) == 0 {
		t.Fatalf("read %d alarms, %d widgets, %d queries, %d rules, %d functions, %d metrics",
			len(h.alarms), len(h.widgets), len(h.queries), len(h.rules), len(h.functions), len(h.points))
	}
	return h
}

// byAWS are the metrics of AWS that the alarms and the dashboard use, as its
// documentation names them, with their dimensions.
var byAWS = map[string]map[string][]string{
	"AWS/SQS": {
		"QueueName": {
			"ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible",
			"ApproximateAgeOfOldestMessageInQuietGroups", "ApproximateNumberOfNoisyGroups",
		},
	},
	"AWS/ApiGateway": {"ApiId": {"Count", "4xx", "5xx", "Latency", "IntegrationLatency"}},
	"AWS/Lambda":     {"FunctionName": {"Errors", "Throttles", "Duration", "ConcurrentExecutions"}},
	"AWS/DynamoDB": {
		"TableName":                          {"ReadThrottleEvents", "WriteThrottleEvents", "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"},
		"GlobalSecondaryIndexName,TableName": {"ReadThrottleEvents", "WriteThrottleEvents"},
	},
	"AWS/States": {"StateMachineArn": {"ExecutionsStarted", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"}},
}

// check holds a metric that somebody uses against those that there are: of ours,
// that a function writes it with these dimensions, and that the statistic says
// something of its unit.
func (h house) check(m watch.Metric) error {
	if m.Namespace != watch.OwnNamespace {
		keys := strings.Join(slices.Sorted(maps.Keys(m.Dimensions)), ",")
		if !slices.Contains(byAWS[m.Namespace][keys], m.Name) {
			return fmt.Errorf("%s of %s by %s is none that AWS documents", m.Name, m.Namespace, keys)
		}
		return nil
	}
	i := slices.IndexFunc(telemetry.List(), func(of telemetry.Metric) bool { return of.Name == m.Name })
	if i < 0 {
		return fmt.Errorf("%s is not in the list of shared/telemetry", m.Name)
	}
	if unit := telemetry.List()[i].Unit; (unit == telemetry.Count) != (m.Stat == "Sum") {
		return fmt.Errorf("%s has the unit %s, of which %s says nothing", m.Name, unit, m.Stat)
	}
	if !slices.ContainsFunc(h.points, m.Is) {
		return fmt.Errorf("no function writes %s with the dimensions %v", m.Name, m.Dimensions)
	}
	return nil
}

// Every metric of the list is written by a function, and none that is not in it;
// attempts fail for each reason that there is.
func TestMetrics(t *testing.T) {
	h := open(t)
	written := make(map[string]bool)
	for _, p := range h.points {
		written[p.Name+" "+p.Unit+" "+p.Dimensions["reason"]] = true
		if !slices.ContainsFunc(telemetry.List(), func(m telemetry.Metric) bool { return m.Name == p.Name && string(m.Unit) == p.Unit }) {
			t.Errorf("%s in %s is written and not in the list", p.Name, p.Unit)
		}
	}
	for _, m := range telemetry.List() {
		values := []string{""}
		if m.Dimension == telemetry.ByReason {
			values = nil
			for _, reason := range notification.Reasons() {
				values = append(values, string(reason))
			}
		}
		for _, value := range values {
			if !written[m.Name+" "+string(m.Unit)+" "+value] {
				t.Errorf("no recorded line has %s in %s of %q", m.Name, m.Unit, value)
			}
		}
	}
}

// headings are those of every runbook.
var headings = []string{
	"What receivers notice", "Confirm in two minutes", "Likely causes, most frequent first", "Do", "Afterwards", "Tune or silence",
	"Make it fire on the local stack",
}

// tasks are the pages in docs/runbooks that no alarm calls for.
var tasks = []string{"rotate-an-access-key.md", "rotate-data-keys.md", "rotate-the-account-key.md"}

// An alarm says what it means for people, in one sentence, and where to go on: to a
// page that has all headings, and a saved query. Its metrics exist.
func TestAlarms(t *testing.T) {
	h := open(t)
	pages := slices.Clone(tasks)
	for _, a := range h.alarms {
		if effect := a.Effect(); !strings.HasSuffix(effect, ".") || strings.Contains(effect, ". ") {
			t.Errorf("%s: its effect is not one sentence: %s", a.ID, effect)
		}
		page, err := os.ReadFile(filepath.Join(h.root, a.Runbook()))
		if err != nil {
			t.Errorf("%s: %v", a.ID, err)
			continue
		}
		pages = append(pages, filepath.Base(a.Runbook()))
		at := 0
		for _, heading := range headings {
			i := strings.Index(string(page[at:]), "\n## "+heading+"\n")
			if i < 0 {
				t.Errorf("%s has no heading %q in its place", a.Runbook(), heading)
				break
			}
			at += i + 1
		}
		if !strings.Contains(string(page), a.ID+"`") && a.Rule == "" {
			t.Errorf("%s does not say where to tune %s", a.Runbook(), a.ID)
		}
		if !slices.ContainsFunc(h.queries, func(q watch.Query) bool { return q.Name == a.Query() }) {
			t.Errorf("%s names the query %q, which there is not", a.ID, a.Query())
		}
		for _, m := range a.Metrics {
			if err := h.check(m); err != nil {
				t.Errorf("%s: %v", a.ID, err)
			}
		}
		topic := "AlarmTopicArn"
		if a.Rule != "" {
			topic = "PageTopicArn"
		}
		if !strings.Contains(a.Actions, topic) {
			t.Errorf("%s notifies %s, must notify %s", a.ID, a.Actions, topic)
		}
	}
	there, err := filepath.Glob(filepath.Join(h.root, "docs/runbooks/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range there {
		if !slices.Contains(pages, filepath.Base(page)) {
			t.Errorf("%s is no alarm's runbook, and not in the list of tasks", page)
		}
	}
}

// A function is watched from the day that it is there.
func TestFunctions(t *testing.T) {
	h := open(t)
	for _, f := range h.functions {
		for _, id := range []string{"FunctionErrors", "FunctionThrottled", "NearTimeout"} {
			i := slices.IndexFunc(h.alarms, func(a watch.Alarm) bool { return a.ID == id })
			j := slices.IndexFunc(h.alarms[i].Metrics, func(m watch.Metric) bool { return m.Dimensions["FunctionName"] == f.ID })
			if j < 0 {
				t.Errorf("%s does not watch %s", id, f.ID)
				continue
			}
			share := fmt.Sprintf("FILL(%s, 0) / %d", h.alarms[i].Metrics[j].ID, f.Timeout*1000)
			if id == "NearTimeout" && !strings.Contains(h.alarms[i].Expression, share) {
				t.Errorf("%s: the expression has no %s, and the timeout is %d s", id, share, f.Timeout)
			}
		}
		for _, metric := range []string{"Errors", "Throttles", "Duration", "ColdStart"} {
			if !slices.ContainsFunc(h.widgets, func(w watch.Widget) bool {
				return slices.ContainsFunc(w.Metrics, func(m watch.Metric) bool {
					return m.Name == metric && (m.Dimensions["FunctionName"] == f.ID || m.Dimensions["function_name"] == f.ID)
				})
			}) {
				t.Errorf("the dashboard does not show %s of %s", metric, f.ID)
			}
		}
		for _, name := range []string{"errors", "cold-starts"} {
			i := slices.IndexFunc(h.queries, func(q watch.Query) bool { return q.Name == name })
			if !slices.Contains(h.queries[i].Groups, f.LogGroup) {
				t.Errorf("the query %s does not search %s", name, f.LogGroup)
			}
		}
		service := "mediahooks-" + f.Folder
		if !slices.ContainsFunc(h.points, func(p emf.Point) bool { return p.Name == "ColdStart" && p.Dimensions["service"] == service }) {
			t.Errorf("functions/%s has no recorded line that counts a cold start: wrap its handler in telemetry.Measured", f.Folder)
		}
	}
}

// So is a workflow.
func TestWorkflows(t *testing.T) {
	h := open(t)
	workflows, err := watch.Workflows(h.root)
	if err != nil || len(workflows) == 0 {
		t.Fatalf("%d workflows, %v", len(workflows), err)
	}
	i := slices.IndexFunc(h.alarms, func(a watch.Alarm) bool { return a.ID == "WorkflowFailed" })
	for _, id := range workflows {
		for _, metric := range []string{"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"} {
			if !slices.ContainsFunc(h.alarms[i].Metrics, func(m watch.Metric) bool { return m.Name == metric && m.Dimensions["StateMachineArn"] == id }) {
				t.Errorf("WorkflowFailed does not watch %s of %s", metric, id)
			}
		}
	}
}

// hidden are the alarms that no graph of the dashboard can show.
var hidden = []string{"ReceiversAffected", "ManyOriginsFailing"}

// A graph shows what there is, and the threshold of each alarm stands across a
// graph of what the alarm judges.
func TestDashboard(t *testing.T) {
	h := open(t)
	for _, w := range h.widgets {
		for _, m := range w.Metrics {
			if err := h.check(m); err != nil {
				t.Errorf("%s: %v", w.Title, err)
			}
		}
		for label := range w.Thresholds {
			if !slices.ContainsFunc(h.alarms, func(a watch.Alarm) bool { return runbookOf(a) == label }) {
				t.Errorf("%s has a line of %s, which is no alarm", w.Title, label)
			}
		}
	}
	for _, a := range h.alarms {
		if slices.Contains(hidden, a.ID) {
			continue
		}
		if !slices.ContainsFunc(h.widgets, func(w watch.Widget) bool { return shows(w, a) }) {
			t.Errorf("no graph shows what %s judges, with its threshold %g", a.ID, a.Threshold)
		}
	}
}

func runbookOf(a watch.Alarm) string { return strings.TrimSuffix(filepath.Base(a.Runbook()), ".md") }

func shows(w watch.Widget, a watch.Alarm) bool {
	value, there := w.Thresholds[runbookOf(a)]
	if !there || value != a.Threshold {
		return false
	}
	for _, m := range a.Metrics {
		if !slices.ContainsFunc(w.Metrics, func(shown watch.Metric) bool {
			return shown.Name == m.Name && shown.Stat == m.Stat && shown.Period == m.Period && sameInTemplate(shown.Dimensions, m.Dimensions)
		}) {
			return false
		}
	}
	sums := a.Expression == "" || strings.HasPrefix(a.Expression, "SUM(") || strings.HasPrefix(a.Expression, "100 * MAX(")
	return sums || slices.Contains(w.Expressions, a.Expression)
}

// sameInTemplate compares dimensions of which one may be the nested template's.
func sameInTemplate(a, b map[string]string) bool {
	outside := map[string]string{"Name": "AWS::StackName", "ApiId": "HttpApi"}
	return maps.EqualFunc(a, b, func(x, y string) bool { return x == y || x == outside[y] })
}

// The dashboard shows the state of every alarm but those that are off at first.
func TestAlarmStates(t *testing.T) {
	h := open(t)
	nested, err := os.ReadFile(filepath.Join(h.root, watch.Templates[1]))
	if err != nil {
		t.Fatal(err)
	}
	_, outputs, _ := strings.Cut(string(nested), "\nOutputs:\n")
	i := slices.IndexFunc(h.widgets, func(w watch.Widget) bool { return len(w.Alarms) > 0 })
	for _, a := range h.alarms {
		off := a.ID == "NothingAccepted" || a.ID == "ManyOriginsFailing"
		there := slices.Contains(h.widgets[i].Alarms, a.ID) || strings.Contains(outputs, `"${`+a.ID+`.Arn}"`)
		if there == off {
			t.Errorf("%s is among the states: %t", a.ID, there)
		}
	}
}

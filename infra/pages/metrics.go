package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mediahooks/mediahooks/infra/watch"
	"github.com/mediahooks/mediahooks/shared/telemetry"
)

const metricsHead = `# Metrics and alarms

<!-- Written by make docs from shared/telemetry/list.go and the templates: change the words there. -->

The functions write their metrics as lines of their logs, of which CloudWatch makes metrics (the embedded metric format): one line for each
invocation, with what it has measured and nothing else. They are in the namespace that the parameter ` + "`MetricsNamespace`" + ` names, with the
dimensions ` + "`service`" + ` (` + "`mediahooks-`" + ` and the function's folder) and ` + "`stack`" + `, and the one further that the table names; never a tenant, a
URL or an id, since each combination of values is paid for (30 cents a month, by the hours in which it has values).

| metric | unit | dimension | what it is |
| --- | --- | --- | --- |
`

const alarmsHead = `
## Alarms

Each alarm notifies ` + "`AlarmTopicArn`" + `; ` + "`receivers-affected`" + `, which is made of those that receivers or producers feel, alone notifies
` + "`PageTopicArn`" + `. The names in CloudWatch begin with the stack's.

| alarm | fires when | effect | runbook, saved query |
| --- | --- | --- | --- |
`

// metrics is the page of the metrics and the alarms.
func metrics(root string) (string, error) {
	var b strings.Builder
	b.WriteString(metricsHead)
	for _, m := range telemetry.List() {
		dimension := ""
		if m.Dimension != "" {
			dimension = "`" + string(m.Dimension) + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, m.Unit, dimension, m.Meaning)
	}
	b.WriteString(alarmsHead)
	alarms, err := watch.Alarms(root)
	if err != nil {
		return "", err
	}
	slices.SortFunc(alarms, func(a, b watch.Alarm) int { return cmp.Compare(a.Name, b.Name) })
	for _, a := range alarms {
		runbook := strings.TrimPrefix(a.Runbook(), "docs/")
		fmt.Fprintf(&b, "| `%s` | %s | %s | [%s](%s), `%s` |\n", a.Name, condition(a), a.Effect(),
			strings.TrimSuffix(filepath.Base(runbook), ".md"), runbook, a.Query())
	}
	return b.String(), nil
}

var signs = map[string]string{
	"GreaterThanThreshold": ">", "GreaterThanOrEqualToThreshold": "≥", "LessThanThreshold": "<",
}

// condition says when an alarm fires.
func condition(a watch.Alarm) string {
	if a.Rule != "" {
		return "one of its alarms does"
	}
	what, period := "`"+a.Expression+"`", a.Period
	if len(a.Metrics) > 0 {
		period = a.Metrics[0].Period
	}
	switch a.Expression {
	case watch.SumOfAll:
		var names []string
		for _, m := range a.Metrics {
			if name := "`" + m.Name + "`"; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		what = "Sum of " + strings.Join(names, ", ")
	case "":
		m := a.Metrics[0]
		what = fmt.Sprintf("%s of `%s`", m.Stat, m.Name)
		for _, extra := range []string{"lane", "reason"} {
			if value := m.Dimensions[extra]; value != "" {
				what += " (" + value + ")"
			}
		}
	}
	return fmt.Sprintf("%s in %d s %s %g, %d of %d", what, period, signs[a.Operator], a.Threshold, a.Datapoints, a.Periods)
}

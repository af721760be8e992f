package e2e_test

import (
	"slices"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
	"github.com/mediahooks/mediahooks/infra/watch"
	"github.com/mediahooks/mediahooks/infra/watch/emf"
)

// notFollowed are the alarms whose condition the local stack cannot be brought to,
// as their runbooks say.
var notFollowed = map[string]string{
	"quiet-groups-waiting": "the emulator knows no fair queues",
	"delivery-saturated":   "two cores never have nine tenths of the places busy at once",
	"near-timeout":         "no exchange takes more than 20 of 30 s",
	"table-throttled":      "the emulator's table refuses nothing",
}

// TestAlarms follows the last heading of each runbook: it makes the alarm's
// condition happen, and judges the alarm by the metrics that the functions have
// written since, and by what the emulator says where the metric is one of AWS. What
// it does not see is CloudWatch: how often a period is looked at, and who is told.
func TestAlarms(t *testing.T) {
	root, err := workspace.Root()
	if err != nil {
		t.Fatal(err)
	}
	alarms, err := watch.Alarms(root)
	if err != nil {
		t.Fatal(err)
	}
	paging, err := watch.Paging(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range alarms {
		if a.Rule == "" {
			t.Run(a.Name, func(t *testing.T) { follow(t, a) })
			continue
		}
		t.Run(a.Name, func(t *testing.T) { // by one of those that it is made of
			i := slices.IndexFunc(alarms, func(a watch.Alarm) bool { return a.Name == "dead-letter-not-empty-first" })
			follow(t, alarms[i])
			if !slices.Contains(paging, alarms[i].ID) {
				t.Errorf("%v page, and %s is none of them", paging, alarms[i].ID)
			}
		})
	}
}

// follow makes an alarm's condition happen and has it fire.
func follow(t *testing.T, a watch.Alarm) {
	t.Helper()
	drill := drills[a.Name]
	if reason := notFollowed[a.Name]; reason != "" && drill == nil {
		t.Logf("not followed: %s", reason)
		return
	}
	if drill == nil || notFollowed[a.Name] != "" {
		t.Fatal("has no drill, or one although it is not followed")
	}
	since := seen(t)
	value, fires, err := a.Judge(nil)
	if err != nil || fires != (a.Missing == "breaching") {
		t.Fatalf("before anything happened: %g, fires %t, %v", value, fires, err)
	}
	fired(t, a, since, drill(t))
}

// fired waits for an alarm to be beyond its threshold.
func fired(t *testing.T, a watch.Alarm, since map[string]int, points []emf.Point) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		value, fires, err := a.Judge(append(measured(t, since), points...))
		if err != nil {
			t.Fatal(err)
		}
		if fires {
			t.Logf("fires: %g, %s %g; %s", value, a.Operator, a.Threshold, a.Effect())
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("is at %g, and fires by %s %g", value, a.Operator, a.Threshold)
		}
	}
}

// groups are the outputs that name the functions' log groups.
var groups = []string{"ApiLogGroupName", "IntakeLogGroupName", "DeliveryLogGroupName", "SlowDeliveryLogGroupName", "RecoveryLogGroupName", "ConsoleLogGroupName"}

// seen counts the lines that are there, by log group.
func seen(t *testing.T) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	for _, group := range groups {
		counts[group] = len(logLines(t, group))
	}
	return counts
}

// linesSince are the lines that were written since they were counted.
func linesSince(t *testing.T, since map[string]int) (lines []string) {
	t.Helper()
	for _, group := range groups {
		all := logLines(t, group)
		lines = append(lines, all[min(since[group], len(all)):]...)
	}
	return lines
}

// measured are the metrics of the lines since then.
func measured(t *testing.T, since map[string]int) (points []emf.Point) {
	t.Helper()
	for _, line := range linesSince(t, since) {
		if !emf.Is([]byte(line)) {
			continue
		}
		of, err := emf.Read([]byte(line))
		if err != nil {
			t.Errorf("%v: %s", err, line)
		}
		points = append(points, of...)
	}
	return points
}

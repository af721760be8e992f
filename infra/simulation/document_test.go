package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

// read returns a file of the repository.
func read(t *testing.T, name ...string) string {
	t.Helper()
	root, err := workspace.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(append([]string{root}, name...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The page is from this code: what is quickly made again stands in it word for
// word, and so do all assumptions.
func TestPageIsCurrent(t *testing.T) {
	page := read(t, "docs", "capacity.md")
	s := &study{seed: defaultSeed}
	idle, sc := idleOf(), dozen()
	rows := tableOf(sc)
	fair := matrixOf(inShort()[:1])
	for _, some := range [][]*row{idle, rows, fair} {
		if err := s.make(some); err != nil {
			t.Fatal(err)
		}
	}
	for name, write := range map[string]func(*strings.Builder){
		"idle":        func(b *strings.Builder) { writeIdle(b, idle) },
		"dozen":       func(b *strings.Builder) { writeScenario(b, sc, rows, idle) },
		"in short":    func(b *strings.Builder) { writeMatrixRows(b, inShort()[:1], fair) },
		"assumptions": writeAssumptions,
	} {
		var b strings.Builder
		write(&b)
		if !strings.Contains(page, b.String()) {
			t.Errorf("docs/capacity.md is stale: run make simulate; %s is now\n%s", name, b.String())
		}
	}
	for _, sc := range scenarios() {
		if !strings.Contains(page, "### "+sc.title+"\n") {
			t.Errorf("docs/capacity.md has no table of %q", sc.title)
		}
	}
}

// Numbers that others keep to themselves are copied here, and are to be the same.
func TestCopiedNumbers(t *testing.T) {
	for _, test := range []struct{ file, line string }{
		{"shared/delivery/origins.go", "const healthFor = time.Second"},
		{"shared/delivery/batch.go", "const recordEvery = 2 * time.Second"},
		{"shared/delivery/gate.go", "const probeFor = 30 * time.Second"},
		{"shared/delivery/gate.go", "until: now.Add(probeFor)"},
		{"shared/store/origins.go", "const probePlaces = 4"},
		{"shared/store/origins.go", "fnv.New32a()"},
		{"shared/queue/message.go", "func group(m notification.Message) string { return m.CloudName }"},
		{"template.yaml", "SlowDeliveryFunction:"},
		{"template.yaml", "that the first lane may have at once, each of up to 10 notifications.\n    Default: 100\n"},
		{"template.yaml", "that the slow lane may have at once, each of up to 10 notifications.\n    Default: 50\n"},
		{"template.yaml", "VisibilityTimeout: 180"},
		{"template.yaml", "Timeout: 30"},
		{"template.yaml", "BatchSize: 10"},
	} {
		if !strings.Contains(read(t, test.file), test.line) {
			t.Errorf("%s has no %q any more: see whether the simulation still does what the code does", test.file, test.line)
		}
	}
	if defaultFirst != 100 || defaultSlow != 50 || functionTimeout != 30*time.Second || visibility != 180*time.Second || batchSize != 10 {
		t.Error("the simulation has other numbers than template.yaml")
	}
}

func TestChance(t *testing.T) {
	run := func(p99 time.Duration) figures { return figures{took: []time.Duration{p99}} }
	got := chance([]figures{run(310 * ms), run(90 * ms), run(204 * ms), run(150 * ms), run(100 * ms)}, run(100*ms))
	if want := "1.5 / **3.1** (1)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReplace(t *testing.T) {
	got, err := replace("before\n"+begin+"\nold\n"+end+"\nafter\n", "new\n")
	if want := "before\n" + begin + "\nnew\n" + end + "\nafter\n"; err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	for _, page := range []string{"", begin, end + begin} {
		if _, err := replace(page, "new"); err == nil {
			t.Errorf("replaced the section of %q", page)
		}
	}
}

func TestTimesAndNumbers(t *testing.T) {
	for _, test := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0s"}, {16_249 * us, "16.2ms"}, {142_600 * us, "143ms"}, {2340 * ms, "2.3s"}, {19_600 * ms, "20s"},
		{20 * time.Minute, "20m"}, {2*time.Hour + 90*time.Second, "2h1m30s"},
	} {
		if got := short(test.d); got != test.want {
			t.Errorf("%s is written %s, want %s", test.d, got, test.want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}

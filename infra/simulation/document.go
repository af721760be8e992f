package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The section of the page that is written here is between these lines.
const (
	begin = "<!-- simulation: begin. Written by make simulate; change infra/simulation instead. -->"
	end   = "<!-- simulation: end -->"
)

// replace puts the section into the page.
func replace(page, section string) (string, error) {
	before, rest, ok := strings.Cut(page, begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		return "", errors.New("replace section: the page has not its two comments")
	}
	return before + begin + "\n" + section + end + after, nil
}

// render makes all runs and writes the section.
func render(s *study) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nSeed %d.\n\n", s.seed)
	idle := idleOf()
	if err := s.make(idle); err != nil {
		return "", err
	}
	writeIdle(&b, idle)
	if err := writeMatrix(&b, s, matrix{"In short", "p99 of idle, by places and with and without fair queues.", inShort()}); err != nil {
		return "", err
	}
	var retries, back []*row
	for _, sc := range scenarios() {
		rows := tableOf(sc)
		if err := s.make(rows); err != nil {
			return "", err
		}
		writeScenario(&b, sc, rows, idle)
		switch sc.name {
		case "retry":
			retries = rows
		case "back":
			back = rows
		}
	}
	writeRetries(&b, retries)
	writeWayBack(&b, back)
	if err := writeChance(&b, s); err != nil {
		return "", err
	}
	for _, m := range []matrix{
		{"What if", "p99 of idle with a change; 100 + 50 places (the template's defaults) and fair queues.", changes()},
		{"What AWS does not say", "p99 of idle, if AWS does otherwise than was assumed; 100 + 50 places and fair queues.", doubts()},
	} {
		if err := writeMatrix(&b, s, m); err != nil {
			return "", err
		}
	}
	writeAssumptions(&b)
	return b.String(), nil
}

func writeIdle(b *strings.Builder, rows []*row) {
	b.WriteString("### Idle\n\nNobody else reports anything.\n\n| places | p50 | p99 | longest | peak places |\n| ---: | ---: | ---: | ---: | ---: |\n")
	for _, r := range rows {
		f := r.figures
		fmt.Fprintf(b, "| %s | %s | %s | %s | %d |\n", r.setup.concurrency(),
			short(percentile(f.took, 50)), short(percentile(f.took, 99)), short(percentile(f.took, 100)), f.peakFirst)
	}
	b.WriteString("\n")
}

func writeScenario(b *strings.Builder, sc scenario, rows, idle []*row) {
	fmt.Fprintf(b, "### %s\n\n%s\n\n", sc.title, sc.text)
	b.WriteString("| lanes | places | fair | p50 | p99 | of idle | longest | peak places | first attempts over | all ended | POSTs | passed on | put back |\n")
	b.WriteString("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, r := range rows {
		f, base := r.figures, idle[0]
		for _, candidate := range idle {
			if candidate.setup.concurrency() == r.setup.concurrency() {
				base = candidate
			}
		}
		lanes, peak := "two", fmt.Sprintf("%d + %d", f.peakFirst, f.peakSlow)
		if !r.setup.lanes {
			lanes, peak = "none", strconv.Itoa(f.peakFirst)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n",
			lanes, r.setup.concurrency(), r.setup.grouping, short(percentile(f.took, 50)), short(percentile(f.took, 99)), ratio(f, base.figures),
			short(percentile(f.took, 100)), peak, long(f.tried), long(f.done),
			grouped(f.posts/rounds), grouped(f.passedOn/rounds), grouped(f.putBack/rounds))
	}
	b.WriteString("\n")
}

func writeRetries(b *strings.Builder, rows []*row) {
	b.WriteString("### How late the retries of the quick 500 are\n\nFrom when a retry is due until it is received, for all three retries.\n\n")
	b.WriteString("| lanes | places | fair | p50 | p99 | longest |\n| --- | ---: | --- | ---: | ---: | ---: |\n")
	for _, r := range rows {
		lanes := "two"
		if !r.setup.lanes {
			lanes = "none"
		}
		late := r.figures.late
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", lanes, r.setup.concurrency(), r.setup.grouping,
			short(percentile(late, 50)), short(percentile(late, 99)), short(percentile(late, 100)))
	}
	b.WriteString("\n")
}

func writeWayBack(b *strings.Builder, rows []*row) {
	b.WriteString("### What the recovered endpoint gets\n\nTimes are from the recovery on. \"Slow again\" is how often it was marked as slow after it, in the mean of the runs.\n\n")
	b.WriteString("| lanes | places | fair | proven after | POST of the first lane after | most POSTs in a second | slow again |\n| --- | ---: | --- | ---: | ---: | ---: | ---: |\n")
	for _, r := range rows {
		f := r.figures
		if !r.setup.lanes {
			fmt.Fprintf(b, "| none | %s | %s | | | %s | |\n", r.setup.concurrency(), r.setup.grouping, grouped(f.busiest()))
			continue
		}
		fmt.Fprintf(b, "| two | %s | %s | %s | %s | %s | %.2g |\n", r.setup.concurrency(), r.setup.grouping,
			short(f.proven-f.recovered), short(f.firstAgain-f.recovered), grouped(f.busiest()), float64(f.slowAgain)/rounds)
	}
	b.WriteString("\n")
}

// matrix is a table of setups in all scenarios.
type matrix struct {
	title, text string
	of          []whatIf
}

func writeMatrix(b *strings.Builder, s *study, m matrix) error {
	rows := matrixOf(m.of)
	if err := s.make(rows); err != nil {
		return err
	}
	fmt.Fprintf(b, "### %s\n\n%s The last column is p99 itself, of an environment whose every event goes to a new host, five a second.\n\n", m.title, m.text)
	b.WriteString("| what | idle p99 | swallow | flood | 20 endpoints | 12 black holes | dies, 20/s | 50/s | 200/s | new hosts |\n| --- |" + strings.Repeat(" ---: |", len(tried())) + "\n")
	writeMatrixRows(b, m.of, rows)
	b.WriteString("\n")
	return nil
}

func writeMatrixRows(b *strings.Builder, of []whatIf, rows []*row) {
	columns := tried()
	for i, change := range of {
		line := rows[i*len(columns) : (i+1)*len(columns)]
		fmt.Fprintf(b, "| %s | %s |", change.name, short(percentile(line[0].figures.took, 99)))
		for _, r := range line[1 : len(line)-1] {
			fmt.Fprintf(b, " %s |", ratio(r.figures, line[0].figures))
		}
		fmt.Fprintf(b, " %s |\n", short(percentile(line[len(line)-1].figures.took, 99)))
	}
}

func writeAssumptions(b *strings.Builder) {
	b.WriteString("### What the model assumes\n\n| what | in the model | from |\n| --- | --- | --- |\n")
	for _, a := range assumptions() {
		fmt.Fprintf(b, "| %s | %s | %s |\n", a.what, a.value, a.source)
	}
	b.WriteString("\n")
}

// String names what makes a queue fair.
func (g grouping) String() string {
	return [...]string{"no", "origin", "environment"}[g]
}

// bound is how many times idle's a quiet environment's p99 may be.
const bound = 2

// ratio is how many times the p99 is that of idle; in bold above the bound.
func ratio(f, idle figures) string {
	return times(float64(percentile(f.took, 99)) / float64(percentile(idle.took, 99)))
}

// times writes a ratio.
func times(times float64) string {
	digits := 1
	if times >= 10 {
		digits = 0
	}
	text := strconv.FormatFloat(times, 'f', digits, 64)
	if times >= 1000 {
		text = grouped(int(times))
	}
	if above(times) {
		return "**" + text + "**"
	}
	return text
}

// above reports whether a ratio is above the bound, as it is written.
func above(times float64) bool { return math.Round(times*10) > bound*10 }

// short writes a time with two or three digits.
func short(d time.Duration) string {
	switch {
	case d < 100*ms && d%ms != 0:
		return d.Round(100 * us).String()
	case d < time.Second:
		return d.Round(ms).String()
	case d < 10*time.Second:
		return d.Round(100 * ms).String()
	}
	return long(d)
}

// long writes a time in seconds.
func long(d time.Duration) string {
	text := d.Round(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	return text
}

// grouped writes a number with commas.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

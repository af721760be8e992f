package main

import (
	"fmt"
	"slices"
	"strings"
)

// chanceRuns is how many runs say what chance does.
const chanceRuns = 20

// chances are the setups whose runs are looked at one by one.
func chances() []whatIf {
	return []whatIf{
		{"10", both(10)},
		{"100 + 50", func(*setup) {}},
		{"1,000", both(1000)},
		{"100 + 50, without E", early},
		{"100 + 50, G", cut},
		{"100 + 50, H", rest},
		{"100 + 50, G and H", all(cut, rest)},
	}
}

// swaying are the scenarios in which it matters which few messages come first,
// after idle.
func swaying() []scenario {
	return []scenario{idle(), swallow(), dozen(), dying(20), dying(50), dying(200)}
}

func writeChance(b *strings.Builder, s *study) error {
	fmt.Fprintf(b, "### By chance\n\nEach cell is %d runs with fair queues, one by one: the median of their p99 of idle / the worst of them (how many were above %d).\n\n", chanceRuns, bound)
	b.WriteString("| places | swallow | 12 black holes | dies, 20/s | 50/s | 200/s |\n| --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, change := range chances() {
		var rows []*row
		for _, sc := range swaying() {
			set := defaults(byEnvironment)
			change.change(&set)
			set.schedule = nil // retries come when nobody watches any more
			rows = append(rows, &row{setup: set, scenario: sc})
		}
		results, err := s.runs(rows, chanceRuns)
		if err != nil {
			return err
		}
		var alone figures
		for _, f := range results[0] {
			alone.merge(f)
		}
		fmt.Fprintf(b, "| %s |", change.name)
		for _, runs := range results[1:] {
			fmt.Fprintf(b, " %s |", chance(runs, alone))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	return nil
}

// chance writes what runs make of it, against idle.
func chance(runs []figures, alone figures) string {
	ratios := make([]float64, len(runs))
	over := 0
	for i, f := range runs {
		ratios[i] = float64(percentile(f.took, 99)) / float64(percentile(alone.took, 99))
		if above(ratios[i]) {
			over++
		}
	}
	slices.Sort(ratios)
	return fmt.Sprintf("%s / %s (%d)", times(ratios[len(ratios)/2]), times(ratios[len(ratios)-1]), over)
}

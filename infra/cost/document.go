package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The section of the page that is written here is between these lines.
const (
	begin = "<!-- cost: begin. Written by make cost; change infra/cost instead. -->"
	end   = "<!-- cost: end -->"
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

// render writes the section.
func render(b *bills) string {
	var s strings.Builder
	fmt.Fprintf(&s, "\nPrices: %s, %s, arm64, as of %s; no free tiers, no volume discounts.\n", list.source, list.region, list.date)
	s.WriteString("\n### A million deliveries\n\n| dollars | one event a call | 100 events a call | one at a time |\n| --- | ---: | ---: | ---: |\n")
	b.writePart(&s, delivering, "to deliver")
	fmt.Fprintf(&s, "| at most | %.2f | %.2f | |\n", mostSingle, mostListed)
	b.writePart(&s, logging, "to log")
	b.writePart(&s, keeping, "to keep")
	fmt.Fprintf(&s, "| **in all** | **%.2f** | **%.2f** | **%.2f** |\n", b.single.total(), b.listed.total(), b.trickle.total())
	b.writeDetails(&s)
	b.writeSavings(&s)
	s.WriteString("\n### Each month, whatever is delivered\n\n| what | how many | dollars |\n| --- | ---: | ---: |\n")
	for _, l := range b.fixed {
		fmt.Fprintf(&s, "| %s | %.0f %s | %.2f |\n", l.what, l.used, l.unit, l.dollars)
	}
	fmt.Fprintf(&s, "| **in all** | | **%.2f** |\n\n", b.fixed.total())
	return s.String()
}

func (b *bills) writePart(s *strings.Builder, p part, name string) {
	for _, what := range lineNames(p, b.single, b.listed, b.trickle) {
		fmt.Fprintf(s, "| %s | %.3f | %.3f | %.3f |\n", what, b.single.dollars(what), b.listed.dollars(what), b.trickle.dollars(what))
	}
	fmt.Fprintf(s, "| *%s* | *%.2f* | *%.2f* | *%.2f* |\n", name, b.single.of(p), b.listed.of(p), b.trickle.of(p))
}

// lineNames are those of a part of all bills, in order.
func lineNames(p part, all ...bill) []string {
	var names []string
	known := make(map[string]bool)
	for _, b := range all {
		for _, l := range b {
			if l.part == p && !known[l.what] {
				known[l.what] = true
				names = append(names, l.what)
			}
		}
	}
	return names
}

// writeDetails says what was counted for one delivery.
func (b *bills) writeDetails(s *strings.Builder) {
	s.WriteString("\n### What was counted\n\n| for one delivery | one event a call | 100 events a call | one at a time |\n| --- | ---: | ---: | ---: |\n")
	row := func(what, format string, value func(u usage) float64) {
		fmt.Fprintf(s, "| %s |", what)
		for _, u := range b.uses {
			fmt.Fprintf(s, " "+format+" |", value(u))
		}
		s.WriteString("\n")
	}
	per := func(count func(u usage) float64) func(usage) float64 {
		return func(u usage) float64 { return count(u) / float64(u.deliveries) }
	}
	row("deliveries in the run", "%.0f", func(u usage) float64 { return float64(u.deliveries) })
	for _, f := range []string{"Intake", "Delivery"} {
		row("invocations of "+f, "%.2f", per(func(u usage) float64 { return float64(u.functions[f].invocations) }))
		row("milliseconds billed for each", "%.0f", func(u usage) float64 { return u.functions[f].each(u.functions[f].billed) })
		row("of which processor time, at full speed", "%.1f", func(u usage) float64 { return u.functions[f].each(u.functions[f].work) })
	}
	row("requests of SQS", "%.2f", per(func(u usage) float64 { return u.queues.sends + u.queues.receives + u.queues.deletes }))
	row("write units of DynamoDB", "%.2f", per(func(u usage) float64 { return u.table.written() }))
	row("read units of DynamoDB", "%.2f", per(func(u usage) float64 { return u.table.reads }))
	row("bytes of the records, event and delivery", "%.0f", per(func(u usage) float64 { return storedBytes(u.table) }))
	row("bytes of the functions' log lines", "%.0f", per(func(u usage) float64 { return u.said(func(l logged) int { return l.bytes }) }))
	row("bytes to receivers", "%.0f", per(func(u usage) float64 { return u.egress }))
}

// each is a time for one invocation, in milliseconds.
func (f functionUse) each(total time.Duration) float64 {
	return total.Seconds() * 1000 / float64(max(1, f.invocations))
}

// said adds up what all functions have logged.
func (u usage) said(what func(logged) int) float64 {
	total := 0
	for _, f := range u.functions {
		total += what(f.said)
	}
	return float64(total)
}

func (t tableUse) written() float64 {
	total := 0.0
	for _, n := range t.writes {
		total += n
	}
	return total
}

// writeSavings says what could still be saved, and for what.
func (b *bills) writeSavings(s *strings.Builder) {
	s.WriteString("\n### What could still be saved\n\n| dollars | one event a call | 100 events a call | what it would take |\n| --- | ---: | ---: | --- |\n")
	row := func(what string, of func(i int, bill bill) float64, takes string) {
		fmt.Fprintf(s, "| %s | %.2f | %.2f | %s |\n", what, of(0, b.single), of(1, b.listed), takes)
	}
	line := func(what string) func(int, bill) float64 {
		return func(_ int, bill bill) float64 { return bill.dollars(what) }
	}
	row("the HTTP API and its log", func(_ int, bill bill) float64 { return bill.dollars(apiCalls) + bill.dollars(accessLog) },
		"report by direct invocation, or 100 events a call")
	row("lines of what went well", func(i int, _ bill) float64 {
		u := b.uses[i]
		return u.said(func(l logged) int { return l.chatter }) / float64(u.deliveries) * million / gigabyte * list.logGB
	}, "`LogLevel` warn; the record still has everything")
	row("point-in-time recovery", line(recovery), "a table of its own for environments and keys, which alone are worth it")
	row("half of the storage", func(_ int, bill bill) float64 { return bill.of(keeping) / 2 }, "`RetentionDays` 15")
	row("half of the reads", func(_ int, bill bill) float64 { return bill.dollars("DynamoDB: reads") / 2 },
		"eventually consistent reads of the records; a message that comes twice within milliseconds would be POSTed twice")
	row("half of intake's duration, or nearly", func(_ int, bill bill) float64 { return bill.dollars("Lambda: duration of Intake") * 0.4 },
		"256 MB for intake; a list of large events would take twice as long, or not fit")
}

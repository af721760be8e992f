package watch_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mediahooks/mediahooks/infra/watch"
	"github.com/mediahooks/mediahooks/infra/watch/insights"
)

// rows are the lines of a log group, as Logs Insights sees them.
func (h house) rows(t *testing.T, group string) []insights.Row {
	t.Helper()
	i := slices.IndexFunc(h.functions, func(f watch.Function) bool { return f.LogGroup == group })
	if i < 0 {
		return accessLog(t, h.root, group)
	}
	var rows []insights.Row
	for _, line := range h.lines[h.functions[i].Folder] {
		row := make(insights.Row, len(line))
		for name, value := range line {
			row[name] = value
		}
		text, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		row["@timestamp"], row["@message"] = line["timestamp"], string(text)
		rows = append(rows, row)
	}
	return rows
}

// accessLog makes a line of the API's access log, of the template's format.
func accessLog(t *testing.T, root, group string) []insights.Row {
	t.Helper()
	if group != "AccessLogGroup" {
		t.Fatalf("log group %s belongs to no function", group)
	}
	template, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	format := regexp.MustCompile(`(?s)Format: >-\n(.*?"})\n`).FindSubmatch(template)
	if format == nil {
		t.Fatal("template.yaml has no format of the access log")
	}
	text := strings.ReplaceAll(string(format[1]), "$context.status", "401")
	var row insights.Row
	if err := json.Unmarshal([]byte(text), &row); err != nil {
		t.Fatal(err)
	}
	return []insights.Row{row}
}

// stand are recorded ids that a saved query's words in capitals stand for.
var stand = strings.NewReplacer("EVENT_ID", "upload-4711", "DELIVERY_ID", "01KGGVH71G0000000000000001")

// A saved query finds something in what the functions write, and every field that
// it names is in a line of a group that it searches.
func TestQueries(t *testing.T) {
	h := open(t)
	queries := slices.Clone(h.queries)
	for _, w := range h.widgets {
		if w.Query != "" {
			queries = append(queries, watch.Query{Name: "widget " + w.Title, Text: w.Query, Groups: w.Groups})
		}
	}
	for _, saved := range queries {
		q, err := insights.Parse(stand.Replace(saved.Text))
		if err != nil {
			t.Errorf("%s: %v", saved.Name, err)
			continue
		}
		var rows []insights.Row
		for _, group := range saved.Groups {
			rows = append(rows, h.rows(t, group)...)
		}
		for _, field := range q.Fields {
			if !slices.ContainsFunc(rows, func(r insights.Row) bool { return r[field] != nil }) {
				t.Errorf("%s: no line has the field %s", saved.Name, field)
			}
		}
		found := q.Run(rows)
		if len(found) == 0 {
			t.Errorf("%s finds nothing in %d lines", saved.Name, len(rows))
			continue
		}
		t.Logf("%s: %d rows, the first %v", saved.Name, len(found), found[0])
	}
}

// A contributor rule looks at fields that the lines of its groups have.
func TestRules(t *testing.T) {
	h := open(t)
	for _, rule := range h.rules {
		for _, group := range rule.Groups {
			rows := h.rows(t, group)
			for _, field := range rule.Fields {
				if !slices.ContainsFunc(rows, func(r insights.Row) bool { return r[field] != nil }) {
					t.Errorf("%s: no line of %s has the field %s", rule.Name, group, field)
				}
			}
		}
	}
}

// docs/logs.md names every field that the functions write, below the heading of its
// line, with its type, and no other.
func TestLogsAreDocumented(t *testing.T) {
	h := open(t)
	page, err := os.ReadFile(filepath.Join(h.root, "docs/logs.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(page), "\n## ")[1:]
	common, faults := fieldsOf(sections[0]), ""
	named := make(map[string]map[string]string) // by message
	for _, section := range sections[1:] {
		title, text, _ := strings.Cut(section, "\n")
		messages := strings.Split(title, ", ")
		if title == "Faults of ours" {
			faults = title
			messages = nil
			for _, found := range regexp.MustCompile("`([a-z]+( [a-z]+)*)`").FindAllStringSubmatch(strings.Split(text, "\n|")[0], -1) {
				messages = append(messages, found[1])
			}
		}
		for _, message := range messages {
			named[message] = fieldsOf(text)
		}
	}
	if faults == "" {
		t.Fatal("docs/logs.md has no faults of ours")
	}
	written := make(map[string]bool)
	for function, lines := range h.lines {
		for _, line := range lines {
			message, isLine := line["message"].(string)
			if !isLine {
				continue // metrics
			}
			fields, known := named[message]
			if !known {
				t.Errorf("%s writes %q, which docs/logs.md does not have", function, message)
			}
			for field, value := range line {
				kind := fields[field] + common[field]
				if want := map[bool]string{true: "number", false: "text"}[isNumber(value)]; kind != want {
					t.Errorf("%s: %q has %s, a %s; docs/logs.md says %q", function, message, field, want, kind)
				}
				written[message+"."+field], written[field] = true, true
			}
		}
	}
	for message, fields := range named {
		if written[message+".message"] {
			for field := range fields {
				// Lines of a kind need not all have every field of it.
				if !written[field] {
					t.Errorf("docs/logs.md has %s of %q, which no recorded line has", field, message)
				}
			}
		}
	}
}

func isNumber(v any) bool { _, ok := v.(float64); return ok }

// fieldsOf reads the table of a section: types by field.
func fieldsOf(section string) map[string]string {
	fields := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (\\w+) \\|").FindAllStringSubmatch(section, -1) {
		fields[row[1]] = row[2]
	}
	return fields
}

// What is paid for by the byte stays small, and nothing of a payload or of the rest
// of a URL is in it.
func TestLinesAreSmall(t *testing.T) {
	h := open(t)
	longest := 0
	for _, name := range []string{"delivery", "intake", "recovery", "api"} {
		for _, line := range h.lines[name] {
			text, err := json.Marshal(line)
			if err != nil {
				t.Fatal(err)
			}
			for _, never := range []string{"t0k3n", "catalogue/lamp", "/hooks", "a-secret", "not-a-secret"} {
				if strings.Contains(string(text), never) {
					t.Errorf("%s writes %s: %s", name, never, text)
				}
			}
			limit := 1000
			if fmt.Sprint(line["outcome"]) == "delivered" {
				limit = 750
			}
			if longest = max(longest, len(text)); len(text) > limit {
				t.Errorf("%s: a line of %d bytes, at most %d are allowed: %s", name, len(text), limit, text)
			}
		}
	}
	t.Logf("the longest line has %d bytes", longest)
}

// Package recorded keeps the lines that the functions write: each function's test
// makes them anew and compares, so that a field cannot be renamed unseen, and the
// saved queries, the alarms and the documentation are held against them.
package recorded

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// File is where a function's lines are, below its folder.
const File = "testdata/lines.jsonl"

// What differs from run to run: when a line was written, how long the real clock ran
// meanwhile, and ids.
var (
	written = regexp.MustCompile(`"timestamp":"[^"]*"`)
	counted = regexp.MustCompile(`"_aws":{"Timestamp":[0-9]+`)
	took    = regexp.MustCompile(`("message":"request answered".*"duration_ms":)[0-9.e-]+`)
	ids     = regexp.MustCompile(`\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b`)
)

// Steady returns lines with what differs from run to run replaced, ids by their
// number.
func Steady(lines string) string {
	lines = written.ReplaceAllString(lines, `"timestamp":"2026-02-03T04:05:06.789Z"`)
	lines = counted.ReplaceAllString(lines, `"_aws":{"Timestamp":1770091506789`)
	lines = took.ReplaceAllString(lines, "${1}1.5")
	seen := make(map[string]string)
	return ids.ReplaceAllStringFunc(lines, func(id string) string {
		if seen[id] == "" {
			seen[id] = fmt.Sprintf("01KGGVH71G%016d", len(seen)+1)
		}
		return seen[id]
	})
}

// Compare holds lines against those on file. With UPDATE=1 in the environment it
// writes them there.
func Compare(file, lines string) error {
	lines = Steady(lines)
	if os.Getenv("UPDATE") != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			return err
		}
		return os.WriteFile(file, []byte(lines), 0o600)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	got := strings.Split(lines, "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(got) || got[i] != line {
			return fmt.Errorf("%s:%d is no longer what the code writes (UPDATE=1 writes it anew):\n- %s\n+ %s", file, i+1, line, strings.Join(got[min(i, len(got)):min(i+1, len(got))], ""))
		}
	}
	if extra := len(got) - strings.Count(string(want), "\n") - 1; extra > 0 {
		return fmt.Errorf("%s lacks %d lines that the code writes (UPDATE=1 writes it anew)", file, extra)
	}
	return nil
}

// Line is a recorded line: its fields by name.
type Line map[string]any

// Read reads the lines of every function below the repository's root, by the
// function's name. A function without is an error.
func Read(root string) (map[string][]Line, error) {
	folders, err := filepath.Glob(filepath.Join(root, "functions", "*"))
	if err != nil {
		return nil, err
	}
	all := make(map[string][]Line, len(folders))
	for _, folder := range folders {
		data, err := os.ReadFile(filepath.Join(folder, File))
		if err != nil {
			return nil, err
		}
		for text := range strings.Lines(string(data)) {
			var line Line
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				return nil, fmt.Errorf("%s: %w in %s", folder, err, text)
			}
			name := filepath.Base(folder)
			all[name] = append(all[name], line)
		}
	}
	return all, nil
}

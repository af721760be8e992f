package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// goldenFile holds the answer to each file in events, one a line.
const goldenFile = "infra/samlocal/testdata/answers.golden"

// atOnce is how many sam local invoke run beside each other. Each is mostly a
// second of Python.
const atOnce = 3

// shown is how much of an answer the golden file holds.
const shown = 240

// invokeAll runs every file in events through sam local invoke.
func (c *checks) invokeAll(ctx context.Context, update bool) error {
	began := time.Now()
	files, err := filepath.Glob(filepath.Join(c.root, "events", "*", "*.json"))
	if err != nil {
		return err
	}
	var (
		mu      sync.Mutex
		answers = map[string]string{}
		faults  []error
	)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, path := range files {
		folder := filepath.Base(filepath.Dir(path))
		name := folder + "/" + filepath.Base(path)
		g.Go(func() error {
			answer, err := c.invoke(ctx, fmt.Sprintf("event-%d", i), folder, path)
			mu.Lock()
			defer mu.Unlock()
			if answers[name] = answer; err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", name, err))
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	golden := filepath.Join(c.root, goldenFile)
	if update {
		fmt.Printf("%5.1f s  sam local invoke: %d answers go to %s\n", time.Since(began).Seconds(), len(answers), goldenFile)
		return errors.Join(append(faults, writeGolden(golden, answers))...)
	}
	want, err := readGolden(golden)
	if err != nil {
		return err
	}
	faults = append(faults, differences(want, answers)...)
	fmt.Printf("%5.1f s  sam local invoke: %d files in events, %d not as expected\n", time.Since(began).Seconds(), len(files), len(faults))
	return errors.Join(faults...)
}

// invoke runs one file through sam local invoke and returns its answer, in one
// line, without what differs from one run to the next.
func (c *checks) invoke(ctx context.Context, table, folder, path string) (string, error) {
	if err := c.newTable(ctx, table, folder); err != nil {
		return "", fmt.Errorf("make its table: %w", err)
	}
	function := strings.ToUpper(folder[:1]) + folder[1:] + "Function"
	cmd, err := c.command(ctx, table, []string{function}, map[string]string{
		"TABLE_NAME": table, "ACCOUNT_ID": accountID,
		// The files in events are of a day that is long past.
		"RETENTION_DAYS": "36500",
	}, "invoke", function, "--event", path)
	if err != nil {
		return "", err
	}
	var answer, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &answer, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, said.Bytes())
	}
	event, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	line, err := oneLine(answer.Bytes(), string(event))
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, said.Bytes())
	}
	return line, nil
}

// oneLine writes an answer as the golden file has it: an HTTP status, or a dash
// where there is none, and how the body begins. What differs from one run to the
// next is masked; what the event itself names does not.
func oneLine(answer []byte, event string) (string, error) {
	var http struct {
		StatusCode int
		Body       string
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, bytes.TrimSpace(answer)); err != nil {
		return "", fmt.Errorf("answer %q: %w", answer, err)
	}
	status, body := "-", compact.String()
	if json.Unmarshal(answer, &http) == nil && http.StatusCode != 0 {
		status, body = fmt.Sprint(http.StatusCode), http.Body
	}
	body = strings.ReplaceAll(strings.TrimSpace(body), "\n", `\n`)
	for _, m := range masks {
		body = m.pattern.ReplaceAllStringFunc(body, func(found string) string {
			if strings.Contains(event, found) {
				return found
			}
			return m.pattern.ReplaceAllString(found, m.with)
		})
	}
	if len(body) > shown {
		body = strings.ToValidUTF8(body[:shown], "") + "..."
	}
	return status + " " + body, nil
}

// masks replace what differs from one run to the next.
var masks = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`"(api_secret|secret|next_cursor)":"[^"]*"`), `"$1":"..."`},
	{regexp.MustCompile(`"name":"[a-z0-9]{8}"`), `"name":"<random>"`},
	{regexp.MustCompile(`\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)`), "<time>"},
	{regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "<uuid>"},
	{regexp.MustCompile(`\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b`), "<id>"},
	{regexp.MustCompile(`\b[0-9a-f]{16,64}\b`), "<hex>"},
	{regexp.MustCompile(`\b\d{15}\b`), "<key>"},
}

// differences tells how answers differ from those that are wanted.
func differences(want, got map[string]string) []error {
	var faults []error
	for name, answer := range got {
		switch expected, known := want[name]; {
		case !known:
			faults = append(faults, fmt.Errorf("%s: %s has no line of it; make sam-local UPDATE=1 writes it", name, goldenFile))
		case expected != answer:
			faults = append(faults, fmt.Errorf("%s:\n  answer %s\n  want   %s", name, answer, expected))
		}
	}
	for name := range want {
		if _, there := got[name]; !there {
			faults = append(faults, fmt.Errorf("%s: is in %s, and not in events", name, goldenFile))
		}
	}
	return faults
}

func readGolden(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	want := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, answer, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok {
			return nil, fmt.Errorf("%s: %q is not a file and its answer", path, line)
		}
		want[name] = answer
	}
	return want, nil
}

func writeGolden(path string, answers map[string]string) error {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		fmt.Fprintf(&text, "%s: %s\n", name, answers[name])
	}
	return os.WriteFile(path, []byte(text.String()), 0o644) //nolint:gosec // part of the source
}

package emulator

import (
	"bytes"
	"strings"
	"sync"
)

// tailWriter keeps the last lines written to it, for error messages.
type tailWriter struct {
	keep int

	mu    sync.Mutex
	lines []string
	rest  []byte
}

// Write keeps the lines of p.
func (t *tailWriter) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rest = append(t.rest, p...)
	for {
		line, rest, ok := bytes.Cut(t.rest, []byte("\n"))
		if !ok {
			break
		}
		t.lines = append(t.lines, string(line))
		t.rest = rest
	}
	t.lines = t.lines[max(0, len(t.lines)-t.keep):]
	return len(p), nil
}

// String returns the kept lines below a line break, or nothing.
func (t *tailWriter) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := t.lines
	if len(t.rest) > 0 {
		lines = append(lines[:len(lines):len(lines)], string(t.rest))
	}
	if len(lines) == 0 {
		return ""
	}
	return "\n" + strings.Join(lines, "\n")
}

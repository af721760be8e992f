package faults

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// story is what happened to each delivery, for the report of one that was lost.
type story struct {
	mu    sync.Mutex
	began time.Time
	lines map[string][]string
}

// tell adds a line to the stories of deliveries.
func (s *story) tell(deliveries []string, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := fmt.Sprintf("%7.3fs ", time.Since(s.began).Seconds()) + fmt.Sprintf(format, args...)
	for _, id := range deliveries {
		s.lines[id] = append(s.lines[id], line)
	}
}

// of returns the stories of the deliveries that a fault names.
func (s *story) of(fault error) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var text strings.Builder
	for id, lines := range s.lines {
		if strings.Contains(fault.Error(), id) {
			text.WriteString("\n    " + strings.Join(slices.Concat([]string{id}, lines), "\n    "))
		}
	}
	return text.String()
}

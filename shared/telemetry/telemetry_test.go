package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/telemetry"
)

func TestLine(t *testing.T) {
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, slog.LevelInfo, source)
	log.Debug("left out")
	log.Warn("something", "at", time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.FixedZone("", 3600)), "took_ms", 1500*time.Microsecond, "error", errors.New("boom"))
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, out.Bytes())
	}
	stamp, _ := line["timestamp"].(string)
	if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`).MatchString(stamp) {
		t.Errorf("timestamp = %q", stamp)
	}
	delete(line, "timestamp")
	want := map[string]any{
		"level": "WARN", "message": "something", "service": "mediahooks-delivery", "stack": "mediahooks-dev",
		"at": "2026-01-02T02:04:05.006Z", "took_ms": 1.5, "error": "boom",
	}
	if diff := cmp.Diff(want, line); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

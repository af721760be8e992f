package main

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

// TestBillIsKept counts a small run. It reads processor times from /proc, so it
// runs on Linux.
func TestBillIsKept(t *testing.T) {
	root, err := workspace.Root()
	if err != nil {
		t.Fatal(err)
	}
	b, err := count(t.Context(), root, 200, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.check(); err != nil {
		t.Errorf("%v\n%s", err, render(b))
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "cost.md"))
	if err != nil {
		t.Fatal(err)
	}
	// What a small run on a busy machine may be off by.
	const tolerance = 0.04
	for _, sum := range []struct {
		row            string
		single, listed float64
	}{
		{"*to deliver*", b.single.of(delivering), b.listed.of(delivering)},
		{"*to log*", b.single.of(logging), b.listed.of(logging)},
		{"*to keep*", b.single.of(keeping), b.listed.of(keeping)},
	} {
		row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(sum.row) + ` \| \*([0-9.]+)\* \| \*([0-9.]+)\* \|`).FindSubmatch(page)
		if row == nil {
			t.Errorf("docs/cost.md has no row %s: run make cost", sum.row)
			continue
		}
		for i, now := range []float64{sum.single, sum.listed} {
			written, err := strconv.ParseFloat(string(row[1+i]), 64)
			if err != nil || math.Abs(written-now) > tolerance*now+0.01 {
				t.Errorf("docs/cost.md is stale, run make cost: %s is $%s there and $%.3f now", sum.row, row[1+i], now)
			}
		}
	}
	if t.Failed() {
		t.Log(render(b))
	}
}

package faults_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/mediahooks/mediahooks/infra/faults"
	"github.com/mediahooks/mediahooks/infra/local/emulator"
)

// number reads a number from the environment.
func number(t *testing.T, name string, standard int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%s: %v", name, text, err)
	}
	return n
}

// TestNoLoss makes FAULT_ROUNDS rounds of FAULT_SEED, or FAULT_ROUND alone.
func TestNoLoss(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := faults.Build(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	e, err := emulator.Start(t.Context(), emulator.Options{WaitScale: 0.002})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	seed := number(t, "FAULT_SEED", 20261124)
	t.Logf("seed %d", seed)
	rounds, only := number(t, "FAULT_ROUNDS", 100), number(t, "FAULT_ROUND", 0)
	counts, err := faults.Run(t.Context(), faults.Options{
		Seed: uint64(seed), Test: t.Name(), Rounds: rounds, Only: only, Overlap: 60, Binaries: folder, Endpoint: e.Endpoint(), Log: os.Stderr,
	})
	counts.Print(t.Output())
	if err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
	if rounds >= 100 && only == 0 {
		for _, missed := range counts.Missed() {
			t.Errorf("seed %d: none of %d rounds had %s", seed, rounds, missed)
		}
	}
}

package faults

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"
)

// roll returns the source of what is drawn for a name: the same for the same seed
// and name, whatever else was drawn before.
func roll(seed uint64, name ...any) *rand.Rand {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %v", seed, name))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])))
}

// chance is true with the given probability.
func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }

// pick returns one of the choices, each as likely as it is often in the list.
func pick[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }

// within returns a duration below the longest.
func within(r *rand.Rand, longest time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(longest)))
}

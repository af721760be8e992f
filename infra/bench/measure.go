package main

import (
	"bytes"
	"fmt"
	"time"
)

// measure invokes a function for a while, and returns the CPU time of its process
// for each of the things that an invocation does. The first invocations warm it up.
func measure(f *function, perInvocation int, event func() []byte) (time.Duration, int, error) {
	return measureFor(long, f, perInvocation, event)
}

func measureFor(long time.Duration, f *function, perInvocation int, event func() []byte) (time.Duration, int, error) {
	const warmUp = 50
	var before time.Duration
	n := 0
	var end time.Time
	for i := 0; i < warmUp || time.Now().Before(end); i++ {
		if i == warmUp-1 {
			var err error
			if before, err = cpu(f.process.Process.Pid); err != nil {
				return 0, 0, err
			}
			end = time.Now().Add(long)
		}
		answer, err := f.invoke(event())
		if err != nil {
			return 0, 0, err
		}
		if bytes.Contains(answer, []byte(`"itemIdentifier"`)) || bytes.Contains(answer, []byte(`"statusCode":4`)) || bytes.Contains(answer, []byte(`"statusCode":5`)) {
			return 0, 0, fmt.Errorf("invoke %s: %s; %s", f.name, answer, f.log.String())
		}
		if i >= warmUp-1 {
			n++
		}
	}
	after, err := cpu(f.process.Process.Pid)
	if err != nil {
		return 0, 0, err
	}
	return (after - before) / time.Duration(n*perInvocation), n, nil
}

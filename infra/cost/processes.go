package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// processTimes returns the processor time that each function's processes have
// used so far, of those whose environment has the given entry. It reads /proc.
func processTimes(entry string) (map[string]time.Duration, error) {
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	used := make(map[string]time.Duration)
	for _, process := range processes {
		environ, err := os.ReadFile(filepath.Join(process, "environ"))
		if err != nil {
			continue // it has ended, or is not ours
		}
		function, ours := "", false
		for variable := range bytes.SplitSeq(environ, []byte{0}) {
			if name, is := bytes.CutPrefix(variable, []byte("AWS_LAMBDA_FUNCTION_NAME=")); is {
				function = string(name)
			}
			ours = ours || string(variable) == entry
		}
		if function == "" || !ours {
			continue
		}
		threads, err := filepath.Glob(filepath.Join(process, "task", "*", "schedstat"))
		if err != nil {
			return nil, err
		}
		for _, thread := range threads {
			text, err := os.ReadFile(thread)
			if err != nil {
				continue // a thread that has ended
			}
			first, _, _ := bytes.Cut(text, []byte(" "))
			ns, err := strconv.ParseInt(string(first), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", thread, err)
			}
			used[function] += time.Duration(ns)
		}
	}
	return used, nil
}

package main

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// transcript collects what a running command writes.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *transcript) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *transcript) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// until waits for the command to write a text and returns all of it so far.
func (o *transcript) until(t *testing.T, text string) string {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if all := o.String(); strings.Contains(all, text) {
			return all
		}
		if time.Now().After(deadline) {
			t.Fatalf("not written within two minutes: %s\n%s", text, o)
		}
	}
}

package main

import (
	"context"
	"strings"
	"testing"
)

func TestStackOf(t *testing.T) {
	for stage, want := range map[string]string{"default": "mediahooks-dev", "local": "mediahooks-local", "prod": "mediahooks-prod"} {
		if got, err := stackOf(stage); err != nil || got != want {
			t.Errorf("%s is %q, %v, want %q", stage, got, err, want)
		}
	}
	for _, stage := range []string{"", "nope", ".*"} {
		if got, err := stackOf(stage); err == nil || !strings.Contains(err.Error(), "STAGE "+stage+": samconfig.toml has no stack_name") {
			t.Errorf("%q is %q, %v", stage, got, err)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"nothing"}, {"environment", "rewrap"}, {"-nope", "rewrap"}} {
		err := run(context.Background(), args, func(string) string { return "" }, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "usage: operator") {
			t.Errorf("%v: %v", args, err)
		}
	}
}

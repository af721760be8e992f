package stack

import (
	"errors"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

func TestParameters(t *testing.T) {
	root, err := workspace.Root()
	if err != nil {
		t.Fatal(err)
	}
	defaults := map[string]string{
		"Stage":            "local",
		"Operations":       "false",
		"Architecture":     architecture(),
		"AllowedNetworks":  "127.0.0.0/8,::1/128",
		"FirstConcurrency": "30",
		"SlowConcurrency":  "10",
	}
	for _, test := range []struct {
		name, params string
		change       map[string]string
		err          string
	}{
		{name: "none"},
		{name: "one added", params: "RetrySchedule=2s,4s,6s", change: map[string]string{"RetrySchedule": "2s,4s,6s"}},
		{name: "spaces", params: "  UrlLimit=3   TriggerLimit=7 ", change: map[string]string{"UrlLimit": "3", "TriggerLimit": "7"}},
		{name: "a default replaced", params: "FirstConcurrency=2", change: map[string]string{"FirstConcurrency": "2"}},
		{name: "emptied", params: "AllowedNetworks=", change: map[string]string{"AllowedNetworks": ""}},
		{name: "unknown", params: "Retries=3", err: "PARAMS: template.yaml has no parameter Retries; docs/configuration.md lists them"},
		{name: "no value", params: "UrlLimit", err: `PARAMS: "UrlLimit" is not Name=value`},
		{name: "out of bounds", params: "UrlLimit=0", err: "PARAMS: UrlLimit=0: must be a number from 1 to 50"},
		{name: "no number", params: "UrlLimit=ten", err: "PARAMS: UrlLimit=ten: must be a number from 1 to 50"},
		{name: "not allowed", params: "SuccessStatus=201", err: "PARAMS: SuccessStatus=201: must be one of 200, 2xx"},
		{
			name: "not the pattern", params: "RetrySchedule=soon",
			err: "PARAMS: RetrySchedule=soon: At most 32 comma-separated durations such as 90s,3m,1h.",
		},
		{name: "architecture", params: "Architecture=arm64", err: "PARAMS: Architecture is " + architecture() + " here, the machine's own"},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked, err := ParseParams(test.params)
			var got map[string]string
			if err == nil {
				got, err = parameters(root, asked)
			}
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Fatalf("got %v\nwant %s", err, test.err)
				}
				return
			}
			want := map[string]string{}
			for _, m := range []map[string]string{defaults, test.change} {
				for name, value := range m {
					want[name] = value
				}
			}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestOpenPort(t *testing.T) {
	open := func(taken ...int) func(int) error {
		return func(port int) error {
			for _, p := range taken {
				if p == port {
					return syscall.EADDRINUSE
				}
			}
			if port == 99 {
				return errors.New("no such port")
			}
			return nil
		}
	}
	for _, test := range []struct {
		name  string
		port  Port
		taken []int
		err   string
	}{
		{"free", Port{Number: 10}, nil, ""},
		{"taken", Port{Number: 10}, []int{10}, "PORT 10 is taken"},
		{"taken, the next but one is free", Port{Number: 10, OrNext: true}, []int{10, 11}, ""},
		{"another fault", Port{Number: 99, OrNext: true}, nil, "no such port"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := openPort("PORT", test.port, open(test.taken...))
			if got := errText(err); got != test.err {
				t.Errorf("got %q, want %q", got, test.err)
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

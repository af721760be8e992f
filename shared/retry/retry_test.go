package retry_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/shared/retry"
)

func TestParseSchedule(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       retry.Schedule
		wantErr    string
	}{
		{name: "the document's", text: "3m,6m,9m", want: retry.Cloudinary()},
		{name: "spaces", text: " 1s , 2s ", want: retry.Schedule{time.Second, 2 * time.Second}},
		{name: "no retries", text: "", want: retry.Schedule{}},
		{name: "longest", text: "168h", want: retry.Schedule{retry.MaxWait}},
		{name: "empty item", text: "3m,,9m", wantErr: `wait "": must be a duration`},
		{name: "no unit", text: "3", wantErr: `wait "3": must be a duration`},
		{name: "zero", text: "0s", wantErr: `wait "0s": must be whole seconds`},
		{name: "negative", text: "-3m", wantErr: `wait "-3m": must be whole seconds`},
		{name: "fraction", text: "1500ms", wantErr: `wait "1500ms": must be whole seconds`},
		{name: "too long", text: "169h", wantErr: `wait "169h": must be whole seconds`},
		{name: "too many", text: strings.Repeat("1s,", 32) + "1s", wantErr: "33 waits: must be at most 32"},
		{name: "all faults at once", text: "x,0s", wantErr: `wait "0s"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := retry.ParseSchedule(test.text)
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) {
					t.Fatalf("error = %v, want one with %q", err, test.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("schedule (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNext(t *testing.T) {
	for _, test := range []struct {
		name       string
		attempt    int
		retryAfter time.Duration
		want       time.Duration
		wantNone   bool
	}{
		{name: "after the first", attempt: 1, want: 3 * time.Minute},
		{name: "after the second", attempt: 2, want: 6 * time.Minute},
		{name: "after the third", attempt: 3, want: 9 * time.Minute},
		{name: "nothing after the last", attempt: 4, wantNone: true},
		{name: "no attempt yet", attempt: 0, wantNone: true},
		{name: "asked for longer", attempt: 1, retryAfter: 5 * time.Minute, want: 5 * time.Minute},
		{name: "asked for shorter", attempt: 2, retryAfter: time.Second, want: 6 * time.Minute},
		{name: "asked for too long", attempt: 1, retryAfter: time.Hour, want: retry.MaxRetryAfter},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := retry.Cloudinary().Next(test.attempt, test.retryAfter)
			if ok == test.wantNone || got != test.want {
				t.Errorf("Next = %s, %t, want %s, %t", got, ok, test.want, !test.wantNone)
			}
		})
	}
}

func TestAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name   string
		status int
		header string
		want   time.Duration
	}{
		{"seconds on 429", 429, "120", 2 * time.Minute},
		{"seconds on 503", 503, " 7 ", 7 * time.Second},
		{"date", 503, "Sun, 01 Mar 2026 12:10:00 GMT", 10 * time.Minute},
		{"date gone by", 503, "Sun, 01 Mar 2026 11:00:00 GMT", 0},
		{"bounded", 429, "86400", retry.MaxRetryAfter},
		{"date bounded", 429, "Mon, 02 Mar 2026 12:00:00 GMT", retry.MaxRetryAfter},
		{"more digits than an integer holds", 429, "99999999999999999999", retry.MaxRetryAfter},
		{"negative", 429, "-5", 0},
		{"fraction", 429, "1.5", 0},
		{"words", 429, "soon", 0},
		{"absent", 429, "", 0},
		{"another status", 500, "120", 0},
		{"redirect", 302, "120", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := retry.After(test.status, test.header, now); got != test.want {
				t.Errorf("After = %s, want %s", got, test.want)
			}
		})
	}
}

func FuzzParseSchedule(f *testing.F) {
	f.Add("3m,6m,9m")
	f.Add("1h , 2s")
	f.Fuzz(func(t *testing.T, text string) {
		schedule, err := retry.ParseSchedule(text)
		if err != nil {
			return
		}
		again, err := retry.ParseSchedule(schedule.String())
		if err != nil || !cmp.Equal(schedule, again) {
			t.Errorf("%q became %v and then %v (%v)", text, schedule, again, err)
		}
		for _, wait := range schedule {
			if wait < time.Second || wait > retry.MaxWait {
				t.Errorf("%q holds a wait of %s", text, wait)
			}
		}
	})
}

func TestTotal(t *testing.T) {
	if got := retry.Cloudinary().Total(); got != 18*time.Minute {
		t.Errorf("all waits take %s", got)
	}
}

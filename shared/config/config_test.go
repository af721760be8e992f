package config_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/config"
	"github.com/mediahooks/mediahooks/shared/notification"
)

var common = []string{
	"STAGE=dev", "STACK_NAME=mediahooks-dev", "AWS_LAMBDA_FUNCTION_NAME=f", "TABLE_NAME=t", "FIRST_QUEUE_URL=f", "SLOW_QUEUE_URL=s", "HOLD_QUEUE_URL=h", "WAIT_WORKFLOW_ARN=w", "SECRETS_KEY_ARN=k",
	"RETRY_SCHEDULE=3m,6m,9m",
	"ACCOUNT_ID=account", "ACCOUNT_KEY_ARN=secret", "SESSION_KEY_ARN=session", "RECOVER_WORKFLOW_ARN=r",
}

func TestDefaults(t *testing.T) {
	got, err := config.Load[config.Delivery](common)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Delivery{
		Common: config.Common{Stage: "dev", Stack: "mediahooks-dev", Function: "f", MetricsNamespace: "Mediahooks", TableName: "t"},
		Queues: config.Queues{FirstURL: "f", SlowURL: "s", RetentionDays: 30},
		Defaults: config.Defaults{
			RetrySchedule: config.Schedule{3 * time.Minute, 6 * time.Minute, 9 * time.Minute},
			SuccessStatus: "200",
		},
		WaitWorkflowARN: "w",
		SecretsKeyARN:   "k",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if got.AnySuccess() || got.Retention() != 720*time.Hour || got.URLs()[notification.Slow] != "s" {
		t.Errorf("derived: %t, %s, %v", got.AnySuccess(), got.Retention(), got.URLs())
	}
}

func TestNoRetries(t *testing.T) {
	got, err := config.Load[config.Delivery](append(common, "RETRY_SCHEDULE=", "SUCCESS_STATUS=2xx"))
	if err != nil || len(got.RetrySchedule) != 0 || !got.AnySuccess() {
		t.Errorf("settings = %+v, %v", got, err)
	}
}

func TestConsole(t *testing.T) {
	got, err := config.Load[config.Console](append(common, "URL_LIMIT=5"))
	if err != nil || got.SessionKeyARN != "session" || got.Stack != "mediahooks-dev" || got.HoldTimeout != time.Hour {
		t.Errorf("settings = %+v, %v", got, err)
	}
	types := len(catalog.EventTypes()) + 1 // and all
	if got.Triggers() != 5*types {
		t.Errorf("%d triggers, want %d", got.Triggers(), 5*types)
	}
	if got.TriggerLimit = 7; got.Triggers() != 7 {
		t.Errorf("%d triggers, want 7", got.Triggers())
	}
}

func TestIntake(t *testing.T) {
	want := config.Intake{
		Common:       config.Common{Stage: "dev", Stack: "mediahooks-dev", Function: "f", MetricsNamespace: "Mediahooks", TableName: "t"},
		Queues:       config.Queues{FirstURL: "f", SlowURL: "s", RetentionDays: 30},
		HoldQueueURL: "h",
		HoldTimeout:  time.Hour,
	}
	for _, test := range []struct {
		name   string
		set    []string
		change func(*config.Intake)
	}{
		{"defaults", nil, func(*config.Intake) {}},
		{"as the template has them", []string{"HOLD_TIMEOUT=1h", "EVENT_CLOUDS="}, func(*config.Intake) {}},
		{"shortest", []string{"HOLD_TIMEOUT=1s"}, func(c *config.Intake) { c.HoldTimeout = time.Second }},
		{"longest", []string{"HOLD_TIMEOUT=168h"}, func(c *config.Intake) { c.HoldTimeout = 168 * time.Hour }},
		{"one cloud", []string{"EVENT_CLOUDS=demo"}, func(c *config.Intake) { c.EventClouds = []string{"demo"} }},
		{"two clouds", []string{"EVENT_CLOUDS=demo,shop-1"}, func(c *config.Intake) { c.EventClouds = []string{"demo", "shop-1"} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := want
			test.change(&want)
			got, err := config.Load[config.Intake](append(append([]string{}, common...), test.set...))
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("settings, %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	load := func(name string, more ...string) error {
		environ := append(append([]string{}, common...), more...)
		var err error
		switch name {
		case "api":
			_, err = config.Load[config.API](environ)
		case "intake":
			_, err = config.Load[config.Intake](environ)
		case "console":
			_, err = config.Load[config.Console](environ)
		default:
			_, err = config.Load[config.Delivery](environ)
		}
		return err
	}
	for _, test := range []struct {
		name, function string
		set            []string
		want           []string
	}{
		{"nothing set", "delivery", []string{"STAGE=", "TABLE_NAME=", "WAIT_WORKFLOW_ARN="}, []string{"STAGE", "TABLE_NAME", "WAIT_WORKFLOW_ARN"}},
		{"schedule", "delivery", []string{"RETRY_SCHEDULE=soon"}, []string{`wait "soon"`}},
		{"success", "delivery", []string{"SUCCESS_STATUS=3xx", "RETENTION_DAYS=0"}, []string{`SUCCESS_STATUS "3xx"`, "RETENTION_DAYS 0"}},
		{"retention", "intake", []string{"RETENTION_DAYS=-1"}, []string{"RETENTION_DAYS -1: must be at least 1"}},
		{"no hold queue", "intake", []string{"HOLD_QUEUE_URL="}, []string{"HOLD_QUEUE_URL"}},
		{"hold of no length", "intake", []string{"HOLD_TIMEOUT=soon"}, []string{"soon"}},
		{"hold too short", "intake", []string{"HOLD_TIMEOUT=999ms"}, []string{"HOLD_TIMEOUT 999ms: must be 1s to 168h"}},
		{"hold too long", "intake", []string{"HOLD_TIMEOUT=169h"}, []string{"HOLD_TIMEOUT 169h0m0s: must be 1s to 168h"}},
		{
			"hold longer than records", "intake", []string{"HOLD_TIMEOUT=24h", "RETENTION_DAYS=1"},
			[]string{"HOLD_TIMEOUT 24h0m0s: must be shorter than RETENTION_DAYS 1"},
		},
		{"clouds", "intake", []string{"EVENT_CLOUDS=demo, shop,Shop"}, []string{`EVENT_CLOUDS: " shop" is not`, `EVENT_CLOUDS: "Shop" is not`}},
		{"limits", "api", []string{"URL_LIMIT=0", "TRIGGER_LIMIT=-1", "RETENTION_DAYS=0"}, []string{"URL_LIMIT 0", "TRIGGER_LIMIT -1", "RETENTION_DAYS 0"}},
		{"no account", "api", []string{"ACCOUNT_ID=", "ACCOUNT_KEY_ARN=", "SECRETS_KEY_ARN="}, []string{"ACCOUNT_ID", "ACCOUNT_KEY_ARN", "SECRETS_KEY_ARN"}},
		{"limits of the console", "console", []string{"URL_LIMIT=0", "TRIGGER_LIMIT=-1", "RETENTION_DAYS=0"}, []string{"URL_LIMIT 0", "TRIGGER_LIMIT -1", "RETENTION_DAYS 0"}},
		{"no session key", "console", []string{"SESSION_KEY_ARN=", "STACK_NAME=", "RECOVER_WORKFLOW_ARN="}, []string{"SESSION_KEY_ARN", "STACK_NAME", "RECOVER_WORKFLOW_ARN"}},
		{"level", "api", []string{"LOG_LEVEL=loud"}, []string{"loud"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := load(test.function, test.set...)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error = %v, want one with %q", err, want)
				}
			}
		})
	}
}

func TestVersion(t *testing.T) {
	changes, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	latest := regexp.MustCompile(`(?m)^## \[([0-9.]+)\]`).FindSubmatch(changes)
	if latest == nil || string(latest[1]) != config.Version {
		t.Errorf("CHANGELOG.md's latest release is %s, Version %s", latest, config.Version)
	}
}

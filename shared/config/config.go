// Package config turns the environment variables that template.yaml sets into
// typed settings. A main loads them once, at cold start; all faults are reported
// at once, and nothing runs on half of them.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/retry"
)

// Common is what every function has.
type Common struct {
	Stage     string     `env:"STAGE,required,notEmpty"`
	LogLevel  slog.Level `env:"LOG_LEVEL" envDefault:"info"`
	TableName string     `env:"TABLE_NAME,required,notEmpty"`
	// AllowedNetworks and AllowedPorts are read by package outbound.
	AllowedNetworks string `env:"ALLOWED_NETWORKS"`
	AllowedPorts    string `env:"ALLOWED_PORTS"`
}

// Queues is what those functions have that send to the lanes.
type Queues struct {
	FirstURL string `env:"FIRST_QUEUE_URL,required,notEmpty"`
	SlowURL  string `env:"SLOW_QUEUE_URL,required,notEmpty"`
	// RetentionDays is how long events and deliveries are kept.
	RetentionDays int `env:"RETENTION_DAYS" envDefault:"30"`
}

// URLs returns the URL of each lane's queue.
func (q Queues) URLs() map[notification.Lane]string {
	return map[notification.Lane]string{notification.First: q.FirstURL, notification.Slow: q.SlowURL}
}

// Retention returns RetentionDays as a duration.
func (q Queues) Retention() time.Duration { return time.Duration(q.RetentionDays) * 24 * time.Hour }

func (q Queues) validate() error {
	if q.RetentionDays < 1 {
		return fmt.Errorf("RETENTION_DAYS %d: must be at least 1", q.RetentionDays)
	}
	return nil
}

// API is what the api function has.
type API struct {
	Common
	// URLLimit is how many notification URLs an environment may have,
	// TriggerLimit how many triggers; 0 stands for as many as there are event
	// types, times URLLimit.
	URLLimit     int `env:"URL_LIMIT" envDefault:"10"`
	TriggerLimit int `env:"TRIGGER_LIMIT" envDefault:"0"`
}

// Validate reports all faults.
func (c API) Validate() error {
	var errs []error
	if c.URLLimit < 1 {
		errs = append(errs, fmt.Errorf("URL_LIMIT %d: must be at least 1", c.URLLimit))
	}
	if c.TriggerLimit < 0 {
		errs = append(errs, fmt.Errorf("TRIGGER_LIMIT %d: must not be negative", c.TriggerLimit))
	}
	return errors.Join(errs...)
}

// Intake is what the intake function has.
type Intake struct {
	Common
	Queues
}

// Validate reports all faults.
func (c Intake) Validate() error { return c.validate() }

// Delivery is what the delivery function has.
type Delivery struct {
	Common
	Queues
	WaitWorkflowARN string   `env:"WAIT_WORKFLOW_ARN,required,notEmpty"`
	SecretsKeyARN   string   `env:"SECRETS_KEY_ARN,required,notEmpty"`
	RetrySchedule   Schedule `env:"RETRY_SCHEDULE,required"` // empty: no retries
	// SuccessStatus is which answers count as a success: 200, or 2xx.
	SuccessStatus string `env:"SUCCESS_STATUS" envDefault:"200"`
}

// Schedule is a retry.Schedule as an environment variable holds it.
type Schedule retry.Schedule

// UnmarshalText parses a list of waits.
func (s *Schedule) UnmarshalText(text []byte) error {
	schedule, err := retry.ParseSchedule(string(text))
	*s = Schedule(schedule)
	return err
}

// AnySuccess reports whether every 2xx counts as a success.
func (c Delivery) AnySuccess() bool { return c.SuccessStatus == "2xx" }

// Validate reports all faults.
func (c Delivery) Validate() error {
	errs := []error{c.validate()}
	if c.SuccessStatus != "200" && c.SuccessStatus != "2xx" {
		errs = append(errs, fmt.Errorf("SUCCESS_STATUS %q: must be 200 or 2xx", c.SuccessStatus))
	}
	return errors.Join(errs...)
}

// Load reads a function's settings from its environment, a list of NAME=value
// as os.Environ returns it.
func Load[T interface{ Validate() error }](environ []string) (T, error) {
	var c T
	variables := make(map[string]string, len(environ))
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		variables[name] = value
	}
	if err := env.ParseWithOptions(&c, env.Options{Environment: variables}); err != nil {
		return c, fmt.Errorf("load configuration: %w", err)
	}
	if err := c.Validate(); err != nil {
		return c, fmt.Errorf("load configuration: %w", err)
	}
	return c, nil
}

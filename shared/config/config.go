// Package config turns the environment variables that template.yaml sets into
// typed settings. A main loads them once, at cold start; all faults are reported
// at once, and nothing runs on half of them.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/mediahooks/mediahooks/shared/catalog"
	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/retry"
)

// Common is what every function has.
type Common struct {
	// Stage is what people call the deployment. Stack tells it from every other of
	// its account and region, and Function this function from all others.
	Stage    string `env:"STAGE,required,notEmpty"`
	Stack    string `env:"STACK_NAME,required,notEmpty"`
	Function string `env:"AWS_LAMBDA_FUNCTION_NAME,required,notEmpty"`
	// MetricsNamespace is where CloudWatch keeps the metrics.
	MetricsNamespace string `env:"METRICS_NAMESPACE" envDefault:"Mediahooks"`

	LogLevel  slog.Level `env:"LOG_LEVEL" envDefault:"info"`
	TableName string     `env:"TABLE_NAME,required,notEmpty"`
	// AllowedNetworks and AllowedPorts are read by package outbound.
	AllowedNetworks string `env:"ALLOWED_NETWORKS"`
	AllowedPorts    string `env:"ALLOWED_PORTS"`
}

// Shared returns what every function has.
func (c Common) Shared() Common { return c }

// Queues is what those functions have that send to the lanes.
type Queues struct {
	FirstURL string `env:"FIRST_QUEUE_URL,required,notEmpty"`
	SlowURL  string `env:"SLOW_QUEUE_URL,required,notEmpty"`
	// RetentionDays is how long events and deliveries are kept.
	RetentionDays int `env:"RETENTION_DAYS" envDefault:"30"`
}

// Retention returns RetentionDays as a duration.
func (q Queues) Retention() time.Duration { return time.Duration(q.RetentionDays) * 24 * time.Hour }

func (q Queues) validate() error {
	if q.RetentionDays < 1 {
		return fmt.Errorf("RETENTION_DAYS %d: must be at least 1", q.RetentionDays)
	}
	return nil
}

// URLs returns the URL of each lane's queue.
func (q Queues) URLs() map[notification.Lane]string {
	return map[notification.Lane]string{notification.First: q.FirstURL, notification.Slow: q.SlowURL}
}

// Defaults is what holds for environments that have decided nothing else.
type Defaults struct {
	RetrySchedule Schedule `env:"RETRY_SCHEDULE,required"` // empty: no retries
	// SuccessStatus is which answers count as a success: 200, or 2xx.
	SuccessStatus string `env:"SUCCESS_STATUS" envDefault:"200"`
}

// AnySuccess reports whether every 2xx counts as a success.
func (c Defaults) AnySuccess() bool { return c.SuccessStatus == "2xx" }

func (c Defaults) validate() error {
	if c.SuccessStatus != "200" && c.SuccessStatus != "2xx" {
		return fmt.Errorf("SUCCESS_STATUS %q: must be 200 or 2xx", c.SuccessStatus)
	}
	return nil
}

// Limits is what those functions have that change triggers.
type Limits struct {
	// URLLimit is how many notification URLs an environment may have,
	// TriggerLimit how many triggers; 0 stands for as many as there are event
	// types, times URLLimit.
	URLLimit     int `env:"URL_LIMIT" envDefault:"10"`
	TriggerLimit int `env:"TRIGGER_LIMIT" envDefault:"0"`
}

// Triggers returns how many triggers an environment may have.
func (c Limits) Triggers() int {
	if c.TriggerLimit > 0 {
		return c.TriggerLimit
	}
	return len(append(catalog.EventTypes(), notification.AllEvents)) * c.URLLimit
}

func (c Limits) validate() error {
	var errs []error
	if c.URLLimit < 1 {
		errs = append(errs, fmt.Errorf("URL_LIMIT %d: must be at least 1", c.URLLimit))
	}
	if c.TriggerLimit < 0 {
		errs = append(errs, fmt.Errorf("TRIGGER_LIMIT %d: must not be negative", c.TriggerLimit))
	}
	return errors.Join(errs...)
}

// API is what the api function has.
type API struct {
	Common
	Defaults
	Queues
	Limits
	// AccountID is whose environments these are, AccountKeyARN the secret that
	// holds its key. SecretsKeyARN encrypts the data keys of access keys.
	AccountID     string `env:"ACCOUNT_ID,required,notEmpty"`
	AccountKeyARN string `env:"ACCOUNT_KEY_ARN,required,notEmpty"`
	SecretsKeyARN string `env:"SECRETS_KEY_ARN,required,notEmpty"`
	// RecoverWorkflowARN is the state machine that goes through recoveries.
	RecoverWorkflowARN string `env:"RECOVER_WORKFLOW_ARN,required,notEmpty"`
}

// Validate reports all faults.
func (c API) Validate() error {
	return errors.Join(c.Defaults.validate(), c.Queues.validate(), c.Limits.validate())
}

// Intake is what the intake function has.
type Intake struct {
	Common
	Queues
	HoldQueueURL string `env:"HOLD_QUEUE_URL,required,notEmpty"`
	// HoldTimeout is how long one half of an eager pair waits for the other.
	HoldTimeout time.Duration `env:"HOLD_TIMEOUT" envDefault:"1h"`
	// EventClouds are the environments that events on the bus and direct
	// invocations may name; empty for all.
	EventClouds []string `env:"EVENT_CLOUDS"`
}

// maxHold bounds HoldTimeout.
const maxHold = 168 * time.Hour

// cloudName is what the name of an environment looks like.
var cloudName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// Validate reports all faults.
func (c Intake) Validate() error {
	errs := []error{c.validate()}
	switch {
	case c.HoldTimeout < time.Second || c.HoldTimeout > maxHold:
		errs = append(errs, fmt.Errorf("HOLD_TIMEOUT %s: must be 1s to 168h", c.HoldTimeout))
	case c.RetentionDays > 0 && c.HoldTimeout >= c.Retention():
		errs = append(errs, fmt.Errorf("HOLD_TIMEOUT %s: must be shorter than RETENTION_DAYS %d", c.HoldTimeout, c.RetentionDays))
	}
	for _, name := range c.EventClouds {
		if !cloudName.MatchString(name) {
			errs = append(errs, fmt.Errorf("EVENT_CLOUDS: %q is not a cloud_name", name))
		}
	}
	return errors.Join(errs...)
}

// Delivery is what the delivery function has.
type Delivery struct {
	Common
	Queues
	Defaults
	WaitWorkflowARN string `env:"WAIT_WORKFLOW_ARN,required,notEmpty"`
	SecretsKeyARN   string `env:"SECRETS_KEY_ARN,required,notEmpty"`
}

// Validate reports all faults.
func (c Delivery) Validate() error {
	return errors.Join(c.Queues.validate(), c.Defaults.validate())
}

// Recovery is what the recovery function has.
type Recovery struct {
	Common
	Queues
}

// Validate reports all faults.
func (c Recovery) Validate() error { return c.validate() }

// Console is what the console function has.
type Console struct {
	Common
	Defaults
	Queues
	Limits
	// SessionKeyARN is the secret that signs sessions.
	SessionKeyARN      string `env:"SESSION_KEY_ARN,required,notEmpty"`
	RecoverWorkflowARN string `env:"RECOVER_WORKFLOW_ARN,required,notEmpty"`
	// Region is shown to people.
	Region      string        `env:"AWS_REGION"`
	HoldTimeout time.Duration `env:"HOLD_TIMEOUT" envDefault:"1h"`
}

// Validate reports all faults.
func (c Console) Validate() error {
	return errors.Join(c.Defaults.validate(), c.Queues.validate(), c.Limits.validate())
}

// Schedule is a retry.Schedule as an environment variable holds it.
type Schedule retry.Schedule

// UnmarshalText parses a list of waits.
func (s *Schedule) UnmarshalText(text []byte) error {
	schedule, err := retry.ParseSchedule(string(text))
	*s = Schedule(schedule)
	return err
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

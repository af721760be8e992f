package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"go.yaml.in/yaml/v3"
)

// logged is what a function's log group holds so far.
type logged struct {
	invocations int
	// bytes are those of the function's own lines, as CloudWatch Logs counts them,
	// and chatter those of them that LogLevel warn leaves out.
	bytes, chatter int
	// metrics are the names of the metrics that its lines have made.
	metrics map[string]bool
}

// readLog reads a whole log group of the emulator, which marks each invocation
// by lines of its own.
func readLog(ctx context.Context, cfg aws.Config, endpoint, group string) (logged, error) {
	l := logged{metrics: make(map[string]bool)}
	for token := ""; ; {
		var page struct {
			Events    []struct{ Message string }
			NextToken string
		}
		input := map[string]any{"logGroupName": group}
		if token != "" {
			input["nextToken"] = token
		}
		if err := callLogs(ctx, cfg, endpoint, "FilterLogEvents", input, &page); err != nil {
			return logged{}, fmt.Errorf("read log group %s: %w", group, err)
		}
		for _, event := range page.Events {
			l.add(event.Message)
		}
		if page.NextToken == "" || page.NextToken == token {
			return l, nil
		}
		token = page.NextToken
	}
}

var emulatorsOwn = regexp.MustCompile(`^(START|END|REPORT) RequestId: `)

func (l *logged) add(line string) {
	if own := emulatorsOwn.FindStringSubmatch(line); own != nil {
		if own[1] == "START" {
			l.invocations++
		}
		return
	}
	l.bytes += len(line) + logOverhead
	var own struct {
		Level string
		AWS   struct {
			CloudWatchMetrics []struct {
				Namespace string
				Metrics   []struct{ Name string }
			}
		} `json:"_aws"`
	}
	if json.Unmarshal([]byte(line), &own) != nil {
		return // a line of the runtime
	}
	if own.Level == "INFO" {
		l.chatter += len(line) + logOverhead
	}
	for _, directive := range own.AWS.CloudWatchMetrics {
		for _, metric := range directive.Metrics {
			l.metrics[directive.Namespace+" "+metric.Name] = true
		}
	}
}

// since is what was added to an earlier state.
func (l logged) since(earlier logged) logged {
	l.invocations -= earlier.invocations
	l.bytes -= earlier.bytes
	l.chatter -= earlier.chatter
	return l
}

// callLogs makes a call of CloudWatch Logs, whose SDK nothing else here needs.
func callLogs(ctx context.Context, cfg aws.Config, endpoint, operation string, input, output any) error {
	body, err := json.Marshal(input)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Logs_20140328."+operation)
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), "logs", cfg.Region, time.Now()); err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", operation, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(output)
}

// described is what the bill needs of the template.
type described struct {
	accessLine                      int // bytes of a line of the HTTP API's access log
	platformLines                   int // bytes of Lambda's own lines of an invocation
	retentionDays, logRetentionDays float64
	alarms, keys, secrets           int
	// alarmedMetrics are those of our own that alarms watch.
	alarmedMetrics map[string]bool
	mappings       int // event source mappings
}

// readTemplate reads template.yaml.
func readTemplate(root string) (described, error) {
	src, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		return described{}, err
	}
	var doc struct {
		Globals struct {
			Function struct {
				LoggingConfig struct {
					SystemLogLevel string `yaml:"SystemLogLevel"`
				} `yaml:"LoggingConfig"`
			} `yaml:"Function"`
		} `yaml:"Globals"`
		Parameters map[string]struct {
			Default yaml.Node `yaml:"Default"`
		} `yaml:"Parameters"`
		Resources map[string]struct {
			Type       string `yaml:"Type"`
			Properties struct {
				Namespace, MetricName yaml.Node
				Events                map[string]struct {
					Type string `yaml:"Type"`
				} `yaml:"Events"`
				AccessLogSettings struct {
					Format string `yaml:"Format"`
				} `yaml:"AccessLogSettings"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return described{}, fmt.Errorf("read template.yaml: %w", err)
	}
	d := described{alarmedMetrics: make(map[string]bool)}
	if level := doc.Globals.Function.LoggingConfig.SystemLogLevel; level != "WARN" { // which is for what goes wrong
		d.platformLines = len(platformStart) + len(platformReport) + 2*logOverhead
	}
	for name, into := range map[string]*float64{"RetentionDays": &d.retentionDays, "LogRetentionDays": &d.logRetentionDays} {
		parameter := doc.Parameters[name].Default
		if err := parameter.Decode(into); err != nil || *into <= 0 {
			return described{}, fmt.Errorf("read template.yaml: parameter %s has no number of days", name)
		}
	}
	for _, r := range doc.Resources {
		switch r.Type {
		case "AWS::CloudWatch::Alarm":
			d.alarms++
			if namespace := r.Properties.Namespace.Value; namespace != "" && !strings.HasPrefix(namespace, "AWS/") {
				d.alarmedMetrics[namespace+" "+r.Properties.MetricName.Value] = true
			}
		case "AWS::KMS::Key":
			d.keys++
		case "AWS::SecretsManager::Secret":
			d.secrets++
		case "AWS::ApiGatewayV2::Stage":
			line, err := accessLine(r.Properties.AccessLogSettings.Format)
			if err != nil {
				return described{}, err
			}
			d.accessLine = len(line) + logOverhead
		}
		for _, event := range r.Properties.Events {
			if event.Type == "SQS" {
				d.mappings++
			}
		}
	}
	return d, nil
}

var contextValue = regexp.MustCompile(`\$context\.([a-zA-Z.]+)`)

// accessLine is a line of the HTTP API's access log.
func accessLine(format string) (string, error) {
	var unknown error
	line := contextValue.ReplaceAllStringFunc(format, func(name string) string {
		value, ok := accessValues[strings.TrimPrefix(name, "$context.")]
		if !ok {
			unknown = fmt.Errorf("read template.yaml: assumptions.go does not say how long %s is", name)
		}
		return value
	})
	return line, unknown
}

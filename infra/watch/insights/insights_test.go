package insights_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/infra/watch/insights"
)

var lines = []insights.Row{
	{"message": "a", "n": 1.0, "host": "x", "level": "INFO"},
	{"message": "a", "n": 3.0, "host": "y", "level": "INFO", "reason": "dns"},
	{"message": "a", "n": 2.0, "host": "x", "level": "INFO", "reason": "tls"},
	{"message": "b", "status": "401", "level": "ERROR"},
}

func TestRun(t *testing.T) {
	type rows = []insights.Row
	for _, test := range []struct {
		query  string
		want   rows
		fields string
	}{
		{`filter message = "a" and n >= 2 | fields host, n | sort n asc | limit 1`, rows{{"host": "x", "n": 2.0}}, "message n host"},
		{`filter not ispresent(reason) and (n < 2 or level = "ERROR") | fields message | sort message desc`, rows{{"message": "b"}, {"message": "a"}}, "reason n level message"},
		{`filter status in ["401", "429"] | fields level`, rows{{"level": "ERROR"}}, "status level"},
		{`filter level like /^ERR|FATAL$/ or n in [3] | fields message | sort message desc`, rows{{"message": "b"}, {"message": "a"}}, "level n message"},
		{`filter n != 1 | stats count(*) as c, sum(n) as s, max(n) as m, latest(reason) as l, earliest(n) as e by host | sort c desc`,
			rows{{"host": "y", "c": 1.0, "s": 3.0, "m": 3.0, "l": "dns", "e": 3.0}, {"host": "x", "c": 1.0, "s": 2.0, "m": 2.0, "l": "tls", "e": 2.0}}, "n reason host"},
		{`filter ispresent(n) | stats pct(n, 50) as half, count(*) as c by bin(5m) as time | sort time desc`, rows{{"half": 2.0, "c": 3.0}}, "n"},
		{`stats sum(message) as s by level | filter s > 0`, rows{}, "message level"},
	} {
		q, err := insights.Parse(test.query)
		if err != nil {
			t.Errorf("%s: %v", test.query, err)
			continue
		}
		if diff := cmp.Diff(test.want, q.Run(lines)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.query, diff)
		}
		if got := strings.Join(q.Fields, " "); got != test.fields {
			t.Errorf("%s: fields %s, want %s", test.query, got, test.fields)
		}
	}
}

func TestFaults(t *testing.T) {
	for query, want := range map[string]string{
		`filter a ~ "b"`:                    "not of the part",
		`parse a "b*" as c`:                 "no such command",
		`filter a is "b"`:                   "no such comparison",
		`filter a = b`:                      "must be a text or a number",
		`filter (a = 1`:                     `must be ")"`,
		`filter ispresent a`:                `must be "("`,
		`filter a like "b"`:                 "must be an expression",
		`filter a in "b"`:                   `must be "["`,
		`fields a b`:                        `must be "|"`,
		`fields "a"`:                        "must be a field",
		`stats median(a) as m`:              "no such function",
		`stats count(*)`:                    `must be "as"`,
		`stats count(*) as n by bin(5m)`:    `must be "as"`,
		`stats count(*) as n by bin as two`: "must be a span",
		`sort a`:                            `must be "asc"`,
		`limit many`:                        "invalid syntax",
	} {
		if _, err := insights.Parse(query); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", query, err, want)
		}
	}
}

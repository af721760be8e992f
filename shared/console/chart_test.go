package console

import (
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// What was not read is shaded, and is not shown as a time in which nothing
// happened.
func TestChartShadesWhatWasNotRead(t *testing.T) {
	now := time.Date(2026, 11, 24, 14, 0, 0, 0, time.UTC)
	rows := []notification.Delivery{
		{Status: notification.Delivered, AcceptedAt: now.Add(-time.Minute)},
		{Status: notification.Delivered, AcceptedAt: now.Add(-6*time.Hour + time.Minute)},
	}
	for _, test := range []struct {
		name, next, want string
		rows             []notification.Delivery
	}{
		{"there is more", "cursor", "540.0", rows}, // 18 of 24 hours
		{"all was read", "", "", rows},
		{"nothing on the page", "cursor", "", nil},
		{"more, of the very first hour", "cursor", "", append(rows, notification.Delivery{AcceptedAt: now.Add(-24*time.Hour + time.Second)})},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := chartOf(test.rows, now.Add(-24*time.Hour), now, 24, "").of(notification.LogPage{Rows: test.rows, Next: test.next})
			got := ""
			for _, b := range c.Bars {
				if b.Kind == "unread" {
					got = b.W
				}
			}
			if got != test.want || c.Partial != (test.want != "") {
				t.Errorf("shades %q, partial %t, want %q", got, c.Partial, test.want)
			}
		})
	}
}

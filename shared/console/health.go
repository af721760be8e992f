package console

import (
	"fmt"
	"slices"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// health is what the latest deliveries say, newest first.
type health struct {
	Count                          int
	Delivered, Retrying, Exhausted int
	// From and To are the acceptance of the oldest and of the newest.
	From, To time.Time
	// P50 and P99 are of how long the last attempts took.
	P50, P99 time.Duration
	// Failing is how many of the newest have failed one after the other, and since
	// when; Why is what most of them met.
	Failing      int
	FailingSince time.Time
	Why          string
	// LastFailure is the newest that has failed at all.
	LastFailure *notification.Delivery
	Reasons     []reasonCount
}

type reasonCount struct {
	Reason notification.Reason
	Words  string
	Count  int
}

// healthOf sums deliveries up, which are given newest first.
func healthOf(rows []notification.Delivery) health {
	h := health{Count: len(rows)}
	if len(rows) == 0 {
		return h
	}
	h.To, h.From = rows[0].AcceptedAt, rows[len(rows)-1].AcceptedAt
	var took []time.Duration
	reasons := make(map[notification.Reason]int)
	unbroken := true
	for i, d := range rows {
		switch d.Status {
		case notification.Delivered:
			h.Delivered++
			unbroken = false
		case notification.Retrying:
			h.Retrying++
		case notification.Exhausted:
			h.Exhausted++
		}
		if n := len(d.Attempts); n > 0 {
			took = append(took, d.Attempts[n-1].Duration)
			if reason := d.Attempts[n-1].Reason; reason != "" {
				reasons[reason]++
			}
		}
		if d.Status == notification.Delivered || d.LastReason() == "" {
			continue
		}
		if unbroken {
			h.Failing, h.FailingSince = h.Failing+1, d.Attempts[0].StartedAt
		}
		if h.LastFailure == nil {
			h.LastFailure = &rows[i]
		}
	}
	h.P50, h.P99 = percentile(took, 50), percentile(took, 99)
	for reason, count := range reasons {
		h.Reasons = append(h.Reasons, reasonCount{reason, reasonNames[reason], count})
	}
	slices.SortFunc(h.Reasons, func(a, b reasonCount) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return slices.Compare([]byte(a.Reason), []byte(b.Reason))
	})
	if h.Failing > 0 && h.LastFailure != nil {
		h.Why = failure(h.LastFailure.Attempts[len(h.LastFailure.Attempts)-1])
	}
	return h
}

// percentile is the nearest rank.
func percentile(of []time.Duration, p int) time.Duration {
	if len(of) == 0 {
		return 0
	}
	slices.Sort(of)
	return of[max(0, (len(of)*p+99)/100-1)]
}

// SuccessShare is the share of what is decided or failing that was delivered, in
// percent; "" without any.
func (h health) SuccessShare() string {
	if h.Count == 0 {
		return ""
	}
	share := 100 * float64(h.Delivered) / float64(h.Count)
	if share > 0 && share < 100 {
		return fmt.Sprintf("%.1f %%", share)
	}
	return fmt.Sprintf("%.0f %%", share)
}

// Kind is the colour of it.
func (h health) Kind() string {
	switch {
	case h.Count == 0:
		return "calm"
	case h.Failing > 0:
		return "bad"
	case h.Delivered < h.Count:
		return "warn"
	}
	return "good"
}

// Sentence says in one how it is.
func (h health) Sentence() string {
	switch {
	case h.Count == 0:
		return "Nothing was sent here in the last 24 hours."
	case h.Failing > 0:
		return fmt.Sprintf("Failing since %s: %s failed. Most recently: %s.", h.FailingSince.UTC().Format("15:04 UTC"), lastOnes(h.Failing), h.Why)
	case h.Exhausted > 0:
		return fmt.Sprintf("Well again, but %s in the last 24 hours.", gaveUp(h.Exhausted))
	case h.Retrying > 0:
		return fmt.Sprintf("Mostly well: %s being retried.", are(h.Retrying, "delivery"))
	}
	return fmt.Sprintf("Well: %s in the last 24 hours arrived, half of them within %s.", all(h.Count), duration(h.P50))
}

func lastOnes(n int) string {
	if n == 1 {
		return "the last delivery"
	}
	return "the last " + number(n) + " deliveries"
}

func gaveUp(n int) string {
	if n == 1 {
		return "1 delivery was given up"
	}
	return number(n) + " deliveries were given up"
}

func are(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return plural(n, noun) + " are"
}

func all(n int) string {
	if n == 1 {
		return "the one notification"
	}
	return "all " + number(n) + " notifications"
}

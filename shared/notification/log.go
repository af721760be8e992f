package notification

import (
	"slices"
	"time"
)

// LogQuery asks for a page of an environment's log: what was accepted within a
// time, newest first.
type LogQuery struct {
	CloudName string
	// From and To bound when it was accepted, both inclusive, to the millisecond.
	From, To time.Time
	// Before is the row that the page begins after; empty for the newest.
	Before string
	// Limit is how many rows a page has at most.
	Limit int
	// Examine is how many rows are looked at for a page at most, about, where the
	// usual bound is more than it is worth; 0 for that.
	Examine int
	// Events asks for the rows that stand for an event, of which each event has
	// one; else for all deliveries.
	Events bool
	LogFilter
}

// LogFilter narrows a log. What is empty does not.
type LogFilter struct {
	Status           Status
	NotificationType string
	TriggerID        string
	URL              string
	PublicID         string
	// Reason is that of the last attempt.
	Reason Reason
	// Untold keeps only rows that stand for an event without a delivery.
	Untold bool
}

// Matches reports whether a delivery passes the filter.
func (f LogFilter) Matches(d Delivery) bool {
	return (f.Status == "" || f.Status == d.Status) &&
		(f.NotificationType == "" || f.NotificationType == d.NotificationType) &&
		(f.TriggerID == "" || f.TriggerID == d.TriggerID) &&
		(f.URL == "" || f.URL == d.URL) &&
		(f.PublicID == "" || slices.Contains(d.PublicIDs, f.PublicID)) &&
		(f.Reason == "" || f.Reason == d.LastReason()) &&
		(!f.Untold || d.AttemptCount == 0)
}

// LastReason is why the last attempt failed; empty where it succeeded, or none was
// made.
func (d Delivery) LastReason() Reason {
	if len(d.Attempts) == 0 {
		return ""
	}
	return d.Attempts[len(d.Attempts)-1].Reason
}

// LogPage is a part of a log.
type LogPage struct {
	// Rows are deliveries. A row that stands for an event without one has its
	// EventID and no attempts; its DeliveryID is the event's LogID.
	Rows []Delivery
	// Next is where the next page goes on, empty at the end. There may be a next
	// page although this one has fewer rows than were asked for, or none: what is
	// examined for a page is bounded.
	Next string
}

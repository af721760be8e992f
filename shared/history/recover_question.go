package history

import (
	"slices"
	"strconv"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// The rates that a recovery may have. The usual one leaves a receiver that has
// just come back room for what is new.
const (
	UsualPerSecond = 20
	MostPerSecond  = 500
)

// RecoveryFields say which deliveries or events a recovery means, as in the lists.
var RecoveryFields = []string{"status", "notification_type", "trigger_id", "uri", "public_id", "reason", "from", "to"}

// Recovery reads which recovery somebody asks for, with max_per_second beside the
// RecoveryFields. Unmatched events are told to triggers of the given hooks.
func (q *Question) Recovery(unmatched bool, hooks notification.Hooks, by string) notification.Recovery {
	asked := notification.Recovery{
		RecoveryKey: notification.RecoveryKey{CloudName: q.CloudName, ID: ulid.Make().String()},
		Unmatched:   unmatched, MaxPerSecond: UsualPerSecond, By: by,
	}
	if text := q.Text("max_per_second"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > MostPerSecond {
			q.Fail("max_per_second", "must be a number from 1 to %d", MostPerSecond)
		}
		asked.MaxPerSecond = n
	}
	var status notification.Status
	if unmatched {
		for _, name := range []string{"status", "uri", "reason"} {
			if q.Values.Has(name) {
				q.Fail(name, "cannot be given with unmatched, which asks for events that have no deliveries")
			}
		}
		if id := q.Text("trigger_id"); id != "" && !hasTrigger(hooks, id) {
			q.Fail("trigger_id", "there is no such trigger to tell")
		}
	} else {
		status = q.recoverStatus()
	}
	log := q.Log()
	asked.Filter, asked.From, asked.To = log.LogFilter, log.From, log.To
	asked.Filter.Status = status
	return asked
}

// recoverStatus is exhausted where nothing else is asked for.
func (q *Question) recoverStatus() notification.Status {
	status := notification.Status(q.Text("status"))
	switch status {
	case "":
		return notification.Exhausted
	case notification.Exhausted, notification.Retrying, notification.Delivered:
	default:
		q.Fail("status", "must be exhausted, retrying or delivered")
	}
	return status
}

func hasTrigger(hooks notification.Hooks, id string) bool {
	return slices.ContainsFunc(hooks.Triggers, func(t notification.Trigger) bool { return t.ID == id })
}

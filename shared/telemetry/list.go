package telemetry

// Unit is a unit of CloudWatch.
type Unit string

// The units in use.
const (
	Count        Unit = "Count"
	Milliseconds Unit = "Milliseconds"
)

// Dimension is what a metric is told apart by besides service and stack. Each
// combination of values is a metric that is paid for, so that their values are a
// closed list, and a tenant, a URL or an id is never one.
type Dimension string

// The dimensions in use.
const (
	ByLane     Dimension = "lane"
	ByReason   Dimension = "reason"
	ByFunction Dimension = "function_name"
)

// Metric is something that the functions measure.
type Metric struct {
	Name      string
	Unit      Unit
	Dimension Dimension
	// Meaning is what docs/metrics.md says of it.
	Meaning string

	of string // the dimension's value
}

// Of returns the metric for one value of its dimension.
func (m Metric) Of(value string) Metric {
	m.of = value
	return m
}

// What intake measures.
var (
	EventsAccepted = Metric{Name: "EventsAccepted", Unit: Count,
		Meaning: "Events on record for the first time and promised to be told, held and suppressed ones too."}
	EventsDuplicate = Metric{Name: "EventsDuplicate", Unit: Count,
		Meaning: "Events that were reported again, and whose promise was given again."}
	EventsUnmatched = Metric{Name: "EventsUnmatched", Unit: Count,
		Meaning: "Of EventsAccepted, those that nobody is told of, because no trigger, call or preset names a URL."}
	EventsHeld = Metric{Name: "EventsHeld", Unit: Count,
		Meaning: "Of EventsAccepted, those that wait for the other half of an eager pair."}
	EventsRejected = Metric{Name: "EventsRejected", Unit: Count,
		Meaning: "Calls that were refused whole for a fault of their producer, and events whose id stands for another content."}
	EventsFailed = Metric{Name: "EventsFailed", Unit: Count,
		Meaning: "Events that a fault of ours kept from being promised; their producer was told to repeat them."}
	DeliveriesCreated = Metric{Name: "DeliveriesCreated", Unit: Count,
		Meaning: "First attempts that were put on a lane; again, where an event was reported again before its delivery had a record."}
	IntakeLatency = Metric{Name: "IntakeLatency", Unit: Milliseconds,
		Meaning: "From a call with events to its answer, by when all of them are recorded and queued."}
)

// What delivery measures.
var (
	DeliveryAttempts = Metric{Name: "DeliveryAttempts", Unit: Count, Dimension: ByLane,
		Meaning: "Attempts that were made."}
	QueueDelay = Metric{Name: "QueueDelay", Unit: Milliseconds, Dimension: ByLane,
		Meaning: "From when an attempt was due to when it began."}
	AttemptDuration = Metric{Name: "AttemptDuration", Unit: Milliseconds,
		Meaning: "How long an attempt took that sent something, from looking up its key to the last byte that was read."}
	TimeToDeliver = Metric{Name: "TimeToDeliver", Unit: Milliseconds,
		Meaning: "From an event's acceptance to the answer that made its delivery a success, where the first attempt did."}
	DeliveriesSucceeded = Metric{Name: "DeliveriesSucceeded", Unit: Count,
		Meaning: "Deliveries that became delivered."}
	DeliveriesExhausted = Metric{Name: "DeliveriesExhausted", Unit: Count,
		Meaning: "Deliveries that became exhausted: their last attempt failed."}
	RetriesScheduled = Metric{Name: "RetriesScheduled", Unit: Count,
		Meaning: "Attempts that failed and are followed by another."}
	AttemptFailures = Metric{Name: "AttemptFailures", Unit: Count, Dimension: ByReason,
		Meaning: "Attempts that failed. docs/api.md has the reasons."}
	DuplicatesSuppressed = Metric{Name: "DuplicatesSuppressed", Unit: Count,
		Meaning: "Messages whose attempt was on record already, so that nothing was sent."}
	MessagesPassedOn = Metric{Name: "MessagesPassedOn", Unit: Count,
		Meaning: "Messages that were put back on a lane, because their origin is slow, or because another message was finding out whether it is."}
	OriginsSlowed = Metric{Name: "OriginsSlowed", Unit: Count,
		Meaning: "How often an origin was marked slow."}
	RecordWriteFailures = Metric{Name: "RecordWriteFailures", Unit: Count,
		Meaning: "Attempts that were made and could not be recorded; their messages stay on the queue."}
	MessagesLeft = Metric{Name: "MessagesLeft", Unit: Count,
		Meaning: "Messages that a fault of ours left on their queue. After five times they are dead letters."}
)

// What recovery, api and all of them measure.
var (
	DeliveriesSwept = Metric{Name: "DeliveriesSwept", Unit: Count,
		Meaning: "Deliveries 15 minutes past their next attempt that the sweep put back on their lane."}
	RecoveryResent = Metric{Name: "RecoveryResent", Unit: Count,
		Meaning: "Deliveries that a recovery put on the slow lane; again, where a page of it had to be repeated."}
	RecoverySkipped = Metric{Name: "RecoverySkipped", Unit: Count,
		Meaning: "Deliveries and events that a recovery left as they are; its record says why."}
	LoginsFailed = Metric{Name: "LoginsFailed", Unit: Count,
		Meaning: "Calls whose credentials were wrong."}
	ColdStart = Metric{Name: "ColdStart", Unit: Count, Dimension: ByFunction,
		Meaning: "Processes that Lambda started and gave an invocation."}
)

// List returns every metric, in the order of docs/metrics.md.
func List() []Metric {
	return []Metric{
		EventsAccepted, EventsDuplicate, EventsUnmatched, EventsHeld, EventsRejected, EventsFailed, DeliveriesCreated, IntakeLatency,
		DeliveryAttempts, QueueDelay, AttemptDuration, TimeToDeliver, DeliveriesSucceeded, DeliveriesExhausted, RetriesScheduled,
		AttemptFailures, DuplicatesSuppressed, MessagesPassedOn, OriginsSlowed, RecordWriteFailures, MessagesLeft,
		DeliveriesSwept, RecoveryResent, RecoverySkipped, LoginsFailed, ColdStart,
	}
}

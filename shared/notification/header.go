package notification

// The headers of a notification. The first two are Cloudinary's; the others let a
// receiver drop what it has seen.
const (
	TimestampHeader = "X-Cld-Timestamp"
	SignatureHeader = "X-Cld-Signature"
	DeliveryHeader  = "X-Mediahooks-Delivery"
	AttemptHeader   = "X-Mediahooks-Attempt"
	// TraceparentHeader names the trace that an event belongs to. A notification
	// has it where the environment has asked for that and the producer named one.
	//
	// Source: W3C, Trace Context, Traceparent Header.
	TraceparentHeader = "Traceparent"
)

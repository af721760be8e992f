package notification

// The headers of a notification. The first two are Cloudinary's; the others let a
// receiver drop what it has seen.
const (
	TimestampHeader = "X-Cld-Timestamp"
	SignatureHeader = "X-Cld-Signature"
	DeliveryHeader  = "X-Mediahooks-Delivery"
	AttemptHeader   = "X-Mediahooks-Attempt"
)

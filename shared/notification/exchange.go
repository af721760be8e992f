package notification

// Request is a signed notification, ready to be POSTed.
type Request struct {
	URL string
	// Header holds the headers that are ours to choose; what HTTP itself needs
	// is added by the sender.
	Header map[string]string
	Body   []byte
}

// Answer is what became of a Request: what the receiver said, or why it could
// not be asked. Whether a status is a success is not decided here.
type Answer struct {
	// StatusCode is 0 where no answer came; Reason then says why.
	StatusCode int
	Reason     Reason
	// Detail is a sentence about the failure, fit to be shown to people.
	Detail string
	// RetryAfter is the header of that name, as it came.
	RetryAfter string
	// Response is the start of the body, at most LastResponseKept bytes.
	Response   []byte
	RemoteAddr string
	Phases     Phases
	// Reused says that the connection had served another request before.
	Reused bool
}

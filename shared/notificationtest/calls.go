package notificationtest

import (
	"maps"
	"net/http"
	"strings"
	"sync"
)

// Calls counts the calls that an AWS client makes, repeats included: set it as
// the client's HTTPClient, over the one that it has. It is for the tests that
// hold an adapter to the calls that a usual case may cost.
type Calls struct {
	Client interface {
		Do(req *http.Request) (*http.Response, error)
	}

	mu     sync.Mutex
	counts map[string]int
}

// Do makes a call, and counts it by its operation.
func (c *Calls) Do(req *http.Request) (*http.Response, error) {
	// Of DynamoDB_20120810.PutItem, say.
	_, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	c.mu.Lock()
	if c.counts == nil {
		c.counts = make(map[string]int)
	}
	c.counts[operation]++
	c.mu.Unlock()
	return c.Client.Do(req)
}

// Take returns how many calls were made of each operation since it was last
// asked.
func (c *Calls) Take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := maps.Clone(c.counts)
	clear(c.counts)
	return taken
}

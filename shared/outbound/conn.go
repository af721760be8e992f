package outbound

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// readAllowance is how many bytes may come over a connection for each exchange,
// and as many between two. The longest answer that is read takes some 200 KiB of it:
// headers, a body as far as it is drained, what is on its way when the reading ends.
// What takes more are frames without end: net/http bounds headers and bodies, but
// would answer every PING and SETTINGS of HTTP/2 until the time is over.
const readAllowance = 256 << 10

// errFlood ends a connection over which more came.
var errFlood = errors.New("more bytes came than an answer can have")

// conn is a connection that ends where its receiver sends too much.
type conn struct {
	net.Conn

	mu sync.Mutex
	// left is what may still come; inUse counts the exchanges it was allowed for.
	left, inUse int
}

// dial makes connections that are bounded, and that notice within half the time
// of an exchange that nobody acknowledges what they send.
func dial(dialer *net.Dialer, timeout time.Duration) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			noticeSilence(tcp, timeout/2)
		}
		return &conn{Conn: c, left: readAllowance}, nil
	}
}

// connOf finds the connection below TLS.
func connOf(c net.Conn) *conn {
	if secured, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = secured.NetConn()
	}
	own, _ := c.(*conn)
	return own
}

// Read fails with errFlood once the allowance is spent.
func (c *conn) Read(b []byte) (int, error) {
	if c.allowance() <= 0 {
		return 0, errFlood
	}
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left -= n
	return n, err
}

func (c *conn) allowance() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left
}

// begin allows for one more exchange.
func (c *conn) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inUse++
	c.left += readAllowance
}

// end takes back what an exchange did not use, so that no allowance is saved up.
func (c *conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inUse--
	c.left = min(c.left, (c.inUse+1)*readAllowance)
}

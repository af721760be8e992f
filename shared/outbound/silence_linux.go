package outbound

import (
	"net"
	"syscall"
	"time"
)

// tcpUserTimeout is TCP_USER_TIMEOUT (RFC 5482), which package syscall lacks.
const tcpUserTimeout = 18

// noticeSilence has the kernel end a connection over which nothing that was sent
// has been acknowledged for so long: a machine or a NAT in between has forgotten
// it. A receiver that is merely slow acknowledges. Without it, a POST on such a
// pooled connection would wait until the time is over, instead of being sent again
// on another one. A connection on which it cannot be set works all the same.
func noticeSilence(c *net.TCPConn, after time.Duration) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(after.Milliseconds()))
	})
}

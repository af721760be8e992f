//go:build !linux

package outbound

import (
	"net"
	"time"
)

// noticeSilence is there on Linux only, which is where Lambda runs.
func noticeSilence(*net.TCPConn, time.Duration) {}

package main

import (
	"io"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// dyingServer answers until it is dead, and then keeps its callers waiting.
type dyingServer struct{ dead atomic.Bool }

func (s *dyingServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.dead.Load() {
		<-r.Context().Done()
		return
	}
	w.WriteHeader(http.StatusOK)
}

// blackHole takes connections and says nothing.
func blackHole() (url string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(io.Discard, conn) // until the sender has had enough
				_ = conn.Close()
			}()
		}
	}()
	return "http://" + listener.Addr().String() + "/hole", nil
}

func percentile(took []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(took))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

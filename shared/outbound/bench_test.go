package outbound_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/outbound"
)

// BenchmarkPost holds Client against a bare net/http POST loop: ten at once, 1 KB
// bodies, one server in the same process for all. cpu-µs/op is the whole
// process's, the server's half included; compare the differences.
func BenchmarkPost(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	}))
	b.Cleanup(srv.Close)
	req := request(srv.URL + "/hook")
	req.Body = bytes.Repeat([]byte("x"), 1024)
	bare := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}, Timeout: 20 * time.Second}
	b.Cleanup(bare.CloseIdleConnections)
	guarded := newClient(b, open(), outbound.Options{})
	ctx := context.Background()
	traced := func() context.Context {
		return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GetConn:              func(string) {},
			GotConn:              func(httptrace.GotConnInfo) {},
			GotFirstResponseByte: func() {},
		})
	}

	b.Run("bare", func(b *testing.B) {
		tenAtOnce(b, func() bool { return barePost(ctx, bare, req) })
	})
	b.Run("bare-httptrace", func(b *testing.B) {
		tenAtOnce(b, func() bool { return barePost(traced(), bare, req) })
	})
	b.Run("client", func(b *testing.B) {
		tenAtOnce(b, func() bool { return guarded.Post(ctx, req).StatusCode == http.StatusOK })
	})
}

func tenAtOnce(b *testing.B, post func() bool) {
	b.ReportAllocs()
	b.SetParallelism((10 + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	before := cpuTime()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if !post() {
				b.Error("not delivered")
				return
			}
		}
	})
	b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

func barePost(ctx context.Context, c *http.Client, r notification.Request) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return false
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	resp, err := c.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkCheckURL is what a URL costs when it is saved, and again at each POST.
func BenchmarkCheckURL(b *testing.B) {
	g := outbound.Guard{}
	for b.Loop() {
		if err := g.CheckURL("uri", "https://hooks.example.com/v1/media?token=0123456789abcdef"); err != nil {
			b.Fatal(err)
		}
	}
}

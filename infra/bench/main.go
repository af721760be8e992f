// Command bench measures what the functions cost, on this machine and in one
// run: their own binaries, run as Lambda runs them, against an AWS that answers
// at once and a receiver that answers 200. What it prints is processor time of the
// function's process alone, and a bare POST loop beside it, since machines differ
// and are noisy. docs/performance.md says how to read it.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// long is how long each figure is measured for.
const long = 4 * time.Second

func run(args []string, out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) == 3 && args[0] == "post" {
		return postLoop(ctx, args[1], args[2])
	}
	if len(args) == 1 && args[0] == "fair" {
		return fair(ctx, out)
	}
	if len(args) == 1 && args[0] == "recover" {
		return recoverMany(ctx, out)
	}
	curves := len(args) == 1 && args[0] == "curves"
	folder := os.Getenv("BIN")
	if folder == "" {
		folder = ".local/build"
	}
	b, err := newBench(ctx, folder)
	if err != nil {
		return err
	}
	defer b.close()
	if curves {
		return b.curves(ctx, out)
	}
	fmt.Fprintf(out, "%-58s %12s  %s\n", "what", "measured", "of what")
	for _, figure := range []func(context.Context) ([]row, error){b.post, b.intake, b.delivery, b.latency, b.memory, b.starts, b.pure} {
		rows, err := figure(ctx)
		if err != nil {
			return err
		}
		for _, r := range rows {
			fmt.Fprintf(out, "%-58s %12s  %s\n", r.what, r.value, r.note)
		}
	}
	return nil
}

// row is a line of the table.
type row struct{ what, value, note string }

// serve starts a server on a free port of this machine.
func serve(handler http.Handler) (*http.Server, string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // ends when it is closed
	return server, "http://" + listener.Addr().String(), nil
}

func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 3, 64) + " ms"
}

func ratio(a, b time.Duration) string { return strconv.FormatFloat(float64(a)/float64(b), 'f', 2, 64) }

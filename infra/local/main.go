// Command local runs Mediahooks on this machine: make run, make up and make
// down are its subcommands. What they are made of is in package stack.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := dispatch(ctx, os.Args[1:], os.Getenv)
	interrupted := ctx.Err() != nil
	stop()
	switch {
	case err == nil:
	case interrupted && errors.Is(err, context.Canceled):
		os.Exit(130) // stopped by hand before it was ready: nothing to explain
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string, getenv func(string) string) error {
	if len(args) != 1 {
		return errors.New("usage: local run|up|down")
	}
	s, err := readSettings(getenv)
	if err != nil {
		return err
	}
	switch args[0] {
	case "run":
		return run(ctx, s, newPrinter(os.Stdout, getenv))
	case "up":
		return up(ctx, s)
	case "down":
		return down(ctx, s)
	case daemonCommand:
		return serve(ctx, s, getenv)
	}
	return fmt.Errorf("unknown command %q: must be run, up or down", args[0])
}

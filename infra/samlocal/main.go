// Command samlocal runs every file in events through sam local invoke, and the
// trigger calls through sam local start-api, and holds the answers against
// testdata/answers.golden. It is make sam-local.
//
// The functions run in containers of the SAM CLI's making; what they call is the
// local stack, deployed from the same template.yaml. Where no Docker engine
// answers, root starts one of Debian's packages, unpacked below .tools, in
// namespaces of its own: it sees no network but its own, and nothing of it is
// left when the command ends.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

func main() {
	update := flag.Bool("update", false, "write testdata/answers.golden instead of holding the answers against it")
	own := flag.Bool("own-engine", false, "start an engine; this is how the command starts itself in namespaces of its own")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *own, *update)
	stop()
	if err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) { // whose process has told why
			fmt.Fprintln(os.Stderr, "make sam-local:", err)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, own, update bool) error {
	root, err := workspace.Root()
	if err != nil {
		return err
	}
	if runtime.GOOS != "linux" {
		return fmt.Errorf("needs Linux, because the functions are built for this machine and run in its containers; this is %s", runtime.GOOS)
	}
	if _, err := workspace.Tool(root, "sam"); err != nil {
		return err
	}
	tools := filepath.Join(root, ".tools")
	if own {
		e, err := startEngine(ctx, tools)
		if err != nil {
			return err
		}
		return errors.Join(check(ctx, root, e, update), e.close())
	}
	e, err := connect(ctx, socketPath(os.Getenv("DOCKER_HOST")))
	if err != nil {
		return inNamespaces(ctx, tools, update, err)
	}
	if e.busybox, err = install(ctx, tools, "busybox-static"); err != nil {
		return err
	}
	return check(ctx, root, e, update)
}

// inNamespaces starts this command once more, where it may start an engine: with
// a network, mounts and process ids of its own. All processes in there end with
// the one that is started here, and that one ends with us.
func inNamespaces(ctx context.Context, tools string, update bool, noEngine error) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w; only root can start one here: start Docker, name it by DOCKER_HOST, or run this as root", noEngine)
	}
	if _, err := exec.LookPath("unshare"); err != nil {
		return fmt.Errorf("%w; to start one here unshare is needed, of Debian's package util-linux", noEngine)
	}
	for _, name := range enginePackages {
		if _, err := install(ctx, tools, name); err != nil {
			return fmt.Errorf("%w; none could be installed here: %w", noEngine, err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child",
		self, "-own-engine", fmt.Sprintf("-update=%t", update))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// A moment to end what it has started, and to remove its temporary folders.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	return cmd.Run()
}

package faults_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/infra/faults"
	"github.com/mediahooks/mediahooks/infra/local/emulator"
	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

// keeper is an emulator that keeps its state when it is restarted. With
// PERSIST_STATE it writes the state of each service to a file when it ends by
// SIGTERM, and reads it when it starts: tables with their items; queues with their
// messages, those that are delayed or invisible included, until the same instant;
// keys, so that what they have encrypted can be decrypted; state machines. It does
// not keep executions that wait: they have failed after a restart, which is why no
// round of this test has any. After SIGKILL it is as it was when it started.
type keeper struct {
	dir, endpoint string
	environ       []string
	// socket stays open, so that the port stays its own: who calls while it is
	// away waits, or finds the connection reset.
	socket *os.File
	cmd    *exec.Cmd
	alive  io.Closer
}

func startKeeper(t *testing.T) *keeper {
	t.Helper()
	listener, err := workspace.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	socket, err := listener.File()
	if err != nil {
		t.Fatal(err)
	}
	k := &keeper{dir: t.TempDir(), endpoint: fmt.Sprintf("http://127.0.0.1:%d", workspace.Port(listener)), socket: socket}
	k.environ = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + k.dir, "TMPDIR=" + k.dir, "LANG=C.UTF-8", "AWS_ENDPOINT_URL=" + k.endpoint,
		"AWS_ACCESS_KEY_ID=" + emulator.AccessKey, "AWS_SECRET_ACCESS_KEY=" + emulator.SecretKey,
		"AWS_DEFAULT_REGION=" + emulator.Region, "MINISTACK_REGION=" + emulator.Region, "MINISTACK_HOST=127.0.0.1",
		fmt.Sprintf("GATEWAY_PORT=%d", workspace.Port(listener)), "IOT_MTLS_ENABLED=0", "SFTP_ENABLED=0", "AUTH=false",
		"DOCKER_HOST=unix://" + filepath.Join(k.dir, "no-docker.sock"),
		"PERSIST_STATE=1", "STATE_DIR=" + filepath.Join(k.dir, "state"), "S3_DATA_DIR=" + filepath.Join(k.dir, "s3"),
	}
	t.Cleanup(func() {
		k.end(syscall.SIGKILL)
		socket.Close()
	})
	if err := k.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *keeper) start(ctx context.Context) error {
	root, err := workspace.Root()
	if err != nil {
		return err
	}
	python, err := workspace.Tool(root, "python")
	if err != nil {
		return err
	}
	// launch.py removes the folder that it runs in when we are gone, so it gets
	// one beside the state's.
	scripts := filepath.Join(k.dir, "scripts")
	if err := os.RemoveAll(scripts); err != nil {
		return err
	}
	if err := os.CopyFS(scripts, os.DirFS(filepath.Join(root, "infra", "local", "emulator"))); err != nil {
		return err
	}
	stdin, alive, err := os.Pipe()
	if err != nil {
		return err
	}
	defer stdin.Close()
	var said strings.Builder
	k.cmd = exec.Command(python, "-I", "launch.py")
	k.cmd.Dir, k.cmd.Env, k.cmd.Stdin, k.cmd.ExtraFiles = scripts, k.environ, stdin, []*os.File{k.socket}
	k.cmd.Stdout, k.cmd.Stderr = &said, &said
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	k.cmd.WaitDelay = time.Second
	k.alive = alive
	if err := k.cmd.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if err := k.ready(ctx); err == nil {
			return nil
		} else if time.Now().After(deadline) {
			k.end(syscall.SIGKILL)
			return fmt.Errorf("start emulator: %w\n%s", err, said.String())
		}
	}
}

func (k *keeper) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.endpoint+"/_ministack/ready", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", res.Status)
	}
	return nil
}

// end ends the emulator: by SIGTERM it writes its state first.
func (k *keeper) end(by syscall.Signal) {
	_ = syscall.Kill(-k.cmd.Process.Pid, by) // it may have ended
	_ = k.cmd.Wait()
	k.alive.Close()
}

// TestNoLossOverRestarts restarts the emulator in the middle of all rounds.
func TestNoLossOverRestarts(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := faults.Build(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	k := startKeeper(t)
	seed := number(t, "FAULT_SEED", 20261124)
	rounds := number(t, "FAULT_RESTART_ROUNDS", 12)
	dice := rand.New(rand.NewPCG(uint64(seed), 0))
	t.Logf("seed %d", seed)
	counts, err := faults.Run(t.Context(), faults.Options{
		Seed: uint64(seed), Test: t.Name(), Rounds: rounds, Only: number(t, "FAULT_ROUND", 0), Binaries: folder, Endpoint: k.endpoint, Log: os.Stderr,
		Restarts: func(ctx context.Context) error {
			for range 3 {
				time.Sleep(time.Second + time.Duration(dice.Int64N(int64(3*time.Second))))
				k.end(syscall.SIGTERM)
				if err := k.start(ctx); err != nil {
					return err
				}
			}
			return nil
		},
	})
	counts.Print(t.Output())
	if err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
}

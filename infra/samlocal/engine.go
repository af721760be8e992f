package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// patience bounds the wait for an engine to start or to end.
const patience = 20 * time.Second

// engine is a Docker engine, ours or one that was there.
type engine struct {
	socket string
	client *http.Client
	// busybox is the path of a static busybox.
	busybox string
	close   func() error
}

// socketPath returns the Unix socket that DOCKER_HOST names, or the usual one.
func socketPath(dockerHost string) string {
	if path, ok := strings.CutPrefix(dockerHost, "unix://"); ok {
		return path
	}
	return "/var/run/docker.sock"
}

// connect returns the engine that answers on a socket.
func connect(ctx context.Context, socket string) (*engine, error) {
	e := &engine{socket: socket, close: func() error { return nil }}
	e.client = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}}
	if err := e.call(ctx, http.MethodGet, "/_ping", nil, nil); err != nil {
		var at *url.Error // which would name a URL that is not one
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, fmt.Errorf("no Docker engine answers: %w", err)
	}
	return e, nil
}

// call calls the engine's API. What it answers is decoded into answer, unless
// that is nil.
func (e *engine) call(ctx context.Context, method, path string, body io.Reader, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://docker"+path, body)
	if err != nil {
		return err
	}
	res, err := e.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, said)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(said, answer)
}

// startEngine starts an engine with its state in a temporary folder. It runs in
// namespaces of its own, where even the loopback interface is still down, and
// where no rule of a firewall is needed.
func startEngine(ctx context.Context, tools string) (*engine, error) {
	programs := unpacked(tools)
	busybox := filepath.Join(programs, "bin", "busybox")
	if err := tool(ctx, "/", busybox, "ip", "link", "set", "lo", "up"); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "mediahooks-docker-")
	if err != nil {
		return nil, err
	}
	logFile, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	defer logFile.Close()
	cgroup := filepath.Base(dir)
	cmd := exec.Command(filepath.Join(programs, "usr", "sbin", "dockerd"),
		"--iptables=false", "--ip6tables=false", "--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--cgroup-parent", cgroup, "--pidfile", filepath.Join(dir, "pid"), "--host", "unix://"+filepath.Join(dir, "socket"))
	cmd.Env = append(os.Environ(),
		"PATH="+filepath.Join(programs, "usr", "sbin")+":"+filepath.Join(programs, "usr", "bin")+":"+os.Getenv("PATH"),
		// Packages of a library that the system has are newer or the same.
		"LD_LIBRARY_PATH="+strings.Join(libraries(programs), ":"))
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // how it ended is in its log
	}()
	end := func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
		}
		return errors.Join(removeGroups(cgroup), os.RemoveAll(dir))
	}
	for deadline := time.Now().Add(patience); ; {
		e, err := connect(ctx, filepath.Join(dir, "socket"))
		if err == nil {
			e.busybox, e.close = busybox, end
			return e, nil
		}
		select {
		case <-ended:
			err = errors.New("it ended at once")
		case <-time.After(50 * time.Millisecond):
			if ctx.Err() == nil && time.Now().Before(deadline) {
				continue
			}
		}
		said, _ := os.ReadFile(logFile.Name())
		return nil, errors.Join(fmt.Errorf("start dockerd: %w\n%s", err, said), end())
	}
}

// removeGroups removes the control groups that the containers were in, which the
// engine leaves behind.
func removeGroups(name string) error {
	var errs []error
	for _, pattern := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
		groups, _ := filepath.Glob(pattern + name) // the patterns are well formed
		for _, group := range groups {
			errs = append(errs, os.Remove(group))
		}
	}
	return errors.Join(errs...)
}

// libraries are the folders of shared libraries below the unpacked packages.
func libraries(programs string) []string {
	var dirs []string
	for _, pattern := range []string{"lib/*-linux-gnu*", "usr/lib/*-linux-gnu*"} {
		found, _ := filepath.Glob(filepath.Join(programs, pattern)) // the patterns are well formed
		dirs = append(dirs, found...)
	}
	return dirs
}

// gateway is the address at which containers reach what listens here: that of the
// engine's bridge, an interface of this machine.
func (e *engine) gateway(ctx context.Context) (string, error) {
	var bridge struct{ Options map[string]string }
	if err := e.call(ctx, http.MethodGet, "/networks/bridge", nil, &bridge); err != nil {
		return "", err
	}
	name := bridge.Options["com.docker.network.bridge.name"]
	device, err := net.InterfaceByName(name)
	if err != nil {
		return "", fmt.Errorf("find the engine's bridge %q; is the engine on another machine? %w", name, err)
	}
	addresses, err := device.Addrs()
	if err != nil {
		return "", err
	}
	for _, address := range addresses {
		if n, ok := address.(*net.IPNet); ok && n.IP.To4() != nil {
			return n.IP.String(), nil
		}
	}
	return "", fmt.Errorf("the engine's bridge %s has no address", name)
}

// makeImage imports an image in which a static program runs, as functions are,
// and in which every process has the given variable. The SAM CLI adds its
// emulation of Lambda to it, for which it needs a shell.
func (e *engine) makeImage(ctx context.Context, name, variable string) error {
	busybox, err := os.ReadFile(e.busybox)
	if err != nil {
		return err
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	headers := []*tar.Header{
		{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777},
		{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "bin/busybox", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(busybox))},
	}
	for _, applet := range []string{"sh", "mv", "chmod"} {
		headers = append(headers, &tar.Header{Name: "bin/" + applet, Typeflag: tar.TypeSymlink, Linkname: "busybox"})
	}
	for _, h := range headers {
		err = errors.Join(err, w.WriteHeader(h))
		if h.Typeflag == tar.TypeReg {
			_, writing := w.Write(busybox)
			err = errors.Join(err, writing)
		}
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	query := url.Values{"fromSrc": {"-"}, "repo": {name}, "tag": {"latest"}, "changes": {"ENV PATH=/bin", "ENV " + variable}}
	return e.call(ctx, http.MethodPost, "/images/create?"+query.Encode(), &layer, nil)
}

// removeImages removes an image with what was built on it.
func (e *engine) removeImages(ctx context.Context, name string) error {
	var images []struct{ RepoTags []string }
	filter := url.QueryEscape(fmt.Sprintf(`{"reference":[%q]}`, name))
	if err := e.call(ctx, http.MethodGet, "/images/json?filters="+filter, nil, &images); err != nil {
		return err
	}
	var errs []error
	for _, image := range images {
		for _, tag := range image.RepoTags {
			errs = append(errs, e.call(ctx, http.MethodDelete, "/images/"+tag+"?force=true", nil, nil))
		}
	}
	return errors.Join(errs...)
}

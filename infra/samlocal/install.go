package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// enginePackages are what an engine consists of, the libraries that it needs
// beyond those that a system with apt-get has, and what its image is made of.
var enginePackages = []string{"docker.io", "containerd", "runc", "libdevmapper1.02.1", "libseccomp2", "busybox-static"}

// unpacked is the folder below tools that the packages are in.
func unpacked(tools string) string { return filepath.Join(tools, "debian") }

// install unpacks a package of the distribution below tools, once, and returns the
// path of its busybox, if it is that. Nothing is installed into the system: no
// service is started there and no group made.
func install(ctx context.Context, tools, name string) (busybox string, err error) {
	to := unpacked(tools)
	busybox = filepath.Join(to, "bin", "busybox")
	done := filepath.Join(to, "."+name)
	if _, err := os.Stat(done); err == nil {
		return busybox, nil
	}
	for _, program := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("Debian's package %s is needed, and there is no %s to unpack it with", name, program)
		}
	}
	fmt.Printf("Unpacking Debian's %s below %s (once)\n", name, filepath.Base(tools))
	fetched := filepath.Join(to, "fetched")
	if err := errors.Join(os.RemoveAll(fetched), os.MkdirAll(fetched, 0o755)); err != nil { //nolint:gosec // apt-get fetches as another user
		return "", err
	}
	if err := tool(ctx, fetched, "apt-get", "download", "--quiet", name); err != nil {
		// The usual reason: a fresh machine whose lists are empty.
		if err := errors.Join(tool(ctx, fetched, "apt-get", "update", "--quiet"), tool(ctx, fetched, "apt-get", "download", "--quiet", name)); err != nil {
			return "", err
		}
	}
	archives, err := filepath.Glob(filepath.Join(fetched, "*.deb"))
	if err != nil {
		return "", err
	}
	if len(archives) != 1 {
		return "", fmt.Errorf("apt-get download %s: left %d packages", name, len(archives))
	}
	if err := tool(ctx, to, "dpkg-deb", "--extract", archives[0], to); err != nil {
		return "", err
	}
	return busybox, errors.Join(os.RemoveAll(fetched), os.WriteFile(done, nil, 0o600))
}

// tool runs a program in a folder; its error ends with what the program said.
func tool(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, args[0], err, strings.TrimSpace(string(said)))
	}
	return nil
}

// Package release_test holds make build to what is deployed: the same bytes of
// the same sources, whoever builds them and wherever.
package release_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

// sources are what the functions are built from.
var sources = []string{"go.mod", "go.sum", "Makefile", "functions", "shared", "infra/api"}

// TestSameBytes builds the functions in two folders that differ in all that a
// build could take along: their paths, that one is under version control and the
// other is not, the clock's zone and the language.
func TestSameBytes(t *testing.T) {
	root, err := workspace.Root()
	if err != nil {
		t.Fatal(err)
	}
	plain, versioned := t.TempDir(), filepath.Join(t.TempDir(), "a", "longer", "path", "to", "a clone")
	for _, dir := range []string{plain, versioned} {
		for _, source := range sources {
			copyTree(t, filepath.Join(root, source), filepath.Join(dir, source))
		}
	}
	git := []string{"-c", "user.name=Someone", "-c", "user.email=someone@shop.example", "-c", "commit.gpgsign=false"}
	for _, command := range [][]string{{"init", "--quiet"}, {"add", "."}, {"commit", "--quiet", "--message", "a commit"}} {
		execute(t, versioned, nil, "git", append(git, command...)...)
	}
	first := build(t, plain, "TZ=UTC", "LANG=C")
	second := build(t, versioned, "TZ=Asia/Tokyo", "LANG=de_DE.UTF-8")
	if len(first) == 0 {
		t.Fatal("make build has built nothing")
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the binaries' digests (-one folder +the other):\n%s", diff)
	}
}

// build has make build the functions as for AWS, and returns the digests of the
// binaries by their paths.
func build(t *testing.T, dir string, env ...string) map[string]string {
	t.Helper()
	arch := "arm64"
	if runtime.GOARCH == "amd64" { // what the local stack has compiled already
		arch = "x86_64"
	}
	// This machine's own Go will do: the flags are what is tested. What GOFLAGS
	// says here is Go's own default, and may be set otherwise on this machine.
	execute(t, dir, append(env, "GOFLAGS=-buildvcs=auto"), "make", "build", "ARCH="+arch, "TOOLCHAIN=local")
	digests := map[string]string{}
	err := filepath.WalkDir(filepath.Join(dir, "bin"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		binary, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		digests[name] = fmt.Sprintf("%x", sha256.Sum256(binary))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return digests
}

// execute runs a program in a folder, without what an outer make has put into the
// environment.
func execute(t *testing.T, dir string, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MAKE") && !strings.HasPrefix(v, "MFLAGS=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, said)
	}
}

// copyTree copies a file, or a folder with all that is in it.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o750)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o750); err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

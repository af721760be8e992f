// Package workspace finds what the local commands work on: the root of the
// module, the tools that make tools has installed, and free ports.
package workspace

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// Root returns the folder of the go.mod at or above the current folder.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod at or above the current folder")
		}
		dir = parent
	}
}

// Tool returns the path of a program in the module's .venv.
func Tool(root, name string) (string, error) {
	path := filepath.Join(root, ".venv", "bin", name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is not installed: run make tools", filepath.Join(".venv", "bin", name))
	}
	return path, nil
}

// Listen opens a port on 127.0.0.1; port 0 asks for a free one.
func Listen(port int) (*net.TCPListener, error) {
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	return l.(*net.TCPListener), nil
}

// Port returns the port that a listener is on.
func Port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

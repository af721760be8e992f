package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/mediahooks/mediahooks/infra/local/demo"
	"github.com/mediahooks/mediahooks/infra/local/stack"
	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

// settings are what the environment says, which make fills from its variables.
type settings struct {
	// dir is where logs, the environment file and the process id are kept.
	dir                string
	port, emulatorPort stack.Port
	params             map[string]string
	waitScale          float64
}

// readSettings reads the settings and reports every fault at once.
func readSettings(getenv func(string) string) (settings, error) {
	root, err := workspace.Root()
	if err != nil {
		return settings{}, err
	}
	s := settings{dir: filepath.Join(root, ".local")}
	if dir := getenv("LOCAL_DIR"); dir != "" { // for the tests, beside a stack in use
		s.dir = dir
	}
	var errs []error
	s.port, err = readPort(getenv, "PORT", 8080)
	errs = append(errs, err)
	s.emulatorPort, err = readPort(getenv, "EMULATOR_PORT", 4566)
	errs = append(errs, err)
	s.params, err = stack.ParseParams(getenv("PARAMS"))
	errs = append(errs, err)
	if text := getenv("WAIT_SCALE"); text != "" {
		if s.waitScale, err = strconv.ParseFloat(text, 64); err != nil || !(s.waitScale > 0 && s.waitScale <= 1) {
			errs = append(errs, fmt.Errorf("WAIT_SCALE %q: must be a number above 0 and at most 1", text))
		}
	}
	return s, errors.Join(append(errs, os.MkdirAll(s.dir, 0o750))...)
}

// readPort reads a port. One that is given must be free; the usual one gives
// way to the next.
func readPort(getenv func(string) string, name string, usual int) (stack.Port, error) {
	text := getenv(name)
	if text == "" {
		return stack.Port{Number: usual, OrNext: true}, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 65535 {
		return stack.Port{}, fmt.Errorf("%s %q: must be a number from 1 to 65535", name, text)
	}
	return stack.Port{Number: n}, nil
}

// options are those of the stack, but for what each command adds.
func (s settings) options(command string) stack.Options {
	return stack.Options{
		Port:         s.port,
		EmulatorPort: s.emulatorPort,
		Params:       s.params,
		WaitScale:    s.waitScale,
		LogPrefix:    filepath.Join(s.dir, command+"-"),
		Provision:    demo.Provision,
	}
}
